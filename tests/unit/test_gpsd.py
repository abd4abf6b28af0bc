"""gpsd's reports made fixes: exact numbers, one fix a time, one receiver of several, and nothing that breaks it."""

import json
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from asvunit.config import Config
from asvunit.gnss.gpsd_address import gpsd_address
from asvunit.gnss.gpsd_numbers import angle_cas, ceiling, parse, root_of_squares, time_of_day, up
from asvunit.gnss.gpsd_reports import LONGEST_LINE, GpsdReports
from asvunit.ports import Fix

MS = 1_000_000
S = 1000 * MS
HOUR_MS = 3_600_000
PLACE = '"lat":35.681236000,"lon":139.767125000'


def time_text(tod_ms: int) -> str:
    second, ms = divmod(tod_ms, 1000)
    return f"2026-11-21T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.{ms:03d}Z"


def tpv(tod_ms: int, more: str = "", place: str = PLACE, device: str = "/dev/a") -> bytes:
    middle = "".join("," + part for part in (place, more) if part)
    head = f'"class":"TPV","device":"{device}","mode":3,"time":"{time_text(tod_ms)}"'
    return f"{{{head}{middle}}}\r\n".encode()


def fixes_of(reports: GpsdReports, *pieces: bytes, time_ns: int = S) -> list[Fix]:
    return [fix for piece in pieces for fix in reports.feed(piece, time_ns).fixes]


def fix_of(text: bytes) -> Fix:
    (fix,) = fixes_of(GpsdReports(), text)
    return fix


def test_all_that_a_report_tells() -> None:
    more = '"altHAE":76.2,"altMSL":39.5,"epv":3.5,"track":359.996,"speed":16.6665,"eph":4.21,"epx":90,"epy":90'
    fix = fix_of(tpv(12 * HOUR_MS + 345, more))
    # 16.6665 m/s = 59.9994 km/h; a course of 360 is 0; errors upwards, but for what the message would round up again
    assert fix == Fix(S, True, "", 12 * HOUR_MS + 345, 12845245, 50316165, 6000, 0, 43, 40, 4)
    assert [fix_of(tpv(0, f'"eph":{eph}')).error_dm for eph in (3.41, 3.5, 3.51)] == [34, 35, 36]


def test_a_fix_in_two_dimensions_has_no_height() -> None:
    fix = fix_of(tpv(0, '"altMSL":39.5,"epv":3.5').replace(b'"mode":3', b'"mode":2'))
    assert (fix.valid, fix.height_m, fix.vertical_error_m) == (True, None, None)


@pytest.mark.parametrize(
    ("text", "height_m"),
    [
        ('"altMSL":-0.5', 0),
        ('"altMSL":0.5,"alt":9', 1),
        ('"altHAE":76.25,"geoidSep":36.7', 40),
        ('"altHAE":76.25,"alt":5', None),  # above the ellipsoid alone: another height
        ('"alt":39.49', 39),
        ('"altMSL":99999', None),
        ('"altMSL":NaN', None),
    ],
)
def test_height_above_the_sea(text: str, height_m: int | None) -> None:
    assert fix_of(tpv(0, text)).height_m == height_m


@pytest.mark.parametrize(
    ("degrees", "cas"),
    [
        ("0.0000013888888888888888888", 0),
        ("0.000001388888888888888888889", 1),  # half of 0.01" and a little more
        ("-0.000001388888888888888888889", -1),
        ("0.00000125", 0),
        ("45.00000125", 16_200_000),  # 0.45 of 0.01"
        ("44.0000013888888888888888889", 15_840_001),
        ("90", 32_400_000),
        ("-90.0", -32_400_000),
        ("90.000000001", "out_of_range"),
        ("1e2", "out_of_range"),
        ("1e9999999999999999999999", "no_position"),
        ("1e999999", "out_of_range"),
        ("1e-999999", 0),
        ("0." + "1" * 400, "out_of_range"),  # no number that gpsd writes
        ("NaN", "no_position"),
        ("-Infinity", "no_position"),
        ("null", "no_position"),
        ("true", "no_position"),
        ('"35.5"', "no_position"),
        ("[35.5]", "no_position"),
    ],
)
def test_latitude(degrees: str, cas: int | str) -> None:
    fix = fix_of(tpv(0, place=f'"lat":{degrees},"lon":-180'))
    if isinstance(cas, str):
        assert (fix.valid, fix.reason, fix.latitude_cas, fix.tod_ms) == (False, cas, None, 0)
    else:
        assert (fix.valid, fix.latitude_cas, fix.longitude_cas) == (True, cas, -64_800_000)


