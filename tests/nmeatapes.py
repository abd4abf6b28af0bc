"""Tapes of a receiver's bytes with their times, and what asvunit's live reader and the board's make of one.

A tape is a list of (time in ms, bytes); None for bytes: the line was looked at and nothing was there.
"""

import random
import re
from collections.abc import Iterator
from functools import reduce
from itertools import accumulate
from operator import xor
from pathlib import Path

from asvboard.nmea import FIX_WIDTH, REASONS, RECEIVED_MS, NmeaReader

from asvcore import codes
from asvcore.params import NONE
from asvunit.gnss.nmea_binary import crc24q
from asvunit.gnss.nmea_live import NmeaLive
from asvunit.gnss.nmea_text import DAY_MS, time_of_day_ms
from asvunit.ports import Fix

Tape = list[tuple[int, bytes | None]]
LONGEST_PIECE = 200
MS_NS = 1_000_000
START_MS = 1000

STATUS = {
    "": codes.FIX_OK,
    "void": codes.REASON_VOID,
    "no_fix": codes.REASON_NO_FIX,
    "no_position": codes.REASON_NO_POSITION,
    "out_of_range": codes.REASON_OUT_OF_RANGE,
    "time_repeated": codes.REASON_TIME_REPEATED,
}
# What the board does not count: it reads no dates
NOT_COUNTED = {"bad_date"}

_TIMED = re.compile(rb"\$[A-Z]{2}(?:(?:RMC|GGA|GNS|GST|ZDA),|GLL,(?:[^,]*,){4})([0-9.]{6,})")


