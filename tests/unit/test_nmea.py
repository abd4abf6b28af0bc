"""NMEA: epochs, dates, validity, exact numbers, and no input that is fatal."""

import datetime
import math
import time
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asvrig.gnss_feed import sentence as line
from asvunit.adapters.nmea import NmeaFile
from asvunit.errors import UsageError
from asvunit.gnss.nmea_assembler import NmeaAssembler
from asvunit.gnss.nmea_text import angle_cas, date_of, scaled, time_of_day_ms
from asvunit.ports import Fix

DAY_NS = 86_400_000_000_000


def rmc(tod="120000.00", status="A", date="010409", speed="10.0", course="90.0", position=None, mode="A") -> bytes:
    position = "4810.8509,N,01133.9095,E" if position is None else position
    return line(f"GPRMC,{tod},{status},{position},{speed},{course},{date},,,{mode}")


def gga(tod="120000.00", quality="1", hdop="1.0", altitude="100.0", position="4810.8509,N,01133.9095,E") -> bytes:
    return line(f"GPGGA,{tod},{position},{quality},08,{hdop},{altitude},M,46.3,M,,")


def unix_ns(*when: int) -> int:
    return int(datetime.datetime(*when, tzinfo=datetime.UTC).timestamp()) * 1_000_000_000


@pytest.fixture
def read(tmp_path: Path):
    def read(*lines: bytes, date: datetime.date | None = None) -> tuple[list[Fix], dict[str, int]]:
        path = tmp_path / "log.nmea"
        path.write_bytes(b"".join(lines))
        log = NmeaFile(path, date)
        return list(log), dict(log.counters)

    return read


def one(read, *lines: bytes, **options) -> Fix:
    (fix,), _ = read(*lines, **options)
    return fix


def test_one_epoch_whatever_the_order(read) -> None:
    sentences = [rmc(), gga(), line("GPGST,120000.00,,,,,3.0,4.0,2.5"), line("GPVTG,91.0,T,,M,11.0,N,20.4,K,A")]
    expected = Fix(unix_ns(2009, 4, 1, 12), True, "", 43_200_000, 17345105, 4163457, 1852, 9000, 50, 100, 3)
    for order in (sentences, sentences[::-1][1:] + sentences[3:], [*sentences[1:], sentences[0]]):
        assert read(*order) == ([expected], {})


def test_rmc_wins_and_vtg_fills(read) -> None:
    vtg = line("GPVTG,91.0,T,,M,11.0,N,20.4,K,A")
    fix = one(read, rmc(speed="", course=""), vtg)
    assert (fix.speed_ckmh, fix.course_cdeg) == (2037, 9100)
    fix = one(read, rmc(speed="1", course=""), vtg)
    assert (fix.speed_ckmh, fix.course_cdeg) == (185, 9100)
    fix = one(read, rmc(speed="", course=""), line("GPVTG,,T,,M,,N,20.4,K,A"))
    assert (fix.speed_ckmh, fix.course_cdeg) == (2040, None)
    fix = one(read, rmc(speed="", course=""), line("GPVTG,91.0,T,,M,11.0,N,20.4,K,N"))
    assert (fix.speed_ckmh, fix.course_cdeg) == (None, None)


def test_a_vtg_after_a_sentence_without_time_is_not_the_epoch_before(read) -> None:
    fixes, counters = read(
        rmc(speed=""), line("GPRMC,,V,,,,,,,,,,N"), line("GPVTG,91.0,T,,M,11.0,N,20.4,K,A"), rmc("120001")
    )
    assert [(fix.valid, fix.speed_ckmh) for fix in fixes] == [(True, None), (False, None), (True, 1852)]
    assert counters == {"no_time": 1}


