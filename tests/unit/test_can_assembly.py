"""The buses of a car by configuration and signal map: which table is which bus, and what is refused in one line."""

import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import can
import pytest

from asvunit.assembly import vehicle_map
from asvunit.canbus.assembly import can_inputs, described, silence_s
from asvunit.canbus.filters import as_filter
from asvunit.config import Config, load_config
from asvunit.described import PARTS
from asvunit.errors import UsageError
from asvunit.ports import Link, VehicleSignal
from asvunit.resources import data_folder
from asvunit.vehicle import Feed

NAMES = count()


def feed(bus: int = 0, period_ms: int | None = 20, timeout_ms: int = 200) -> Feed:
    return Feed("speed", bus, "M", 1, False, 8, ("S",), "km/h", "number", period_ms, timeout_ms)


def a_car(*buses: str) -> Any:
    """A signal map of so many buses; each decodes the first byte of 0x100 + its number."""

    def decode(message: can.Message, bus: int = 0) -> list[VehicleSignal]:
        car.counters["decoded"] += 1
        return [VehicleSignal(0, 0, message.data[0], bus=bus)]

    car = SimpleNamespace(
        path=Path("car.toml"), buses=buses, feeds=tuple(feed(number) for number in range(len(buses))),
        filters=lambda bus=0: [as_filter((0x100 + bus, False))], decode=decode, counters=Counter(),
    )  # fmt: skip
    return car


def config(text: str, tmp_path: Path) -> Config:
    file = tmp_path / "unit.toml"
    file.write_text(text)
    return load_config(file)


def refused(text: str, tmp_path: Path, *buses: str) -> str:
    with pytest.raises(UsageError) as error:
        can_inputs(config(text, tmp_path), a_car(*buses))
    assert "\n" not in str(error.value)
    return str(error.value)


ONE = '[can]\ninterface = "virtual"\nchannel = "a"\n'
BODY = '[can.bus.body]\nchannel = "b"\n'


def test_one_bus_is_can(tmp_path: Path) -> None:
    for name in ("", "main"):  # a map may name its only bus
        car = a_car(name)
        given = config(ONE, tmp_path)
        buses = can_inputs(given, car)
        assert list(buses) == ["can"]
        assert buses["can"].port == "can"
        assert car.counters is buses["can"].counters
        assert described(given, buses, car) == "virtual a, listen-only"


def test_none_without_an_interface(tmp_path: Path) -> None:
    assert can_inputs(config("", tmp_path), a_car("")) == {}
    assert can_inputs(config(ONE, tmp_path), None) == {}
    assert vehicle_map(config("", tmp_path), tmp_path) is None
    with pytest.raises(UsageError, match=r"^can\.interface: missing: \[can\] itself is the signal map's first bus$"):
        vehicle_map(config(BODY, tmp_path), tmp_path)


def test_several_buses_each_on_its_own(tmp_path: Path) -> None:
    a, b = f"assembly-{next(NAMES)}", f"assembly-{next(NAMES)}"
    text = (
        f'[can]\ninterface = "virtual"\nchannel = "{a}"\n'
        f'[can.bus.body]\nchannel = "{b}"\nlisten_only = false\nfd = true\n'
    )
    given, car = config(text, tmp_path), a_car("chassis", "body")
    buses = can_inputs(given, car)
    assert list(buses) == ["can.chassis", "can.body"]
    assert described(given, buses, car) == f"chassis: virtual {a}, listen-only; body: virtual {b}, CAN FD"
    records: list[Any] = []
    deadline = time.monotonic() + 10

    def told(what: Callable[[Any], bool]) -> bool:
        while not any(map(what, tuple(records))) and time.monotonic() < deadline:
            threading.Event().wait(0.001)
        return any(map(what, tuple(records)))

    for bus in buses.values():
        bus.start(records.append)
    senders = [can.Bus(channel, interface="virtual", ignore_config=True) for channel in (a, b)]
    try:
        for bus, sender in zip(buses.values(), senders, strict=True):
            assert told(lambda one, port=bus.port: isinstance(one, Link) and one.port == port)
            for number in (0x100, 0x101):
                sender.send(can.Message(arbitration_id=number, is_extended_id=False, data=[number & 1]))
        assert told(lambda one: isinstance(one, VehicleSignal) and one.bus == 0)
        assert told(lambda one: isinstance(one, VehicleSignal) and one.bus == 1)
    finally:
        for each in buses.values():
            each.stop()
        for sender in senders:
            sender.shutdown()
    signals = [one for one in records if isinstance(one, VehicleSignal)]
    assert sorted((one.bus, one.value) for one in signals) == [(0, 0), (1, 1)]
    assert [bus.counters for bus in buses.values()] == [{"decoded": 1}, {"decoded": 1}]


