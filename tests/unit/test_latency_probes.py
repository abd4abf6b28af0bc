"""Light and tones found in edges, lines by a stand-in of lgpio, the record of mock pins, and times on wires."""

import json
import random
import time
from pathlib import Path

import pytest

from asvrig.latency.calibration import probe_offset_us
from asvrig.latency.edges import Chip, Clocks
from asvrig.latency.light import LightChange, LightFinder, pattern
from asvrig.latency.probes import BUZZER, EdgeProbe, RecordProbe
from asvrig.latency.tone import ToneChange, ToneFinder
from asvrig.latency.wires import can_bits, can_us, loopback_echo_us, pipe_echo_us, pty_echo_us, serial_us
from asvunit.errors import AsvkitError, UsageError
from asvunit.pins import load_pins
from lgpiotools import StandIn

MS = 1_000_000
US = 1_000
WAIT_NS = 20_000 * MS


def square(
    hz: float, begin_ns: int, length_ns: int, *, high: float = 0.5, jitter_us: float = 0, seed: int = 1
) -> list[tuple[int, int]]:
    """Edges of a tone: time, level."""
    chance, period_ns = random.Random(seed), 1e9 / hz
    edges = []
    for at in range(int(length_ns / period_ns)):
        shift_ns = chance.gauss(0, jitter_us * US) if jitter_us else 0
        rise_ns = round(begin_ns + at * period_ns + shift_ns)
        edges += [(rise_ns, 1), (rise_ns + round(high * period_ns), 0)]
    return sorted(edges)


def heard(edges: list[tuple[int, int]], end_ns: int) -> tuple[list[ToneChange], ToneFinder]:
    finder = ToneFinder()
    changes = [change for edge in edges for change in finder.edge(*edge)]
    return changes + finder.quiet(end_ns), finder


# Tones


@pytest.mark.parametrize("high", [0.5, 0.03])  # loud, and as soft as the volume goes
@pytest.mark.parametrize("hz", [500, 1000, 2000])
def test_a_tone_is_known_by_its_frequency(hz: int, high: float) -> None:
    edges = square(hz, 10 * MS, 200 * MS, high=high)
    changes, _ = heard(edges, 400 * MS)
    assert [one.hz for one in changes] == [hz, 0]
    begun, over = changes
    assert begun.t_ns == 10 * MS
    assert begun.measured_hz == pytest.approx(hz, rel=0.001)
    assert over.t_ns == edges[-2][0]
    assert over.periods == len(edges) // 2 - 1


@pytest.mark.parametrize("hz", [500, 1000, 2000])
@pytest.mark.parametrize("seed", range(5))
def test_jitter_of_a_software_pwm_is_borne(hz: int, seed: int) -> None:
    jitter_us = 0.06 * 1e6 / hz
    changes, _ = heard(square(hz, 10 * MS, 200 * MS, jitter_us=jitter_us, seed=seed), 400 * MS)
    assert [one.hz for one in changes] == [hz, 0]
    assert abs(changes[0].t_ns - 10 * MS) < 3 * 1e9 / hz
    assert changes[1].jitter_us > 0


@pytest.mark.parametrize("hz", [600, 750, 1300, 3000])
def test_another_frequency_is_none_of_them(hz: int) -> None:
    changes, _ = heard(square(hz, 0, 100 * MS), 300 * MS)
    assert [one.hz for one in changes] == [hz, 0]


