"""Trucks and buses: groups of J1939 whoever sends them, one sender at a time, codes that say nothing, filters."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import can
import pytest
from typer.testing import CliRunner

from asvtools import vehicle_command
from asvtools.cli import app
from asvtools.doctor.can_coverage import Heard, coverage
from asvtools.vehicle_check import inspect
from asvunit.adapters.can_log import CanLog
from asvunit.canbus.channels import Channels
from asvunit.canbus.filters import Filter, frames
from asvunit.canbus.interfaces import filter_frames
from asvunit.canbus.slcan_port import SlcanReader
from asvunit.errors import UsageError
from asvunit.ports import (
    ACCELERATOR,
    BRAKE,
    IMPLAUSIBLE,
    OK,
    SHIFT,
    SPEED,
    UNKNOWN,
    WINKER,
    YAW_RATE,
)
from asvunit.recordings import read_can
from asvunit.vehicle import VehicleMap
from trucktools import (
    BODY,
    BRAKES,
    CCVS,
    DATABASE,
    EEC2,
    ENGINE,
    ETC2,
    GEARBOX,
    OEL,
    RETARDER,
    SIGNALS,
    TACHOGRAPH,
    VDC2,
    ccvs,
    frame,
    identifier,
    truck,
)

AUXILIARY = 6  # of the brake's value: off, with the auxiliary brake
SPEED_ALONE = SIGNALS[: SIGNALS.index("[signal.brake]")]


def told(car: VehicleMap, message: can.Message) -> dict[int, tuple[int, int]]:
    """(value, status) by signal."""
    return {one.signal: (one.value, one.status) for one in car.decode(message)}


def value(car: VehicleMap, message: can.Message, signal: int) -> int | None:
    found = told(car, message).get(signal)
    return found[0] if found and found[1] == OK else None


# Identifiers


@pytest.mark.parametrize(("sender", "priority"), [(ENGINE, 6), (GEARBOX, 6), (0xFD, 0), (0xFE, 7), (0x55, 3)])
def test_any_sender_and_priority(tmp_path: Path, sender: int, priority: int) -> None:
    car = truck(tmp_path)
    message = frame(CCVS, b"\xff\x00\x50\xdf", 0, sender, priority)
    assert told(car, message) == {SPEED: (8_000, OK), BRAKE: (5, OK)}
    assert not car.counters


@pytest.mark.parametrize("destination", [0x00, 0x21, 0xF8, 0xFF])
def test_a_group_with_a_destination_is_taken_whoever_it_is_for(tmp_path: Path, destination: int) -> None:
    car = truck(tmp_path)
    car.decode(frame(RETARDER, b"\x01", 0.0, 0x0F, 3, destination))
    assert value(car, ccvs(50, brake=0, time_s=0.05), BRAKE) == AUXILIARY


@pytest.mark.parametrize("pgn", [0xFEF0, 0xFEF2, 0x1FEF1, 0x2FEF1, 0xEE00, 0xF000, 0x1EF00])
def test_other_groups_and_data_pages_are_others(tmp_path: Path, pgn: int) -> None:
    car = truck(tmp_path)
    assert not car.decode(frame(pgn, b"\x01\x00\x10\xcf"))
    assert car.counters == {"unknown_id": 1}


def test_standard_frames_stay_whole_on_such_a_bus(tmp_path: Path) -> None:
    text = DATABASE.replace(
        "BA_DEF_ BO_", 'BO_ 256 DOOR: 8 ECU\n SG_ LAMP : 0|1@1+ (1,0) [0|1] "" ASV\n\nBA_DEF_ BO_', 1
    )
    car = truck(tmp_path, text=text, signals=SPEED_ALONE + '[signal.hazard]\nfrom = "DOOR.LAMP"\non = [1]\n')
    assert (256, 0x7FF, False) in car.filters()
    door = can.Message(timestamp=5.0, arbitration_id=256, is_extended_id=False, data=b"\x01" + bytes(7))
    assert len(car.decode(door)) == 1
    door.is_extended_id = True  # group 1, none of the map's
    assert not car.decode(door)
    door.is_extended_id, door.arbitration_id = False, 0x1F1
    assert not car.decode(door)


def test_all_signals_of_a_drive(tmp_path: Path) -> None:
    car = truck(tmp_path)
    assert value(car, frame(EEC2, b"\xd1\x7d"), ACCELERATOR) == 50
    yaw = round((0.1 + 3.92) * 8192).to_bytes(2, "little")
    assert value(car, frame(VDC2, b"\xff\xff\xff" + yaw, sender=BRAKES), YAW_RATE) == -573  # to the left
    gears = {0: 2, 124: 2, 125: 4, 126: 1, 137: 1, 250: 1, 251: 3, 252: None, 254: None, 255: None}
    for raw, shift in gears.items():
        assert value(car, frame(ETC2, bytes([255, 255, 255, raw]), sender=GEARBOX), SHIFT) == shift
    levers = {0: 4, 1: 6, 2: 5, 3: None, 14: None, 15: None}
    for raw, winker in levers.items():
        assert value(car, frame(OEL, bytes([255, 0xF0 | raw]), sender=BODY), WINKER) == winker


# Codes


@pytest.mark.parametrize(
    ("raw", "status"),
    [(0x0000, OK), (0xFAFF, OK), (0xFB00, UNKNOWN), (0xFDFF, UNKNOWN), (0xFE00, UNKNOWN), (0xFEFF, UNKNOWN),
     (0xFF00, UNKNOWN), (0xFFFF, UNKNOWN)],
)  # fmt: skip
def test_the_codes_above_a_number_of_16_bits(tmp_path: Path, raw: int, status: int) -> None:
    car = truck(tmp_path)
    assert told(car, frame(CCVS, b"\xff" + raw.to_bytes(2, "little")))[SPEED][1] == status


@pytest.mark.parametrize(("raw", "status"), [(0xFA, OK), (0xFB, UNKNOWN), (0xFE, UNKNOWN), (0xFF, UNKNOWN)])
def test_the_codes_above_a_number_of_8_bits(tmp_path: Path, raw: int, status: int) -> None:
    assert told(truck(tmp_path), frame(EEC2, bytes([0, raw])))[ACCELERATOR][1] == status


@pytest.mark.parametrize(
    ("bits", "raw", "status"),
    [(32, 0xFAFFFFFF, OK), (32, 0xFE000000, UNKNOWN), (32, 0xFFFFFFFF, UNKNOWN), (4, 13, OK), (4, 14, UNKNOWN),
     (4, 15, UNKNOWN), (10, 1021, OK), (10, 1022, UNKNOWN), (12, 0xFAF, OK), (12, 0xFE0, UNKNOWN), (1, 1, OK)],
)  # fmt: skip
def test_the_codes_above_numbers_of_other_lengths(tmp_path: Path, bits: int, raw: int, status: int) -> None:
    text = DATABASE.replace("WheelBasedVehicleSpeed : 8|16@1+ (0.00390625,0)", f"S : 32|{bits}@1+ (0.00000001,0)")
    car = truck(tmp_path, text=text, signals='[signal.speed]\nfrom = "CCVS1.S"\nunit = "km/h"\n')
    assert told(car, frame(CCVS, bytes(4) + raw.to_bytes(4, "little")))[SPEED][1] == status


def test_the_maps_own_codes_count_instead(tmp_path: Path) -> None:
    signals = SPEED_ALONE.replace('unit = "km/h"', 'unit = "km/h"\nunknown = [65535]')
    car = truck(tmp_path, signals=signals)
    statuses = [told(car, frame(CCVS, b"\0" + raw.to_bytes(2, "little")))[SPEED][1] for raw in (0xFFFF, 0xFE00)]
    assert statuses == [UNKNOWN, OK]  # 254 km/h
    without = truck(tmp_path, database="j1939 = false", signals=SPEED_ALONE)
    sent = frame(CCVS, b"\0\xff\xff", sender=0xFE)
    assert told(without, sent)[SPEED][1] == OK


@pytest.mark.parametrize(
    ("table", "codes"),
    [
        ('from = "CCVS1.BrakeSwitch"\non = [1]', {0: 4, 1: 5, 2: None, 3: None}),
        ('from = "CCVS1.BrakeSwitch"\non = [1, 2]', {0: 4, 1: 5, 2: 5, 3: None}),
        ('from = "CCVS1.BrakeSwitch"\nvalues = { 1 = "on" }\ndefault = "off"', {0: 4, 1: 5, 2: None, 3: None}),
        ('any = ["CCVS1.BrakeSwitch", "CCVS1.CruiseCtrlActive"]', {0: 4, 1: 5, 2: None, 3: None}),
    ],
)
def test_a_switch_that_says_nothing_is_neither_on_nor_off(tmp_path: Path, table: str, codes: dict[int, Any]) -> None:
    car = truck(tmp_path, signals=f"[signal.brake]\n{table}\n")
    for code, wanted in codes.items():
        assert value(car, frame(CCVS, bytes([0, 0, 0, code << 4])), BRAKE) == wanted
    assert not car.warnings


def test_bulbs_and_levers_that_say_nothing(tmp_path: Path) -> None:
    table = '[signal.winker]\nleft = "CCVS1.BrakeSwitch"\nright = "CCVS1.CruiseCtrlActive"\n'
    car = truck(tmp_path, signals=table)
    states = [value(car, frame(CCVS, bytes([0, 0, 0, left << 4 | right])), WINKER) for left, right in
              ((1, 0), (0, 1), (0, 0), (3, 0), (0, 3), (2, 1))]  # fmt: skip
    assert states == [6, 5, 4, None, None, None]


# Senders


def test_two_engines_do_not_alternate(tmp_path: Path) -> None:
    car = truck(tmp_path, signals=SPEED_ALONE)
    heard = []
    for step in range(20):
        for sender, kmh in ((ENGINE, 50), (0x01, 60)):
            heard.append(value(car, ccvs(kmh, time_s=step * 0.1 + sender * 0.01, sender=sender), SPEED))
    assert heard == [5000, None] * 20
    assert car.counters == {"other_sender": 20}
    silent = [value(car, ccvs(60, time_s=1.9 + age, sender=1), SPEED) for age in (0.4, 0.5, 0.501, 0.6)]
    assert silent == [None, None, 6000, 6000]
    assert value(car, ccvs(50, time_s=2.55), SPEED) is None  # the first is now the other


def test_each_signal_follows_the_sender_that_has_it(tmp_path: Path) -> None:
    car = truck(tmp_path)
    for step in range(10):
        assert told(car, ccvs(None, brake=1, time_s=step * 0.1, sender=ENGINE)).get(BRAKE) == (5, OK)
        of_tachograph = told(car, ccvs(70, brake=3, time_s=step * 0.1 + 0.05, sender=TACHOGRAPH))
        assert of_tachograph == {SPEED: (7000, OK)}
    assert not car.counters


def test_a_sender_whose_sensor_failed_gives_way_to_another(tmp_path: Path) -> None:
    car = truck(tmp_path, signals=SPEED_ALONE)
    assert value(car, ccvs(50, time_s=0.0), SPEED) == 5000
    late = []
    for step in range(1, 8):
        assert told(car, ccvs(None, time_s=step * 0.1)) in ({SPEED: (0, UNKNOWN)}, {})
        late.append(value(car, ccvs(50, time_s=step * 0.1 + 0.05, sender=BRAKES), SPEED))
    assert late == [None] * 4 + [5000] * 3


def test_senders_given(tmp_path: Path) -> None:
    car = truck(tmp_path, database="j1939 = true\nsource_addresses = [0x0B, 0x00]", signals=SPEED_ALONE)
    assert value(car, ccvs(60, sender=TACHOGRAPH), SPEED) is None
    assert value(car, ccvs(50, time_s=0.01, sender=BRAKES), SPEED) == 5000
    assert value(car, ccvs(70, time_s=0.02, sender=ENGINE), SPEED) is None
    assert car.counters == {"other_sender": 2}
    assert car.filters() == [(0xFEF100, 0x3FFFF00, True)]


def test_each_sender_counts_for_itself(tmp_path: Path) -> None:
    (tmp_path / "truck.dbc").write_text(DATABASE)
    path = tmp_path / "truck.toml"
    path.write_text(
        f'map = 1\nname = "truck"\ncounters = ["RET.RetarderCount"]\n[database]\nfile = "truck.dbc"\nj1939 = true\n'
        f"{SIGNALS}"
    )
    car = VehicleMap.load(path)
    for count in range(20):
        for sender in (0x0F, 0x10):
            car.decode(frame(RETARDER, bytes([1, (count + 3 * sender) % 16]), count * 0.1, sender))
    assert car.counters == {"other_sender": 20}
    car.decode(frame(RETARDER, bytes([1, (19 + 3 * 0x0F) % 16]), 2.0, 0x0F))
    assert car.counters["counter_stuck"] == 1


def test_a_step_of_the_clock_keeps_the_sender(tmp_path: Path) -> None:
    from asvcore.can_table import CanTable

    table = CanTable(truck(tmp_path, signals=SPEED_ALONE).compiled())
    data = bytes(ccvs(50).data)
    assert table.decode(0, identifier(CCVS, ENGINE), True, data, 100_000) == 1
    table.rebase(90_000)
    assert table.decode(0, identifier(CCVS, BRAKES), True, data, 10_100) == 0
    assert table.decode(0, identifier(CCVS, BRAKES), True, data, 10_501) == 1


# Maps


def test_compiled_decodes_the_same_and_older_ones_still_load(tmp_path: Path) -> None:
    car = truck(tmp_path, database="j1939 = true\nsource_addresses = [0, 11]")
    path = tmp_path / "truck.json"
    path.write_text(json.dumps(car.compiled()))
    compiled = VehicleMap.load(path)
    assert compiled.compiled() == car.compiled()
    assert compiled.compiled()["compiled_map"] == 2
    assert compiled.filters() == car.filters()
    assert compiled.feeds == car.feeds
    drive = [ccvs(step, step % 4, step * 0.05, sender) for step in range(60) for sender in (0, 11, 238)]
    assert [compiled.decode(one) for one in drive] == [car.decode(one) for one in drive]
    assert compiled.counters == car.counters
    assert compiled.counters["other_sender"] > 60

    older = car.compiled()
    for row in older["frames"]:
        row[1], row[10:] = identifier(row[1] >> 8), []
    for row in older["sources"]:
        row[7][11:] = [] if not row[6] else row[7][11:]
    for feed in older["names"]["feeds"]:
        del feed["j1939"]
    path.write_text(json.dumps(older))
    whole = VehicleMap.load(path)
    assert whole.identifiers()[1] == (identifier(whole.identifiers()[1][0] >> 8), True)
    assert value(whole, ccvs(50, sender=0xFE), SPEED) == 5000
    assert value(whole, ccvs(50, sender=0), SPEED) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda rows: rows["frames"][0][10].append(256), "no such senders"),
        (lambda rows: rows["frames"][0].__setitem__(1, 0x18FEF1FE), "no parameter group of J1939"),
        (lambda rows: rows["frames"][0].pop(), "J1939 and others on one bus"),
        (lambda rows: rows["frames"][0].append(0), "at most 11"),
        (lambda rows: next(row for row in rows["sources"] if not row[6])[7].__setitem__(11, -1), "unknown codes"),
    ],
)
def test_compiled_maps_that_do_not_fit(tmp_path: Path, change: Any, reason: str) -> None:
    rows = truck(tmp_path).compiled()
    change(rows)
    path = tmp_path / "truck.json"
    path.write_text(json.dumps(rows))
    with pytest.raises(UsageError, match=reason):
        VehicleMap.load(path)


@pytest.mark.parametrize(
    ("database", "signals", "told_as"),
    [
        ("source_addresses = [0]", SIGNALS, "database.source_addresses: senders are told apart with j1939 = true"),
        ("j1939 = true\nsource_addresses = [254]", SIGNALS, "database.source_addresses.0"),
        ("j1939 = 7", SIGNALS, "database.j1939"),
        ("j1939 = true", SIGNALS.replace("CCVS1.Wheel", "LONG.Wheel"), "LONG has 9 bytes, which come in several frame"),
        ("j1939 = true", SIGNALS.replace("CCVS1.Wheel", "CCVS2.Wheel"), "CCVS1 and CCVS2 have the same PGN"),
        ("j1939 = true", SIGNALS.replace("0..124", "124..0"), "signal.shift.values.124..0: a range has up to"),
        ("j1939 = true", SIGNALS.replace("0..124", "0..300"), "signal.shift.values.0..300: 300 cannot be sent"),
        ("j1939 = true", SIGNALS.replace("0..124", "0..125"), "code 125 is 'reverse' already"),
    ],
)
def test_mistakes(tmp_path: Path, database: str, signals: str, told_as: str) -> None:
    own = ' SG_ WheelBasedVehicleSpeed : 8|16@1+ (1,0) [0|0] "km/h" ASV\n\n'
    other = f"BO_ {identifier(CCVS, 0x0B) | 1 << 31} CCVS2: 8 ECU\n{own}"
    long = f"BO_ {identifier(0xFEE0) | 1 << 31} LONG: 9 ECU\n{own}"
    text = DATABASE.replace("BA_DEF_ BO_", f"{other}{long}BA_DEF_ BO_", 1)
    with pytest.raises(UsageError, match=re.escape(told_as)):
        truck(tmp_path, database=database, signals=signals, text=text)


@pytest.mark.parametrize("marked", [True, False])
def test_a_map_that_does_not_say_so_is_warned(tmp_path: Path, marked: bool) -> None:
    text = DATABASE if marked else DATABASE[: DATABASE.index("BA_DEF_ ")]
    (warning,) = truck(tmp_path, database="", text=text).warnings
    assert "database.j1939: the database's messages are those of J1939" in warning
    assert "give j1939 = true" in warning
    assert not truck(tmp_path, database="j1939 = false", text=text).warnings
    assert not truck(tmp_path, text=text).warnings


# What passes


def test_filters_of_a_map(tmp_path: Path) -> None:
    car = truck(tmp_path)
    assert (0xFEF100, 0x3FFFF00, True) in car.filters()
    assert (0xEF0000, 0x3FF0000, True) in car.filters()
    assert car.identifiers() == [(one.identifier, one.extended) for one in car.filters()]
    wanted = frames(car.filters())
    for sent, passes in (
        (identifier(CCVS, 0x33, 2), True), (identifier(RETARDER, 1, 2, 9), True), (identifier(0x1FEF1), False),
        (identifier(0xFEF2), False),
    ):  # fmt: skip
        assert ((sent, True) in wanted) == passes
        assert (sent, False) not in wanted
        assert (car.identified((sent, True)) is not None) == passes
    assert car.identified((identifier(CCVS, 0x33, 2), True)) == (0xFEF100, True)


class Bus(can.BusABC):
    """A driver that filters as SocketCAN does."""

    def __init__(self) -> None:
        self.given: Any = None
        super().__init__("x")

    def _apply_filters(self, filters: Any) -> None:
        self.given = filters
        self._is_filtered = True

    def send(self, msg: can.Message, timeout: float | None = None) -> None:
        raise AssertionError("sent")


def test_the_kernel_filters_by_mask(tmp_path: Path) -> None:
    bus = Bus()
    assert filter_frames(bus, [*truck(tmp_path, signals=SPEED_ALONE).filters(), (0x123, False)])
    assert bus.given == [
        {"can_id": 0x123, "can_mask": 0x7FF, "extended": False},
        {"can_id": 0xFEF100, "can_mask": 0x3FFFF00, "extended": True},
    ]
    bus.shutdown()


def program(car: VehicleMap, number: int) -> bool:
    """What the kernel's filter of multicast does with a frame of that identifier, run here."""
    from asvunit.canbus import multicast as cm

    by_mask: dict[int, set[int]] = {}
    for one in [*car.filters(), Filter(0x7000, 0x1FFFFFFF, True)]:
        by_mask.setdefault(one.mask, set()).add(one.identifier)
    code = cm._program(by_mask)
    start = max(at for at, each in enumerate(code) if each[0] == 0x50) + 3
    held, at = 0, start
    while True:
        kind, jump, other, operand = code[at]
        at += 1
        if kind == 0x60:
            held = number
        elif kind == 0x54:
            held &= operand
        elif kind == 0x15:
            at += jump if held == operand else other
        else:
            assert kind == 0x06
            return operand != 0


