"""Every support function to its lamps and tones, by the table of docs/hmi.md; the unit's own lamps; the switches."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import pytest

from asvrig.latency.light import LightChange, pattern
from asvrig.latency.probes import Seen

from .bench import Bench, lengths_ms
from .car import MS
from .hmi_table import Beat, table

BEHIND_M = 66.0  # of the motorcycle: it comes up to L3 in a moment
PLAIN: dict[str, dict[str, Any]] = {
    "hmi": {"information_sound": True},
    "surrounding": {"enabled": False, "shown": "always"},
}
NEAR = 0.25  # a machine that is emulated stumbles; the middle of all periods does not


@dataclass(frozen=True)
class Encounter:
    """One function: how it comes about, which lamps of direction it lights, the highest level."""

    function: str
    arrange: Callable[[Bench], None]
    sides: tuple[str, ...]
    level: str = "caution"
    over: Callable[[Bench], None] = lambda bench: bench.car.drive(20)  # ego goes: the support ends at once [D15]


def from_the_left(bench: Bench) -> None:
    bench.car.meet(east_m=-92, north_m=5, speed_kmh=60, direction_deg=90)


def from_the_right(bench: Bench) -> None:
    bench.car.meet(east_m=92, north_m=5, speed_kmh=60, direction_deg=270)


def from_both(bench: Bench) -> None:
    from_the_left(bench)
    from_the_right(bench)


def oncoming(bench: Bench) -> None:
    bench.car.winker("right")
    bench.car.meet(east_m=3, north_m=64, speed_kmh=40, direction_deg=180)


def motorcycle(bench: Bench) -> None:
    bench.car.drive(20)
    bench.car.winker("left")
    bench.frame(lambda told: told["winker"] == "left" and told["speed_kmh"] >= 19)
    bench.car.meet(east_m=-1.5, north_m=-BEHIND_M, speed_kmh=40, direction_deg=0, kind="motorcycle")


def ambulance(bench: Bench) -> None:
    bench.car.meet(east_m=40, north_m=150, speed_kmh=50, direction_deg=180, signed="right")


def winker_off(bench: Bench) -> None:
    bench.car.winker("off")


def parted(bench: Bench) -> None:
    bench.car.part()


ENCOUNTERS = {
    "crossing_left": Encounter("crossing", from_the_left, ("left",)),
    "crossing_right": Encounter("crossing", from_the_right, ("right",)),
    "crossing_both": Encounter("crossing", from_both, ("left", "right")),
    "right_turn": Encounter("right_turn", oncoming, (), over=winker_off),
    "left_turn": Encounter("left_turn", motorcycle, ("left",), over=winker_off),
    "emergency": Encounter("emergency", ambulance, (), level="information", over=parted),
}
EVERYDAY = ("crossing_left",)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] * (name not in EVERYDAY)) for name in ENCOUNTERS]
)
@pytest.mark.needs("pins", "air")
def test_function(bench: Bench, name: str, measured: Callable[..., None]) -> None:
    """Information before caution, each with its light and sound, and the side to look to; dark when ego acts."""
    one = ENCOUNTERS[name]
    bench.unit()
    bench.headed()
    since, begun_ns = bench.count, bench.after(0)
    one.arrange(bench)
    lit_ns = bench.shows("information", 1, begun_ns).t_ns
    shown = bench.event("hmi", since=since, function=one.function, level="information", cue=True)
    assert shown["colour"] == "blue"
    if one.level == "caution":
        caution_ns = bench.shows("caution", 1, lit_ns).t_ns
        assert not list(bench.seen("information", lit_ns + 1, caution_ns - 50 * MS))  # it was steady
        until_ns = bench.after(2.3, caution_ns)
        check_flashes(bench, "caution", caution_ns, until_ns)
        measured(f"{name}_tone", check_tone(bench, "caution", caution_ns, until_ns), "Hz")
        assert bench.event("hmi", since=since, function=one.function, level="caution", cue=True)["colour"] == "yellow"
    else:
        until_ns = bench.after(1.0, lit_ns)
    for side in ("left", "right"):
        assert bench.lit(side) == (side in one.sides), side
    assert not [name for name in silent_lamps(one) if bench.seen(name, begun_ns, until_ns)]
    over_ns = bench.after(0)
    one.over(bench)
    for lamp in (one.level, *one.sides):
        measured(f"{name}_{lamp}_out", (bench.shows(lamp, 0, over_ns).t_ns - over_ns) / 1e9, "s")
    bench.dark()
    assert {event["function"] for event in bench.told("hmi", since=since)} <= {one.function, "none"}


def silent_lamps(one: Encounter) -> list[str]:
    """What must not be seen at all: warning is not given between vehicles [G table 2-6]."""
    return ["warning", *(() if one.level == "caution" else ("caution", "buzzer"))]


def check_flashes(bench: Bench, level: str, since_ns: int, until_ns: int) -> None:
    flashes = table()[level].flashes
    assert flashes is not None
    seen = bench.seen(level, since_ns, until_ns)
    if bench.target.pace > 1:  # too slow for patterns of 0.2 s: that it flashes and then stays lit
        assert [one.value for one in seen][:3] == [1, 0, 1]
        return
    assert pattern([LightChange(one.t_ns, one.value) for one in seen], until_ns) == level
    check_beat(flashes, seen)
    assert seen[-1].value == 1  # it has flashed, and stays lit


def check_tone(bench: Bench, level: str, since_ns: int, until_ns: int) -> float:
    """The mean frequency of what sounds, in Hz."""
    wanted = table()[level]
    assert wanted.beat is not None
    seen = bench.seen("buzzer", since_ns - 50 * MS, until_ns)
    if bench.target.pace > 1:  # that it sounds more than once, and is silent again; how high is told, not judged
        assert sum(not one.value for one in seen) > 1
        return max(float(one.hz) for one in seen)
    assert {one.hz for one in seen if one.value} == {wanted.hz}
    check_beat(wanted.beat, seen)
    assert seen[-1].value == 0
    return float(mean_hz(bench, seen) or wanted.hz)


def check_beat(beat: Beat, seen: list[Seen]) -> None:
    """On and off by turns, so many times; a starved machine may leave one out, and the beat goes on."""
    values, lengths = [one.value for one in seen], lengths_ms(seen)
    told = f"{[round(one) for one in lengths]} ms"
    assert values == [1, 0] * (len(values) // 2) + [1] * (len(values) % 2), told
    assert beat.times - 1 <= len(values) // 2 <= beat.times, told
    period_ms = beat.on_ms + beat.off_ms
    whole_ms = beat.times * period_ms - (0 if values[-1] else beat.off_ms)
    assert sum(lengths) == pytest.approx(whole_ms, abs=period_ms / 2), told
    for wanted_ms, found in ((beat.on_ms, lengths[0::2]), (beat.off_ms, lengths[1::2])):
        assert median(found) == pytest.approx(wanted_ms, rel=NEAR), told


def mean_hz(bench: Bench, seen: list[Seen]) -> float | None:
    """By the probe's own count of edges, where it sees them: within 2 % of what the table says; None: it does not."""
    measure = getattr(bench.target.pins, "mean_hz", None)
    if measure is None or "pwm" not in bench.target.abilities:
        return None
    found = median(measure(on.t_ns, off.t_ns) for on, off in zip(seen[0::2], seen[1::2], strict=False))
    assert found == pytest.approx(seen[0].hz, rel=0.02)
    return float(found)


