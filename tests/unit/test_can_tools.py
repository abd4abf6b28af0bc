"""CAN logs as the tools of the field write them: times, channels, identifiers and flags, told by hand."""

import gc
import gzip
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import can
import pytest

from asvunit.adapters.can_log import CanLog
from asvunit.errors import UsageError

DAY = datetime(2026, 11, 21, 10, 0, 0, tzinfo=UTC).timestamp()


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., tuple[list[can.Message], dict[str, int]]]:
    def read(name: str, *lines: str, encoding: str = "utf-8", **options) -> tuple[list[can.Message], dict[str, int]]:
        path = tmp_path / name
        path.write_text("".join(line + "\n" for line in lines), encoding=encoding)
        log = CanLog(path, **options)
        return list(log), dict(log.counters)

    return read


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Puts the machine into a time zone; at first it is in UTC."""

    def zone(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    zone("UTC")
    yield zone
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def japan(zone: Callable[[str], None]) -> None:
    """A machine in Japan."""
    zone("Asia/Tokyo")


def facts(messages: list[can.Message], start_s: float = DAY) -> list[tuple]:
    """(us since start, channel, identifier, extended, data)."""
    return [
        (
            round((each.timestamp - start_s) * 1e6),
            each.channel,
            each.arbitration_id,
            each.is_extended_id,
            each.data.hex(),
        )
        for each in messages
    ]


# candump


def test_candump_compact_with_channels_directions_and_fd(read) -> None:
    messages, counters = read(
        "candump-2026-11-21_100000.log",
        f"({DAY:.6f}) can0 0B4#00000000000017D3 R",
        f"({DAY + 0.001:.6f}) slcan1 18FEF1FE#0102 T",
        f"({DAY + 0.002:.6f}) 2 7FF#",
        f"({DAY + 0.003:.6f}) can0 123##3001122",
        f"({DAY + 0.004:.9f}) can0 123#1122334455667788_F",
        f"({DAY + 0.005:.6f}) can0 123#R",
        f"({DAY + 0.006:.6f}) can0 20000080#0000000000000000",
    )
    assert facts(messages) == [
        (0, "can0", 0xB4, False, "00000000000017d3"),
        (1000, "slcan1", 0x18FEF1FE, True, "0102"),
        (2000, "2", 0x7FF, False, ""),
        (3000, "can0", 0x123, False, "001122"),
        (4000, "can0", 0x123, False, "1122334455667788"),
    ]
    assert [each.is_rx for each in messages[:3]] == [True, False, True]
    fd = messages[3]
    assert (fd.is_fd, fd.bitrate_switch, fd.error_state_indicator, fd.dlc) == (True, True, True, 3)
    assert not messages[4].is_fd
    assert counters == {"remote_frame": 1, "error_frame": 1}


@pytest.mark.parametrize("name", ["drive.log", "drive.txt", "drive"])
def test_candump_of_a_terminal(read, name: str) -> None:
    messages, counters = read(
        name,
        f" ({DAY:.6f})  can0  0B4   [8]  00 00 00 00 00 00 17 D3",
        f" ({DAY + 0.001:.6f})  can1  18FEF1FE   [2]  01 02",
        f" ({DAY + 0.002:.6f})  can0  123  [12]  00 01 02 03 04 05 06 07 08 09 0A 0B",
        f" ({DAY + 0.003:.6f})  can0  TX B E  123  [01]  5A",
        f" ({DAY + 0.004:.6f})  can0  RX - -  123   [3]  41 42 43   'ABC'",
        f" ({DAY + 0.005:.6f})  can0  7FF   [0] ",
        f" ({DAY + 0.006:.6f})  can0  123   [8]  remote request",
        f" ({DAY + 0.007:.6f})  can0  20000088   [8]  00 00 00 19 00 00 00 00   ERRORFRAME",
        "\tprotocol-violation{{}{acknowledge-slot}}",
        "\tbus-error",
        f" ({DAY + 0.008:.6f})  can0  123   [8]  00 11",
        f" ({DAY + 0.009:.6f})  can0  1234   [1]  00",
    )
    assert facts(messages) == [
        (0, "can0", 0xB4, False, "00000000000017d3"),
        (1000, "can1", 0x18FEF1FE, True, "0102"),
        (2000, "can0", 0x123, False, "000102030405060708090a0b"),
        (3000, "can0", 0x123, False, "5a"),
        (4000, "can0", 0x123, False, "414243"),
        (5000, "can0", 0x7FF, False, ""),
    ]
    assert [each.is_fd for each in messages] == [False, False, True, True, False, False]
    assert (messages[3].is_rx, messages[3].bitrate_switch, messages[3].error_state_indicator) == (False, True, True)
    assert counters == {"remote_frame": 1, "error_frame": 1, "short_frame": 1, "bad_line": 1}


def test_candump_with_dates_is_of_the_machines_zone(read, japan) -> None:
    messages, counters = read(
        "drive.log",
        " (2026-11-21 19:00:00.123456)  can0  123   [1]  11",
        "(2026-11-21 19:00:01.000000) can0 123#22 R",
    )
    assert facts(messages) == [(123456, "can0", 0x123, False, "11"), (1000000, "can0", 0x123, False, "22")]
    assert not counters


def test_candump_of_differences_and_from_zero(read) -> None:
    def log(*times: str) -> list[int]:
        messages, counters = read("drive.log", *(f" ({each})  can0  123   [1]  11" for each in times))
        assert not counters
        return [row[0] for row in facts(messages, 0.0)]

    assert log("000.000000", "000.010000", "000.002000", "000.008000", "000.010000") == [0, 10000, 12000, 20000, 30000]
    assert log("000.000000", "000.010000", "000.012000", "000.020000", "000.030000") == [0, 10000, 12000, 20000, 30000]


def test_candump_without_times_is_refused_with_the_mend(read) -> None:
    with pytest.raises(UsageError, match=r"have no times; record with candump -l"):
        read("drive.log", "  can0  123   [8]  00 11 22 33 44 55 66 77", "  can0  124   [0]")


# Vector


HEAD = ["base hex  timestamps absolute", "internal events logged", "// version 9.0.0"]


@pytest.mark.parametrize(
    "date",
    [
        "Sat Nov 21 10:00:00 2026",
        "Sat Nov 21 10:00:00.000 2026",
        "Sat Nov 21 10:00:00.000 am 2026",
        "Sam Nov 21 10:00:00.000 2026",
        "Sat Nov 21 10:00:00 AM 2026",
        "\N{CJK UNIFIED IDEOGRAPH-571F} 11\N{CJK UNIFIED IDEOGRAPH-6708} 21 10:00:00.000 2026",
    ],
)
def test_asc_dates(read, date: str) -> None:
    messages, counters = read(
        "drive.asc",
        f"date {date}",
        *HEAD,
        "   0.000000 Start of measurement",
        "   0.015991 1  0B4             Rx   d 8 00 00 00 00 00 00 17 D3  Length = 236000 BitCount = 122 ID = 180",
        "   2.500100 2  18FEF1FEx       Tx   d 2 01 02",
    )
    assert facts(messages) == [
        (15991, 1, 0xB4, False, "00000000000017d3"),
        (2500100, 2, 0x18FEF1FE, True, "0102"),
    ]
    assert [each.is_rx for each in messages] == [True, False]
    assert not counters


@pytest.mark.parametrize(
    ("date", "month"),
    [("Mit M\N{LATIN SMALL LETTER A WITH DIAERESIS}r 4", 3), ("Die Mai 5", 5), ("Don Okt 1", 10), ("Fre Dez 4", 12)],
)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_asc_german_months(read, date: str, month: int, encoding: str) -> None:
    messages, _counters = read(
        "d.asc", f"date {date} 10:00:00 pm 2026", *HEAD, "1.0 1 123 Rx d 1 00", encoding=encoding
    )
    assert datetime.fromtimestamp(messages[0].timestamp, UTC).month == month
    assert datetime.fromtimestamp(messages[0].timestamp, UTC).hour == 22


def test_asc_is_of_the_machines_zone(read, japan) -> None:
    messages, _counters = read("d.asc", "date Sat Nov 21 07:00:00.000 pm 2026", *HEAD, "1.0 1 123 Rx d 1 00")
    assert facts(messages)[0][0] == 1_000_000


def test_asc_without_a_date_or_with_a_broken_one_is_relative(read) -> None:
    messages, counters = read("d.asc", *HEAD, "1.5 1 123 Rx d 1 00")
    assert [each.timestamp for each in messages] == [1.5]
    assert not counters
    messages, counters = read("d.asc", "date yesterday", *HEAD, "1.5 1 123 Rx d 1 00")
    assert [each.timestamp for each in messages] == [1.5]
    assert counters == {"bad_date": 1}


def test_asc_decimal_relative_and_names(read) -> None:
    messages, counters = read(
        "d.asc",
        "date Sat Nov 21 10:00:00.000 2026",
        "base dec  timestamps relative",
        "no internal events logged",
        "0.010000 1  180             Rx   d 3 10 255 16",
        "0.005000 1  Statistic: D 10 R 0 XD 0 XR 0 E 0 O 0 B 5.05%",
        "0.005000 1  419361278x      Rx   d 1 9",
        "0.005000 1  EngineSpeed     Rx   d 1 9  Length = 0 BitCount = 64 ID = 1556",
    )
    assert facts(messages) == [
        (10000, 1, 180, False, "0aff10"),
        (20000, 1, 0x18FEF1FE, True, "09"),
        (25000, 1, 1556, False, "09"),
    ]
    assert not counters


def test_asc_trigger_blocks_count_from_the_head_or_from_themselves(read) -> None:
    def log(header: str, block: str, *times: float) -> list[int]:
        messages, _counters = read(
            "d.asc", f"date {header}", *HEAD, f"Begin Triggerblock {block}", *(f"{t:.6f} 1 123 Rx d 1 0" for t in times)
        )
        return [row[0] for row in facts(messages)]

    head, late = "Sat Nov 21 10:00:00.000 2026", "Sat Nov 21 10:05:00.000 2026"
    assert log(head, head, 0.5, 1) == [500_000, 1_000_000]
    assert log(head, late, 297.5, 301) == [297_500_000, 301_000_000]  # some seconds before the trigger as well
    assert log(head, late, 0.0, 1) == [300_000_000, 301_000_000]
    assert log("Sat Nov 21 12:00:00.000 2026", late, 0.0, 1) == [300_000_000, 301_000_000]  # converted two hours later


def test_asc_fd_errors_remotes_and_other_events(read) -> None:
    data = " ".join(f"{n:02X}" for n in range(12))
    messages, counters = read(
        "d.asc",
        "date Sat Nov 21 10:00:00.000 2026",
        *HEAD,
        f"0.001 CANFD   1 Rx  123  SomeName  1 0 9 12 {data}  101000  149  303000 46500250 4b140250 20011736 2001040d",
        f"0.002 CANFD   2 Tx  18EBFF00x  0 1 9 12 {data}  101000  149  305000 46500250",
        "0.003 CANFD   1 Rx  124  0 0 2 2 AA BB  101000  149  200000 46500250",  # classic, on a bus of FD
        "0.004 CANFD   1 Rx  125  1 0 0 0  101000  149  203000 46500250",
        "0.005 CANFD   1 Rx  126  0 0 8 0  101000  149  200010 46500250",
        "0.006 CANFD   1 Rx ErrorFrame  Not Acknowledge error, dominant error flag fffe c7 31ca",
        "0.007 1 ErrorFrame",
        "0.008 1 127 Rx r 8",
        "0.009 1 128 TxRq d 1 00",
        "0.010 1 129 Rx d f 00 11 22 33 44 55 66 77",
        "0.011 CAN 1 Status:chip status error active",
        "0.012 Li 1 SleepModeEvent 1",
        "0.013 1 1x2 Rx d 1 00",
        "0.014 1 12A Rx d 3 00",
        "End TriggerBlock",
    )
    assert facts(messages) == [
        (1000, 1, 0x123, False, bytes(range(12)).hex()),
        (2000, 2, 0x18EBFF00, True, bytes(range(12)).hex()),
        (3000, 1, 0x124, False, "aabb"),
        (4000, 1, 0x125, False, ""),
        (10000, 1, 0x129, False, "0011223344556677"),
    ]
    assert [(each.is_fd, each.bitrate_switch, each.error_state_indicator) for each in messages[:3]] == [
        (True, True, False),
        (True, False, True),
        (False, False, False),
    ]
    assert counters == {"error_frame": 2, "remote_frame": 2, "bad_line": 1, "short_frame": 1}


def test_blf_of_other_tools_is_of_the_machines_zone(tmp_path: Path, japan) -> None:
    path = tmp_path / "d.blf"
    with can.Logger(path) as logger:
        logger.on_message_received(can.Message(timestamp=DAY, arbitration_id=1, channel=1))
    assert facts(list(CanLog(path))) == [(0, 2, 1, True, "")]  # python-can writes UTC, and counts channels from 0
    whole = bytearray(path.read_bytes())
    whole[8] = 2  # CANoe
    path.write_bytes(whole)
    assert facts(list(CanLog(path))) == [(-9 * 3600 * 10**6, 2, 1, True, "")]


# PEAK

NOON = "46347.4166666667"  # 2026-11-21 10:00, to 10 us


@pytest.mark.parametrize(
    ("head", "lines"),
    [
        (
            ["1.1", NOON],
            [
                "     1)       100.0  Rx         00B4  8  00 00 00 00 00 00 17 D3 ",
                "     2)       200.5  Tx     18FEF1FE  2  01 02 ",
                "     3)       201.0  Warng  FFFFFFFF  4  00 00 00 08  BUSHEAVY ",
                "     4)       202.0  Rx         0123  8  RTR ",
                "     5)       203.0  Error      0008  4  00 00 08 04 ",
            ],
        ),
        (
            ["1.3", NOON],
            [
                "     1)      100.000 1  Rx        00B4 -  8    00 00 00 00 00 00 17 D3 ",
                "     2)      200.500 1  Tx    18FEF1FE -  2    01 02 ",
                "     3)      201.000 1  Warng FFFFFFFF -  4    00 00 00 08  BUSHEAVY ",
                "     4)      202.000 1  Rx        0123 -  8    RTR ",
                "     5)      203.000 1  Error     0008 -  4    00 00 08 04 ",
            ],
        ),
        (
            ["2.0", NOON, "N,O,T,I,d,l,D"],
            [
                "      1       100.000 DT     00B4 Rx 8  00 00 00 00 00 00 17 D3 ",
                "      2       200.500 DT 18FEF1FE Tx 2  01 02 ",
                "      3       201.000 ST          Rx    00 00 00 08 ",
                "      4       202.000 RR     0123 Rx 8",
                "      5       203.000 ER          Rx    04 00 02 00 00",
            ],
        ),
        (
            ["2.1", NOON, "N,O,T,B,I,d,R,L,D"],
            [
                "      1       100.000 DT 1     00B4 Rx -  8    00 00 00 00 00 00 17 D3 ",
                "      2       200.500 DT 1 18FEF1FE Tx -  2    01 02 ",
                "      3       201.000 ST 1          Rx -  4    00 00 00 08 ",
                "      4       202.000 RR 1     0123 Rx -  8",
                "      5       203.000 ER 1         - Rx -  5    04 00 02 00 00",
                "      6       204.000 EV 1  User-defined event for bus 1 ",
                "      7       205.000 EV -  User-defined event for all busses ",
            ],
        ),
    ],
)
def test_trc_versions(read, head: list[str], lines: list[str]) -> None:
    names = (";$FILEVERSION=", ";$STARTTIME=", ";$COLUMNS=")
    messages, counters = read("d.trc", *(a + b for a, b in zip(names, head, strict=False)), ";", *lines)
    assert [row[1:] for row in facts(messages)] == [
        (1, 0xB4, False, "00000000000017d3"),
        (1, 0x18FEF1FE, True, "0102"),
    ]
    assert [row[0] for row in facts(messages)] == pytest.approx([100_000, 200_500], abs=5)
    assert [each.is_rx for each in messages] == [True, False]
    assert counters == {"remote_frame": 1, "error_frame": 1}


def test_trc_fd_buses_and_zone(read, japan) -> None:
    data = " ".join(["5A"] * 64)
    for version, columns, length in (("2.0", "N,O,T,B,I,d,l,D", 64), ("2.1", "N,O,T,B,I,d,R,L,D", 15)):
        reserved = "-" if "R" in columns else ""
        messages, counters = read(
            "d.trc",
            f";$FILEVERSION={version}",
            ";$STARTTIME=46347.791666666664",  # 19:00 in Japan
            f";$COLUMNS={columns}",
            f" 1 0.000 FB 2 0300 Rx {reserved} {length} {data}",
            f" 2 1.000 FE 1 0301 Rx {reserved} {length} {data}",
        )
        assert facts(messages) == [(0, 2, 0x300, False, "5a" * 64), (1000, 1, 0x301, False, "5a" * 64)]
        assert [(each.is_fd, each.bitrate_switch, each.error_state_indicator) for each in messages] == [
            (True, True, False),
            (True, True, True),
        ]
        assert not counters


@pytest.mark.parametrize(
    ("start", "start_s"),
    [(";    Start time: 21.11.2026 10:00:00.500 ", DAY + 0.5), (";    PCAN-Net: TestNet", 0.0)],
)
def test_trc_of_version_1_0_has_its_date_in_words(read, start: str, start_s: float) -> None:
    messages, counters = read(
        "d.trc",
        ";##########################################################################",
        start,
        ";----+-   ---+---  ----+---  +  -+ -- -- ...",
        "     1)      1841      0001  8  00 01 02 03 04 05 06 07",
        "     2)      1842  18FEF1FE  1  00",
        "     3)      1843      0100  3  RTR",
        "     4)      1844  FFFFFFFF  4  00 00 00 04 -- -- -- --  BUSLIGHT",
        "     5)      1845      0008  4  ERROR 00 19 08 08",
    )
    assert facts(messages, start_s) == [
        (1841000, 1, 1, False, "0001020304050607"),
        (1842000, 1, 0x18FEF1FE, True, "00"),
    ]
    assert counters == {"remote_frame": 1, "error_frame": 1}


def test_trc_of_version_1_2(read) -> None:
    messages, counters = read(
        "d.trc",
        ";$FILEVERSION=1.2 ",
        f";$STARTTIME={NOON}; ",
        ";   Start time: 06.03.2009 16:15:12.317.3 ",
        "     1)      1059.900  2  Rx         0300  7  00 00 00 00 04 00 00  ",
        "     5)      1346.834  1  Warng  FFFFFFFF  4  00 00 00 04  BUSLIGHT ",
        "     6)      1349.222  1  Error      0008  4  00 19 08 08 ",
        "     7)      1352.743  1  Rx         0100  3  RTR ",
    )
    assert [row[1:] for row in facts(messages)] == [(2, 0x300, False, "00000000040000")]
    assert facts(messages)[0][0] == pytest.approx(1_059_900, abs=5)
    assert counters == {"remote_frame": 1, "error_frame": 1}


# Tables


def test_savvycan(read) -> None:
    messages, counters = read(
        "d.csv",
        "Time Stamp,ID,Extended,Dir,Bus,LEN,D1,D2,D3,D4,D5,D6,D7,D8",
        f"{round(DAY * 1e6)},000000B4,false,Rx,0,8,00,00,00,00,00,00,17,D3,",
        f"{round(DAY * 1e6) + 1500},18FEF1FE,true,Tx,1,2,01,02,",
        f"{round(DAY * 1e6) + 1600},000000B5,false,Rx,0,0,",
        f"{round(DAY * 1e6) + 1700},000000B5,false,Rx,0,2,01,",
    )
    assert facts(messages) == [
        (0, 0, 0xB4, False, "00000000000017d3"),
        (1500, 1, 0x18FEF1FE, True, "0102"),
        (1600, 0, 0xB5, False, ""),
    ]
    assert [each.is_rx for each in messages] == [True, False, True]
    assert counters == {"short_frame": 1}


def test_other_tables(read) -> None:
    messages, counters = read("cabana.csv", "time,addr,bus,data", f"{DAY},0xb4,0,0x17d3", f"{DAY + 1},0x18fef1fe,1,01")
    assert facts(messages) == [(0, 0, 0xB4, False, "17d3"), (1_000_000, 1, 0x18FEF1FE, True, "01")]
    assert not counters
    messages, counters = read(
        "canedge.csv",
        "TimestampEpoch;BusChannel;ID;IDE;DLC;DataLength;Dir;EDL;BRS;DataBytes",
        f"{DAY:.6f};1;B4;0;8;8;0;0;0;00000000000017D3",
        f"{DAY + 1:.6f};2;18FEF1FE;1;9;12;0;1;1;000102030405060708090A0B",
    )
    assert [row[:4] for row in facts(messages)] == [(0, 1, 0xB4, False), (1_000_000, 2, 0x18FEF1FE, True)]
    assert [(each.is_fd, each.bitrate_switch, each.dlc) for each in messages] == [(False, False, 8), (True, True, 12)]
    assert not counters


# BUSMASTER


@pytest.mark.parametrize(
    ("mode", "stamps"),
    [
        ("SYSTEM", ["23:59:59:9000", "00:00:00:1500"]),
        ("ABSOLUTE", ["0:00:00:4000", "0:00:00:6500"]),
        ("RELATIVE", ["0:00:00:4000", "0:00:00:2500"]),
    ],
)
def test_busmaster(read, mode: str, stamps: list[str]) -> None:
    messages, counters = read(
        "d.log",
        "***BUSMASTER Ver 3.2.2",
        "***PROTOCOL CAN***",
        "***NOTE: PLEASE DO NOT EDIT THIS DOCUMENT***",
        "***[START LOGGING SESSION]***",
        "***START DATE AND TIME 20:11:2026 23:59:59:500***",
        "***HEX***",
        f"***{mode} MODE***",
        "***<Time><Tx/Rx><Channel><CAN ID><Type><DLC><DataBytes>***",
        f"{stamps[0]} Rx 1 0x0B4 s 2 17 D3 ",
        f"{stamps[1]} Tx 2 0x18FEF1FE x 1 0A ",
        "0:00:00:0000 Rx 1 0x0B4 sr 8",
        "***[STOP LOGGING SESSION]***",
    )
    midnight = datetime(2026, 11, 21, tzinfo=UTC).timestamp()
    assert facts(messages, midnight) == [
        (-100_000, 1, 0xB4, False, "17d3"),
        (150_000, 2, 0x18FEF1FE, True, "0a"),
    ]
    assert counters == {"remote_frame": 1}


# Formats and wishes


def test_a_wrong_suffix_does_no_harm(tmp_path: Path) -> None:
    for suffix in (".blf", ".log", ".asc", ".csv", ".trc", ".db"):
        path = tmp_path / f"drive{suffix}"
        with can.Logger(path) as logger:
            logger.on_message_received(can.Message(timestamp=DAY, arbitration_id=0x123, is_extended_id=False))
        for wrong in (".dat", ".asc", ".blf"):
            other = tmp_path / f"other{wrong}"
            other.write_bytes(path.read_bytes())
            assert [row[2] for row in facts(list(CanLog(other)))] == [0x123], (suffix, wrong)


@pytest.mark.parametrize("suffix", [".log", ".asc", ".trc", ".csv", ".blf", ".db"])
def test_only_what_is_wanted(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"drive{suffix}"
    with can.Logger(path) as logger:
        for number in range(6):
            extended = number % 2 == 1
            logger.on_message_received(
                can.Message(timestamp=DAY + number, arbitration_id=0x123, is_extended_id=extended)
            )
    log = CanLog(path, [(0x123, True)])
    assert [each.is_extended_id for each in log] == [True] * 3
    assert log.counters == {"unknown_id": 3}
    nothing = CanLog(path, [(0x124, True)])
    assert list(nothing) == []  # frames are there, but none is wanted: no reason to refuse the log
    assert nothing.counters == {"unknown_id": 6}


def test_mf4(tmp_path: Path) -> None:
    pytest.importorskip("asammdf", reason="asammdf is not installed: .mf4 cannot be read")
    path = tmp_path / "drive.mf4"
    with can.Logger(path) as logger:
        for number in range(3):
            logger.on_message_received(
                can.Message(
                    timestamp=DAY + number,
                    arbitration_id=0x123 + number,
                    is_extended_id=False,
                    data=[number],
                    channel=1,
                )
            )
        logger.on_message_received(can.Message(timestamp=DAY + 3, arbitration_id=0x18FEF1FE, is_remote_frame=True))
    log = CanLog(path)
    assert facts(list(log)) == [(n * 1_000_000, 1, 0x123 + n, False, f"{n:02x}") for n in range(3)]
    assert log.counters == {"remote_frame": 1}


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_mf4_cut_or_damaged(tmp_path: Path) -> None:
    pytest.importorskip("asammdf", reason="asammdf is not installed: .mf4 cannot be read")
    path = tmp_path / "drive.mf4"
    with can.Logger(path) as logger:
        for number in range(500):
            logger.on_message_received(can.Message(timestamp=DAY + number, arbitration_id=1, channel=1))
    whole = path.read_bytes()
    packed = tmp_path / "drive.mf4.gz"
    packed.write_bytes(gzip.compress(whole))
    assert len(list(CanLog(packed))) == 500
    for broken in (whole[:100], whole[: len(whole) // 2], whole[:64] + bytes(range(256)) * 10):
        path.write_bytes(broken)
        with pytest.raises(UsageError, match="no CAN frame in it could be read"):
            list(CanLog(path))
        gc.collect()