@pytest.mark.parametrize(
    ("sentences", "reason"),
    [
        ([rmc(status="V")], "void"),
        ([rmc(mode="N")], "void"),
        ([rmc(status="")], "void"),
        ([rmc(), gga(quality="0")], "no_fix"),
        ([gga(quality="0"), rmc()], "no_fix"),
        ([rmc(position=",,,")], "no_position"),
        ([rmc(position="4810.8509,X,01133.9095,E")], "no_position"),
        ([rmc(position="48x0.8509,N,01133.9095,E")], "no_position"),
        ([rmc(position="4860.0000,N,01133.9095,E")], "out_of_range"),
        ([rmc(position="9000.0001,N,01133.9095,E")], "out_of_range"),
        ([rmc(position="4810.8509,N,18000.000001,W")], "out_of_range"),
        ([rmc(position="4810.8509,N,18100.0,W")], "out_of_range"),
    ],
)
def test_invalid_epochs_keep_their_time_only(read, sentences, reason) -> None:
    fix = one(read, *sentences)
    assert fix == Fix(unix_ns(2009, 4, 1, 12), False, reason, 43_200_000)


def test_an_empty_quality_is_not_quality_0_beside_a_valid_rmc(read) -> None:
    assert one(read, gga(quality=""), rmc()).valid
    assert one(read, gga(quality=""), date=datetime.date(2009, 4, 1)).reason == "no_fix"


def test_gga_fills_a_missing_position(read) -> None:
    assert one(read, rmc(position=",,,"), gga()).latitude_cas == 17345105


def test_navigational_status_v_is_not_void(read) -> None:
    assert one(read, line("GNRMC,055234.000,A,4739.71890,N,12219.58362,W,0.00,286.35,050826,,,A,V")).valid


@pytest.mark.parametrize(
    ("hdop", "expected"),
    [("0.9", 45), ("0.89", 44), ("0.91", 46), ("1.01", 51), ("99.99", None), ("99.0", None), ("", None), ("0.0", None)],
)
def test_error_from_hdop(read, hdop, expected) -> None:
    assert one(read, rmc(), gga(hdop=hdop)).error_dm == expected


@pytest.mark.parametrize(
    ("sigmas", "error", "vertical"),
    [
        ("3.0,4.0,2.5", 50, 3),
        ("0.02,0.01,0.02", 1, 1),
        ("3.0,4.01,2.49", 51, 2),
        ("3.5,0,1", 35, 1),
        ("3.0,1.7,1", 34, 1),  # 3.448 m: 3.5 m would be sent as 4
        (",4.0,", 50, None),
        (",,", 50, None),
        ("0,0,0", 1, 1),
    ],
)
def test_error_from_gst_before_hdop(read, sigmas, error, vertical) -> None:
    fix = one(read, rmc(), gga(hdop="1.0"), line(f"GPGST,120000.00,,,,,{sigmas}"))
    assert (fix.error_dm, fix.vertical_error_m) == (error, vertical)


def test_exact_numbers() -> None:
    assert scaled("0.27", 1852, 10) == 50  # 50.004
    assert scaled("0.135", 1000, 10) == 14  # 13.5, by float 13.500000000000002 or less
    assert scaled("-704.5", 1) == -704
    assert scaled("1.005", 100) == 101  # by float 100
    assert [scaled(text, 1) for text in ("", ".", "1e3", "0x1", "nan", "1.2.3", "٣", "+-1", "9" * 40)] == [None] * 9
    assert angle_cas("4810.8509", "S", "N", "S", 90) == -17345105
    # half a centi-second: by magnitude, on both sides
    assert angle_cas("0000.00025", "N", "N", "S", 90) == 2
    assert angle_cas("0000.00025", "S", "N", "S", 90) == -2
    assert angle_cas("9000.0000", "N", "N", "S", 90) == 32_400_000
    assert angle_cas("18000", "W", "E", "W", 180) == -64_800_000


@given(st.decimals(0, 359999, places=5))
def test_scaled_is_the_half_up_of_decimal(value: Decimal) -> None:
    expected = int((value * Decimal("185.2")).quantize(Decimal(1), ROUND_HALF_UP))
    assert scaled(str(value), 1852, 10) == expected