def test_the_kernels_filter_of_multicast_masks(tmp_path: Path) -> None:
    car = truck(tmp_path)
    for number, passes in (
        (identifier(CCVS, 0x33, 2), True), (identifier(RETARDER, 1, 2, 9), True), (identifier(0xFEF2), False),
        (0x7000, True), (0x7001, False),
    ):  # fmt: skip
        assert program(car, number) == passes


def test_slcan_lines_of_any_sender(tmp_path: Path) -> None:
    class Port:
        write_timeout = timeout = None
        in_waiting = 1

        def __init__(self, *chunks: bytes) -> None:
            self.chunks = list(chunks)

        def read(self, _size: int) -> bytes:
            return self.chunks.pop(0)

    car = truck(tmp_path)
    line = b"T18FEF1%s8FF00%sDFFFFFFFFF\r"
    upper = line % (b"00", b"10") + line % (b"EE", b"20") + b"T18FEF20080000000000000000\rt0FE0\r"
    lower = b"T18fef10b8ff0030dfffffffff\r"
    broken = b"T18FEZZ0080000000000000000\rT18FEF1008FF\rT 8FEF100\rT18FEF1\rt0FE0\r"
    counters: Counter[str] = Counter()
    reader = SlcanReader(Port(upper, lower, broken), car.filters(), counters)
    found = reader.receive(0) + reader.receive(0)
    assert [one.arbitration_id for one in found] == [0x18FEF100, 0x18FEF1EE, 0x18FEF10B]
    assert [one.data[2] for one in found] == [0x10, 0x20, 0x30]
    assert reader.frames == 5
    assert reader.receive(0) == []
    assert counters == {"garbage": 1}  # the one that begins as a frame of the map's, and is too short


