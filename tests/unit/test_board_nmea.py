"""The board's receiver: for the same bytes and times the fixes that asvunit's live reader makes, integer for integer.

Recorded logs, streams that no receiver sends on purpose, and any bytes at all. What the board does otherwise is named
here, each with a test of its own; with those differences put into asvunit's reader, fixes and counters are the same.
"""

import os
import random
from datetime import time
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from pathlib import Path

import pynmea2
import pytest
from asvboard import nmea as board
from asvboard import nmea_assembler as board_assembler
from asvboard import nmea_binary as board_binary
from asvboard import nmea_counts
from asvboard import nmea_epoch as board_epoch
from asvboard import nmea_lag as board_lag
from asvboard import nmea_lines as board_lines
from asvboard.nmea import ERROR_DM, FIX_WIDTH, FIXES, REASONS, RECEIVED_MS, SPEED_CKMH, STATUS, TOD_MS, NmeaReader
from asvboard.nmea_binary import HOLD_BYTES
from asvboard.nmea_kinds import ROOM
from hypothesis import given
from hypothesis import strategies as st

from asvcore import codes
from asvcore.params import NONE
from asvrig.gnss_feed import sentence
from asvunit.gnss import (
    fix_lag,
    limits,
    nmea_assembler,
    nmea_binary,
    nmea_lines,
    nmea_live,
    nmea_sentence,
)
from nmeatapes import (
    LONGEST_PIECE,
    START_MS,
    Tape,
    by_asvunit,
    by_board,
    counts,
    damaged,
    noise,
    paced,
    rtcm3,
    sirf,
    skytraq,
    stream,
    ubx,
)

ALL = bool(os.environ.get("ASVKIT_ALL"))
NOON_MS = 43_200_000
EVERYDAY_BYTES = 25_000
LOGS = {  # fixes of the whole log
    "genivi_munich_ublox.nmea": 1866,
    "gpsd_bt451.log": 8,
    "gpsd_nmea-rtk.log": 122,
    "gpsd_quectel-l76k-nmea.log": 151,
}


def limit(patch: pytest.MonkeyPatch) -> None:
    """asvunit's reader with the board's differences: frames no longer than it can hold, comments in ASCII."""
    for begin, family in nmea_binary._FAMILIES.items():
        longest = min(family.longest, HOLD_BYTES - family.around)
        patch.setitem(nmea_binary._FAMILIES, begin, family._replace(longest=longest))
    is_text = nmea_lines._is_text
    patch.setattr(nmea_lines, "_is_text", lambda data: data.isascii() and is_text(data))


