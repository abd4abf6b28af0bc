"""Recorded inputs for a bench: what was written when, of NMEA with and without TAG blocks, CAN logs and captures."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from asvrig.gnss_feed import sentence
from asvrig.recorded import can_frames, nmea_lines, radio_frames
from asvunit.adapters.capture import CaptureWriter
from asvunit.errors import UsageError

S = 10**9
DAY = int(datetime(2026, 4, 1, tzinfo=UTC).timestamp()) * S
FIX = "3500.00000,N,13900.00000,E"


def rmc(clock: str, day: str = "010426") -> bytes:
    return sentence(f"GNRMC,{clock},A,{FIX},0.000,,{day},,,A")


def gga(clock: str) -> bytes:
    return sentence(f"GNGGA,{clock},{FIX},1,12,1.00,25.0,M,37.0,M,,")


def gsv() -> bytes:
    return sentence("GPGSV,1,1,01,01,40,083,46")


def read(tmp_path, *lines: bytes) -> list[tuple[int, bytes]]:
    path = tmp_path / "log.nmea"
    path.write_bytes(b"".join(lines))
    return list(nmea_lines(path))


def test_epochs_go_by_their_own_clock_once_a_date_is_known(tmp_path):
    lines = [gsv(), gga("010000.00"), rmc("010000.10"), gsv(), gga("010000.10"), gga("010000.20"), rmc("010000.20")]
    first, second = DAY + 3600 * S + S // 10, DAY + 3600 * S + S // 5
    assert read(tmp_path, *lines) == [(first, b"".join(lines[:5])), (second, b"".join(lines[5:]))]


def test_tag_blocks_tell_the_time_of_receipt_and_are_taken_off(tmp_path):
    told = [
        b"\\s:gps,c:1775005200123*00\\" + rmc("010000.00"),
        b"\\c:1775005200123*00\\" + gga("010000.00"),
        b"\\c:1775005201*00\\" + rmc("010001.00"),
        gsv(),
    ]
    assert read(tmp_path, *told) == [
        (1775005200_123_000_000, rmc("010000.00") + gga("010000.00")),
        (1775005201 * S, rmc("010001.00") + gsv()),
    ]


def test_midnight_is_no_step_back(tmp_path):
    lines = [rmc("235959.90"), gga("000000.00"), rmc("000000.00", "020426")]
    assert [t for t, _lines in read(tmp_path, *lines)] == [DAY + 86_399 * S + 9 * S // 10, DAY + 86_400 * S]


def test_a_log_without_times_is_refused_and_so_is_none(tmp_path):
    with pytest.raises(UsageError, match=r"log\.nmea: no line tells a time"):
        read(tmp_path, gsv(), gga("010000.00"), b"# nothing\n", b"\xff\x00\n")
    with pytest.raises(UsageError, match="none: cannot be read: No such file"):
        list(nmea_lines(tmp_path / "none"))


def test_can_frames_are_those_that_the_unit_may_be_given(tmp_path):
    path = tmp_path / "can.log"
    path.write_text(
        "(1775005200.100000) can0 100#0102\n"
        "(1775005200.200000) can0 18FEF100#0000000000000001\n"
        "(1775005200.300000) can0 200##1AABB\n"
        "(1775005200.400000) can0 20000040#0000000000000000\n"
        "nonsense\n"
    )
    counters: Counter[str] = Counter()
    assert list(can_frames(path, counters)) == [
        (1775005200_100_000_000, (0x100, False, b"\x01\x02")),
        (1775005200_200_000_000, (0x18FEF100, True, bytes(7) + b"\x01")),
    ]
    assert counters["fd_frame"] == 1
    assert sum(counters.values()) >= 2


def test_radio_frames_come_with_their_source(tmp_path):
    path = tmp_path / "radio.pcap"
    with CaptureWriter(path) as capture:
        capture.write(5 * S, bytes(100), "02:00:00:00:00:07")
        capture.write(6 * S, b"x" * 100, "02:00:00:00:00:08")
    assert list(radio_frames(path)) == [
        (5 * S, ("02:00:00:00:00:07", bytes(100))),
        (6 * S, ("02:00:00:00:00:08", b"x" * 100)),
    ]
