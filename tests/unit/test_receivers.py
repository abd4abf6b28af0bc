"""What real receivers and loggers do to NMEA: binary frames, odd line ends, clocks that lie, many talkers."""

import datetime
import random
import struct
from collections import Counter
from collections.abc import Callable
from functools import reduce
from itertools import accumulate
from operator import xor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asvrig.gnss_feed import sentence
from asvunit.adapters.nmea import NmeaFile
from asvunit.errors import UsageError
from asvunit.gnss.nmea_binary import BinaryFilter, crc24q
from asvunit.gnss.nmea_lines import LONGEST, SentenceCutter
from asvunit.gnss.nmea_live import REPEATED_MS, NmeaLive
from asvunit.ports import Fix

MS = 1_000_000
SECOND = 1_000_000_000
NOON_MS = 43_200_000
WEEKS_1024 = datetime.timedelta(weeks=1024)
PLACE = "3539.36421,N,13944.60721,E"
NORTH_CAS, EAST_CAS = 12_836_185, 50_307_643  # 35 deg 39.36421', 139 deg 44.60721'


def clock(tod_ms: int) -> str:
    second, part = divmod(tod_ms, 1000)
    return f"{second // 3600:02d}{second // 60 % 60:02d}{second % 60:02d}.{part:03d}"


def rmc(tod_ms: int, date: str = "150126", *, talker: str = "GN", status: str = "A", place: str = PLACE) -> bytes:
    mode = "A" if status == "A" else "N"
    return sentence(f"{talker}RMC,{clock(tod_ms)},{status},{place},21.598,077.52,{date},,,{mode}")


def gga(tod_ms: int, *, talker: str = "GN", quality: str = "1", place: str = PLACE) -> bytes:
    return sentence(f"{talker}GGA,{clock(tod_ms)},{place},{quality},12,0.62,40.1,M,36.7,M,,")


def burst(tod_ms: int, **options: Any) -> bytes:
    return rmc(tod_ms, **options) + gga(tod_ms)


def unix_ns(*when: int) -> int:
    return int(datetime.datetime(*when, tzinfo=datetime.UTC).timestamp()) * SECOND