def test_five_tones_with_pauses() -> None:
    """The pattern of caution: 200 ms of 1000 Hz, 200 ms of silence, five times."""
    edges = [edge for at in range(5) for edge in square(1000, at * 400 * MS, 200 * MS)]
    changes, _ = heard(edges, 3000 * MS)
    assert [one.hz for one in changes] == [1000, 0] * 5
    assert [one.t_ns // MS for one in changes if one.hz] == [0, 400, 800, 1200, 1600]


def test_a_tone_that_becomes_another_without_a_pause() -> None:
    edges = square(1000, 0, 50 * MS) + square(2000, 50 * MS, 50 * MS)
    changes, _ = heard(edges, 200 * MS)
    assert [one.hz for one in changes] == [1000, 2000, 0]
    assert abs(changes[1].t_ns - 50 * MS) <= 2 * MS


def test_a_stumble_is_no_pause() -> None:
    edges = square(1000, 0, 50 * MS) + square(1000, 54 * MS, 50 * MS)
    changes, _ = heard(edges, 200 * MS)
    assert [one.hz for one in changes] == [1000, 0]


def test_bounce_is_counted_and_is_no_tone() -> None:
    edges = []
    for rise_ns, level in square(1000, 0, 50 * MS):
        edges += [(rise_ns, level), (rise_ns + 20 * US, 1 - level), (rise_ns + 40 * US, level)]
    changes, finder = heard(sorted(edges), 200 * MS)
    assert [one.hz for one in changes] == [1000, 0]
    assert finder.bounced >= 49


@pytest.mark.parametrize(
    "edges",
    [
        [],
        [(0, 1), (5 * MS, 0)],
        [(at * 300 * MS, at % 2) for at in range(20)],  # a lamp
        square(1000, 0, 4 * MS),  # too short to be one
        square(50, 0, 1000 * MS),  # the mains
    ],
)
def test_what_is_no_tone(edges: list[tuple[int, int]]) -> None:
    assert heard(edges, 10_000 * MS)[0] == []


def test_a_stray_edge_before_a_tone_is_not_its_beginning() -> None:
    changes, _ = heard([(0, 1), (US, 0), *square(1000, 7 * MS, 50 * MS)], 200 * MS)
    assert changes[0].t_ns == 7 * MS


# Light


def test_chatter_is_one_change_at_its_first_edge() -> None:
    finder = LightFinder()
    out = []
    for t_us, level in [(0, 1), (80, 0), (150, 1), (300, 0), (350, 1)]:
        out += finder.edge(10 * MS + t_us * US, level)
    assert out == []
    assert finder.quiet(11 * MS) == []
    assert finder.quiet(13 * MS) == [LightChange(10 * MS, 1)]
    assert finder.quiet(14 * MS) == []
    assert finder.edge(50 * MS, 0) == []
    assert finder.quiet(60 * MS) == [LightChange(50 * MS, 0)]
    assert finder.bounced == 4


def test_a_spike_is_no_light() -> None:
    finder = LightFinder()
    out = finder.edge(MS, 1) + finder.edge(MS + 100 * US, 0) + finder.quiet(10 * MS)
    assert out == []
    assert finder.edge(20 * MS, 1) == []
    assert finder.quiet(30 * MS) == [LightChange(20 * MS, 1)]


def flashes(on_ms: int, off_ms: int, times: int, *, steady: bool = False) -> list[LightChange]:
    changes = []
    for at in range(times):
        begin_ns = at * (on_ms + off_ms) * MS
        changes += [LightChange(begin_ns, 1), LightChange(begin_ns + on_ms * MS, 0)]
    if steady:
        changes.append(LightChange(times * (on_ms + off_ms) * MS, 1))
    return changes


@pytest.mark.parametrize(
    ("changes", "until_ms", "told"),
    [
        ([], 5000, "off"),
        ([LightChange(0, 0)], 5000, "off"),
        ([LightChange(0, 1)], 5000, "steady"),
        ([LightChange(0, 1), LightChange(3000 * MS, 0)], 5000, "steady"),
        (flashes(200, 200, 5), 2000, "caution"),
        (flashes(200, 200, 5, steady=True), 4000, "caution"),
        ([*flashes(200, 200, 5, steady=True), LightChange(4000 * MS, 0)], 5000, "caution"),
        (flashes(100, 100, 30), 6000, "warning"),
        (flashes(210, 190, 5), 2000, "caution"),
        (flashes(500, 500, 5), 5000, "other"),
        (flashes(200, 600, 5), 5000, "other"),
    ],
)
def test_what_a_lamp_does(changes: list[LightChange], until_ms: int, told: str) -> None:
    assert pattern(changes, until_ms * MS) == told


# Lines of a chip


def test_the_clock_is_found_by_the_edge() -> None:
    now_ns, unix_ns = 1_000_000 * MS, 1_795_000_000_000 * MS
    clocks = Clocks(lambda: now_ns, lambda: unix_ns)
    assert clocks.monotonic(now_ns - 5 * MS) == now_ns - 5 * MS
    assert clocks.name == "monotonic"
    assert clocks.monotonic(unix_ns - 7 * MS) == now_ns - 7 * MS
    assert clocks.name == "realtime"
    for stamp_ns in (0, now_ns + 60_000 * MS, 12):
        assert clocks.monotonic(stamp_ns) is None
    assert clocks.counters == {"unknown_clock": 3}


def test_the_header_is_found_by_its_label() -> None:
    lgpio = StandIn({0: "raspberrypi-exp-gpio", 1: "brcmvirt-gpio", 4: "pinctrl-rp1"})
    chip = Chip(lgpio)
    assert lgpio.open == {4}
    chip.close()
    chip.close()
    assert lgpio.open == set()


@pytest.mark.parametrize("chips", [{}, {0: "gpio-mockup-A"}])
def test_no_header_is_said_with_the_mend(chips: dict[int, str]) -> None:
    with pytest.raises(UsageError, match=r"no GPIO chip.*--probe record"):
        Chip(StandIn(chips))


def test_a_pin_in_use_is_named() -> None:
    lgpio = StandIn()
    lgpio.busy = {16}
    chip = Chip(lgpio)
    with pytest.raises(UsageError, match=r"pin 16 \(bench line of caution\): cannot be used: GPIO busy"):
        EdgeProbe(chip, {"caution": 16}, {}).start()
    chip.close()
    assert lgpio.claimed == {}


@pytest.mark.parametrize("stamp", [time.monotonic_ns, time.time_ns])
def test_edges_are_seen_as_lamps_and_tones_by_either_clock(stamp: object) -> None:
    lgpio = StandIn(stamp=stamp)  # type: ignore[arg-type]
    probe = EdgeProbe(Chip(lgpio), {"caution": 16}, {BUZZER: 21})
    probe.start()
    begin_ns = time.monotonic_ns()
    lgpio.edge(16, 1, lgpio.stamp())
    lit = probe.wait(lambda one: one.name == "caution", begin_ns + WAIT_NS)
    for t_ns, level in square(1000, lgpio.stamp() - 30 * MS, 20 * MS):
        lgpio.edge(21, level, t_ns)
    sounds = probe.wait(lambda one: one.hz == 1000, begin_ns + WAIT_NS)
    silent = probe.wait(lambda one: one.name == BUZZER and not one.value, begin_ns + WAIT_NS)
    lgpio.watches[16](0, 16, 2, lgpio.stamp())  # a timeout is no edge
    assert probe.names == {"caution", BUZZER}
    assert not probe.wait_still("caution", 0, time.monotonic_ns())
    assert probe.wait_still(BUZZER, 1, time.monotonic_ns() + WAIT_NS)
    probe.close()
    assert lit is not None
    assert (lit.pin, lit.value, lit.by) == (16, 1, "edge")
    assert abs(lit.t_ns - begin_ns) < WAIT_NS
    assert sounds is not None
    assert silent is not None
    assert silent.t_ns > sounds.t_ns
    assert lgpio.claimed == {}
    assert lgpio.watches == {}


@pytest.mark.parametrize(("lights", "tones"), [({"caution": 16}, {}), ({}, {BUZZER: 21}), ({BUZZER: 16}, {})])
def test_the_probe_is_calibrated_through_its_own_line(lights: dict[str, int], tones: dict[str, int]) -> None:
    pins = load_pins(None)
    lgpio = StandIn()
    lgpio.wires = {pins.leds.caution: [16], pins.buzzer.pwm: [21, 16]}
    lgpio.delay_ns = -5_000 * MS  # a stamp before the write cannot be: it is not taken for one
    chip = Chip(lgpio)
    with pytest.raises(AsvkitError, match="saw 0 of 4"):
        probe_offset_us(chip, pins, lights, tones, times=4, pause_s=0.005)
    lgpio.delay_ns = 350 * US
    assert probe_offset_us(chip, pins, lights, tones, times=4, pause_s=0.005) >= 350
    assert lgpio.claimed == {}  # all given back: the unit takes them next
    assert not any(lgpio.tones.values())
    chip.close()


def test_an_unwired_probe_is_no_calibration() -> None:
    pins, lgpio = load_pins(None), StandIn()
    with pytest.raises(AsvkitError, match="pin 16 saw 0 of 3 flashes of pin 6"):
        probe_offset_us(Chip(lgpio), pins, {"caution": 16}, {}, times=3, pause_s=0)


# The record


def line(t_ns: int, name: str, value: int, **more: object) -> str:
    return json.dumps({"t_ns": t_ns, "pin": 6, "name": name, "value": value, "hz": 0, **more}) + "\n"


def test_the_record_is_followed_as_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "pins.jsonl"
    path.write_text(line(1, "system", 1))  # of a run before
    probe = RecordProbe(path)
    assert probe.names is None
    until_ns = time.monotonic_ns() + WAIT_NS
    probe.start()
    with path.open("a") as file:
        whole = line(20, "caution", 1, duty=0.5)
        for piece in (line(10, "left", 1), "no line\n", '{"t_ns": 1}\n', "[]\n", whole[:10]):
            file.write(piece)
        file.flush()
        assert probe.wait(lambda one: one.name == "left", until_ns) is not None
        assert [one.name for one in probe.seen] == ["left"]
        file.write(whole[10:])
        file.flush()
        assert probe.wait(lambda one: one.name == "caution" and one.t_ns == 20, until_ns) is not None
        probe.skip()
        assert probe.wait(lambda one: True, time.monotonic_ns()) is None
        file.write(line(30, "caution", 0))
    assert probe.wait_still("caution", 1, until_ns)
    probe.close()
    probe.close()
    assert probe.counters == {"bad_line": 3}
    assert [one.t_ns for one in probe.seen] == [10, 20, 30]


# Wires


@pytest.mark.parametrize(
    ("identifier", "extended", "data"),
    [(0x555, False, b""), (0x555, False, b"\x55" * 8), (0x15555555, True, b""), (0, True, bytes(8)), (0, False, b"\0")],
)
def test_frames_have_the_lengths_of_the_standard(identifier: int, extended: bool, data: bytes) -> None:
    """44 + 8 n bits and 64 + 8 n bits, and at most one for each four that can be stuffed beside the first."""
    plain = (64 if extended else 44) + 8 * len(data)
    assert plain <= can_bits(identifier, extended, data) <= plain + (plain - 10 - 1) // 4


def test_stuffing_of_a_frame_by_hand() -> None:
    # Identifier 0, no data: 1 + 11 + 3 + 4 zeros and a CRC of zeros, 34 in a row. One bit is stuffed after each five;
    # as each is a one, the next run begins anew: 34 // 5 = 6
    assert can_bits(0, False, b"") == 44 + 6
    # Runs of ones across the fields: CRC and stuffed bits by other ways than the program's
    bits = f"0{0x7FF:011b}000{1:04b}{0xFF:08b}"
    crc = crc15_by_division(bits)
    assert can_bits(0x7FF, False, b"\xff") == 44 + 8 + stuffed_by_replacement(bits + crc)


def crc15_by_division(bits: str) -> str:
    """The remainder of the message, 15 zeros appended, by x15+x14+x10+x8+x7+x4+x3+1: long division."""
    rest, divisor = int(bits + "0" * 15, 2), 0b1100010110011001
    while rest.bit_length() > 15:
        rest ^= divisor << (rest.bit_length() - 16)
    return f"{rest:015b}"


def stuffed_by_replacement(bits: str) -> int:
    """Bits that are inserted, by looking at the last five of what was sent."""
    sent = ""
    for bit in bits:
        sent += bit
        if sent[-5:] in ("00000", "11111"):
            sent += "1" if bit == "0" else "0"
    return len(sent) - len(bits)


def test_times_on_wires() -> None:
    assert serial_us(96, 9600) == 100_000
    assert serial_us(96, 115_200) == pytest.approx(8333.3, rel=1e-4)
    assert can_us(0x200, False, bytes(8), 500_000) == (can_bits(0x200, False, bytes(8)) - 1) * 2


def test_the_ways_of_this_machine_are_short() -> None:
    for echo_us in (pty_echo_us, pipe_echo_us, loopback_echo_us):
        assert 0 < echo_us(b"t20080302000000000000\r") < 100_000
