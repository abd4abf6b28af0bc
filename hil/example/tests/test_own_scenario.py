"""A scenario of one's own, and a switch that is pressed in the middle of it."""

# Ego comes up to a crossing and stops; a lorry comes from the right
LORRY = {
    "duration_s": 20,
    "vehicle": [
        {"name": "ego", "ego": True, "heading_deg": 0, "north_m": -49, "speed_kmh": 30,
         "motion": [{"for_s": 1}, {"until_kmh": 0, "accel_mps2": -1}, {"for_s": 10}]},
        {"name": "lorry", "seed": 3, "kind": "large_truck", "heading_deg": 270, "east_m": 190, "speed_kmh": 50},
    ],
}  # fmt: skip


def test_muted_is_silent_and_still_lit(scenario, pins, switches):
    drive = scenario(LORRY, from_s=5)
    pins.tone(1000, within_s=20)
    muted_ns = switches.press("mute", 1)
    drive.wait(drive.t_s + 2)
    late = [one for one in pins.seen if one.hz and one.t_ns > muted_ns + 300_000_000]
    assert late == []
    assert pins.is_lit("right")
