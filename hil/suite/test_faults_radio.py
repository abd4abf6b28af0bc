"""Faults on the air: nobody is heard any more, too much is, and what is heard is not true."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from .bench import LAMPS, Bench
from .catalogue import FAULTS, faulty
from .faults import cautions

FLOOD_PER_S = 3000


@pytest.mark.long
@faulty("radio_gone")
def test_radio_gone(bench: Bench, measured: Callable[..., None]) -> None:
    """What was begun goes on: darkness must not read as "all clear" [G 3.9(1)]."""
    bench.unit()
    bench.headed()
    cautions(bench)
    since, begun_ns = bench.count, bench.after(0)
    bench.car.part()
    took_s = (bench.shows("receiving", 0, begun_ns).t_ns - begun_ns) / 1e9
    measured("radio_gone_shown", round(took_s, 3), "s")
    assert took_s <= FAULTS["radio_gone"].within_s
    assert bench.shown("caution", "information")
    bench.event("support", since=since, reason="target_lost")
    bench.after(1.0)
    assert bench.shown("caution", "information")
    bench.dark()
    assert bench.told("support", since=since, level="none")  # it ended, held, without a cue
    assert not [one for one in bench.told("hmi", since=since) if one["cue"] and one["level"] != "caution"]
    cautions(bench)


@contextmanager
def flood(bench: Bench) -> Iterator[list[int]]:
    """Frames of versions and lengths that no unit sends, from two radios; how many so far."""
    senders = [bench.target.air.sender(900), bench.target.air.sender(901)]
    junk = [
        b"\xa5" * 100,
        b"\x02" + b"\0" * 99,
        b"\xa5" * 99,
        b"\xff" * 178,
        b"x",
    ]
    ended, sent = threading.Event(), [0]

    def run() -> None:
        begun_ns = time.monotonic_ns()
        while not ended.is_set():
            due = (time.monotonic_ns() - begun_ns) * FLOOD_PER_S // 10**9
            while sent[0] < due and not ended.is_set():
                senders[sent[0] % 2].send(junk[sent[0] % len(junk)])
                sent[0] += 1
            ended.wait(0.002)

    thread = threading.Thread(target=run, name="flood", daemon=True)
    thread.start()
    try:
        yield sent
    finally:
        ended.set()
        thread.join()
        for sender in senders:
            sender.close()


@pytest.mark.long
@faulty("radio_flooded")
def test_radio_flooded(bench: Bench, measured: Callable[..., None]) -> None:
    bench.unit()
    bench.headed()
    since = bench.count
    with flood(bench) as sent:
        bench.event("status", since=since, input="radio", state="overloaded")
        begun_ns = bench.after(0)
        caution_ns = cautions(bench, within_s=4.0)
        measured("radio_flooded_caution", round((caution_ns - begun_ns) / 1e9, 3), "s")
        bench.hear(10)
    measured("radio_flooded_frames", sent[0], "")
    bench.state("radio", "ok")
    assert bench.running.exit_code is None


@pytest.mark.long
@faulty("radio_forged")
def test_radio_forged(bench: Bench) -> None:
    """Neither is believed; and the one that is signed right, at the same place, is."""
    bench.unit()
    bench.headed()
    since, begun_ns = bench.count, bench.after(0)
    for signed in ("unsigned", "forged"):
        bench.car.meet(east_m=40, north_m=150, speed_kmh=50, direction_deg=180, signed=signed)
    bench.event("trailer", since=since, reason="bad_signature")
    bench.after(1.5)
    assert bench.told("support", since=since, function="emergency", level="information") == []
    assert not [name for name in LAMPS if bench.seen(name, begun_ns)]
    bench.car.part()
    bench.car.meet(east_m=40, north_m=150, speed_kmh=50, direction_deg=180, signed="right")
    bench.shows("information", 1, begun_ns)