Read = Callable[..., tuple[list[Fix], dict[str, int]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(*parts: bytes, date: datetime.date | None = None) -> tuple[list[Fix], dict[str, int]]:
        path = tmp_path / "log.nmea"
        path.write_bytes(b"".join(parts))
        log = NmeaFile(path, date)
        return list(log), dict(log.counters)

    return read


def tods(fixes: list[Fix]) -> list[int]:
    return [(fix.tod_ms or 0) - NOON_MS for fix in fixes if fix.valid]


# Binary frames


def ubx(payload: bytes, kind: bytes = b"\x01\x07", length: int | None = None) -> bytes:
    body = kind + struct.pack("<H", len(payload) if length is None else length) + payload
    sums = list(accumulate(body))
    return b"\xb5\x62" + body + bytes((sums[-1] & 0xFF, sum(sums) & 0xFF))


def rtcm3(payload: bytes, number: int = 1077) -> bytes:
    body = bytes((number >> 4, (number & 15) << 4)) + payload
    frame = b"\xd3" + struct.pack(">H", len(body)) + body
    return frame + crc24q(frame).to_bytes(3)


def sirf(payload: bytes) -> bytes:
    return (
        b"\xa0\xa2" + struct.pack(">H", len(payload)) + payload + struct.pack(">H", sum(payload) & 0x7FFF) + b"\xb0\xb3"
    )


def skytraq(payload: bytes) -> bytes:
    return b"\xa0\xa1" + struct.pack(">H", len(payload)) + payload + bytes((reduce(xor, payload, 0),)) + b"\r\n"


FRAMES = [ubx, rtcm3, sirf, skytraq]


def test_known_checks() -> None:
    """Frames as the descriptions of u-blox (poll of MON-VER) and RTCM (1005) give them."""
    assert ubx(b"", b"\x0a\x04") == bytes.fromhex("b5620a0400000e34")
    assert crc24q(bytes.fromhex("d300133ed7d30202980edeef34b4bd62ac0941986f33")) == 0x360B98


@pytest.mark.parametrize("frame", FRAMES)
def test_a_whole_frame_is_skipped_whatever_it_holds(read: Read, frame: Callable[[bytes], bytes]) -> None:
    inside = b"\n$" + rmc(NOON_MS + 500) + b"\xff\x00$GN\n#"
    fixes, counters = read(burst(NOON_MS), frame(inside), burst(NOON_MS + 1000), frame(b"$"), frame(bytes(300)))
    assert tods(fixes) == [0, 1000]
    assert counters == {"binary": 3}


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("at", [0, 1, 2, 3, 5, 40, -1, -2, -3])
def test_a_frame_with_a_wrong_byte_swallows_no_sentence(read: Read, frame: Callable[[bytes], bytes], at: int) -> None:
    broken = bytearray(frame(bytes(range(1, 60))))
    broken[at] ^= 0x55
    stream = b"".join(burst(NOON_MS + n * 1000) + (bytes(broken) if n == 1 else b"") for n in range(20))
    fixes, _counters = read(stream)
    assert tods(fixes) == list(range(0, 20_000, 1000))


@pytest.mark.parametrize("length", [60, 500, 3000, 8192, 8193, 65535])
def test_a_wrong_length_holds_the_line_for_no_more_than_three_sentences(length: int) -> None:
    filter_ = BinaryFilter()
    assert filter_.feed(ubx(bytes(20), length=length)[:20]) in (b"", ubx(bytes(20), length=length)[:20])
    told = b"".join(filter_.feed(rmc(NOON_MS + n)) for n in range(3))
    assert told.count(b"GNRMC") == 3
    assert not filter_.is_holding


def test_a_wrong_length_before_silence_is_given_up_when_the_line_is_quiet() -> None:
    live = NmeaLive()
    live.feed(b"\n" + burst(NOON_MS), 0)
    assert len(live.quiet(100 * MS)) == 1
    assert live.feed(ubx(bytes(20), length=1000)[:-4] + burst(NOON_MS + 1000), 1000 * MS) == []
    assert live.quiet_at_ns == 1050 * MS
    (fix,) = live.quiet(1050 * MS)
    assert (fix.tod_ms, fix.time_ns) == (NOON_MS + 1000, 1000 * MS)


def stream() -> bytes:
    """All that comes between sentences."""
    parts = []
    for n in range(12):
        tod_ms = NOON_MS + n * 100
        parts += [rmc(tod_ms), FRAMES[n % 4](b"\r\n$GNRMC," + bytes(range(n * 7))), gga(tod_ms)]
    parts[4] = ubx(bytes(30), length=300)[:-3]  # breaks off
    parts[10] = parts[10][:-1] + b"\x00"  # a wrong check
    parts.insert(7, b"\x00\x00\xff\xb5\xd3\xa0\n# text $GNRMC\n\n\r\r\n")
    parts.insert(15, b"U" * (LONGEST + 5) + b"$" + b"V" * (LONGEST + 5))
    parts.insert(21, b"1700000000.123 ")
    parts.insert(24, b"\xb5\x62\xd3\x00\xd3\x00\x13\x3e$$$$GN$\n#\xff")
    return b"".join(parts)


def taken(pieces: list[bytes]) -> tuple[list[bytes], Counter[str]]:
    cutter = SentenceCutter(Counter())
    found = [one.rstrip() for piece in pieces for one in cutter.feed(piece)]
    return found + [one.rstrip() for one in cutter.finish()], cutter.counters


def fixes_of(pieces: list[bytes]) -> tuple[list[Fix], Counter[str]]:
    live = NmeaLive()
    return [fix for piece in pieces for fix in live.feed(piece, 0)] + live.quiet(10**9), live.counters


def pieces_of(data: bytes, sizes: list[int]) -> list[bytes]:
    ends = [*accumulate(sizes), len(data)]
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]


@given(st.lists(st.integers(1, 200), max_size=40))
def test_the_pieces_do_not_matter(sizes: list[int]) -> None:
    data = stream()
    assert taken(pieces_of(data, sizes)) == taken([data])
    assert fixes_of(pieces_of(data, sizes)) == fixes_of([data])


def test_byte_by_byte_and_nothing_lost() -> None:
    data = stream()
    whole = taken([data])
    assert taken([data[n : n + 1] for n in range(len(data))]) == whole
    assert fixes_of([data[n : n + 1] for n in range(len(data))]) == fixes_of([data])
    wanted = [one.strip() for n in range(12) for one in (rmc(NOON_MS + n * 100), gga(NOON_MS + n * 100))]
    assert [one for one in whole[0] if one in wanted] == wanted
    assert whole[1]["binary"] == 10
    assert whole[1]["comment"] == 1


SNIPPETS = [
    *(b"\xb5\x62", b"\x01\x07\x08\x00", b"\xd3\x00", b"\x43\x50", b"\xa0\xa1", b"\xa0\xa2", b"\x00\x08"),
    *(b"$", b"#", b"!AIVDM", b"\r", b"\n", b"\x00", b"$GNRMC,", b"*00", rmc(NOON_MS), b"U" * 300),
    *(ubx(b"$GNRMC,\n"), rtcm3(b"12")),
]


@given(
    st.lists(st.sampled_from(SNIPPETS) | st.binary(max_size=12), max_size=30), st.lists(st.integers(1, 60), max_size=30)
)
def test_the_pieces_of_noise_do_not_matter(parts: list[bytes], sizes: list[int]) -> None:
    data = b"".join(parts)
    assert taken(pieces_of(data, sizes)) == taken([data])


def test_after_a_broken_frame_no_other_is_looked_for_at_once() -> None:
    """In an eighth of its size: what bounds the work on noise does not depend on the pieces either."""
    wrong = bytearray(ubx(bytes(range(10)) + ubx(b"near") + bytes(300) + ubx(b"far") + bytes(1000)))
    wrong[-1] ^= 1
    data = bytes(wrong) + b"\n"
    for size in (1, 7, 20, 100, 1300, len(data)):
        filter_ = BinaryFilter()
        told = b"".join(filter_.feed(data[at : at + size]) for at in range(0, len(data), size))
        assert (filter_.frames, filter_.size) == (1, len(ubx(b"far")))
        assert told == data.replace(ubx(b"far"), b"\n")


def test_a_broken_frame_is_the_same_in_any_pieces_when_sentences_end_it() -> None:
    sentences = b"".join(rmc(NOON_MS + n) for n in range(3))
    data = ubx(bytes(20), length=8000)[:-2] + sentences + ubx(b"near") + bytes(2000) + ubx(b"far")
    for size in (1, 7, 100, 300, 3000):
        filter_ = BinaryFilter()
        told = b"".join(filter_.feed(data[at : at + size]) for at in range(0, len(data), size))
        assert (filter_.frames, filter_.size) == (1, len(ubx(b"far")))
        assert told.count(b"GNRMC") == 3


def test_noise_takes_no_memory_and_hides_nothing_after_it() -> None:
    live = NmeaLive()
    noise = random.Random(5).randbytes(300_000)
    for at in range(0, len(noise), 4096):
        live.feed(noise[at : at + 4096], at)
        assert len(live._cutter._rest) <= LONGEST
        assert len(live._cutter._binary._held) <= 8200
    live.quiet(at + 10**9)
    assert live.no_sentence is False
    later_ns = 10 * SECOND
    fixes = live.feed(b"\n" + burst(NOON_MS) + burst(NOON_MS + 100), later_ns) + live.quiet(later_ns + SECOND)
    assert tods(fixes) == [0, 100]
    assert live.counters["garbage"] > 500


# Lines


@pytest.mark.parametrize(
    "end", [b"\r\n", b"\n", b"\r", b"\r\r\n", b"\x00\r\n", b"\r\n\x00\x00", b"", b" \r\n", b'"\n', b",123\n"]
)
def test_line_ends(read: Read, end: bytes) -> None:
    text = b"".join(burst(NOON_MS + n * 1000) for n in range(3)).replace(b"\r\n", end)
    fixes, counters = read(text)
    assert tods(fixes) == [0, 1000, 2000]
    assert counters == {}


@pytest.mark.parametrize(
    "prefix",
    ["12:00:00.123 ", "1680000000.123 ", r"\s:gps1,c:1680000000*5F" + "\\", "[2026-01-15T12:00:00Z] RX: ", '"', "\t"],
)
def test_what_loggers_write_before_a_sentence(read: Read, prefix: str) -> None:
    lines = b"".join(burst(NOON_MS + n * 1000) for n in range(3)).splitlines(keepends=True)
    fixes, counters = read(*(prefix.encode() + line for line in lines))
    assert (tods(fixes), counters) == ([0, 1000, 2000], {})


def test_long_sentences_and_wrong_checksums(read: Read) -> None:
    place = "3539.364210000000000,N,13944.607210000000000,E"
    text = sentence(f"GNGGA,120000.000000,{place},4,24,0.500000,40.100000000,M,36.700000000,M,1.0,0001")
    assert len(text) > 90
    (fix,), counters = read(
        rmc(NOON_MS).replace(b"3539", b"3538"), text, rmc(NOON_MS), rmc(NOON_MS + 1000)[:-4] + b"zz\r\n"
    )
    assert counters == {"bad_checksum": 1, "no_checksum": 1}
    assert (fix.latitude_cas, fix.error_dm) == (NORTH_CAS, 25)


def test_a_sentence_in_a_comment_is_none(read: Read) -> None:
    fixes, counters = read(rmc(NOON_MS), b"# left out: " + rmc(NOON_MS + 500), rmc(NOON_MS + 1000))
    assert (tods(fixes), counters) == ([0, 1000], {"comment": 1})
    # the rest of a binary frame may begin like one
    fixes, counters = read(rmc(NOON_MS), b"#\xd5\x01" + rmc(NOON_MS + 500), rmc(NOON_MS + 1000))
    assert (tods(fixes), counters) == ([0, 500, 1000], {})


def test_checksums_in_lower_case(read: Read) -> None:
    texts = [rmc(NOON_MS + n * 1000) for n in range(20)]
    lower = [text[:-4] + text[-4:].lower() for text in texts]
    assert lower != texts
    assert tods(read(*lower)[0]) == list(range(0, 20_000, 1000))


def test_proprietary_sentences_are_passed_over(read: Read) -> None:
    others = sentence("PUBX,00,120000.00,3539.36,N,13944.6,E,40,G3,1.0,1.0,0,0,0,,0.6,1,1,12,0,0") + sentence(
        "PSRFRMC,1"
    )
    assert read(burst(NOON_MS), others, sentence("PRMC,120001.00,A"), burst(NOON_MS + 1000))[1] == {}


def test_a_log_without_any_checksum_is_read_and_said_so(read: Read) -> None:
    lines = [
        text[: text.index(b"*")] + b"\r\n"
        for n in range(3)
        for text in (rmc(NOON_MS + n * 1000), gga(NOON_MS + n * 1000))
    ]
    cut = rmc(NOON_MS + 3000)[:30] + b"\r\n"
    fixes, counters = read(*lines, cut)
    assert (tods(fixes), counters) == ([0, 1000, 2000], {"unchecked": 6, "no_checksum": 1})
    with_one = read(*lines, burst(NOON_MS + 5000))
    assert (tods(with_one[0]), with_one[1]) == ([5000], {"no_checksum": 6})  # its receiver does send them


def test_a_live_sentence_without_checksum_is_never_taken() -> None:
    live = NmeaLive()
    text = rmc(NOON_MS)
    assert live.feed((text[: text.index(b"*")] + b"\r\n") * 20, 0) + live.quiet(10**9) == []
    assert live.counters == {"no_checksum": 20}


def test_a_log_of_binary_frames_alone_is_refused_by_that(tmp_path: Path) -> None:
    path = tmp_path / "log.ubx"
    path.write_bytes(ubx(bytes(92)) * 5)
    with pytest.raises(UsageError, match="only 5 binary frames"):
        NmeaFile(path)


# Sentences


@pytest.mark.parametrize("talker", ["GP", "GN", "GL", "GA", "GB", "GQ", "GI", "BD", "QZ", "IN", "II"])
def test_talkers(read: Read, talker: str) -> None:
    fixes, counters = read(*(rmc(NOON_MS + n, talker=talker) + gga(NOON_MS + n, talker=talker) for n in (0, 50)))
    assert [fix.error_dm for fix in fixes] == [31, 31]
    assert counters == {}


OTHER = "0000.00000,N,00000.00000,E"


@pytest.mark.parametrize(
    "texts",
    [
        [rmc(NOON_MS, talker="GP"), rmc(NOON_MS, talker="GL", place=OTHER)],
        [rmc(NOON_MS, talker="GL", place=OTHER), rmc(NOON_MS, talker="GP")],
        [rmc(NOON_MS, talker="GP", place=OTHER), rmc(NOON_MS, talker="GN")],
        [rmc(NOON_MS, talker="GN"), rmc(NOON_MS, talker="GP", place=OTHER)],
        [rmc(NOON_MS, talker="GP", status="V", place=OTHER), rmc(NOON_MS, talker="GL")],
        [rmc(NOON_MS, talker="GA"), rmc(NOON_MS, talker="GN", status="V", place=OTHER)],
        [rmc(NOON_MS), gga(NOON_MS, talker="GP", quality="0"), gga(NOON_MS, talker="GA")],
    ],
)
def test_which_talker_wins(read: Read, texts: list[bytes]) -> None:
    (fix,), _ = read(*texts)
    assert (fix.valid, fix.latitude_cas, fix.longitude_cas) == (True, NORTH_CAS, EAST_CAS)


@pytest.mark.parametrize(
    ("quality", "mode", "reason", "counted"),
    [
        ("1", "A", "", {}),
        ("2", "D", "", {}),
        ("4", "R", "", {}),
        ("5", "F", "", {}),
        ("6", "E", "", {}),
        ("7", "M", "no_fix", {"manual_input": 1}),
        ("8", "S", "no_fix", {"simulated": 1}),
        ("8", "A", "no_fix", {"simulated": 1}),
        ("1", "S", "no_fix", {"simulated": 1}),
        ("0", "A", "no_fix", {}),
        ("00", "A", "no_fix", {}),
    ],
)
def test_qualities(read: Read, quality: str, mode: str, reason: str, counted: dict[str, int]) -> None:
    text = sentence(f"GNRMC,120000.000,A,{PLACE},1.0,90.0,150126,,,{mode}")
    for order in ((text, gga(NOON_MS, quality=quality)), (gga(NOON_MS, quality=quality), text)):
        fixes, counters = read(*order)
        assert ([fix.reason for fix in fixes], counters) == ([reason], counted)


def gns(tod_ms: int, modes: str, place: str = PLACE, talker: str = "GN") -> bytes:
    return sentence(f"{talker}GNS,{clock(tod_ms)},{place},{modes},12,0.62,40.1,36.7,,,V")


@pytest.mark.parametrize(
    ("modes", "valid"),
    [("AA", True), ("NA", True), ("DNN", True), ("N", False), ("NNN", False), ("R", True), ("S", False)],
)
def test_gns_stands_for_gga(read: Read, modes: str, valid: bool) -> None:
    (fix,), _ = read(gns(NOON_MS, modes), date=datetime.date(2026, 1, 15))
    assert fix.valid == valid
    if valid:
        assert (fix.latitude_cas, fix.error_dm, fix.height_m) == (NORTH_CAS, 31, 40)
    (fix,), _ = read(rmc(NOON_MS), gns(NOON_MS, modes))
    assert fix.valid == valid


def test_gns_of_one_system_without_a_position_takes_nothing_away(read: Read) -> None:
    (fix,), _ = read(
        gns(NOON_MS, "AA"),
        gns(NOON_MS, "", ",,,", "GP"),
        gns(NOON_MS, "", ",,,", "GL"),
        date=datetime.date(2026, 1, 15),
    )
    assert (fix.valid, fix.latitude_cas, fix.error_dm) == (True, NORTH_CAS, 31)


def gll(tod_ms: int, status: str = "A") -> bytes:
    return sentence(f"GPGLL,{PLACE},{clock(tod_ms)},{status},{'A' if status == 'A' else 'N'}")


def test_gll_counts_where_nothing_else_tells_a_position(read: Read) -> None:
    day = datetime.date(2026, 1, 15)
    fixes, _ = read(*(gll(NOON_MS + n * 1000, "V" if n == 2 else "A") for n in range(8)), date=day)
    assert [fix.valid for fix in fixes] == [n != 2 for n in range(8)]
    # beside others it may have a rougher time, and tells nothing
    fixes, _ = read(*(rmc(NOON_MS + n * 1000 + 500) + gll(NOON_MS + n * 1000) for n in range(8)))
    assert tods(fixes) == [n * 1000 + 500 for n in range(8)]
    live = NmeaLive()
    told = [fix for n in range(12) for fix in live.feed(gll(NOON_MS + n * 1000), n * SECOND)]
    assert tods(told) == list(range(5000, 12_000, 1000))  # after five in a row


def test_zda_dates_a_receiver_without_rmc(read: Read) -> None:
    zda = sentence("GNZDA,235959.00,31,12,2025,00,00")
    fixes, counters = read(gga(86_399_000), zda, gga(0), gga(1000))
    assert [fix.time_ns for fix in fixes] == [unix_ns(2025, 12, 31, 23, 59, 59) + n * SECOND for n in range(3)]
    fixes, _ = read(zda, gga(0))
    assert fixes[0].time_ns == unix_ns(2026, 1, 1)
    fixes, _ = read(sentence("GNZDA,115959.00,22,08,1999,00,00"), gga(NOON_MS, quality="0"), rmc(NOON_MS + 1000))
    assert fixes[-1].time_ns == unix_ns(2026, 1, 15, 12, 0, 1)  # a clock without a fix is not believed
    with pytest.raises(UsageError, match="--date"):
        read(sentence("GNZDA,120000.00,00,00,0000,00,00"), gga(NOON_MS))
    assert counters == {}


# Places


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("3352.00000,S,15112.00000,E", (-12_192_000, 54_432_000)),
        ("3436.00000,S,05822.00000,W", (-12_456_000, -21_012_000)),
        ("4045.00000,N,07400.00000,W", (14_670_000, -26_640_000)),
        ("1800.0,S,17959.99999,E", (-6_480_000, 64_800_000)),
        ("1800.0,S,17959.99,W", (-6_480_000, -64_799_940)),
        ("0000.0,N,18000.0,W", (0, -64_800_000)),
        ("9000.0,S,00000.0,E", (-32_400_000, 0)),
    ],
)
def test_hemispheres_and_the_date_line(read: Read, place: str, expected: tuple[int, int]) -> None:
    (fix,), _ = read(rmc(NOON_MS, place=place))
    assert (fix.latitude_cas, fix.longitude_cas) == expected