@pytest.fixture
def like_the_board(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the length of a test."""
    limit(monkeypatch)


def same(tape: Tape, rebase_every: int = 0) -> list[list[int]]:
    """The fixes that both make of it."""
    wanted, dropped = by_asvunit(tape)
    fixes, counted = by_board(tape, rebase_every)
    assert fixes == wanted
    assert counted == dropped
    return fixes


# Recorded logs


@pytest.mark.shared
@pytest.mark.parametrize("name", LOGS)
def test_recorded_logs_give_asvunits_fixes(shared: Path, name: str) -> None:
    """With no difference at all: neither fixes nor what was dropped."""
    data = (shared / "data" / "gnss" / name).read_bytes()
    whole = ALL or len(data) <= EVERYDAY_BYTES
    fixes = same(paced(data if whole else data[:EVERYDAY_BYTES], random.Random(1)), 100)
    assert len(fixes) == LOGS[name] if whole else len(fixes) > 20


@pytest.mark.shared
@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 5))
@pytest.mark.parametrize("name", LOGS)
def test_recorded_logs_cut_otherwise_and_damaged(shared: Path, name: str, seed: int, like_the_board: None) -> None:
    rng = random.Random(seed)
    data = (shared / "data" / "gnss" / name).read_bytes()
    lines = data[: 200_000 if seed == 2 else None].splitlines(keepends=True)
    data = b"".join(line if rng.random() < 0.98 else damaged(rng, line) + noise(rng) for line in lines)
    assert len(same(paced(data, rng), seed)) > LOGS[name] // 5


def told(line: str) -> dict[str, int]:
    """What pynmea2 reads in a sentence, as the core's integers by exact arithmetic."""
    parsed = pynmea2.parse(line, check=True)
    values: dict[str, int] = {}
    if isinstance(parsed.timestamp, time):
        moment = parsed.timestamp
        values["tod"] = ((moment.hour * 60 + moment.minute) * 60 + moment.second) * 1000 + moment.microsecond // 1000
    if parsed.lat and parsed.lon:
        for name, text, direction in (
            ("latitude", parsed.lat, parsed.lat_dir),
            ("longitude", parsed.lon, parsed.lon_dir),
        ):
            degrees, minutes = divmod(Decimal(text), 100)
            size = int(((degrees * 60 + minutes) * 6000).quantize(Decimal(1), ROUND_HALF_UP))
            values[name] = -size if direction in "SW" else size
    if parsed.sentence_type == "RMC" and parsed.spd_over_grnd is not None:
        values["speed"] = int((Decimal(str(parsed.spd_over_grnd)) * Decimal("185.2")).quantize(Decimal(1), ROUND_FLOOR))
    if parsed.sentence_type == "RMC" and parsed.true_course is not None:
        values["course"] = int((Decimal(str(parsed.true_course)) * 100).quantize(Decimal(1), ROUND_FLOOR)) % 36_000
    return values


@pytest.mark.shared
@pytest.mark.parametrize("name", LOGS)
def test_recorded_logs_give_what_pynmea2_reads(shared: Path, name: str) -> None:
    data = (shared / "data" / "gnss" / name).read_bytes()
    data = data if ALL or len(data) < EVERYDAY_BYTES else data[:EVERYDAY_BYTES]
    groups: list[tuple[int, dict[str, int]]] = []  # of one time of day, in the order they came: clocks are set back
    for line in data.decode().splitlines():
        values = told(line) if line[3:6] in {"RMC", "GGA"} and line.count(",") > 10 else {}
        if "tod" in values:
            if not groups or groups[-1][0] != values["tod"]:
                groups.append((values["tod"], {}))
            groups[-1][1].update(values)
    fixes, _counted = by_board(paced(data, random.Random(2)))
    valid = [fix for fix in fixes if fix[STATUS] == codes.FIX_OK]
    coming = iter(groups)
    for fix in valid:
        values = next(values for tod_ms, values in coming if tod_ms == fix[TOD_MS])
        assert fix[:2] == [values["latitude"], values["longitude"]]
        assert fix[2:4] == [values.get("speed", NONE), values.get("course", NONE)]
    assert len(valid) > (5 if len(data) < 10_000 else 20)


# The same rules


def test_the_limits_are_asvunits() -> None:
    """Those that odd streams meet too seldom to be sure of."""
    pairs = (
        (board_assembler.GLL_ALONE, nmea_assembler.GLL_ALONE),
        (board_assembler.CARRIED_MS, nmea_assembler._CARRIED_MS),
        (board_assembler.REPEATS, nmea_assembler._REPEATS),
        (board_assembler.QUIET_MS, nmea_live.QUIET_MS),
        (board_assembler.LONGEST_QUIET_MS, nmea_live.LONGEST_QUIET_MS),
        (board.REPEATED_MS, limits.REPEATED_MS),
        (board_lag.STALE_MS, fix_lag.STALE_MS),
        (board_lag.CORRECTED_MS, fix_lag.CORRECTED_MS),
        (1000, fix_lag.LEAK_PPM),  # the board's lag is forgotten by a microsecond each millisecond
        (board_lines.LONGEST, nmea_lines.LONGEST),
        (1 << board_binary.BLIND_SHIFT, nmea_binary._BLIND),
        (board_binary.SENTENCES_IN_A_FRAME, nmea_binary.SENTENCES_IN_A_FRAME),
        (board_epoch.MAX_SPEED_CKMH, limits.MAX_SPEED_CKMH),
        (board_epoch.LOWEST_M, limits.HEIGHTS_M[0]),
        (board_epoch.HIGHEST_M, limits.HEIGHTS_M[-1]),
        (board_epoch.MAX_HDOP_DM, nmea_sentence._MAX_HDOP_DM),
        (board_epoch.MAX_SIGMA_MM, nmea_sentence._MAX_SIGMA_MM),
        (board_epoch.TELLS_A_FIX, nmea_sentence._TELLS_A_FIX),
    )
    assert [one for one, _other in pairs] == [other for _one, other in pairs]


def alone(text: str) -> list[list[int]]:
    return same([(START_MS, sentence(text)), (START_MS + 60, None)])


@pytest.mark.parametrize("mode", ["", *"RFDPAEMSNX", "MS", "NM", "SA", "AN", "E "])
def test_modes_of_gns(mode: str) -> None:
    (fix,) = alone(f"GNGNS,120000.00,3539.36421,N,13944.60721,E,{mode},12,0.62,40.1,36.7,,")
    assert (fix[STATUS] == codes.FIX_OK) == any(letter in mode for letter in "RFDPAE")


@pytest.mark.parametrize("quality", ["", *"0123456789", "00", "10", "07"])
def test_qualities_of_gga(quality: str) -> None:
    (fix,) = alone(f"GNGGA,120000.00,3539.36421,N,13944.60721,E,{quality},12,0.62,40.1,M,36.7,M,,")
    assert (fix[STATUS] == codes.FIX_OK) == (quality in {*"1234569", "10", "07"})


@pytest.mark.parametrize("status", ["A", "V", ""])
@pytest.mark.parametrize("mode", ["", *"ADENMS"])
def test_modes_of_rmc(status: str, mode: str) -> None:
    (fix,) = alone(f"GNRMC,120000.00,{status},3539.36421,N,13944.60721,E,21.598,77.52,150126,,,{mode}")
    assert (fix[STATUS] == codes.FIX_OK) == (status == "A" and mode in {"", *"ADE"})


@pytest.mark.parametrize("ms", [499, 500, 510, 600])
@pytest.mark.parametrize("for_ms", [1990, 2000, 2010])
def test_what_arrives_late_is_stale_until_the_clock_was_set(ms: int, for_ms: int) -> None:
    tape: Tape = []
    for number, at_ms in enumerate((0, 100, 200, 200 + for_ms, 300 + for_ms)):
        due_ms = START_MS + at_ms + (ms if number > 1 else 0)
        tape += [(due_ms, burst(NOON_MS + at_ms)), (due_ms + 60, None)]
    assert len(same(tape)) == (5 if ms <= 500 else 4 if for_ms >= 2000 else 3)


# Streams that no receiver sends on purpose


@pytest.mark.parametrize("seed", range(400 if ALL else 40))
def test_odd_streams_give_asvunits_fixes(seed: int, like_the_board: None) -> None:
    rng = random.Random(seed)
    same(stream(rng, 40), rng.choice((0, 3, 50)))


def test_the_odd_streams_are_odd(like_the_board: None) -> None:
    """They meet every reason to drop something and every status a fix can have."""
    seen: set[str] = set()
    states: set[int] = set()
    for seed in range(60):
        fixes, counted = by_board(stream(random.Random(seed), 40))
        seen |= counted.keys()
        states |= {fix[STATUS] for fix in fixes}
    assert seen == set(REASONS) - {"kinds_full", "overrun"}
    assert states == {
        codes.FIX_OK,
        codes.REASON_VOID,
        codes.REASON_NO_FIX,
        codes.REASON_NO_POSITION,
        codes.REASON_OUT_OF_RANGE,
        codes.REASON_TIME_REPEATED,
    }


parts = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        (
            b"$", b"\r\n", b"\r", b"\x00", b"\xb5\x62", b"\xb5", b"\xd3\x00", b"\xa0\xa2", b"\xa0\xa1\x00\x05", b"*",
            b"#", b"!AIVDM", b"x" * 250, b"$GPGGA,120000,,,,,0,,,,,,,,*", b"\x01\x07\x05\x00", b"\xd3\x00\x13\x3e\xd7",
            ubx(b"$GP"), rtcm3(b"ab"), sirf(b"\r\n"), skytraq(b"$"), b"# comment ",
            sentence("GNRMC,120000.00,A,3539.36421,N,13944.60721,E,21.598,077.52,150126,,,A"),
            sentence("GNGGA,120000.00,3539.36421,N,13944.60721,E,1,12,0.62,40.1,M,36.7,M,,"),
            sentence("GNGST,120000.00,1.0,,,,0.8,0.9,1.7"), sentence("GNVTG,77.52,T,,M,21.598,N,40.0,K,A"),
            sentence("GPGGA,120000.20,3539.36421,N,13944.60721,E,2,12,0.62,40.1,M,36.7,M,,"),
        )
    ),
)  # fmt: skip