def test_longitude_beyond_the_date_line_and_no_longitude() -> None:
    assert fix_of(tpv(0, place='"lat":1,"lon":180.000000001')).reason == "out_of_range"
    assert fix_of(tpv(0, place='"lat":1')).reason == "no_position"
    assert fix_of(tpv(0, place="")).reason == "no_position"


@given(st.integers(-180 * 10**9, 180 * 10**9))
def test_no_angle_is_rounded_but_once(nano: int) -> None:
    cas = angle_cas(Decimal(nano) / 10**9, 180)
    exact = abs(Fraction(nano, 10**9) * 360_000)
    size = int(exact + Fraction(1, 2))
    assert cas == (size if nano >= 0 else -size)


@given(st.decimals(-10_000, 10_000, allow_nan=False, places=6))
def test_values_are_rounded_upwards(value: Decimal) -> None:
    exact = Fraction(value) * 360
    assert up(value, 360, -(10**9), 10**9) == (exact + Fraction(1, 2)).__floor__()
    assert ceiling(value, 360, -(10**9), 10**9) == exact.__ceil__()


@pytest.mark.parametrize("junk", [None, True, "1", [], {}, 1.0, Decimal("NaN"), Decimal("Infinity"), Decimal("1e400")])
def test_what_is_no_number_is_none(junk: Any) -> None:
    assert up(junk, 360, -(10**12), 10**12) is None
    assert ceiling(junk, 1, -(10**12), 10**12) is None
    assert root_of_squares(junk, Decimal(1)) is None
    assert isinstance(angle_cas(junk, 90), str)


@pytest.mark.parametrize(
    ("text", "tod_ms"),
    [
        ("2026-11-21T00:00:00.000Z", 0),
        ("2026-11-21T23:59:59.9995Z", 86_399_999),
        ("2016-12-31T23:59:60.000Z", 86_399_999),  # a leap second
        ("2016-06-30T12:59:60.500Z", 13 * HOUR_MS - 1),
        ("2026-11-21T12:34:56Z", 45_296_000),
        ("2026-11-21T24:00:00.000Z", None),
        ("2026-11-21T12:61:00.000Z", None),
        ("12:34:56", None),
        ("", None),
        (Decimal(5), None),
        (None, None),
    ],
)
def test_time(text: object, tod_ms: int | None) -> None:
    assert time_of_day(text) == tod_ms


def test_own_error_is_the_receivers_then_gpsds_then_of_the_satellites() -> None:
    reports = GpsdReports()
    sky = b'{"class":"SKY","device":"/dev/a","hdop":0.91}\n'
    gst = b'{"class":"GST","device":"/dev/a","lat":1.2,"lon":1.6}\n'
    told = [fixes_of(reports, tpv(0), time_ns=S)]
    told += [fixes_of(reports, sky, tpv(1000), time_ns=2 * S)]
    told += [fixes_of(reports, tpv(2000, '"epx":3,"epy":4'), time_ns=3 * S)]
    told += [fixes_of(reports, tpv(3000, '"epx":3,"epy":4,"eph":6.01'), time_ns=4 * S)]
    told += [fixes_of(reports, gst, tpv(4000, '"eph":6.01'), time_ns=5 * S)]
    told += [fixes_of(reports, tpv(9000), time_ns=10 * S)]  # the satellites' is then too old, its own not yet
    told += [fixes_of(reports, tpv(10_000), time_ns=11 * S)]
    assert [fix.error_dm for (fix,) in told] == [None, 46, 50, 61, 20, 20, None]


def test_an_error_of_nothing_or_beyond_all_sense() -> None:
    assert fix_of(tpv(0, '"eph":0')).error_dm == 1
    assert fix_of(tpv(0, '"eph":-3')).error_dm is None
    assert fix_of(tpv(0, '"eph":1e8,"epx":1e8,"epy":1e8')).error_dm is None
    reports = GpsdReports()
    (fix,) = fixes_of(reports, b'{"class":"SKY","device":"/dev/a","hdop":99.99}\n', tpv(0))
    assert fix.error_dm is None


@pytest.mark.parametrize("more", ['"speed":-1', '"speed":100', '"track":361', '"track":-1', '"epv":-1'])
def test_a_value_that_cannot_be_is_left_out(more: str) -> None:
    reports = GpsdReports()
    (fix,) = fixes_of(reports, tpv(0, more))
    assert fix == Fix(S, True, "", 0, 12845245, 50316165)
    assert reports.counters == {"implausible": 1}


