"""A fault: what matters to the driver is shown within a second."""

import time

import pytest


@pytest.mark.needs("unplug")
def test_a_receiver_that_is_pulled_out_lights_the_fault_lamp(scenario, pins, receiver, measured):
    scenario("crossing_50")
    pins.dark("fault", within_s=10)  # it has fix and bus
    pins.skip()
    begin_ns = time.monotonic_ns()
    receiver.unplug()
    measured("fault shown", (pins.lit("fault", within_s=1).t_ns - begin_ns) / 1e6, "ms")