@pytest.mark.long
@pytest.mark.needs("pins", "air", "switches")
def test_surrounding(bench: Bench) -> None:
    """Information alone, without a sound, when the driver asks for it; and gone when the driver asks again."""
    bench.unit()
    bench.headed()
    since, begun_ns = bench.count, bench.after(0)
    other = bench.car.meet(east_m=8, north_m=60, speed_kmh=20, direction_deg=180)
    bench.event("neighbour", since=since, vehicle_id=other.vehicle_id, reason="new")
    assert not bench.lit("information")
    press(bench, "request")
    bench.shows("information", 1, begun_ns)
    assert bench.event("hmi", since=since, level="information")["function"] == "surrounding"
    asked_ns = bench.after(2.2)  # what is shown is shown for 2 s at least [D14]
    press(bench, "request")
    bench.shows("information", 0, asked_ns)
    assert not [name for name in ("caution", "warning", "left", "right", "buzzer") if bench.seen(name, begun_ns)]


def press(bench: Bench, name: str) -> None:
    """As a finger does: contacts settle before and after."""
    for value in (1, 0):
        bench.target.switches.press(name, value)
        bench.after(0.15)


@pytest.mark.long
@pytest.mark.needs("pins", "air", "switches")
def test_mute(bench: Bench) -> None:
    """It silences what sounds, at once, and nothing else; the next cue sounds again."""
    bench.unit()
    bench.headed()
    begun_ns = bench.after(0)
    from_the_left(bench)
    caution_ns = bench.shows("caution", 1, begun_ns).t_ns
    bench.shows("buzzer", 1, begun_ns)
    muted_ns = bench.target.switches.press("mute", 1)
    bench.after(0.2, muted_ns)
    bench.target.switches.press("mute", 0)
    until_ns = bench.after(2.3, caution_ns)
    check_flashes(bench, "caution", caution_ns, until_ns)
    assert not [one for one in bench.seen("buzzer", muted_ns + 300 * MS, until_ns) if one.value]
    bench.car.drive(20)
    bench.dark()
    bench.car.calm()
    bench.headed()
    again_ns = bench.after(0)
    from_the_right(bench)
    bench.shows("buzzer", 1, again_ns)