@pytest.mark.parametrize(
    ("text", "buses", "told"),
    [
        (ONE + BODY, ("",), "can.bus.body: car.toml has no bus body; it has one bus, that of [can]"),
        (
            ONE + BODY + '[can.bus.chasis]\nchannel = "c"',
            ("main", "body", "chassis"),
            "can.bus.chasis: car.toml has no bus chasis; did you mean chassis?; it has body, chassis",
        ),
        (
            ONE + BODY,
            ("body", "chassis"),
            "can.bus.body: the first bus of car.toml; its keys stand in [can] itself",
        ),
        (
            ONE,
            ("main", "body"),
            "can.bus.body: missing, car.toml reads that bus too; give [can.bus.body] its channel, e.g. "
            'channel = "can1", or take the bus out of the map',
        ),
        (ONE + "[can.bus.body]\n", ("main", "body"), 'can.bus.body.channel: missing; e.g. channel = "can1"'),
        (
            ONE + '[can.bus.body]\nchannel = "a"',
            ("main", "body"),
            "can.bus.body.channel: a is that of can; each bus has its own",
        ),
        (
            ONE + '[can.bus.body]\ninterface = "slcn"\nchannel = "b"',
            ("main", "body"),
            "can.bus.body.interface: python-can has no 'slcn'; did you mean slcan or iscan or usb2can?",
        ),
        (
            ONE + BODY + "data_bitrate = 2000000",
            ("main", "body"),
            "can.bus.body.data_bitrate: it is of CAN FD; give fd = true too, or take it out",
        ),
    ],
)
def test_what_does_not_fit(tmp_path: Path, text: str, buses: tuple[str, ...], told: str) -> None:
    assert refused(text, tmp_path, *buses) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[can.bus.body]\nchanel = "x"', "can.bus.body.chanel: unknown key; did you mean channel?"),
        ("[can.bus.body]\nbitrate = 1", "can.bus.body.bitrate: input should be greater than or equal to 10000"),
        ("[can]\nbus = 3", "can.bus: a table is needed, as [can.bus]"),
    ],
)
def test_wrong_tables(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        config(text, tmp_path)
    assert str(error.value).removeprefix(f"{tmp_path}/unit.toml: ").startswith(told)


def test_config_check_shows_the_bus(tmp_path: Path) -> None:
    text = '[vehicle]\nmap = "bench"\n' + ONE + "fd = true\n"
    assert PARTS["can"](config(text, tmp_path), tmp_path) == "virtual a, CAN FD, listen-only"
    assert PARTS["can"](config("", tmp_path), tmp_path) == "none"


def test_a_signal_map_of_two_buses(tmp_path: Path) -> None:
    (tmp_path / "car.toml").write_text(
        'map = 1\nname = "two"\n[bus.chassis]\nfile = "bench.dbc"\n[bus.body]\nfile = "bench.dbc"\n'
        '[signal.speed]\nfrom = "chassis:MOTION.SPEED"\nunit = "km/h"\n'
        '[signal.shift]\nfrom = "body:BODY.SHIFT_POSITION"\nvalues = {3 = "drive"}\n'
    )
    shutil.copy(data_folder("dbc") / "bench.dbc", tmp_path)
    text = '[vehicle]\nmap = "car.toml"\n' + ONE
    given = config(text + BODY, tmp_path)
    assert PARTS["can"](given, tmp_path) == "chassis: virtual a, listen-only; body: virtual b, listen-only"
    buses = can_inputs(given, vehicle_map(given, tmp_path))
    assert [set(map(tuple, bus._wanted)) for bus in buses.values()] == [
        {(0x100, 0x7FF, False)},
        {(0x200, 0x7FF, False)},
    ]
    with pytest.raises(UsageError, match=r"^can\.bus\.body: missing, \S+/car\.toml reads that bus too; "):
        PARTS["can"](config(text, tmp_path), tmp_path)


@pytest.mark.parametrize(
    ("feeds", "seconds"),
    [
        ([], 0.4),
        ([feed(period_ms=100)], 0.4),
        ([feed(period_ms=1000, timeout_ms=5000), feed(period_ms=10)], 0.4),
        ([feed(period_ms=200, timeout_ms=1000)], 0.8),
        ([feed(period_ms=None, timeout_ms=500)], 0.4),  # nobody told the period
        ([feed(period_ms=None, timeout_ms=3000)], 3.0),  # but somebody how long to wait
    ],
)
def test_silence_by_the_quickest_message(feeds: list[Feed], seconds: float) -> None:
    assert silence_s(feeds) == seconds