def test_no_fix_and_no_time() -> None:
    reports = GpsdReports()
    fixes = fixes_of(
        reports,
        b'{"class":"TPV","device":"/dev/a","mode":1}\n{"class":"TPV","device":"/dev/a","mode":0,"lat":1,"lon":1}\n',
        tpv(5).replace(b'"mode":3', b'"mode":1'),
        tpv(5).replace(b'"time"', b'"tame"'),
        tpv(5).replace(b"2026-11-21T", b""),
        tpv(5).replace(b'"mode":3', b'"mode":"3"'),
    )
    assert fixes == [Fix(S, False, "no_fix", None), Fix(S, False, "no_fix", None), Fix(S, False, "no_fix", 5)]
    assert reports.counters == {"no_time": 1, "bad_time": 1, "bad_report": 1}


def test_one_fix_a_time_and_a_time_that_stands_still_takes_the_position_away() -> None:
    reports = GpsdReports()
    assert len(fixes_of(reports, tpv(0), tpv(0, '"speed":1'), time_ns=S)) == 1
    assert fixes_of(reports, tpv(0), time_ns=S + 800 * MS) == []
    assert fixes_of(reports, tpv(0), time_ns=2 * S) == []
    for n in range(2, 4):
        (fix,) = fixes_of(reports, tpv(0), time_ns=S + n * S)
        assert (fix.valid, fix.reason, fix.latitude_cas) == (False, "time_repeated", None)
    (fix,) = fixes_of(reports, tpv(4000), time_ns=5 * S)
    assert fix.valid
    assert reports.counters == {"duplicate": 3}


def test_time_that_goes_back() -> None:
    reports = GpsdReports()
    assert fixes_of(reports, tpv(HOUR_MS), time_ns=S)
    assert fixes_of(reports, tpv(HOUR_MS - 100), time_ns=S + 50 * MS) == []
    assert fixes_of(reports, tpv(HOUR_MS + 100), time_ns=S + 100 * MS)
    told = [len(fixes_of(reports, tpv(HOUR_MS - 60_000 + n * 100), time_ns=2 * S + n * 100 * MS)) for n in range(25)]
    assert told == [0] * 20 + [1] * 5  # for two seconds these are old ones, then the clock was set
    assert reports.counters == {"time_back": 1, "stale": 20}


def test_midnight_is_no_step() -> None:
    reports = GpsdReports()
    tods = [86_399_900, 0, 100]
    fixes = [fixes_of(reports, tpv(tod), time_ns=S + n * 100 * MS) for n, tod in enumerate(tods)]
    assert [fix.tod_ms for (fix,) in fixes] == tods


def test_what_was_queued_while_the_process_stood_still_is_dropped() -> None:
    reports = GpsdReports()
    assert fixes_of(reports, tpv(0), time_ns=S)
    queued = b"".join(tpv(n * 100) for n in range(1, 51))  # five seconds, all at once
    heard = fixes_of(reports, queued, time_ns=6 * S)
    assert [fix.tod_ms for fix in heard] == [4500, 4600, 4700, 4800, 4900, 5000]
    assert reports.counters == {"stale": 44}


def test_only_the_chosen_receiver() -> None:
    reports = GpsdReports("/dev/b")
    fixes = fixes_of(
        reports,
        b'{"class":"SKY","device":"/dev/a","hdop":1}\n',
        tpv(0),
        tpv(100, device="/dev/b"),
        b'{"class":"TPV","mode":1}\n',
    )
    assert [(fix.tod_ms, fix.error_dm) for fix in fixes] == [(100, None)]
    assert reports.counters == {"other_device": 3}


def test_the_first_receiver_that_speaks_until_it_falls_silent_or_is_taken_away() -> None:
    reports = GpsdReports()
    assert reports.feed(b'{"class":"DEVICES","devices":[{"path":"/dev/a"},{"path":"/dev/b"}]}\n', S).records == []
    assert fixes_of(reports, tpv(0, device="/dev/b"), tpv(0), time_ns=S)[0].tod_ms == 0
    assert fixes_of(reports, tpv(2000), time_ns=3 * S) == []
    assert reports.counters["other_device"] == 2
    (fix,) = fixes_of(reports, tpv(4000), time_ns=5 * S)  # the other has said nothing for four seconds
    assert fix.tod_ms == 4000
    assert fixes_of(reports, tpv(4500, device="/dev/b"), time_ns=5 * S + 500 * MS) == []
    gone = b'{"class":"DEVICE","path":"/dev/a","activated":0}\n'
    assert reports.feed(gone, 6 * S).records == [False]
    assert fixes_of(reports, tpv(3800, device="/dev/b"), time_ns=6 * S)[0].valid  # its clock is its own
    back = b'{"class":"DEVICE","path":"/dev/a","activated":"2026-11-21T10:27:17.666Z"}\n'
    assert reports.feed(back, 7 * S).records == []  # it is not followed