@pytest.mark.long
@pytest.mark.needs("pins", "air", "switches")
def test_request_tells_again(bench: Bench) -> None:
    """Light and tones of what is shown begin anew, where the switch has no other work."""
    bench.unit(PLAIN)
    bench.headed()
    begun_ns = bench.after(0)
    bench.car.meet(east_m=-92, north_m=5, speed_kmh=45, direction_deg=90)
    caution_ns = bench.shows("caution", 1, begun_ns).t_ns
    bench.after(2.1, caution_ns)
    asked_ns = bench.target.switches.press("request", 1)
    bench.after(0.15)
    bench.target.switches.press("request", 0)
    again_ns = bench.shows("buzzer", 1, asked_ns).t_ns
    assert again_ns - asked_ns < 1000 * MS
    bench.shows("caution", 0, asked_ns)  # it flashes again


@pytest.mark.needs("pins", "air")
def test_own_lamps(bench: Bench, measured: Callable[..., None]) -> None:
    """`system` while it works, `receiving` while others are heard, and for a second after; `fault` only with one."""
    bench.unit()
    bench.becomes("receiving", 0)
    bench.becomes("system", 1)
    assert not bench.lit("fault")
    begun_ns = bench.after(0)
    bench.car.meet(east_m=200, north_m=900, speed_kmh=30, direction_deg=0)
    measured("receiving_lit", (bench.shows("receiving", 1, begun_ns).t_ns - begun_ns) / 1e9, "s")
    bench.after(1.2)
    assert bench.lit("receiving")
    gone_ns = bench.after(0)
    bench.car.part()
    out_s = (bench.shows("receiving", 0, gone_ns).t_ns - gone_ns) / 1e9
    measured("receiving_out", out_s, "s")
    assert 0.8 < out_s < 2.0
    assert not bench.seen("fault", begun_ns)


@pytest.mark.long
@pytest.mark.needs("pins")
def test_all_dark_when_it_ends(bench: Bench) -> None:
    """Told to end, no lamp stays lit; the last that is written is darkness."""
    bench.unit(anew=True)
    bench.becomes("system", 1)
    ended_ns = bench.after(0)
    assert bench.running.stop() == 0
    bench.shows("system", 0, ended_ns)
    names = {one.name for one in bench.target.pins.seen}
    assert [name for name in sorted(names) if bench.lit(name)] == []
    bench.end()


@pytest.mark.long
@pytest.mark.needs("pins")
def test_information_sound(bench: Bench) -> None:
    """Asked for by the configuration: one soft tone with information."""
    bench.unit(PLAIN)
    bench.headed()
    begun_ns = bench.after(0)
    ambulance(bench)
    lit_ns = bench.shows("information", 1, begun_ns).t_ns
    until_ns = bench.after(1.0, lit_ns)
    seen = bench.seen("buzzer", begun_ns, until_ns)
    assert [(one.value, one.hz) for one in seen] == [(1, table()["information"].asked_hz), (0, 0)]
