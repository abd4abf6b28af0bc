"""A live receiver: the same fixes however its bytes come, no wait for the end of an epoch, nothing stale."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asvrig.gnss_feed import sentence
from asvunit.adapters.nmea import NmeaFile
from asvunit.gnss.nmea_lines import LONGEST as LONGEST_LINE
from asvunit.gnss.nmea_live import NmeaLive
from asvunit.ports import Fix

MS = 1_000_000
NOON_MS = 43_200_000
DAY_MS = 86_400_000
BASE_MS = 5_000_000  # of the monotonic clock, at noon


def clock(tod_ms: int) -> str:
    second, part = divmod(tod_ms % DAY_MS, 1000)
    return f"{second // 3600:02d}{second // 60 % 60:02d}{second % 60:02d}.{part:03d}"


def one(kind: str, tod_ms: int, *, void: bool = False, speed: str = "10.0") -> bytes:
    time, place = clock(tod_ms), "4810.8509,N,01133.9095,E"
    return sentence(
        {
            "R": f"GNRMC,{time},{'V' if void else 'A'},{place},{speed},90.0,010409,,,{'N' if void else 'A'}",
            "G": f"GNGGA,{time},{place},{'0' if void else '1'},08,1.0,100.0,M,46.3,M,,",
            "S": f"GPGST,{time},1.0,,,,3.0,4.0,5.0",
            "V": f"GNVTG,90.0,T,,M,{speed},N,,K,A",
            "X": "GPGSV,1,1,00",
        }[kind]
    )


def burst(order: str, tod_ms: int, **options) -> bytes:
    return b"".join(one(kind, tod_ms, **options) for kind in order)


class Line:
    """A receiver whose clock and the unit's run alike; the time now is `ms` after noon."""

    def __init__(self) -> None:
        self.live = NmeaLive()
        self.ms = 0

    def at(self, ms: int) -> int:
        self.ms = ms
        return (BASE_MS + ms) * MS

    def feed(self, data: bytes, ms: int) -> list[Fix]:
        return self.live.feed(data, self.at(ms))

    def quiet(self, ms: int) -> list[Fix]:
        return self.live.quiet(self.at(ms))

    def epoch(self, order: str, ms: int, late_ms: int = 0, **options) -> list[Fix]:
        """What a burst brings at once, taken of this time and arriving so much later."""
        return self.feed(burst(order, NOON_MS + ms, **options), ms + late_ms)

    def settled(self, order: str, ms: int, late_ms: int = 0, **options) -> list[Fix]:
        """The same, and 100 ms of silence."""
        return self.epoch(order, ms, late_ms, **options) + self.quiet(ms + late_ms + 100)

    def learn(self, order: str) -> None:
        assert len(self.settled(order, -1000)) == 1


@pytest.fixture
def line() -> Line:
    return Line()


def tods(fixes: Iterable[Fix]) -> list[int | None]:
    return [None if fix.tod_ms is None else fix.tod_ms - NOON_MS for fix in fixes]


# When an epoch ends


def test_silence_ends_an_epoch_stamped_with_its_last_bytes(line: Line) -> None:
    assert line.live.quiet_at_ns is None
    assert line.epoch("RG", 0) == []
    assert line.live.quiet_at_ns == line.at(50)
    assert line.quiet(49) == []
    (fix,) = line.quiet(50)
    assert fix == Fix(line.at(0), True, "", NOON_MS, 17345105, 4163457, 1852, 9000, 50, 100)
    assert line.live.quiet_at_ns is None
    assert line.quiet(500) == []


def test_a_sentence_of_another_time_ends_an_epoch(line: Line) -> None:
    assert line.epoch("RG", 0) == []
    (fix,) = line.epoch("R", 100)
    assert (fix.tod_ms, fix.time_ns) == (NOON_MS, line.at(100))


@pytest.mark.parametrize("order", ["RG", "GR", "R", "G", "RGS", "RGV", "VRG", "RVGS", "XGXSXRVX", "VXGXR"])
def test_the_last_sentence_of_a_learned_burst_ends_its_epoch(line: Line, order: str) -> None:
    line.learn(order)
    *others, last = [kind for kind in order if kind != "X"]
    for ms in (0, 200, 400):
        for index, kind in enumerate(others):
            assert line.feed(one(kind, NOON_MS + ms), ms + index) == []
        (fix,) = line.feed(one(last, NOON_MS + ms), ms + 20)
        assert (fix.tod_ms, fix.time_ns) == (NOON_MS + ms, line.at(ms + 20))
        assert fix.error_dm == (50 if set(order) & set("SG") else None)
        assert fix.speed_ckmh == (1852 if set(order) & set("RV") else None)
    assert line.live.quiet_at_ns is None
    assert not line.live.counters