def test_the_chosen_receiver_comes_and_goes() -> None:
    reports = GpsdReports("/dev/b")
    told = [
        b'{"class":"DEVICE","path":"/dev/a","activated":0}\n',
        b'{"class":"DEVICE","path":"/dev/b","activated":0}\n',
        b'{"class":"DEVICE","path":"/dev/a","activated":"2026-11-21T10:27:17.666Z"}\n',
        b'{"class":"DEVICE","path":"/dev/b","activated":"2026-11-21T10:27:17.666Z"}\n',
    ]
    assert [reports.feed(text, S).records for text in told] == [[], [False], [], [True]]


def test_why_no_fix_comes() -> None:
    reports = GpsdReports("/dev/b")
    reports.reset(S)
    assert reports.trouble(3 * S) == ""
    assert reports.trouble(4 * S) == "no_receiver"
    reports.feed(b'{"class":"DEVICES","devices":[{"class":"DEVICE","path":"/dev/a"}]}\n', 2 * S)
    assert (reports.trouble(4 * S), reports.others) == ("other_receivers", ["/dev/a"])
    reports.feed(b'{"class":"DEVICES","devices":[{"class":"DEVICE","path":"/dev/b"}]}\n', 2 * S)
    assert reports.trouble(4 * S) == "silent"
    reports.feed(tpv(0, device="/dev/b"), 5 * S)
    assert reports.trouble(5 * S) == ""
    for n in range(5):
        reports.feed(tpv(0, device="/dev/b").replace(b"time", b"tame"), (6 + n) * S)
    assert reports.trouble(8 * S) == ""
    assert reports.trouble(10 * S) == "no_time"
    reports.feed(tpv(9000, device="/dev/b"), 11 * S)
    assert reports.trouble(11 * S) == ""


def test_version_and_complaints() -> None:
    reports = GpsdReports()
    reports.feed(b'{"class":"VERSION","release":"3.22","rev":"3.22","proto_major":3,"proto_minor":14}\n', S)
    assert (reports.protocol, reports.release) == (3, "3.22")
    reports.feed(b'{"class":"ERROR","message":"No such\\n\\u001b[31m device ' + b"x" * 5000 + b'"}\n', S)
    assert reports.error.startswith("No such [31m device xxx")
    assert len(reports.error) <= 100
    reports.feed(b'{"class":"VERSION","proto_major":"x"}\n', S)
    assert reports.protocol == 0


JUNK = [
    b"\n",
    b"\x00" * 500 + b"\n",
    b"\xff\xfe{}\n",
    b"$GPRMC,1,2*00\r\n",
    b"[1,2]\n",
    b"7\n",
    b"{\n",
    b"[" * 60_000 + b"\n",
    b'{"class":["TPV"]}\n',
    b'{"class":"TPV","device":7,"mode":3}\n',
    b'{"class":"TPV","mode":' + b"9" * 5000 + b"}\n",
    b'{"class":"SKY","hdop":{}}\n',
    b'{"class":"DEVICES","devices":[7,{"path":7},{}]}\n',
    b'{"class":"DEVICES"}\n',
    b'{"class":"DEVICE","path":null,"activated":0}\n',
    b'{"class":"VERSION"}\n',
    b'{"class":"ERROR","message":{"a":1}}\n',
    b'{"class":"GST","lat":"x","lon":-1}\n',
    b"x" * (LONGEST_LINE + 5) + b"\n",
]


@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
def test_junk_makes_no_fix_and_breaks_nothing(junk: bytes) -> None:
    reports = GpsdReports()
    assert [fix for fix in fixes_of(reports, junk) if fix.valid] == []
    assert all(reports.counters.values())
    assert fixes_of(reports, tpv(0), time_ns=9 * S)[0].valid


@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from(JUNK)), max_size=8), st.data())
def test_anything_at_all(pieces: list[bytes], data: st.DataObject) -> None:
    reports = GpsdReports(data.draw(st.sampled_from(["", "/dev/a"])))
    for n, piece in enumerate(pieces):
        reports.feed(piece, n * S)
        reports.trouble(n * S)
    assert [fix.valid for fix in reports.feed(b"\n" + tpv(0), 60 * S).fixes] == [True]


