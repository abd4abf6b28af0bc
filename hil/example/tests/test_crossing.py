"""A scenario that comes with asvkit, entered shortly before it becomes interesting."""


def test_the_driver_is_cautioned_of_a_car_that_comes_from_the_left(scenario, pins, measured):
    drive = scenario("crossing_50", from_s=5)
    pins.lit("information", within_s=15)
    caution = pins.lit("caution", within_s=10)
    assert pins.tone(1000).t_ns >= drive.start_ns
    assert pins.is_lit("left")
    measured("caution after the begin of the scenario", (caution.t_ns - drive.start_ns) / 1e9, "s")