def test_a_busy_line_is_learned_too(line: Line) -> None:
    """No silence at all: the first epoch ends with the next, all later ones by themselves."""
    assert tods(line.epoch("RGX", 0)) == []
    assert tods(line.feed(one("R", NOON_MS + 100), 100)) == [0]
    assert tods(line.feed(one("G", NOON_MS + 100), 120)) == [100]
    assert tods(line.epoch("RG", 200)) == [200]


def test_an_epoch_without_its_last_sentence_ends_by_silence(line: Line) -> None:
    line.learn("RG")
    assert line.epoch("R", 0) == []
    assert tods(line.quiet(50)) == [0]
    assert tods(line.epoch("RG", 200)) == [200]  # one lost sentence is no new habit


def test_fewer_kinds_are_learned_when_seen_twice(line: Line) -> None:
    line.learn("RGS")
    for ms in (0, 200):
        assert line.epoch("RG", ms) == []
        assert tods(line.quiet(ms + 50)) == [ms]
    assert tods(line.epoch("RG", 400)) == [400]


def test_another_order_makes_no_second_fix_and_is_learned(line: Line) -> None:
    line.learn("RG")
    assert tods(line.settled("RG", 0)) == [0]
    assert tods(line.settled("RGSV", 200)) == [200]
    assert line.live.counters == {"late_sentence": 2}
    (fix,) = line.epoch("RGSV", 400)
    assert fix.error_dm == 50
    assert tods(line.settled("SVGR", 600)) == [600]
    assert tods(line.epoch("SVGR", 800)) == [800]
    assert line.live.counters == {"late_sentence": 2}


def test_a_new_order_that_begins_with_the_old_end(line: Line) -> None:
    line.learn("RG")
    assert line.epoch("GRS", 0) == []
    (fix,) = line.quiet(100)
    assert fix.error_dm == 50
    assert tods(line.epoch("GRS", 200)) == [200]
    assert not line.live.counters


def test_a_sentence_said_again_makes_no_second_fix(line: Line) -> None:
    line.learn("RG")
    assert tods(line.settled("RGRG", 0)) == [0]
    assert line.live.counters == {"late_sentence": 2}
    assert tods(line.epoch("RG", 200)) == [200]


def test_a_line_that_pauses_within_its_bursts_is_waited_for(line: Line) -> None:
    speeds = []
    for ms in range(0, 4000, 1000):
        fixes = line.epoch("G", ms) + line.quiet(ms + 60)
        fixes += line.feed(one("R", NOON_MS + ms), ms + 70) + line.quiet(ms + 900)
        assert tods(fixes) == [ms]
        speeds.append(fixes[0].speed_ckmh)
    assert speeds == [None, 1852, 1852, 1852]
    assert line.live.counters == {"late_sentence": 1}


