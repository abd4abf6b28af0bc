"""From a cause to the pin, seen from outside: the four kinds of causes, each at random phases of the unit's cycle."""

import random
import time
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from asvrig.latency.bench import Bench as LatencyBench
from asvrig.latency.car import BenchCar
from asvrig.latency.statistics import Distribution
from asvrig.latency.stimuli import STIMULI
from asvrig.targets.target import CanLine, Receiver, Target
from asvunit.errors import AsvkitError

from .bench import READY_S, WAIT_S, Bench
from .conftest import option

LIMIT_MS = 300.0  # the guideline's system delay [G 3.4(4)]
TIMEOUT_S = 3.0


class Line:
    """The target's receiver as that car writes to it; the target serves and closes it itself."""

    def __init__(self, receiver: Receiver) -> None:
        self.write = receiver.write

    def service(self) -> None:
        pass

    def close(self) -> None:
        pass


class Bus(Line):
    """Its bus, in the same way."""

    def __init__(self, can: CanLine) -> None:
        self.send = can.send


class LatencyCar:
    """A unit with the car of the latency bench, for as long as a test lasts."""

    def __init__(self, bench: Bench, kind: str) -> None:
        self._bench, self.target = bench, bench.target
        bench.release()
        tables: dict[str, Any] = {"hmi": {"self_test": False}, **tomllib.loads(STIMULI[kind].unit)}
        self.car = BenchCar(Line(self.target.receiver), Bus(self.target.can), self.target.air.sender(0))
        self.unit = self.target.start(tables)

    def __enter__(self) -> "LatencyCar":
        self.unit.wait_ready(READY_S)
        assert self._heading() is not None
        self.car.stop_at_the_line()
        time.sleep(1.5)  # it is taken to stand, and what it met is forgotten
        return self

    def __exit__(self, *_told: object) -> None:
        self.car.close()
        self.unit.stop()

    def alive(self) -> None:
        if self.unit.exit_code is not None:
            raise AsvkitError(f"the unit ended with code {self.unit.exit_code}")

    def _heading(self) -> object:
        return self.unit.wait_event(
            lambda one: one["event"] == "support" and one["vehicle_id"] is None and one["reason"] == "ready",
            WAIT_S,
        )


@pytest.mark.long
@pytest.mark.needs("pins", "air")
@pytest.mark.parametrize("kind", ["can", "radio", "gnss", pytest.param("switch", marks=pytest.mark.needs("switches"))])
def test_cause_to_pin(
    bench: Bench, kind: str, pytestconfig: pytest.Config, measured: Callable[..., None], target: Target
) -> None:
    """All are seen, and within the guideline's 0.3 s; the figures stand in the results."""
    count = option(pytestconfig, "samples", 20)
    seed = option(pytestconfig, "seed", None) or random.randrange(1 << 30)
    assert count
    with LatencyCar(bench, kind) as under_test:
        stimulus = STIMULI[kind](under_test.car, target.switches.press)
        samples = LatencyBench(stimulus, target.pins, seed, under_test.alive, TIMEOUT_S).run(count)
    assert not samples.ended, samples.ended
    taken = [one for one in samples.all if not one.early]
    assert len(taken) >= 0.9 * count, f"seed {seed}"
    for what in ("light", "sound"):
        if getattr(samples, what) is None:
            continue
        seen_ns = [getattr(one, f"{what}_ns") for one in taken]
        came_ms = [(seen - one.sent_ns) / 1e6 for seen, one in zip(seen_ns, taken, strict=True) if seen is not None]
        told = Distribution(came_ms, missing=seen_ns.count(None)).summary(LIMIT_MS)
        for name in ("p50", "p95", "max"):
            value = told[name]["value"] if name != "max" else told[name]
            if value is not None:
                measured(f"{kind}_to_{what}_{name}", value, "ms")
        assert told["missing"] == 0, f"seed {seed}"
        assert told["p95"]["value"] < LIMIT_MS, f"seed {seed}"