@pytest.mark.parametrize(
    ("knots", "speed_ckmh"),
    [("0.809", 149), ("0.80994", 150), ("1.6198", 299), ("1.61988", 300), ("5.4", 1000), ("0.27", 50)],
)
def test_a_speed_is_rounded_only_once(read, knots: str, speed_ckmh: int) -> None:
    """1.498 km/h is sent as 1, and 2.9999 km/h has no course yet [D4]."""
    assert one(read, rmc(speed=knots)).speed_ckmh == speed_ckmh
    vtg = line(f"GPVTG,91.0,T,,M,{knots},N,,K,A")
    assert one(read, rmc(speed=""), vtg).speed_ckmh == speed_ckmh


def test_courses(read) -> None:
    assert one(read, rmc(course="360.0")).course_cdeg == 0
    assert one(read, rmc(course="359.995")).course_cdeg == 35_999
    fixes, counters = read(rmc(course="361", speed="200"))
    assert (fixes[0].course_cdeg, fixes[0].speed_ckmh, counters) == (None, None, {"implausible": 2})


def test_heights(read) -> None:
    assert one(read, rmc(), gga(altitude="-0704.5")).height_m == -704
    fixes, counters = read(rmc(), gga(altitude="99999"))
    assert (fixes[0].height_m, counters) == (None, {"implausible": 1})


def test_times_of_day() -> None:
    assert time_of_day_ms("235960.00") == 86_399_999
    assert time_of_day_ms("235960.9") == 86_399_999
    assert time_of_day_ms("120060.5") == 43_259_999
    assert time_of_day_ms("000000.0005") == 1
    assert time_of_day_ms("235959.9999") == 86_399_999
    assert [time_of_day_ms(text) for text in ("240000", "126000", "120061", "12000", "", "1200x0")] == [None] * 6
    assert date_of("060180") == datetime.date(1980, 1, 6)
    assert [date_of(text) for text in ("310209", "000000", "1", "")] == [None] * 4


def test_gga_alone_needs_a_date(read) -> None:
    with pytest.raises(UsageError, match="--date"):
        read(gga())
    assert one(read, gga(), date=datetime.date(2009, 4, 1)).time_ns == unix_ns(2009, 4, 1, 12)


def test_gga_alone_goes_over_midnight(read) -> None:
    tods = ["235959.00", "000000.00", "235959.50", "000001.00", "140000"]  # one out of order, then a gap
    fixes, counters = read(rmc("235958"), *(gga(tod) for tod in tods))
    assert [fix.time_ns for fix in fixes] == [
        unix_ns(2009, 4, 1, 23, 59, 58),
        unix_ns(2009, 4, 1, 23, 59, 59),
        unix_ns(2009, 4, 2),
        unix_ns(2009, 4, 1, 23, 59, 59) + 500_000_000,
        unix_ns(2009, 4, 2, 0, 0, 1),
        unix_ns(2009, 4, 2, 14),
    ]
    assert counters == {}


def test_epochs_before_the_first_date_take_it(read) -> None:
    fixes, _ = read(gga("235959"), gga("000001"), rmc("000002", date="020409"), date=datetime.date(2020, 1, 1))
    assert [fix.time_ns for fix in fixes] == [
        unix_ns(2009, 4, 1, 23, 59, 59),
        unix_ns(2009, 4, 2, 0, 0, 1),
        unix_ns(2009, 4, 2, 0, 0, 2),
    ]


def test_cold_start_dates_of_void_rmc(read) -> None:
    fixes, counters = read(rmc("115959", "V", "060180"), rmc("120000"), rmc("120001", "V", "220899"))
    assert [fix.time_ns for fix in fixes] == [unix_ns(2009, 4, 1, 12) + n * 1_000_000_000 for n in (-1, 0, 1)]
    assert counters == {"date_implausible": 2}


