"""Faults of the receiver and of the car's bus: what the driver sees, in time, and how it ends."""

import time
from collections.abc import Callable

import pytest

from .bench import LAMPS, Bench
from .catalogue import faulty
from .faults import cautions, recovers, shown
from .test_lamps import from_the_left

# The receiver


@pytest.mark.long
@faulty("gnss_silent")
def test_gnss_silent(bench: Bench, measured: Callable[..., None]) -> None:
    bench.unit()
    bench.headed()
    cautions(bench)
    since, begun_ns = bench.count, bench.car.receiver("silent")
    shown(bench, "gnss_silent", begun_ns, measured)
    assert bench.shown("caution")  # the support goes on without a position
    told = bench.event("status", since=since, input="gnss", state="silent")
    assert told["reason"] == "timeout"
    bench.event("own_message", since=since, position=False)
    bench.car.receiver("good")
    recovers(bench)


@pytest.mark.long
@faulty("gnss_no_fix")
def test_gnss_no_fix(bench: Bench, measured: Callable[..., None]) -> None:
    bench.unit()
    bench.headed()
    since, begun_ns = bench.count, bench.car.receiver("void")
    shown(bench, "gnss_no_fix", begun_ns, measured)
    assert bench.event("status", since=since, input="gnss", state="stale")["reason"] == "void"
    from_the_left(bench)
    bench.after(2.0)
    assert not bench.seen("caution", begun_ns)  # no position: nothing can be said of a conflict
    bench.car.receiver("good")
    recovers(bench)
    bench.unit()
    bench.headed()
    cautions(bench)


@pytest.mark.long
@faulty("gnss_frozen")
def test_gnss_frozen(bench: Bench, measured: Callable[..., None]) -> None:
    bench.unit()
    bench.car.drive(60)
    bench.frame(lambda told: told["speed_kmh"] == 60)
    since, begun_ns = bench.count, bench.car.receiver("frozen")
    shown(bench, "gnss_frozen", begun_ns, measured)
    bench.event("status", since=since, input="gnss", state="implausible", reason="frozen")
    bench.car.receiver("good")
    recovers(bench)


@pytest.mark.long
@faulty("gnss_repeated")
def test_gnss_repeated(bench: Bench, measured: Callable[..., None]) -> None:
    bench.unit()
    since, begun_ns = bench.count, bench.car.receiver("repeated")
    shown(bench, "gnss_repeated", begun_ns, measured)
    bench.event("status", since=since, input="gnss", state="implausible", reason="time_repeated")
    bench.car.receiver("good")
    recovers(bench)


@pytest.mark.long
@faulty("gnss_jumping")
def test_gnss_jumping(bench: Bench) -> None:
    """Vehicles around it stand still: none of them is a danger, wherever the receiver says the car is."""
    bench.unit()
    bench.headed()
    since = bench.count
    for side_m in (-30, 30):
        bench.car.meet(east_m=side_m, north_m=40, speed_kmh=0, direction_deg=90)
    begun_ns = bench.car.receiver("jumping")
    bench.after(3.0)
    assert not [name for name in LAMPS if bench.seen(name, begun_ns)]
    assert bench.told("support", since=since, level="caution") == []
    bench.car.part()
    bench.car.receiver("good")
    bench.after(1.5)  # a leap of the receiver may last for one of its seconds
    cautions(bench)


@faulty("gnss_garbage")
def test_gnss_garbage(bench: Bench, measured: Callable[..., None]) -> None:
    bench.unit()
    since, begun_ns = bench.count, bench.car.receiver("garbage")
    shown(bench, "gnss_garbage", begun_ns, measured)
    bench.event("status", since=since, input="gnss", state="silent", reason="timeout")
    bench.car.receiver("good")
    recovers(bench)


@pytest.mark.long
@faulty("gnss_unplugged")
def test_gnss_unplugged(bench: Bench, measured: Callable[..., None]) -> None:
    bench.unit()
    since, begun_ns = bench.count, bench.after(0)
    bench.target.receiver.unplug()
    try:
        shown(bench, "gnss_unplugged", begun_ns, measured)
        bench.event("status", since=since, input="gnss", state="disconnected")
    finally:
        bench.target.receiver.plug()
    recovers(bench)


# The car's bus


@faulty("can_silent")
def test_can_silent(bench: Bench, measured: Callable[..., None]) -> None:
    bench.unit()
    since, begun_ns = bench.count, bench.car.bus("silent")
    shown(bench, "can_silent", begun_ns, measured)
    bench.event("signal", since=since, signal="winker", state="stale")
    bench.event("status", since=since, input="can")
    bench.car.bus("good")
    recovers(bench)


@pytest.mark.long
@faulty("can_stale")
def test_can_stale(bench: Bench, measured: Callable[..., None]) -> None:
    """The winker is no longer known: a turn support ends or is held, and a new one does not begin."""
    bench.unit()
    bench.headed()
    since, begun_ns = bench.count, bench.car.bus("stale")
    told = bench.event("signal", since=since, signal="winker", state="stale")
    assert told["reason"] == "timeout"
    bench.frame(lambda one: one["winker"] is None and one["speed_kmh"] == 0)
    measured("can_stale_known", round((time.monotonic_ns() - begun_ns) / 1e9, 3), "s")
    bench.car.winker("right")
    bench.car.meet(east_m=3, north_m=60, speed_kmh=40, direction_deg=180)
    bench.after(1.5)
    assert not bench.seen("caution", begun_ns)
    bench.car.part()
    bench.car.winker("off")
    bench.car.bus("good")
    bench.event("signal", since=since, signal="winker", state="ok")
    recovers(bench)


@pytest.mark.long
@faulty("can_implausible")
def test_can_implausible(bench: Bench, measured: Callable[..., None]) -> None:
    bench.unit()
    since, begun_ns = bench.count, bench.car.bus("implausible")
    shown(bench, "can_implausible", begun_ns, measured)
    bench.event("signal", since=since, signal="speed", state="implausible")
    bench.car.bus("good")
    recovers(bench)


@pytest.mark.long
@faulty("can_unplugged")
def test_can_unplugged(bench: Bench, measured: Callable[..., None]) -> None:
    bench.unit()
    since, begun_ns = bench.count, bench.after(0)
    bench.target.can.unplug()
    try:
        shown(bench, "can_unplugged", begun_ns, measured)
        bench.event("status", since=since, input="can", state="disconnected")
    finally:
        bench.target.can.plug()
    recovers(bench)


@pytest.mark.long
@faulty("can_bus_off")
def test_can_bus_off(bench: Bench, measured: Callable[..., None]) -> None:
    bench.unit()
    since, begun_ns = bench.count, bench.after(0)
    undo = bench.target.fault("bus_off")
    try:
        shown(bench, "can_bus_off", begun_ns, measured)
        bench.event("status", since=since, input="can", state="disconnected", reason="bus_off")
    finally:
        undo()
    recovers(bench)
