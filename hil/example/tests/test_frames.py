"""The unit's own frames, as another vehicle hears them."""

from itertools import pairwise
from statistics import mean


def test_a_frame_is_sent_each_tenth_of_a_second(scenario, radio_peer, measured):
    drive = scenario("crossing_50")
    told = radio_peer.hear(within_s=15, brake=True)
    assert told["vehicle_kind"] == "car"
    drive.wait(8)
    gaps_ms = [(b.t_ns - a.t_ns) / 1e6 for a, b in pairwise(radio_peer.heard)]
    measured("mean gap between frames", mean(gaps_ms), "ms")
    assert abs(mean(gaps_ms) - 100) < 2
