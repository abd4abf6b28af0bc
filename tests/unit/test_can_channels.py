"""Which channel of a log is which bus; and logs whose times jump back."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from asvcore.elements import HAZARD_ON
from asvunit.canbus.channels import Channels, bus_channels
from asvunit.errors import UsageError
from asvunit.ports import OK, SIGNALS, UNKNOWN
from asvunit.recordings import open_recordings, read_can
from asvunit.vehicle import VehicleMap

PT = [(1, False), (2, False), (3, False)]
BODY = [(3, False), (4, True)]


def seen(**channels: dict[int, int]) -> dict[str, Counter]:
    return {name: Counter({(n, n == 4): count for n, count in ids.items()}) for name, ids in channels.items()}


@pytest.fixture
def two() -> Channels:
    return Channels(("pt", "body"), ((), ()), (PT, BODY))


def test_by_the_identifiers_seen(two) -> None:
    log = seen(can0={3: 9, 4: 1}, can1={1: 1, 2: 1, 3: 1}, can2={3: 99})
    assert two.assign(log) == {"can0": (1,), "can1": (0,)}
    assert two.told(log, two.assign(log)) == "pt from can1, body from can0; not used: can2"
    log = seen(can0={1: 5}, can1={1: 50})  # as many identifiers: where there are more frames
    assert two.assign(log) == {"can1": (0,)}
    assert two.told(log, two.assign(log)) == "pt from can1, body from no channel; not used: can0"
    assert two.assign({}) == {}


def test_by_the_map_and_by_the_user_before_it(two) -> None:
    log = seen(can0={1: 1, 2: 1, 3: 1}, can1={1: 1, 2: 1, 3: 1}, can2={3: 1, 4: 1})
    of_map = Channels(("pt", "body"), (("can7", "CAN1"), (2,)), (PT, BODY))
    assert of_map.assign(log) == {"can1": (0,), "can2": (1,)}
    assert of_map.assign(log, {"pt": "can0"}) == {"can0": (0,), "can2": (1,)}
    numbered = {2: log["can1"], 0: log["can0"]}
    assert of_map.assign(numbered) == {2: (1,), 0: (0,)}
    assert two.assign(log, {"pt": "can2", "body": "CAN2"}) == {"can2": (0, 1)}  # both buses joined in one channel


def test_one_bus_takes_the_channel_with_most_of_its_identifiers() -> None:
    one = Channels(("",), ((),), (PT,))
    log = seen(can0={1: 1000}, can1={1: 1, 2: 1})
    assert one.assign(log) == {"can1": (0,)}
    assert one.told(log, one.assign(log)) == "from can1; not used: can0"
    assert one.assign(log, bus_channels(["can0"])) == {"can0": (0,)}
    assert one.told(seen(can0={1: 1}), {"can0": (0,)}) == ""
    assert one.assign({None: Counter({(1, False): 1})}) == {None: (0,)}


def test_a_format_without_channels_feeds_all_buses(two) -> None:
    log = {None: Counter({(1, False): 1, (4, True): 1})}
    assert two.assign(log) == {None: (0, 1)}


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (["bdy=can0"], "the map has no bus 'bdy'; it has pt, body; did you mean body?"),
        (["can0"], "the map has no bus ''; it has pt, body"),
        (["pt=can9"], "the log has no frame of the map there; it has some on can0"),
        (["pt="], "names no channel"),
        (["pt=can0", "pt=can1"], "has a channel already, can0"),
    ],
)
def test_mistakes(two, texts: list[str], reason: str) -> None:
    with pytest.raises(UsageError) as refused:
        two.assign(seen(can0={1: 1}), bus_channels(texts))
    assert reason in str(refused.value)
    assert str(refused.value).startswith("--bus ")


# With a map


@pytest.fixture
def car() -> VehicleMap:
    return VehicleMap.load("bench")


@pytest.fixture
def log(tmp_path: Path, car: VehicleMap) -> Callable[..., Path]:
    """A log in which each of the channels has the bench car's first identifiers, so many."""

    def log(**channels: int) -> Path:
        path = tmp_path / "two.log"
        lengths = {message.frame_id: message.length for message in car.databases[0].database.messages}
        lines = []
        for step in range(20):
            for name, count in channels.items():
                for number, extended in car.identifiers(0)[:count]:
                    data = "00" * lengths[number]
                    lines.append(f"({1768446000 + step / 10:.6f}) {name} {number:0{8 if extended else 3}X}#{data}\n")
            lines.append(f"({1768446000 + step / 10:.6f}) can9 7FE#00\n")
        path.write_text("".join(lines))
        return path

    return log