def log_of(path: Path, messages: list[can.Message]) -> Path:
    with can.Logger(path) as logger:
        for message in messages:
            logger.on_message_received(message)
    return path


@pytest.mark.parametrize("suffix", [".log", ".asc", ".blf", ".csv", ".trc"])
def test_logs_of_all_formats(tmp_path: Path, suffix: str) -> None:
    car = truck(tmp_path, signals=SPEED_ALONE)
    mine = [ccvs(step, time_s=step * 0.1, sender=(step % 2 and 0xEE) or 0xEE) for step in range(30)]
    others = [frame(0xFEF2, b"\0", step * 0.1 + 0.01) for step in range(30)]
    path = log_of(tmp_path / f"drive{suffix}", sorted([*mine, *others], key=lambda one: one.timestamp))
    log = CanLog(path, car.filters())
    assert len(list(log)) == 30
    assert log.counters["unknown_id"] == 30
    _told, signals, counters = read_can(path, car, {})
    assert [one.value for one in signals] == [100 * step for step in range(30)]
    assert counters["unknown_id"] == 30


def test_channels_by_group(tmp_path: Path) -> None:
    car = truck(tmp_path)
    channels = Channels(("a", "b"), ((), ()), [car.filters(), [(0x100, False)]])
    seen = {
        "can0": Counter({(0x100, False): 5}),
        "can1": Counter({(identifier(CCVS, sender), True): 3 for sender in range(4)}),
    }
    assert channels.assign(seen) == {"can1": (0,), "can0": (1,)}