def row(fix: Fix) -> list[int]:
    """A fix as `Unit.fix` hands it to the core."""
    told = (
        fix.latitude_cas, fix.longitude_cas, fix.speed_ckmh, fix.course_cdeg, fix.error_dm, fix.height_m,
        fix.vertical_error_m, fix.tod_ms,
    )  # fmt: skip
    return [*(NONE if value is None else value for value in told), STATUS[fix.reason], fix.time_ns // MS_NS]


def by_asvunit(tape: Tape) -> tuple[list[list[int]], dict[str, int]]:
    """All fixes of a line just opened, and what was dropped."""
    live = NmeaLive()
    live.reset()
    rows = []
    for time_ms, data in tape:
        fixes = live.quiet(time_ms * MS_NS) if data is None else live.feed(data, time_ms * MS_NS)
        rows += [row(fix) for fix in fixes]
    counted = {reason: count for reason, count in live.counters.items() if count and reason not in NOT_COUNTED}
    return rows, counted


def by_board(tape: Tape, rebase_every: int = 0) -> tuple[list[list[int]], dict[str, int]]:
    """The same of the board's reader, its clock set back at every so many pieces."""
    reader, fix, rows = NmeaReader(), [0] * FIX_WIDTH, []
    buffer, offset_ms = bytearray(LONGEST_PIECE), 0
    for number, (time_ms, data) in enumerate(tape):
        if rebase_every and number % rebase_every == rebase_every - 1:
            reader.rebase(time_ms - offset_ms - 7)
            offset_ms = time_ms - 7
        if data is None:
            reader.idle(time_ms - offset_ms)
        else:
            buffer[: len(data)] = data
            reader.feed(buffer, len(data), time_ms - offset_ms)
        while reader.take(fix):
            fix[RECEIVED_MS] += offset_ms
            rows.append(list(fix))
    return rows, counts(reader)


def counts(reader: NmeaReader) -> dict[str, int]:
    """What a reader has dropped, by reason."""
    return {reason: count for reason, count in zip(REASONS, reader.counts, strict=True) if count}


def paced(data: bytes, rng: random.Random) -> Tape:
    """A log as its receiver would have sent it: each burst at its time of day, in pieces cut anywhere."""
    tape: Tape = []
    time_ms, first = START_MS, None
    for line in data.splitlines(keepends=True):
        timed = _TIMED.search(line)
        tod_ms = time_of_day_ms(timed[1].decode()) if timed else None
        if tod_ms is not None:
            first = tod_ms if first is None else first
            due_ms = START_MS + (tod_ms - first) % DAY_MS
            if time_ms < due_ms < time_ms + 20_000:
                tape += _silence(time_ms, due_ms, rng)
                time_ms = due_ms
        at = 0
        while at < len(line):
            size = rng.choice((1, 3, 11, 40, LONGEST_PIECE))
            piece = line[at : at + size]
            at += size
            time_ms += rng.randrange(3)
            before = tape[-1][1] if tape else None
            if before is not None and len(before) + len(piece) <= LONGEST_PIECE and rng.random() < 0.6:
                tape[-1] = (time_ms, before + piece)
            else:
                tape.append((time_ms, piece))
    return [*tape, *_silence(time_ms, time_ms + 1000, rng)]


def _silence(time_ms: int, due_ms: int, rng: random.Random) -> Iterator[tuple[int, None]]:
    for after_ms in (1, 20, 49, 50, 51, 99, 100, 300, 399, 400):
        if time_ms + after_ms < due_ms and rng.random() < 0.7:
            yield time_ms + after_ms, None


def write_tape(path: Path, tape: Tape) -> None:
    """As `run_board_nmea.py` reads it."""
    path.write_text("".join(f"{time_ms} {'-' if data is None else data.hex()}\n" for time_ms, data in tape))


# Streams that no receiver sends on purpose

PLACES = (
    "3539.36421,N,13944.60721,E", "3539.3642149999,S,13944.6072150001,W", "8959.99999999,N,17959.99999999,E",
    "9000.0000,S,18000.0000,W", "9000.0001,N,00000.0000,E", "3560.0,N,13944.6,E", "3559.999999,N,13944.6,E", ",,,",
    "3539,N,13944,E", "539.36,N,944.6,E", "3539.36421,X,13944.6,E", "39.36421,N,13944.6,E", "3539.1234567890123,N,1,E",
    "3539.00000833,N,13944.00000833,E", " 3539.5 , N ,13944.5,E ", "0000.0000,N,00000.0000,W",
)  # fmt: skip
NUMBERS = (
    "", "0", "0.0", "12.3", "12.345678901234", "0.62", "0.1", "0.11", "0.3", "0.31", "99.99", "98.99", "-1", "-0.0",
    "-0.001", "+4.5", "1e3", "161.98", "161.99", "359.995", "360", "360.001", "8190.4", "8190.5", "-8192.5", "-8192.6",
    "-704.5", "0.5", "-0.5", "-0.50001", "999999999999", "1234567890123", ".5", "5.", ".", "10000.0", "10000.0005",
    "nan", "3.0", "4.0", "1.05", "0.0355", "0.354", "3000.123", " 7.5", "0.000000000001", "٣",
)  # fmt: skip
MODES = ("", "A", "D", "N", "E", "M", "S", "AN", "NN", "MA", "R", "F", "P", " A", "a")
QUALITIES = ("", "0", "00", "1", "2", "4", "5", "6", "7", "8", "9", " 1", "x")
TALKERS = ("GN", "GP", "GL", "GA", "BD", "PU", "GQ")


def stream(rng: random.Random, steps: int) -> Tape:
    """Bursts of sentences with odd fields, damaged ones, binary frames, noise; times that jump, repeat and run back."""
    tape: Tape = []
    time_ms, tod_ms = START_MS, rng.choice((43_200_000, DAY_MS - 2000, rng.randrange(DAY_MS)))
    order = rng.choices(KINDS, k=rng.randint(1, 5))
    sane = rng.random() < 0.7
    held, begin_ms = b"", time_ms
    for _step in range(steps):
        part = held
        for kind in order if rng.random() < 0.8 else rng.choices(KINDS, k=2):
            part += made(rng, kind, tod_ms, sane) if rng.random() < 0.95 else b""
            if rng.random() < 0.08:
                part += noise(rng)
        if rng.random() < 0.15:
            part = damaged(rng, part)
        keep = rng.choice((0, 0, 0, 1, 9))
        held = part[len(part) - keep :] if keep else b""
        part = part[: len(part) - keep]
        while part:
            size = rng.choice((1, 20, 70, LONGEST_PIECE))
            tape.append((time_ms, part[:size]))
            part = part[size:]
            time_ms += rng.choice((0, 0, 1, 5))
            if rng.random() < 0.1:
                tape.append((time_ms, None))
        step_ms = rng.choice((100, 100, 200, 1000) if sane else (0, 0, 100, 3, -500, 86_399_900, 43_200_000))
        late_ms = rng.choice((0, 0, 0, 0, 60, 600)) if sane else rng.choice((0, 100, 1300))
        begin_ms += step_ms if 0 <= step_ms < 10_000 else 100
        next_ms = max(time_ms, begin_ms) + late_ms
        tape += _silence(time_ms, next_ms, rng)
        time_ms = next_ms
        tod_ms = (tod_ms + step_ms) % DAY_MS if rng.random() < 0.9 else tod_ms
    return tape


KINDS = ("RMC", "RMC", "GGA", "GGA", "GNS", "GLL", "GST", "VTG", "ZDA", "GSV")


def made(rng: random.Random, kind: str, tod_ms: int, sane: bool) -> bytes:
    """A sentence with a right checksum; `sane`: its fields are mostly so."""

    def odd(usual: str, *others: str) -> str:
        return usual if rng.random() < (0.97 if sane else 0.6) else rng.choice(others)

    second, part = divmod(tod_ms, 1000)
    clock = f"{second // 3600:02d}{second // 60 % 60:02d}{second % 60:02d}.{part:03d}"
    clock = odd(
        clock, "", "240000", "235960.5", "12345", clock[:6], clock + "49999", clock + "5", clock + "x", "1234.5"
    )
    place, number = odd(PLACES[0], *PLACES), lambda: odd(f"{rng.uniform(0, 90):.3f}", *NUMBERS)
    mode, quality, date = odd("A", *MODES), odd("1", *QUALITIES), odd("150126", "", "991399")
    body = {
        "RMC": f"{clock},{odd('A', 'V', '', 'AA')},{place},{number()},{number()},{date},,,{mode}",
        "GGA": f"{clock},{place},{quality},12,{number()},{number()},M,36.7,M,,",
        "GNS": f"{clock},{place},{odd('AA', *MODES)},12,{number()},{number()},36.7,,",
        "GLL": f"{place},{clock},{odd('A', 'V')},{mode}",
        "GST": f"{clock},1.0,,,,{number()},{number()},{number()}",
        "VTG": f"{number()},T,,M,{number()},N,{number()},K,{mode}",
        "ZDA": f"{clock},15,01,2026,00,00",
        "GSV": "1,1,00",
    }[kind]
    if not sane and rng.random() < 0.1:
        body = body[: rng.randrange(len(body))]
    text = f"{odd('GN', *TALKERS)}{kind},{body}".encode()
    digits = f"{reduce(xor, text):02X}"
    before = rng.choice((b"", b"", b"", b"\\s:r1,c:1577*3A\\", b"12:00:01 ", b"!AIVDM,1*00 ", b"# ", b"\t"))
    before = b"" if rng.random() < 0.8 else before
    return (
        before
        + b"$"
        + text
        + f"*{odd(digits, digits.lower(), '00', '')}".encode()
        + rng.choice((b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"", b" x\r\n"))
    )


def noise(rng: random.Random) -> bytes:
    """What may stand between sentences."""
    body = bytes(rng.choices(range(256), k=rng.choice((0, 2, 30, 120))))
    return rng.choice(
        (
            ubx(body), rtcm3(body), sirf(body), skytraq(body), ubx(body)[:-1], b"\xb5\x62", b"\xd3\x00", b"\xa0", body,
            b"\n# comment $GPGGA,1*00\n", b"\x00\x11", b"$", b"$$GP", b"x" * 300, b"$" + b"y" * 260, b"\n",
            b"$PUBX,00*00\n", ubx(b"$" + body, length=900)[:-2], rtcm3(body, number=7), b"!A", b"   ",
        )
    )  # fmt: skip


def damaged(rng: random.Random, part: bytes) -> bytes:
    """Some bytes changed, lost or more."""
    result = bytearray(part)
    for _time in range(rng.randint(1, 4)):
        at = rng.randrange(len(result) + 1)
        result[at : at + rng.choice((0, 1, 1, 5))] = bytes(
            rng.choices(b"\r\n$*,0A\xb5\xd3\xa0\x62\x00\xff ", k=rng.randrange(3))
        )
    return bytes(result)


def ubx(payload: bytes, length: int | None = None) -> bytes:
    """A frame of u-blox."""
    body = b"\x01\x07" + (len(payload) if length is None else length).to_bytes(2, "little") + payload
    sums = list(accumulate(body))
    return b"\xb5\x62" + body + bytes((sums[-1] & 0xFF, sum(sums) & 0xFF))


def rtcm3(payload: bytes, number: int = 1077) -> bytes:
    """A frame of RTCM 3."""
    body = bytes((number >> 4, (number & 15) << 4)) + payload
    frame = b"\xd3" + len(body).to_bytes(2) + body
    return frame + crc24q(frame).to_bytes(3)


def sirf(payload: bytes) -> bytes:
    """A frame of SiRF."""
    check = sum(payload) & 0x7FFF
    return b"\xa0\xa2" + len(payload).to_bytes(2) + payload + check.to_bytes(2) + b"\xb0\xb3"


def skytraq(payload: bytes) -> bytes:
    """A frame of SkyTraq."""
    return b"\xa0\xa1" + len(payload).to_bytes(2) + payload + bytes((reduce(xor, payload, 0),)) + b"\r\n"