def test_a_log_of_two_channels(log, car: VehicleMap) -> None:
    told, signals, counters = read_can(log(can0=1, can1=2), car, {})
    assert told.endswith("two.log (from can1; not used: can0)")
    assert counters["other_channel"] == 20
    assert counters["unknown_id"] == 20
    one_told, one, _counters = read_can(log(can1=2), VehicleMap.load("bench"), {})
    assert one_told.endswith("two.log")
    assert [(each.time_ns, each.signal, each.value) for each in signals] == [
        (each.time_ns, each.signal, each.value) for each in one
    ]
    inputs = open_recordings(can=log(can0=1, can1=2), vehicle_map=VehicleMap.load("bench"), buses={"": "can0"})
    assert inputs.names["can"].endswith("(from can0; not used: can1)")
    assert 0 < len(inputs.records["can"]) < len(signals)


TWO = """
map = 1
name = "two buses"

[bus.pt]
file = "pt.dbc"

[bus.body]
file = "body.dbc"
channels = CHANNELS

[signal.speed]
from = "pt:SPEED.KPH"
unit = "km/h"

[signal.hazard]
from = "body:LAMPS.HAZARD"
values = { 0 = "off", 1 = "on" }
"""
DATABASE = """VERSION ""

NS_ :

BS_:

BU_: ASV

BO_ {number} {message}: 2 ASV
 SG_ {signal} : 0|16@1+ ({scale},0) [0|0] "" ASV
"""


@pytest.mark.parametrize(
    ("channels", "buses", "expected"),
    [
        ("[]", {}, ""),
        ('["can1"]', {}, "pt from can0, body from can1"),
        ("[]", {"pt": "can0", "body": "can1"}, "pt from can0, body from can1"),
        ("[]", {"pt": "can1", "body": "can0"}, "pt from can1, body from can0"),
    ],
)
def test_a_map_of_two_buses_with_the_same_identifier(
    tmp_path: Path, channels: str, buses: dict[str, str], expected: str
) -> None:
    (tmp_path / "two.toml").write_text(TWO.replace("CHANNELS", channels))
    for name, message, signal, scale in (("pt", "SPEED", "KPH", "0.01"), ("body", "LAMPS", "HAZARD", "1")):
        (tmp_path / f"{name}.dbc").write_text(DATABASE.format(number=291, message=message, signal=signal, scale=scale))
    path = tmp_path / "drive.log"
    times = [f"{1768446000 + n / 10:.6f}" for n in range(5)]
    path.write_text("".join(f"({each}) can0 123#B80B\n({each}) can1 123#0100\n" for each in times))
    car = VehicleMap.load(tmp_path / "two.toml")
    if not expected:
        with pytest.raises(UsageError, match=r"which of can0 and can1 is pt and which body; say so: --bus pt=CHANNEL"):
            read_can(path, car, buses)
        return
    told, signals, _counters = read_can(path, car, buses)
    assert told.endswith(f"({expected})")
    exchanged = {("speed", 1, OK), ("hazard", 0, UNKNOWN)}
    right = {("speed", 3000, OK), ("hazard", HAZARD_ON, OK)}
    values = {(SIGNALS[each.signal], each.value, each.status) for each in signals}
    assert values == (exchanged if buses.get("pt") == "can1" else right)