@given(st.lists(parts, max_size=40), st.randoms(use_true_random=False))
def test_any_bytes_cut_anywhere(found: list[bytes], rng: random.Random) -> None:
    data, tape, time_ms, at = b"".join(found), [], START_MS, 0
    while at < len(data):
        size = rng.choice((1, 2, 9, LONGEST_PIECE))
        tape.append((time_ms, data[at : at + size]))
        at += size
        time_ms += rng.choice((0, 0, 1, 30))
        if rng.random() < 0.1:
            time_ms += 60
            tape.append((time_ms, None))
    with pytest.MonkeyPatch.context() as patch:
        limit(patch)
        same(tape, rng.choice((0, 5)))


def test_pieces_do_not_matter() -> None:
    """Byte by byte or a hundred at once: the same fixes and the same counters, their times apart."""
    data = b"".join(piece or b"" for _time, piece in stream(random.Random(9), 60))
    found = []
    for size in (1, 7, LONGEST_PIECE):
        tape: Tape = [(START_MS, data[at : at + size]) for at in range(0, len(data), size)]
        found.append(by_board(tape))
    assert found[0] == found[1] == found[2]
    assert len(found[0][0]) > 5


# What the board does otherwise


def burst(tod_ms: int) -> bytes:
    second, part = divmod(tod_ms, 1000)
    clock = f"{second // 3600:02d}{second // 60 % 60:02d}{second % 60:02d}.{part // 10:02d}"
    return sentence(f"GNGGA,{clock},3539.36421,N,13944.60721,E,1,12,0.62,40.1,M,36.7,M,,")


