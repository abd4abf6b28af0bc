"""Ignition off and on again: another id, another address of the radio [G 3.7(d)], lamps and tone tested each time."""

from collections.abc import Callable
from itertools import dropwhile

import pytest

from asvrig.latency.probes import Seen

from .bench import LAMPS, READY_S, Bench, read
from .car import MS
from .hmi_table import table

CYCLES = 3
SELF_TEST_MS = 1000


@pytest.mark.long
@pytest.mark.needs("air")
def test_another_id_and_another_address(bench: Bench, measured: Callable[..., None]) -> None:
    """The id is drawn anew at each ignition and kept until the next; the radio's address as well."""
    ids, sources = [], []
    for cycle in range(CYCLES):
        begun_ns = bench.after(0)
        bench.unit({"hmi": {"self_test": True}}, anew=True)
        measured(f"ready_{cycle}", bench.event("ready")["after_s"], "s")
        bench.target.air.clear()
        bench.frame(lambda told: told["latitude_deg"] is not None)
        heard = bench.hear(12)
        told = {read(one.payload)["vehicle_id"] for one in heard}
        assert told == {bench.event("start")["vehicle_id"]}
        named = {one.source for one in heard}
        assert len(named) == 1
        ids.append(told.pop())
        sources.append(named.pop())
        if "pins" in bench.target.abilities:
            check_self_test(bench, begun_ns)
    assert len(set(ids)) == CYCLES
    assert len(set(sources)) == CYCLES


def check_self_test(bench: Bench, begun_ns: int) -> None:
    """All lamps for a second, the one soft tone for its 150 ms."""
    bench.event("self_test", READY_S, state="end")
    tone = lit(bench, "buzzer", begun_ns)
    assert [(one.value, one.hz) for one in tone] == [(1, table()["information"].asked_hz), (0, 0)]
    assert tone[1].t_ns - tone[0].t_ns == pytest.approx(150 * MS, rel=0.35)
    for lamp in LAMPS:
        seen = lit(bench, lamp, begun_ns)
        assert [one.value for one in seen] == [1, 0], lamp
        assert seen[1].t_ns - seen[0].t_ns == pytest.approx(SELF_TEST_MS * MS, rel=0.25)
    assert all(lit(bench, lamp, begun_ns) for lamp in ("system", "receiving", "fault"))


def lit(bench: Bench, name: str, begun_ns: int) -> list[Seen]:
    """What was seen of it from its first lighting on: a pin may be written low when it is opened."""
    return list(dropwhile(lambda one: not one.value, bench.seen(name, begun_ns)))


@pytest.mark.long
@pytest.mark.needs("air")
def test_silent_while_it_is_off(bench: Bench) -> None:
    """Nothing is on the air without a unit, and the first frame of the next tells a counter of its own."""
    bench.unit()
    bench.end()
    bench.target.air.clear()
    bench.after(0.5)
    assert bench.target.air.heard == []