@pytest.mark.parametrize("first", ["260409", "310309", "010409"])
def test_a_clock_that_is_set_before_the_first_fix_makes_no_days_of_silence(read, first: str) -> None:
    """A real receiver told four days of difference between two void seconds."""
    position = "36000.0000,N,72000.0000,E"
    cold = [rmc(f"00041{second}.984", "V", first, position=position) for second in range(5)]
    later = [rmc(f"20413{second}.079", "V", "290409", position=position) for second in range(3)]
    warm = [rmc(f"20413{second}.000", date="290409") for second in range(3, 6)]
    start = unix_ns(2009, 4, 29, 20, 41, 30)
    for lines, valid in ((cold + later, 0), (cold + later + warm, 3)):
        fixes, counters = read(*lines)
        assert [fix.time_ns // 10**9 for fix in fixes] == [start // 10**9 + n for n in range(len(fixes))]
        assert (len(fixes), sum(fix.valid for fix in fixes)) == (3 + valid, valid)
        assert counters["date_implausible"] == 5


@pytest.mark.parametrize("turn", [-9500, -1000, -200, 0, 200, 1000, 9500])
def test_a_date_that_turns_over_beside_midnight(read, turn: int) -> None:
    """The date changes so many milliseconds after midnight. A day to and fro would clamp all that follows."""
    lines, expected = [], []
    start = unix_ns(2009, 4, 1, 23, 59, 45)
    for ms in range(0, 30_000, 100):
        time_ns = start + ms * 1_000_000
        tod = datetime.datetime.fromtimestamp(time_ns // 10**9, datetime.UTC).strftime("%H%M%S") + f".{ms % 1000:03d}"
        lines.append(rmc(tod, date="010409" if ms < 15_000 + turn else "020409") + gga(tod))
        expected.append(time_ns)
    fixes, counters = read(*lines)
    assert [fix.time_ns for fix in fixes] == expected
    assert counters == {}


def test_a_clock_set_by_a_day_is_believed(read) -> None:
    fixes, _ = read(rmc("235958"), rmc("000010"), rmc("000011"), rmc("120000", date="020409"))
    days = [unix_ns(2009, 4, 1, 23, 59, 58), unix_ns(2009, 4, 1, 0, 0, 10), unix_ns(2009, 4, 1, 0, 0, 11)]
    assert [fix.time_ns for fix in fixes][:3] == days


def test_a_gap_is_a_gap_once_there_was_a_fix(read) -> None:
    fixes, counters = read(rmc("120000"), rmc("120001", "V"), rmc("150000", "V"), rmc("150001"))
    assert [fix.tod_ms // 1000 for fix in fixes] == [43_200, 43_201, 54_000, 54_001]
    assert counters == {}


@pytest.mark.parametrize("clock", ["100040.00", "000000.00", "235940.00"])
@pytest.mark.parametrize("date", ["060180", ""])
def test_clock_of_a_cold_start_moves_no_valid_fix(read, clock: str, date: str) -> None:
    cold = [rmc(clock, "V", date)] * 5
    warm = [rmc(f"05050{second}.00") for second in range(5)]
    start = unix_ns(2009, 4, 1, 5, 5, 0)
    fixes, _counters = read(*cold, *warm)
    assert [fix.time_ns for fix in fixes] == [start + n * 1_000_000_000 for n in range(5)]
    # in the middle of a drive, the fix is gone at once and nothing else is believed
    fixes, _counters = read(*warm[:2], *cold, *warm[2:])
    assert [(fix.valid, fix.time_ns - start) for fix in fixes if fix.valid] == [(True, n * 10**9) for n in range(5)]
    assert {fix.time_ns - start for fix in fixes if not fix.valid} == {10**9}


@pytest.mark.parametrize("order", ["RGVS", "GVS", "RVGS", "VGS", "GSV", "VRGS"])
@pytest.mark.parametrize("cut", range(4))
def test_a_burst_cut_anywhere_is_read_like_the_whole(read, order: str, cut: int) -> None:
    def burst(second: int) -> list[bytes]:
        clock = f"12000{second}"
        made = {
            "R": rmc(clock, speed="10.0"),
            "G": gga(clock),
            "V": line("GPVTG,90.0,T,,M,10.0,N,,K,A"),
            "S": line(f"GPGST,{clock},1.0,,,,3.0,4.0,5.0"),
        }
        return [made[kind] for kind in order]

    sentences = [one for second in range(8) for one in burst(second)]
    fixes, _ = read(*sentences[cut:], date=datetime.date(2009, 4, 1))
    later = [fix for fix in fixes if fix.time_ns >= unix_ns(2009, 4, 1, 12, 0, 2)]
    assert len(later) == 6
    assert {fix.error_dm for fix in later} == {50}
    assert {fix.speed_ckmh for fix in later[:-1]} == {1852}


def test_a_burst_that_begins_with_vtg(read) -> None:
    def vtg(knots: str) -> bytes:
        return line(f"GPVTG,90.0,T,,M,{knots},N,,K,A")

    day = datetime.date(2009, 4, 1)
    fixes, _ = read(vtg("10.0"), gga("120000"), vtg("20.0"), gga("120001"), date=day)
    assert [fix.speed_ckmh for fix in fixes] == [1852, 3704]
    fixes, _ = read(gga("120000"), vtg("10.0"), gga("120001"), vtg("20.0"), date=day)
    assert [fix.speed_ckmh for fix in fixes] == [1852, 3704]


def test_void_dates_that_are_right_stand(read) -> None:
    fixes, counters = read(rmc("235959", "V", "310309"), rmc("000000", date="010409"), rmc("000001", "V"))
    assert [fix.time_ns for fix in fixes] == [unix_ns(2009, 4, 1) + n * 1_000_000_000 for n in (-1, 0, 1)]
    assert counters == {}
    fixes, _ = read(rmc("120000", "V"), rmc("120001", "V"))  # nothing to check against
    assert fixes[1].time_ns == unix_ns(2009, 4, 1, 12, 0, 1)
    fixes, counters = read(rmc("120000", "V", "060180"), date=datetime.date(2009, 4, 1))
    assert (fixes[0].time_ns, counters) == (unix_ns(2009, 4, 1, 12), {"date_implausible": 1})
    fixes, _ = read(*[rmc(f"1200{n:02d}", "V", "") for n in range(60)], rmc("120100"))
    assert len(fixes) == 61
    assert fixes[0].time_ns == unix_ns(2009, 4, 1, 12)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (rmc("120001")[:-4] + b"00\r\n", "bad_checksum"),
        (rmc("120001")[:-5] + b"\r\n", "no_checksum"),
        (rmc("120001")[:-3] + b"\r\n", "no_checksum"),
        (rmc("126001"), "bad_time"),
        (line("GPGGA,,,,,,0,00,99.99,,,,,,"), "no_time"),
        (b"\x00\xff\xfe\n", "garbage"),
        (b"$GPRMC,12\xff0001,A*00\n", "garbage"),
        (line("GPGST,120001.00,,,,,3.0,4.0,2.5"), "incomplete_epoch"),
        (b"# comment $GPRMC\n", "comment"),
    ],
)
def test_bad_lines_are_counted_and_dropped(read, bad, reason) -> None:
    fixes, counters = read(rmc("120000"), bad, rmc("120002"))
    assert len(fixes) == 2
    assert counters == {reason: 1}


def test_other_sentences_are_no_errors(read) -> None:
    others = [
        b"\n",
        b"\r\n",
        b"$GPGSV,1,1,00*79\n",
        b"$GPGSV,1,1,00*00\n",
        b"$PUBX,00,1*00\n",
        b"!AIVDM,1,1,,A,x,0*00\n",
    ]
    assert read(rmc(), *others)[1] == {}


def test_a_line_run_into_the_next_loses_only_itself(read) -> None:
    assert one(read, b"$GPGSV,3,1,1" + rmc()).valid


@pytest.mark.parametrize("content", [b"", b"hello\nworld\n", bytes(range(256)) * 8, b"$GPGSV,1,1,00*79\n"])
def test_no_nmea_log(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "log.nmea"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"log\.nmea: "):
        NmeaFile(path)


def test_a_log_of_damaged_sentences_says_so(tmp_path: Path) -> None:
    path = tmp_path / "log.nmea"
    path.write_bytes(rmc().replace(b"N", b"S") * 3 + gga()[:-6] + b"\n")
    with pytest.raises(UsageError, match="4 sentences with a wrong checksum or without one; record"):
        NmeaFile(path)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.nmea"):
        with pytest.raises(UsageError, match="cannot be read"):
            NmeaFile(path)


@given(st.lists(st.binary(max_size=80)))
def test_random_bytes_are_not_fatal(lines: list[bytes]) -> None:
    assembler = NmeaAssembler()
    for content in lines:
        assembler.feed(content)
    assembler.flush()


FIELD = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="*$,"), max_size=12)