# Tools


def drive() -> list[can.Message]:
    made = []
    for step in range(300):
        t = step * 0.1
        made.append(ccvs(min(step * 0.3, 60), brake=int(step % 50 < 5), time_s=t))
        made.append(frame(EEC2, bytes([0xFF, step % 200]), t + 0.01, priority=3))
        made.append(frame(VDC2, b"\xff\xff\xff" + (32112 + step).to_bytes(2, "little"), t + 0.02, BRAKES))
        made.append(frame(ETC2, bytes([255, 255, 255, 125 + min(step // 20, 12)]), t + 0.03, GEARBOX))
        made.append(frame(OEL, bytes([255, 0xC0 | (step // 30) % 3]), t + 0.04, BODY))
        made.append(frame(RETARDER, bytes([0xFC | step // 100 % 2, step % 16]), t + 0.05, 0x0F, 6, 0x00))
    return made


def test_check_with_a_log(tmp_path: Path) -> None:
    made = drive()
    twice = [ccvs(30, brake=0, time_s=step * 0.1 + 0.06, sender=0x17) for step in range(100)]
    log = log_of(tmp_path / "drive.log", sorted([*made, *twice], key=lambda one: one.timestamp))
    report = inspect(truck(tmp_path), log, [])
    assert not [finding for finding in report.findings if finding.fault]
    states = {row.element: row.state for row in report.rows if row.feeds}
    assert set(states.values()) == {"alive"}
    other = next(finding.text for finding in report.findings if finding.kind == "other_sender")
    assert "CCVS1 (PGN 65265): 100 times of another sender" in other
    assert "0x00, 0x17" in other
    assert report.measured is not None
    assert report.measured.seen[0, 0xFEF100, True].rate_hz == pytest.approx(10, rel=0.01)


def test_doctors_coverage(tmp_path: Path) -> None:
    car = truck(tmp_path, signals=SPEED_ALONE)
    heard = Heard(seconds=1.0, identifiers=Counter({(identifier(CCVS, 0), True): 10, (identifier(CCVS, 3), True): 2}))
    (finding,) = coverage("can", heard, car, 0, Counter())
    assert finding.found["rates_hz"] == {"speed": 12.0}
    (finding,) = coverage("can", Heard(seconds=1.0), car, 0, Counter())
    assert "not heard: speed (CCVS1 PGN 65265)" in finding.detail


@pytest.mark.long
@pytest.mark.parametrize("with_log", [False, True])
def test_suggest(tmp_path: Path, with_log: bool) -> None:
    path = tmp_path / "truck.dbc"
    path.write_text(DATABASE)
    out = tmp_path / "made.toml"
    arguments = ["vehicle", "suggest", str(path), "--out", str(out)]
    if with_log:
        arguments += ["--log", str(log_of(tmp_path / "drive.log", drive()))]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    text = out.read_text()
    assert "j1939 = true" in text
    car = VehicleMap.load(out)
    sources = {feed.name: f"{feed.message}.{feed.signals[0]}" for feed in car.feeds}
    wanted = {
        "speed": "CCVS1.WheelBasedVehicleSpeed", "brake": "CCVS1.BrakeSwitch", "winker": "OEL.TurnSignalSwitch",
        "hazard": "OEL.HazardLightSwitch", "accelerator": "EEC2.AcceleratorPedalPosition1",
        "yaw_rate": "VDC2.YawRate", "acceleration": "VDC2.LongitudinalAcceleration", "shift": "ETC2.CurrentGear",
    }  # fmt: skip
    assert {name: sources.get(name) for name in wanted} == wanted
    assert value(car, frame(ETC2, bytes([255, 255, 255, 130]), sender=GEARBOX), SHIFT) == 1
    assert value(car, frame(ETC2, bytes([255, 255, 255, 100]), 0.1, sender=GEARBOX), SHIFT) == 2
    assert value(car, frame(OEL, b"\xff\x02", sender=BODY), WINKER) == 5
    assert told(car, ccvs(None, brake=3)) == {SPEED: told(car, ccvs(None))[SPEED], BRAKE: (0, UNKNOWN)}
    assert told(car, ccvs(None))[SPEED][1] not in {OK, IMPLAUSIBLE}
    assert vehicle_command.load_map(str(out), None, None).warnings == ()