def pieces(data: bytes, time_ms: int) -> Tape:
    return [(time_ms, data[at : at + LONGEST_PIECE]) for at in range(0, len(data), LONGEST_PIECE)]


@pytest.mark.parametrize("size", [HOLD_BYTES, HOLD_BYTES + 1])
def test_a_frame_longer_than_can_be_held_passes_as_noise(size: int) -> None:
    """What it holds is taken for text, of which garbage is dropped and a right sentence counts; the next fix comes."""
    frame = ubx(b"\r\n" + burst(NOON_MS + 500) + bytes(size - 8 - 2 - len(burst(0))))
    assert len(frame) == size
    tape = [*pieces(burst(NOON_MS), START_MS), (START_MS + 60, None), *pieces(frame, START_MS + 500)]
    tape += [(START_MS + 560, None), *pieces(b"\n" + burst(NOON_MS + 1000), START_MS + 1000), (START_MS + 1060, None)]
    rows, dropped = by_asvunit(tape)
    fixes, counted = by_board(tape)
    assert [fix[TOD_MS] - NOON_MS for fix in rows] == [0, 1000]
    assert dropped == {"binary": 1}
    if size <= HOLD_BYTES:
        assert (fixes, counted) == (rows, dropped)
    else:
        assert [fix[TOD_MS] - NOON_MS for fix in fixes] == [0, 500, 1000]
        assert counted == {"garbage": 2}  # what stands before and after the sentence


def test_a_comment_that_is_not_ascii_is_garbage() -> None:
    tape: Tape = [(START_MS, b"\n# caf\xc3\xa9\n"), (START_MS, b"# plain\n")]
    assert by_asvunit(tape) == ([], {"comment": 2})
    assert by_board(tape) == ([], {"comment": 1, "garbage": 1})


def test_dates_are_not_read() -> None:
    """A live unit takes the time of day from its receiver, not the date: a wrong one is not counted, its fix counts."""
    text = "GNRMC,120000.00,A,3539.36421,N,13944.60721,E,21.598,077.52,999999,,,A"
    tape: Tape = [(START_MS, sentence(text)), (START_MS + 60, None)]
    (fix,) = same(tape)
    assert fix[SPEED_CKMH] == 3999


def test_more_kinds_than_there_is_room_for_are_counted() -> None:
    """They are not learned; what they say is taken all the same."""
    reader, fix = NmeaReader(), [0] * FIX_WIDTH
    talkers = [first + second for first in "GA" for second in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"][: ROOM + 2]
    texts = [sentence(f"{talker}GST,120000.00,1.0,,,,0.3,0.4,1.0") for talker in talkers]
    for text in [*texts, burst(NOON_MS)]:
        reader.feed(bytearray(text), len(text), START_MS)
    reader.idle(START_MS + 50)
    assert counts(reader) == {"kinds_full": 3}
    assert reader.take(fix)
    assert (fix[STATUS], fix[ERROR_DM]) == (codes.FIX_OK, 5)


# Its own ways


def test_fixes_that_are_not_taken_are_lost_the_oldest_first() -> None:
    reader, fix = NmeaReader(), [0] * FIX_WIDTH
    for number in range(FIXES + 6):
        data = bytearray(burst(NOON_MS + number * 100))
        reader.feed(data, len(data), START_MS + number * 100)
    assert counts(reader) == {"overrun": 6}
    kept = []
    while reader.take(fix):
        kept.append(fix[TOD_MS] - NOON_MS)
    assert kept == [100 * (6 + number) for number in range(FIXES)]


def test_waiting_fixes_are_rebased_with_the_clock() -> None:
    reader, fix = NmeaReader(), [0] * FIX_WIDTH
    data = bytearray(burst(NOON_MS))
    reader.feed(data, len(data), 5000)
    reader.idle(5049)
    assert not reader.take(fix)
    reader.idle(5050)
    reader.rebase(3000)
    assert reader.take(fix)
    assert fix[RECEIVED_MS] == 2000


def test_counters_stand_still_before_they_would_wrap() -> None:
    counters = nmea_counts.new_counts()
    counters[0] = nmea_counts.MOST - 1
    for _time in range(3):
        nmea_counts.add(counters, 0)
    assert counters[0] == nmea_counts.MOST
    assert len(REASONS) == len(counters)


def test_no_bytes_are_no_sign_of_life() -> None:
    reader, data = NmeaReader(), bytearray(burst(NOON_MS))
    reader.feed(data, len(data), START_MS)
    reader.feed(data, 0, START_MS + 49)
    reader.idle(START_MS + 50)
    assert reader.take([0] * FIX_WIDTH)
    assert reader.taken == 1