@given(
    st.sampled_from(["GPRMC", "GNGGA", "GPGST", "GLVTG"]),
    st.sampled_from(["120000", "120000.00", ""]),
    st.lists(FIELD | st.sampled_from(["A", "N", "E", "1", "4810.85", "-1", "99999999999999999"]), max_size=16),
)
def test_sentences_with_any_fields_are_not_fatal(kind: str, tod: str, fields: list[str]) -> None:
    assembler = NmeaAssembler()
    epochs = assembler.feed(line(",".join([kind, tod, *fields]))) + assembler.flush()
    for epoch in epochs:
        fix = epoch.fix(0)
        assert fix.valid == (fix.latitude_cas is not None) == (not fix.reason)


@pytest.mark.shared
def test_munich(shared: Path) -> None:
    start = time.process_time()
    log = NmeaFile(shared / "data/gnss/genivi_munich_ublox.nmea")
    fixes = list(log)
    assert time.process_time() - start < 2
    assert len(fixes) == 1867
    assert sum(fix.reason == "void" for fix in fixes) == sum(not fix.valid for fix in fixes) == 20
    assert fixes[0] == Fix(
        unix_ns(2009, 4, 1, 12, 40, 22), True, "", 45622000, 17345105, 4163457, 1574, 17110, 1195, -704
    )
    assert max(fix.speed_ckmh or 0 for fix in fixes) < 6300
    assert [second.time_ns - first.time_ns for first, second in pairwise(fixes)].count(10**9) > 1800
    assert log.counters == {"comment": 6}  # its clock steps back once, while it drives on
    assert list(log) == fixes  # a second pass is the same


