"""What doctor says of the car's buses: the interfaces, what is heard, what of the map comes. It never sends."""

import errno
import itertools
import json
import re
import threading

import can
import cantools
import pytest

from asvtools.doctor import can_link
from asvtools.doctor.can_listen import check_can
from asvtools.doctor.finding import ABSENT, OK, PROBLEM, SKIPPED, Job
from asvunit.config import Config
from asvunit.resources import data_folder

BENCH = cantools.database.load_file(data_folder("dbc") / "bench.dbc")
MOTION = {"SPEED": 5000, "ACCELERATION": 0, "BRAKE_LAMP": 1, "AUXILIARY_BRAKE": 0, "ACCELERATOR": 12}
BODY = {"WINKER_SWITCH": 0, "HAZARD_SWITCH": 0, "SHIFT_POSITION": 3}


def frames(*names, count=3, **values):
    """Rounds of these messages of the bench vehicle."""
    out = []
    for number, name in itertools.product(range(count), names):
        message = BENCH.get_message_by_name(name)
        raw = {**(MOTION if name == "MOTION" else BODY), f"{name}_ALIVE": number % 16}
        raw |= {key: value for key, value in values.items() if key in raw}
        data = message.encode(raw, scaling=False, strict=False)
        out.append(can.Message(arbitration_id=message.frame_id, is_extended_id=False, data=data))
    return out


class Bus:
    """A bus that says these, then nothing. It cannot send."""

    def __init__(self, *said):
        self._said = list(said)
        self.closed = False

    def recv(self, timeout):
        assert timeout <= 0.1 + 1e-9
        if not self._said:
            threading.Event().wait(timeout)  # as a bus on which nothing comes
            return None
        item = self._said.pop(0)
        if isinstance(item, Exception):
            raise item
        return item

    def shutdown(self):
        self.closed = True


def configured(**tables):
    table = {"interface": "virtual", "channel": "bench", **tables}
    return Config.model_validate({"vehicle": {"map": "bench"}, "can": table})


def check(bus, config=None, **job):
    asked = []

    def opened(interface, channel, **arguments):
        asked.append((interface, channel, arguments))
        if isinstance(bus, Exception):
            raise bus
        return bus

    found = {each.name: each for each in check_can(Job(0.3, config or configured(), **job), opened)}
    return found, asked


def test_a_car_that_gives_all():
    bus = Bus(*frames("MOTION", "BODY"))
    found, _asked = check(bus)
    assert {name: each.state for name, each in found.items()} == dict.fromkeys(
        ("can map", "can traffic", "can signals"), OK
    )
    assert "bench vehicle: speed" in found["can map"].detail
    signals = found["can signals"]
    assert signals.found["missing"] == []
    assert signals.found["last"]["speed"] == 5000
    told = re.sub(r"[\d.]+/s", "N/s", signals.detail)
    assert "speed N/s (50 km/h)" in told
    assert "shift N/s (drive)" in told
    assert "brake N/s (on)" in told
    assert bus.closed


def test_listening_only_whatever_the_configuration_says():
    _found, asked = check(
        Bus(), configured(interface="slcan", channel="socket://x", listen_only=False, bitrate=500_000)
    )
    assert asked[0][2]["listen_only"] is True


def test_a_message_that_is_not_heard():
    found, _asked = check(Bus(*frames("MOTION")))
    signals = found["can signals"]
    assert signals.fails
    assert signals.found["missing"] == ["hazard", "shift", "winker"]
    assert "not heard: hazard (BODY 0x" in signals.detail
    assert "right bus" in signals.mend


def test_codes_that_the_map_does_not_know():
    found, _asked = check(Bus(*frames("MOTION", "BODY", SHIFT_POSITION=6)))
    signals = found["can signals"]
    assert signals.found["unknown"] == {"shift": 3}
    assert "unknown codes: shift 3" in signals.detail
    assert "map's values" in signals.mend
    assert signals.fails  # nothing but unknown: the unit does not get it


def test_another_car():
    strange = [can.Message(arbitration_id=0x7E8, is_extended_id=False, data=bytes(8))] * 3
    found, _asked = check(Bus(*strange))
    assert found["can traffic"].fails
    assert "none of the" in found["can traffic"].detail
    assert "map's car" in found["can traffic"].mend