@pytest.mark.parametrize(
    "place",
    [
        *("36000.0000,N,13944.6,E", "9100.0,N,13944.6,E", "3560.0,N,13944.6,E", "3599.99,N,13944.6,E"),
        *("3539.3,N,36000.0,E", "3539.3,N,18100.0,W", "3539.3,N,13960.0,E"),
    ],
)
def test_places_that_are_none(read: Read, place: str) -> None:
    fixes, _ = read(
        rmc(NOON_MS), rmc(NOON_MS + 1000, place=place) + gga(NOON_MS + 1000, place=place), rmc(NOON_MS + 2000)
    )
    assert [fix.reason for fix in fixes] == ["", "out_of_range", ""]


# Clocks


@pytest.mark.parametrize("hz", [1, 2, 5, 8, 10, 20])
def test_rates(read: Read, hz: int, tmp_path: Path) -> None:
    steps = [NOON_MS + n * 1000 // hz for n in range(3 * hz + 2)]
    texts = [burst(tod_ms) for tod_ms in steps]
    assert tods(read(*texts)[0]) == [tod_ms - NOON_MS for tod_ms in steps]
    assert NmeaFile(tmp_path / "log.nmea").summary()["period_ms"] == 1000 // hz
    live = NmeaLive()
    told = [fix for tod_ms, text in zip(steps, texts, strict=True) for fix in live.feed(text, (tod_ms - NOON_MS) * MS)]
    assert len(told) >= len(steps) - 1
    assert live.summary()["period_ms"] == 1000 // hz


def test_a_receiver_that_changes_its_rate() -> None:
    live = NmeaLive()
    for ms in [*range(0, 5000, 1000), *range(5000, 7000, 100)]:
        live.feed(burst(NOON_MS + ms), ms * MS)
    assert live.summary()["period_ms"] == 100


def day_text(day: datetime.date) -> str:
    return f"{day:%d%m%y}"


TODAY = datetime.date(2026, 1, 15)


@pytest.mark.parametrize("rollovers", [1, 2])
@pytest.mark.parametrize("off", [-1, 0, 1])
def test_a_week_rollover_is_mended_by_the_date_of_other_inputs(read: Read, rollovers: int, off: int) -> None:
    old = TODAY - rollovers * WEEKS_1024
    other = TODAY + datetime.timedelta(days=off)
    fixes, counters = read(*(rmc(NOON_MS + n * 1000, day_text(old)) for n in range(5)), date=other)
    assert [fix.time_ns for fix in fixes] == [unix_ns(2026, 1, 15, 12, 0, n) for n in range(5)]
    assert counters == {"week_rollover": 5}


@pytest.mark.parametrize("days", [2, -2, 3500])
def test_no_other_contradiction_is_mended(read: Read, days: int) -> None:
    old = TODAY - WEEKS_1024
    fixes, counters = read(rmc(NOON_MS, day_text(old)), date=TODAY + datetime.timedelta(days=days))
    assert (fixes[0].time_ns // SECOND, counters) == (unix_ns(old.year, old.month, old.day, 12) // SECOND, {})


def test_an_old_log_alone_stays_as_old_as_it_is(read: Read) -> None:
    fixes, counters = read(*(rmc(NOON_MS + n * 1000, "010604") for n in range(5)))
    assert (fixes[0].time_ns, counters) == (unix_ns(2004, 6, 1, 12), {})


@pytest.mark.parametrize("old_first", [True, False])
def test_a_jump_by_a_rollover_within_a_log_is_none(read: Read, old_first: bool) -> None:
    old = day_text(TODAY - WEEKS_1024)
    dates = [old] * 4 + ["150126"] * 4 if old_first else ["150126"] * 4 + [old] * 4
    fixes, counters = read(*(burst(NOON_MS + n * 1000, date=date) for n, date in enumerate(dates)))
    assert [fix.time_ns for fix in fixes] == [unix_ns(2026, 1, 15, 12, 0, n) for n in range(8)]
    assert counters == {"week_rollover": 4}


def test_one_date_far_ahead_is_not_believed(read: Read) -> None:
    ahead = day_text(TODAY + WEEKS_1024)
    fixes, counters = read(*(rmc(NOON_MS + n * 1000, ahead if n == 2 else "150126") for n in range(5)))
    assert [fix.time_ns for fix in fixes] == [unix_ns(2026, 1, 15, 12, 0, n) for n in range(5)]
    assert counters == {"week_rollover": 1}


def test_a_rollover_at_midnight(read: Read) -> None:
    """The night of 6 April 2019: the week begins anew, and an old receiver with it."""
    before = [burst(86_398_000 + n * 1000, date="060419") for n in range(2)]
    after = [burst(n * 1000, date="220899") for n in range(3)]
    fixes, counters = read(*before, *after)
    assert [fix.time_ns for fix in fixes] == [unix_ns(2019, 4, 6, 23, 59, 58) + n * SECOND for n in range(5)]
    assert counters == {"week_rollover": 3}


def test_leap_second(read: Read) -> None:
    texts = [sentence(f"GNRMC,{tod},A,{PLACE},1.0,90.0,{date},,,A") for tod, date in
             (("235959.00", "311216"), ("235960.00", "311216"), ("000000.00", "010117"))]  # fmt: skip
    fixes, counters = read(*texts)
    assert [fix.tod_ms for fix in fixes] == [86_399_000, 86_399_999, 0]
    assert [fix.time_ns // SECOND - unix_ns(2017, 1, 1) // SECOND for fix in fixes] == [-1, -1, 0]
    assert counters == {}


def test_an_epoch_out_of_order_is_dropped_live(read: Read) -> None:
    order = [0, 100, 300, 200, 400, 500]
    fixes, counters = read(*(burst(NOON_MS + ms) for ms in order))
    assert (tods(fixes), counters) == (order, {})  # the replay clamps and counts it
    live = NmeaLive()
    told = [fix for n, ms in enumerate(order) for fix in live.feed(burst(NOON_MS + ms), n * 100 * MS)]
    assert tods(told + live.quiet(SECOND)) == [0, 100, 300, 400, 500]
    assert live.counters["time_back"] == 1


def test_a_clock_that_was_set_back_goes_on(read: Read) -> None:
    order = [*range(60_000, 65_000, 1000), *range(0, 10_000, 1000)]
    fixes, counters = read(*(burst(NOON_MS + ms) for ms in order))
    assert (tods(fixes), counters) == (order, {})
    live, told = NmeaLive(), []
    for n, ms in enumerate(order):
        told += live.feed(burst(NOON_MS + ms), n * SECOND) + live.quiet(n * SECOND + 100 * MS)
    assert tods(told) == [*range(60_000, 65_000, 1000), *range(2000, 10_000, 1000)]  # believed after two seconds


def test_a_last_fix_told_again_and_again_is_no_new_one(read: Read) -> None:
    """A hot start: valid, but of the same time until the receiver has satellites."""
    texts = [burst(NOON_MS)] * 10 + [burst(NOON_MS + 10_000 + n * 1000) for n in range(3)]
    fixes, counters = read(*texts)
    assert tods(fixes) == [0, 10_000, 11_000, 12_000]
    assert [fix.reason for fix in fixes] == [""] + ["time_repeated"] * 8 + [""] * 3
    assert {fix.time_ns for fix in fixes if not fix.valid} == {fixes[0].time_ns}
    assert counters == {"time_repeated": 16}
    live = NmeaLive()
    told = [
        fix for n, text in enumerate(texts) for fix in live.feed(text, n * SECOND) + live.quiet(n * SECOND + 100 * MS)
    ]
    assert [fix.reason for fix in told] == [""] + ["time_repeated"] * 8 + [""] * 3
    assert [fix.time_ns // SECOND for fix in told] == [0, *range(2, 13)]


def test_a_clock_of_whole_seconds_says_each_of_them_several_times(read: Read) -> None:
    texts = [burst(NOON_MS + n // 5 * 1000) for n in range(20)]
    fixes, counters = read(*texts)
    assert [fix.reason for fix in fixes] == [""] * 4 + ["time_repeated"] * 3  # of the last, nothing tells
    live = NmeaLive()
    told = [
        fix for n, text in enumerate(texts) for fix in live.feed(text, n * 200 * MS) + live.quiet((n * 200 + 100) * MS)
    ]
    assert [fix.reason for fix in told] == [""] * 4
    assert REPEATED_MS > 1000
    assert counters["time_repeated"] == 24


def test_speed_told_once_for_many_positions_is_not_lost() -> None:
    """GGA at 10 Hz, RMC after it once a second."""
    live, told = NmeaLive(), []
    for n in range(40):
        text = gga(NOON_MS + n * 100) + (rmc(NOON_MS + n * 100) if n % 10 == 0 else b"")
        told += live.feed(text, n * 100 * MS) + live.quiet((n * 100 + 90) * MS)
    assert tods(told) == list(range(0, 4000, 100))
    assert all(any(fix.speed_ckmh == 3999 for fix in told[at : at + 10]) for at in range(0, 40, 10))


def test_a_void_that_comes_late_ends_the_fix() -> None:
    live = NmeaLive()
    for n in range(3):
        live.feed(gga(NOON_MS + n * 1000), n * SECOND)
    told = live.feed(gga(NOON_MS + 3000) + rmc(NOON_MS + 3000, status="V"), 3 * SECOND)
    assert [fix.reason for fix in told] == ["", "void"]


def test_a_clock_that_stops_while_the_sky_is_lost(read: Read) -> None:
    live = NmeaLive()
    live.feed(burst(NOON_MS), 0)
    reasons = [fix.reason for fix in live.quiet(100 * MS)]
    for n in range(1, 4):
        text = rmc(NOON_MS, status="V") + gga(NOON_MS, quality="0")
        reasons += [fix.reason for fix in live.feed(text, n * SECOND) + live.quiet(n * SECOND + 100 * MS)]
    assert reasons == ["", "void", "void", "void"]


def test_cold_start(read: Read) -> None:
    cold = [
        sentence(f"GPRMC,{clock(n * 1000)},V,,,,,,,{date},,,N") for n, date in enumerate(["060180", "220899", "311280"])
    ]
    cold += [sentence(f"GPGGA,{clock(3000)},,,,,0,00,99.99,,,,,,"), sentence("GPRMC,,V,,,,,,,,,,N")]
    fixes, counters = read(*cold, *(burst(NOON_MS + n * 1000) for n in range(3)))
    assert [(fix.valid, fix.time_ns) for fix in fixes if fix.valid] == [
        (True, unix_ns(2026, 1, 15, 12, 0, n)) for n in range(3)
    ]
    assert all(fix.latitude_cas is None for fix in fixes if not fix.valid)
    assert counters["no_time"] == 1


# What comes instead of sentences


def test_what_comes_instead_is_named() -> None:
    live = NmeaLive()
    unchecked = rmc(NOON_MS).partition(b"*")[0] + b"\r\n"
    for number, (data, name) in enumerate([(b"\xffU\n", ""), (ubx(b"1234"), "binary"), (unchecked, "no_checksum")]):
        start_ns = number * 20 * SECOND
        for n in range(4):
            live.feed(data, start_ns + n * SECOND)
        assert (live.no_sentence, live.instead) == (True, name)
        live.feed(rmc(NOON_MS), start_ns + 5 * SECOND)
        assert (live.no_sentence, live.instead) == (False, "")


# Summary


def test_summary_says_what_is_there_and_what_is_missing() -> None:
    live = NmeaLive()
    assert live.summary()["period_ms"] is None
    assert live.summary()["missing"] == {}
    for n in range(12):
        tod_ms = NOON_MS + n * 200
        text = (
            gga(tod_ms, talker="GP", quality="4") + sentence("GPGSV,1,1,00") + sentence("PUBX,04") + b"$XXYYY,1*00\r\n"
        )
        live.feed(text + ubx(bytes(20)), n * 200 * MS)
    summary = live.summary()
    assert summary.pop("bytes") > 12 * 100
    assert 0.1 < summary.pop("binary_share") < 0.3
    assert summary == {
        "period_ms": 200,
        "sentences": {"GGA": 12, "GSV": 12, "other": 12, "proprietary": 12},
        "talkers": {"GP": 12},
        "missing": {"speed and course": "RMC or VTG", "date": "RMC or ZDA", "error estimate": "GST"},
        "fix": "valid",
        "quality": "RTK fixed",
        "satellites": 12,
        "hdop": 0.62,
    }
    live.feed(burst(NOON_MS + 3000) + sentence(f"GPGST,{clock(NOON_MS + 3000)},,,,,1,1,1"), 3 * SECOND)
    assert live.summary()["missing"] == {}
    live.reset()
    assert live.summary()["sentences"] == {}


def test_summary_of_noise_does_not_grow() -> None:
    live = NmeaLive()
    rng = random.Random(2)
    for n in range(2000):
        live.feed(b"$" + bytes(rng.choices(range(65, 91), k=5)) + b",1*00\n", n)
    assert set(live.summary()["sentences"]) <= {
        "other",
        "proprietary",
        "GSV",
        "GSA",
        "TXT",
        "GBS",
        "HDG",
        "HDT",
        "ROT",
        "THS",
    }