@pytest.mark.parametrize("order", ["VG", "GV", "GVS", "VGS", "GSV"])
@pytest.mark.parametrize("cut", range(3))
def test_a_vtg_belongs_to_its_own_burst(line: Line, order: str, cut: int) -> None:
    """Whatever sentence the line is opened at: each second another speed."""
    fixes = []
    for second in range(8):
        part = order[cut:] if second == 0 else order
        fixes += line.settled(part, second * 1000, speed=f"{second + 1}.0")
    told = {(fix.tod_ms - NOON_MS) // 1000: fix.speed_ckmh for fix in fixes if fix.tod_ms is not None}
    assert list(told)[-6:] == [2, 3, 4, 5, 6, 7]
    # With the line opened at VTG, one or two epochs may go without; none has the speed of another
    assert all(speed in (None, 1852 * (second + 1) // 10) for second, speed in told.items())
    assert all(told[second] is not None for second in (4, 5, 6, 7))


# Times of day


def drive(line: Line, start_ms: int, count: int, late_ms: int = 0) -> list[int | None]:
    return tods(fix for n in range(count) for fix in line.settled("RG", start_ms + 200 * n, late_ms))


def test_a_backlog_is_dropped(line: Line) -> None:
    assert len(drive(line, 0, 5)) == 5
    backlog = b"".join(burst("RG", NOON_MS + ms) for ms in range(1000, 9800, 200))
    # 9700 ms: what was taken at 9200 and later is fresh
    assert tods(line.feed(backlog, 9700)) == [9200, 9400, 9600]
    assert line.live.counters == {"stale": 41}
    assert drive(line, 9800, 3) == [9800, 10000, 10200]


def test_a_backlog_at_the_beginning_sets_no_base(line: Line) -> None:
    """The first epoch is late itself: the next ones are known to be earlier."""
    line.feed(burst("RG", NOON_MS) + one("R", NOON_MS + 100), 3000)
    assert drive(line, 3200, 3)[-3:] == [3200, 3400, 3600]
    assert line.feed(burst("RG", NOON_MS + 3800), 4500) == []
    assert line.live.counters == {"stale": 1}


@pytest.mark.parametrize("set_back_ms", [800, 3_600_000, DAY_MS // 2 - 10_000])
def test_a_clock_that_was_set_back_is_believed_after_two_seconds(line: Line, set_back_ms: int) -> None:
    assert len(drive(line, 0, 5)) == 5
    fixes = [fix for n in range(20) for fix in line.settled("RG", 1000 + 200 * n - set_back_ms, set_back_ms)]
    assert line.live.counters == {"stale": 10}
    assert [(fix.time_ns - BASE_MS * MS) // MS for fix in fixes] == list(range(3000, 5000, 200))
    assert line.settled("RG", 5000 - set_back_ms, set_back_ms + 600) == []  # from now on by the new one


def test_a_clock_that_was_set_forward_is_believed_at_once(line: Line) -> None:
    assert len(drive(line, 0, 5)) == 5
    assert len([fix for n in range(5) for fix in line.settled("RG", 19_000 + 200 * n, -18_000)]) == 5
    assert not line.live.counters
    assert line.settled("RG", 20_000, -18_000 + 600) == []


def test_fresh_epochs_between_stale_ones_keep_the_base(line: Line) -> None:
    assert len(drive(line, 0, 5)) == 5
    fixes = [fix for n in range(40) for fix in line.settled("RG", 1000 + 200 * n, 0 if n % 8 == 0 else 600)]
    assert tods(fixes) == list(range(1000, 9000, 1600))


def test_midnight(line: Line) -> None:
    to_midnight_ms = DAY_MS - NOON_MS
    fixes = [fix for n in range(-5, 5) for fix in line.settled("RG", to_midnight_ms + 200 * n)]
    assert [fix.tod_ms for fix in fixes] == [*range(DAY_MS - 1000, DAY_MS, 200), *range(0, 1000, 200)]
    assert line.settled("RG", to_midnight_ms + 1000, 600) == []
    assert line.live.counters == {"stale": 1}


@pytest.mark.parametrize("ppm", [*(pytest.param(ppm, marks=pytest.mark.long) for ppm in (50, -50)), 500])
def test_clocks_that_drift_for_days(line: Line, ppm: int) -> None:
    line.learn("RG")
    for second in range(0, 3 * 86_400, 60):
        assert line.epoch("RG", second * 1000, second * ppm // 1000)
    assert line.settled("RG", second * 1000 + 1000, second * ppm // 1000 + 700) == []
    assert line.live.counters == {"stale": 1}


def test_void_epochs_have_any_time(line: Line) -> None:
    assert len(drive(line, 0, 3)) == 3
    for ms in (-3_600_000, 3_600_000):
        (fix,) = line.feed(burst("RG", NOON_MS + ms, void=True), 600) or line.quiet(700)
        assert (fix.valid, fix.reason, fix.tod_ms) == (False, "void", NOON_MS + ms)
    assert drive(line, 800, 3) == [800, 1000, 1200]
    assert line.settled("RG", 1400, 600) == []
    assert line.live.counters == {"stale": 1}


def test_a_clock_that_stands_still_while_void_is_told_each_time(line: Line) -> None:
    for ms in range(0, 5000, 1000):
        fixes = line.feed(burst("RG", NOON_MS, void=True), ms) + line.quiet(ms + 100)
        assert [fix.reason for fix in fixes] == ["void"]
    assert not line.live.counters


def test_no_time_at_all(line: Line) -> None:
    assert len(drive(line, 0, 3)) == 3
    (fix,) = line.feed(sentence("GNRMC,,V,,,,,,,,,,N"), 600)
    assert (fix.valid, fix.time_ns) == (False, line.at(600))


# Bytes


def stream() -> Iterator[tuple[int, bytes]]:
    """(ms, bytes) of 20 bursts with all that may be in them."""
    for n in range(20):
        ms = 200 * n
        order = "GRSV" if n > 12 else "XRVGX"
        data = burst(order, NOON_MS + ms, void=n in (5, 6))
        if n == 3:
            data = data.replace(b"\r\n", b"\n")
        if n == 8:
            data = b"\x00\xff$GP\n\n" + data[:20] + data[60:]
        if n == 10:
            data += b"$" + b"U" * 700
        if n == 15:
            data = b"U" * (LONGEST_LINE + 1) + data
        yield ms, data


def run(pieces: Iterable[tuple[int, bytes]]) -> tuple[list[Fix], dict[str, int]]:
    line, fixes = Line(), []
    for ms, data in pieces:
        fixes += line.quiet(ms) + line.feed(data, ms)
    return fixes + line.quiet(60_000), dict(line.live.counters)


@cache
def whole_stream() -> tuple[list[Fix], dict[str, int]]:
    return run(stream())


@given(st.integers(0, 19), st.lists(st.integers(1, 900), max_size=30))
def test_the_pieces_do_not_matter(first: int, sizes: list[int]) -> None:
    pieces = []
    for n, (ms, data) in enumerate(stream()):
        rest = data
        for size in sizes if n >= first else []:
            pieces.append((ms, rest[:size]))
            rest = rest[size:]
        pieces.append((ms, rest))
    assert run(pieces) == whole_stream()


def test_byte_by_byte() -> None:
    whole = run(stream())
    assert len(whole[0]) >= 18
    assert whole[1]["garbage"] >= 2
    assert run((ms, data[n : n + 1]) for ms, data in stream() for n in range(len(data))) == whole


def test_a_line_without_end_is_bounded_and_counted_once(line: Line) -> None:
    for _ in range(100):
        assert line.feed(b"U" * 100, 0) == []
    assert len(line.live._cutter._rest) <= LONGEST_LINE
    assert line.live.counters == {"garbage": 1}
    line.feed(b"end" + one("R", NOON_MS), 0)
    assert tods(line.settled("RG", 0)) == [0]
    assert line.live.counters == {"garbage": 1}


def test_reset_drops_what_was_begun_and_the_rest_of_a_line(line: Line) -> None:
    line.learn("RG")
    line.epoch("R", 0)
    line.feed(b"$GNGGA,12", 0)
    line.live.reset()
    assert line.quiet(100) == []
    line.feed(one("G", NOON_MS)[30:], 1000)
    assert tods(line.settled("RG", -5000, 6000)) == [-5000]  # a base of its own
    assert not line.live.counters


def test_bytes_without_sentences_are_noticed(line: Line) -> None:
    for ms in range(0, 2000, 100):
        line.feed(b"\xff\x00U", ms)
        assert not line.live.no_sentence
    line.feed(b"\n", 2000)
    assert line.live.no_sentence
    line.epoch("R", 2100)
    assert not line.live.no_sentence
    for ms in range(2200, 9000, 200):
        line.epoch("RGX", ms)
        assert not line.live.no_sentence
    line.live.reset()
    line.feed(b"$", 20_000)
    assert not line.live.no_sentence


@given(st.lists(st.tuples(st.binary(max_size=300), st.integers(0, 10**10))))
def test_random_bytes_are_not_fatal(pieces: list[tuple[bytes, int]]) -> None:
    live = NmeaLive()
    for data, time_ns in pieces:
        live.feed(data, time_ns)
        live.quiet(time_ns)


# Real receivers


@pytest.mark.shared
@pytest.mark.parametrize("size", [pytest.param(11, marks=pytest.mark.long), 4096])
@pytest.mark.parametrize(
    ("name", "stale", "fewer"),
    [
        ("gpsd_nmea-rtk.log", 0, 0),
        ("gpsd_quectel-l76k-nmea.log", 0, 0),
        ("gpsd_bt451.log", 5, 5),  # two recordings, the second of a time before the first
        ("genivi_munich_ublox.nmea", 2, 2),  # its clock steps back once; believed after 2 s
    ],
)
def test_real_logs_make_the_fixes_of_the_file_reader(
    shared: Path, name: str, stale: int, fewer: int, size: int
) -> None:
    path = shared / "data/gnss" / name
    line, fixes = Line(), []
    for ms, text in arrivals(path.read_bytes().splitlines(keepends=True)):
        fixes += line.quiet(ms)
        for start in range(0, len(text), size):
            fixes += line.feed(text[start : start + size], ms)
    fixes += line.quiet(line.ms + 1000)
    told = [replace(fix, time_ns=0) for fix in fixes if fix.valid]
    expected = [replace(fix, time_ns=0) for fix in NmeaFile(path) if fix.valid]
    assert len(told) == len(expected) - fewer
    rest = iter(expected)
    assert all(fix in rest for fix in told)  # the same, in the same order
    assert (line.live.counters["stale"], line.live.counters["late_sentence"]) == (stale, 0)


def arrivals(lines: list[bytes]) -> Iterator[tuple[int, bytes]]:
    """(ms, line) as a receiver writes: a burst each time of day, a millisecond a line."""
    ms = start_ms = 0
    last_ms: int | None = None
    for text in lines:
        kind, tod, *_ = [*text.split(b","), b""]
        if kind[3:] in (b"RMC", b"GGA") and tod:
            tod_ms = (int(tod[:2]) * 60 + int(tod[2:4])) * 60_000 + round(float(tod[4:]) * 1000)
            if tod_ms != last_ms:
                start_ms = ms if last_ms is None else start_ms + (tod_ms - last_ms if tod_ms > last_ms else 1000)
                ms, last_ms = start_ms, tod_ms
        ms += 1
        yield ms, text