def test_a_silent_bus():
    found, _asked = check(Bus())
    assert found["can traffic"].fails
    assert "no frame in 0." in found["can traffic"].detail
    assert "ignition" in found["can traffic"].mend
    assert "can signals" not in found


@pytest.mark.parametrize("said", [can.Message(is_error_frame=True), ValueError("no frame")])
def test_errors_alone_are_the_wrong_bit_rate(said):
    found, _asked = check(Bus(*[said] * 5))
    assert "no frames, but 5 errors" in found["can traffic"].detail
    assert "can.bitrate" in found["can traffic"].mend
    some, _asked = check(Bus(*[said] * 5, *frames("MOTION", "BODY")))
    assert (some["can traffic"].state, some["can traffic"].needed) == (PROBLEM, False)


def test_a_driver_that_only_fails_ends():
    class Failing(Bus):
        calls = 0

        def recv(self, timeout):
            self.calls += 1
            raise ValueError("again")

    bus = Failing()
    found, _asked = check(bus)
    assert found["can traffic"].fails
    assert bus.calls <= 200


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(errno.ENODEV, "no such device"), "no such device"),
        (can.CanInterfaceNotImplementedError("no driver"), "no driver"),
    ],
)
def test_a_bus_that_does_not_open(error, text):
    found, _asked = check(error)
    assert found["can link"].fails
    assert text in found["can link"].detail
    assert found["can link"].mend


def test_arguments_that_the_interface_does_not_have():
    found, asked = check(Bus(), configured(options={"nonsense": 1}))
    assert found["can link"].fails
    assert "can.options.nonsense" in found["can link"].detail
    assert asked == []


def test_a_map_that_does_not_load():
    config = Config.model_validate({"vehicle": {"map": "bensh"}, "can": {"interface": "virtual", "channel": "x"}})
    found, _asked = check(Bus(*frames("MOTION")), config)
    assert found["can map"].fails
    assert found["can traffic"].state == OK  # the bus is heard all the same
    assert "can signals" not in found


def test_a_running_unit_keeps_its_adapter():
    config = configured(interface="slcan", channel="/dev/ttyACM0")
    found, asked = check(Bus(), config, holder="a running unit (process 7)")
    assert (found["can link"].state, asked) == (SKIPPED, [])


def test_none_configured():
    (found,) = check_can(Job(1, Config()))
    assert (found.state, found.needed) == (ABSENT, False)


TWO_BUSES = """map = 1
name = "a car of two buses"
[bus.motion]
file = "{file}"
[bus.body]
file = "{file}"
[signal.speed]
from = "motion:MOTION.SPEED"
unit = "km/h"
[signal.winker]
from = "body:BODY.WINKER_SWITCH"
values = {{ off = "off", left = "left", right = "right", failed = "unknown" }}
"""


def two_buses(tmp_path, said, **bus):
    (tmp_path / "car.toml").write_text(TWO_BUSES.format(file=data_folder("dbc") / "bench.dbc"))
    config = Config.model_validate(
        {"vehicle": {"map": "car.toml"}, "can": {"interface": "virtual", "channel": "a", "bus": bus}}
    )
    job = Job(0.3, config, tmp_path / "unit.toml")
    return {each.name: each for each in check_can(job, lambda _interface, channel, **_rest: said[channel])}


def test_every_bus_is_heard_for_itself(tmp_path):
    found = two_buses(tmp_path, {"a": Bus(*frames("MOTION")), "b": Bus()}, body={"channel": "b"})
    assert {name: each.state for name, each in found.items()} == {
        "can map": OK, "can motion traffic": OK, "can motion signals": OK, "can body traffic": PROBLEM,
    }  # fmt: skip
    assert found["can motion signals"].found["rates_hz"].keys() == {"speed"}
    assert "can.bus.body.bitrate" in found["can body traffic"].mend


def test_a_bus_that_the_map_does_not_have(tmp_path):
    found = two_buses(tmp_path, {"a": Bus(*frames("MOTION")), "b": Bus()}, boddy={"channel": "b"})
    assert found["can map"].fails
    assert "did you mean body" in found["can map"].detail
    assert "can boddy traffic" in found


