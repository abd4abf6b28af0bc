"""Crossing encounters drawn at random, told in time against the true courses [D13].

Truth is in floats; the target sends what its receiver knows: positions to 0.01", speed and direction to a whole
unit, repeated with the revision counter between fixes, at any phase, with losses.
"""

import math
import random

import pytest

from coretools import Drive, frame

TOLERANCE_MS = 150


class Sender:
    """A target on a straight course that passes `ahead_m` before ego at `at_ms`; fixes every `period_ms`."""

    def __init__(self, rng):
        self.kmh = rng.choice((30, 50, 70, rng.randint(10, 90)))
        self.direction = rng.choice((90, 270, rng.randint(35, 145), rng.randint(215, 325)))
        self.ahead_m = rng.uniform(3, 25)
        self.period_ms = rng.choice((100, 100, 200, 500, 1000))
        self.phase_ms = rng.randrange(100)
        self.fix_phase_ms = rng.randrange(self.period_ms)
        self.error = rng.choice((1, 3, 10))
        self.loss = rng.choice((0, 0, 0.1))
        self.at_ms = 22_000
        self.counter = 0

    def position(self, t):
        way = (t - self.at_ms) / 1000 * self.kmh / 3.6
        angle = math.radians(self.direction)
        return self.ahead_m + way * math.cos(angle), way * math.sin(angle)

    def due_ms(self, seconds, error_m):
        """When distance - error is `seconds` of way."""
        return self.at_ms - 1000 * (seconds + error_m * 3.6 / self.kmh)

    def payload(self, t):
        fixed = (t - self.fix_phase_ms) // self.period_ms * self.period_ms + self.fix_phase_ms
        north_m, east_m = self.position(fixed)
        self.counter += 1
        revision = (t - fixed) // 100 + 1
        return frame(7, self.counter, north_m, east_m, self.kmh, self.direction, self.error, min(revision, 10))


@pytest.mark.parametrize("seed", [*range(20), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(20, 60))])
def test_told_in_time(seed):
    rng = random.Random(seed)
    drive, sender = Drive(), Sender(rng)
    error_m = 2 + sender.error
    drive.stand()
    # Every message and cycle in the order of their times, a cycle after the messages of the same time
    steps = [(t, 1) for t in range(1100, 22_000, 100)]
    steps += [(t + sender.phase_ms, 0) for t in range(1100, 22_000, 100) if rng.random() >= sender.loss]
    for t, kind in sorted(steps):
        drive.ticks_due(t)
        if kind:
            drive.fix(t)
            drive.tick(t)
        else:
            drive.message(t, sender.payload(t))
    first = {}
    for record in drive.supports():
        first.setdefault(record["level"], record["t"])
    for level, early, late in ((1, 5.1, 4.1), (2, 4.1, 3.6)):
        low, high = sender.due_ms(early, error_m), sender.due_ms(late, error_m)
        assert low - TOLERANCE_MS <= first[level] <= high + TOLERANCE_MS, (level, first[level] - high, vars(sender))
    assert drive.of("hmi")[0]["direction"] == (1 if sender.direction < 180 else 2)