@given(
    st.text(max_size=40) | st.dictionaries(st.sampled_from(["class", "mode", "lat", "time"]), st.text() | st.floats())
)
def test_a_report_is_an_object_or_nothing(thing: Any) -> None:
    report = parse(json.dumps(thing).encode())
    assert report is None or isinstance(report, dict)
    assert (report is None) == isinstance(thing, str)


STREAM = b"".join(
    [
        b'{"class":"VERSION","release":"3.22","proto_major":3}\r\n{"class":"DEVICES","devices":[{"path":"/dev/a"}]}\r\n',
        *(tpv(n * 1000, f'"speed":{n}.25,"eph":{n}.5') for n in range(6)),
        b"garbage\r\n",
        b'{"class":"SKY","device":"/dev/a","hdop":1.2,"satellites":[' + b'{"PRN":1,"el":53.0},' * 30 + b"{}]}\r\n",
        b"y" * (LONGEST_LINE + 1) + b"\r\n",
        tpv(6000),
    ]
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=30).map(sorted))
def test_pieces_do_not_matter(cuts: list[int]) -> None:
    whole, cut = GpsdReports(), GpsdReports()
    expected = fixes_of(whole, STREAM)
    bounds = [0, *cuts, len(STREAM)]
    pieces = [STREAM[start:end] for start, end in pairwise(bounds)]
    assert fixes_of(cut, *pieces) == expected
    assert cut.counters == whole.counters
    assert cut.counters["garbage"] == 2
    assert [fix.tod_ms for fix in expected] == [n * 1000 for n in range(7)]
    assert [fix.error_dm for fix in expected] == [5, 15, 25, 35, 45, 55, 60]


def test_byte_by_byte() -> None:
    reports = GpsdReports()
    fixes = [
        fix for at, one in enumerate(tpv(0) + tpv(1000)) for fix in fixes_of(reports, bytes([one]), time_ns=at * 5 * MS)
    ]
    assert [fix.tod_ms for fix in fixes] == [0, 1000]


def test_after_a_line_that_is_too_long_and_comes_in_pieces() -> None:
    reports = GpsdReports()
    for piece in (b"z" * LONGEST_LINE, b"z", b"zz", b'{"class":"TPV","mode":1}\n'):
        assert fixes_of(reports, piece) == []
    assert fixes_of(reports, tpv(0))[0].valid
    assert reports.counters == {"garbage": 1}


def test_a_new_connection_begins_anew() -> None:
    reports = GpsdReports()
    fixes_of(reports, tpv(0)[:20])
    reports.reset(2 * S)
    assert fixes_of(reports, tpv(0), time_ns=3 * S)[0].valid
    reports.feed(b"z" * (LONGEST_LINE + 1), 3 * S)
    reports.reset(4 * S)
    assert fixes_of(reports, tpv(100), time_ns=5 * S)[0].valid


# The configuration


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("localhost", ("localhost", 2947)),
        ("pi.local:3000", ("pi.local", 3000)),
        ("192.0.2.1:2947", ("192.0.2.1", 2947)),
        ("[::1]", ("::1", 2947)),
        ("[fe80::1%eth0]:1", ("fe80::1%eth0", 1)),
    ],
)
def test_address(text: str, address: tuple[str, int]) -> None:
    assert gpsd_address(text) == address


@pytest.mark.parametrize(
    ("gnss", "words"),
    [
        ({"port": "/dev/a", "gpsd": "localhost"}, ["gpsd", "gnss.port is given as well"]),
        ({"gpsd": "::1"}, ["gpsd", "IPv6 address goes in brackets"]),
        ({"gpsd": "a:b"}, ["gpsd", "is no address", "localhost:2947"]),
        ({"gpsd": "a:0"}, ["gpsd", "port 0"]),
        ({"gpsd": "a:70000"}, ["gpsd", "port 70000"]),
        ({"gpsd": "gpsd://a {b}"}, ["gpsd", "is no address"]),
        ({"device": "/dev/a"}, ["device", "give gnss.gpsd"]),
        ({"port": "/dev/b", "device": "/dev/a"}, ["device", "gnss.port in its place"]),
    ],
)
def test_what_the_configuration_refuses(gnss: dict[str, str], words: list[str]) -> None:
    with pytest.raises(ValidationError) as refused:
        Config.model_validate({"gnss": gnss})
    (error,) = refused.value.errors()
    assert error["loc"] == ("gnss", words[0])
    assert all(word in error["msg"] for word in words[1:])


def test_what_the_configuration_takes() -> None:
    config = Config.model_validate({"gnss": {"gpsd": "localhost:2947", "device": "/dev/ttyACM0"}})
    assert (config.gnss.gpsd, config.gnss.device) == ("localhost:2947", "/dev/ttyACM0")