# The system's interfaces


def link(**data):
    told = {
        "bittiming": {"bitrate": 500_000}, "ctrlmode": ["LISTEN-ONLY"], "state": "ERROR-ACTIVE",
        "berr_counter": {"tx": 0, "rx": 0}, **data,
    }  # fmt: skip
    return json.dumps([{"ifname": "can0", "linkinfo": {"info_kind": "can", "info_data": told}}])


@pytest.fixture
def tree(tmp_path):
    for name, kind, flags in (("can0", "280", "0x400c1"), ("can1", "280", "0x40080"), ("eth0", "1", "0x1003")):
        folder = tmp_path / "sys/class/net" / name
        folder.mkdir(parents=True)
        (folder / "type").write_text(f"{kind}\n")
        (folder / "flags").write_text(f"{flags}\n")
    return tmp_path


def of_system(tree, said, channel="can0", **tables):
    config = configured(interface="socketcan", channel=channel, **tables)
    job = {"root": tree, "run": lambda words: said if words[:2] == ("ip", "-json") else None}
    return check(Bus(*frames("MOTION", "BODY")), config, **job)


def test_an_interface_that_is_up(tree):
    found, _asked = of_system(tree, link())
    assert found["can link"].state == OK
    assert found["can link"].detail == "can0 up, 500000 bit/s, listen-only, error-active, error counters rx 0 tx 0"
    assert found["can traffic"].state == OK


def test_without_iproute2_the_tree_tells(tree):
    found, _asked = of_system(tree, None)
    assert (found["can link"].state, found["can link"].detail) == (OK, "can0 up")


def test_an_interface_that_is_down_is_not_listened_to(tree):
    found, asked = of_system(tree, None, "can1", bitrate=250_000)
    assert found["can link"].fails
    assert found["can link"].mend == "`sudo ip link set can1 up type can bitrate 250000 listen-only on`"
    assert asked == []


@pytest.mark.parametrize(
    ("channel", "mend"), [("can7", "one that is there: can0, can1"), ("vcan0", "sudo ip link add vcan0 type vcan")]
)
def test_an_interface_that_is_not_there(tree, channel, mend):
    found, asked = of_system(tree, None, channel)
    assert found["can link"].fails
    assert mend in found["can link"].mend
    assert asked == []


def test_another_bit_rate_than_configured(tree):
    found, _asked = of_system(tree, link(), bitrate=250_000)
    assert found["can link"].fails
    assert "can.bitrate is 250000" in found["can link"].detail
    assert (
        "`sudo ip link set can0 down`, then `sudo ip link set can0 up type can bitrate 250000" in found["can link"].mend
    )


def test_a_controller_off_the_bus(tree):
    found, _asked = of_system(tree, link(state="BUS-OFF", berr_counter={"tx": 248, "rx": 130}))
    assert found["can link"].fails
    assert "bus-off, error counters rx 130 tx 248" in found["can link"].detail
    assert "60 ohm" in found["can link"].mend
    assert "can0 type can restart" in found["can link"].mend


def test_an_interface_that_acknowledges(tree):
    found, _asked = of_system(tree, link(ctrlmode=[]))
    assert (found["can link"].state, found["can link"].needed) == (PROBLEM, False)
    assert "not listen-only" in found["can link"].detail
    told, _asked = of_system(tree, link(ctrlmode=[]), listen_only=False)
    assert told["can link"].state == OK


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "[{}]", '[{"linkinfo": {}}]', "{}"])
def test_what_iproute2_may_say_never_raises(tree, text):
    assert can_link.link_facts(Job(root=tree, run=lambda _words: text), "can0")["up"] is True


def test_without_a_configuration_the_interfaces_are_told(tree, tmp_path):
    (found,) = check_can(Job(1, root=tree, run=lambda _words: None))
    assert (found.state, found.detail, found.found["names"]) == (OK, "can0 up, can1 down", ["can0", "can1"])
    (none,) = check_can(Job(1, root=tmp_path / "none", run=lambda _words: None))
    assert (none.state, "vcan0" in none.mend) == (ABSENT, True)