@pytest.mark.shared
def test_the_other_receivers(shared: Path) -> None:
    rtk = list(NmeaFile(shared / "data/gnss/gpsd_nmea-rtk.log"))
    assert len(rtk) == 122
    assert all(fix.valid and fix.longitude_cas < -33_000_000 and fix.error_dm for fix in rtk)
    assert max(b.time_ns - a.time_ns for a, b in pairwise(rtk)) > 600 * 10**9
    cold = NmeaFile(shared / "data/gnss/gpsd_bt451.log")
    assert cold.counters["no_time"] == 8
    assert next(iter(cold)).course_cdeg is None
    assert list(cold)[-1].speed_ckmh == math.floor(32.273 * 185.2)
    standing = list(NmeaFile(shared / "data/gnss/gpsd_quectel-l76k-nmea.log"))
    assert len(standing) == 151
    assert all(fix.valid for fix in standing)


@pytest.mark.shared
def test_every_cut_of_real_lines(shared: Path) -> None:
    for name in ("gpsd_nmea-rtk.log", "gpsd_bt451.log", "gpsd_quectel-l76k-nmea.log", "genivi_munich_ublox.nmea"):
        lines = (shared / "data/gnss" / name).read_bytes().splitlines(keepends=True)
        for content in lines[:200]:
            for cut in range(len(content)):
                assembler = NmeaAssembler()
                assembler.feed(content[:cut])
                epochs = assembler.flush()
                # With the checksum gone the line makes nothing.
                whole = content[:cut].rstrip() == content.rstrip()
                assert whole or not epochs
                for epoch in epochs:
                    epoch.fix(0)
