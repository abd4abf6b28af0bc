"""The radio by Ethernet frames: real interfaces joined by a cable, and a monitor interface that the test plays."""

import contextlib
import errno
import select
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from asvrig.live.radio import OcbSender, radio_sender
from asvunit.adapters import ocb
from asvunit.adapters.ocb import OcbRadio
from asvunit.config import Config, RadioTable
from asvunit.described import PARTS
from asvunit.errors import UsageError
from asvunit.ports import Radio, RadioFrame
from asvunit.radio import interface as interfaces
from asvunit.radio.ethernet import ETHERTYPE, pack
from asvunit.radio.intake import ODD_A_SECOND, STALE_NS
from nettools import (
    CAP_NET_ADMIN,
    CAP_NET_RAW,
    NOTHING,
    RADIOTAP,
    Tap,
    heard,
    ip,
    need_root,
    tap,
    told,
    unique,
    veth,
    without,
)

OWN, OTHER = "02:00:00:00:00:01", "02:00:00:aa:bb:cc"
GOOD = b"\x01" + bytes(99)
SIGNED = GOOD + b"PV" + bytes(76)
END = b"\x01" + b"e" * 99  # sent last: all before it has been seen
Radios = Callable[..., OcbRadio]


@pytest.fixture
def radios() -> Iterator[Radios]:
    with contextlib.ExitStack() as stack:

        def make(name: str, mac: str = OWN, **arguments: object) -> OcbRadio:
            radio = OcbRadio(name, mac, **arguments)  # type: ignore[arg-type]
            stack.callback(radio.close)
            return radio

        yield make


@pytest.fixture
def cable() -> Iterator[tuple[str, str]]:
    with veth() as names:
        yield names


@pytest.fixture
def wire() -> Iterator[Tap]:
    with tap() as one:
        yield one


@pytest.fixture
def monitor() -> Iterator[Tap]:
    with tap(RADIOTAP) as one:
        yield one


def until_end(radio: OcbRadio) -> list[RadioFrame]:
    """All frames before END."""
    frames: list[RadioFrame] = []
    while not frames or frames[-1].payload != END:
        frames += heard(radio, 1)
    return frames[:-1]


def test_it_is_a_radio(radios: Radios, cable: tuple[str, str]) -> None:
    assert isinstance(radios(cable[0]), Radio)


def test_units_hear_each_other_by_their_macs(radios: Radios, cable: tuple[str, str]) -> None:
    one, other = radios(cable[0], OWN), radios(cable[1], OTHER)
    one.send(GOOD)
    other.send(SIGNED)
    assert [(frame.source, frame.payload) for frame in heard(other, 1)] == [(OWN, GOOD)]
    assert [(frame.source, frame.payload) for frame in heard(one, 1)] == [(OTHER, SIGNED)]
    assert one.source == OWN
    assert not one.counters + other.counters


def test_the_bytes_on_the_wire(radios: Radios, wire: Tap) -> None:
    radios(wire.name).send(GOOD)
    while (frame := wire.read())[12:14] != b"\x88\xb5":
        pass
    assert frame == bytes.fromhex("ffffffffffff 020000000001 88b5") + GOOD


def test_own_frames_are_known_by_source_however_late_and_changed_they_come_back(radios: Radios, wire: Tap) -> None:
    radio = radios(wire.name)
    radio.send(GOOD)
    wire.write(pack(OWN, GOOD))
    wire.write(pack(OTHER, GOOD))
    wire.write(pack(OWN, SIGNED))
    wire.write(pack(OWN, END))
    wire.write(pack(OTHER, END))
    assert [(frame.source, frame.payload) for frame in until_end(radio)] == [(OTHER, GOOD)]
    assert radio.counters == {"own_echo": 3}


def test_only_frames_of_the_radio_to_everyone(radios: Radios, wire: Tap) -> None:
    radio = radios(wire.name)
    good = pack(OTHER, GOOD)
    wire.write(good[:12] + b"\x88\xb6" + good[14:])
    wire.write(bytes.fromhex("020000000001") + good[6:])
    wire.write(bytes.fromhex("01005e000001") + good[6:])
    wire.write(good[:12] + b"\x81\x00\x00\x05" + good[12:])  # of a VLAN that is not this interface's
    wire.write(pack(OTHER, END))
    assert until_end(radio) == []
    assert radio.counters["not_broadcast"] in (2, 3)  # kernels hand the VLAN's on, or not


def test_a_check_sequence_behind_the_payload_is_cut_and_nothing_else(radios: Radios, wire: Tap) -> None:
    radio = radios(wire.name)
    for payload in (GOOD, SIGNED):
        frame = pack(OTHER, payload)
        wire.write(frame + zlib.crc32(frame).to_bytes(4, "little"))
        wire.write(frame + bytes(4))
    wire.write(pack(OTHER, END))
    assert [len(frame.payload) for frame in until_end(radio)] == [100, 104, 178, 182]


def test_what_no_unit_sends_is_handed_on_fifty_times_a_second(radios: Radios, wire: Tap) -> None:
    radio = radios(wire.name, now=lambda: (0, 0))
    for _ in range(80):
        wire.write(pack(OTHER, b"short"))
        wire.write(pack(OTHER, b"\x02" + GOOD[1:]))
    wire.write(pack(OTHER, END))
    assert len(until_end(radio)) == 2 * ODD_A_SECOND
    assert radio.counters == {"length": 30, "version": 30}


def test_stamps_are_the_kernels(radios: Radios, wire: Tap) -> None:
    radio = radios(wire.name, now=lambda: (5_000_000_000, 2**62))
    wire.write(pack(OTHER, END))
    assert heard(radio, 1)[0].time_ns == 5_000_000_000  # years ago by that clock: it was set, and no age is told
    late = radios(wire.name)
    late._intake._now = lambda: (0, time.time_ns() + STALE_NS + 100_000_000)
    wire.write(pack(OTHER, END))
    assert select.select([late], [], [], 10)[0]
    assert late.receive(9) == []
    assert late.counters == {"stale": 1}


def test_an_interface_that_comes_and_goes(radios: Radios) -> None:
    need_root()
    names = unique("av"), unique("av")
    radio = radios(names[0])  # waited for
    number = radio.fileno()
    link = radio.tend()
    assert link is not None
    assert (link.port, link.up, link.reason) == ("radio", False, "absent")
    assert f"no network interface '{names[0]}'" in link.detail
    assert radio.tend() is None
    with pytest.raises(OSError, match="no network interface"):
        radio.send(GOOD)
    for _ in range(2):  # plugged in, and once more under another index
        with contextlib.ExitStack() as stack:
            ip("link", "add", names[0], "type", "veth", "peer", "name", names[1])
            stack.callback(ip, "link", "del", names[0])
            link = radio.tend()
            assert link is not None
            assert (link.up, link.reason, link.detail) == (
                False,
                "down",
                f"{names[0]} is down: ip link set {names[0]} up",
            )
            ip("link", "set", names[0], "up")
            link = told(radio.tend)
            assert (link.up, link.reason) == (False, "down")
            assert "no carrier" in link.detail
            ip("link", "set", names[1], "up")
            assert told(radio.tend).detail == f"{names[0]}, as {OWN}"
            with contextlib.closing(OcbRadio(names[1], OTHER)) as other:
                radio.send(GOOD)
                assert heard(other, 1)[0].payload == GOOD
                other.send(SIGNED)
                assert heard(radio, 1)[0].payload == SIGNED
            ip("link", "set", names[0], "down")
            radio.receive(9)
            assert told(radio.tend).reason == "down"
            with pytest.raises(OSError, match="down"):
                radio.send(GOOD)
        select.select([radio], [], [], 0)
        assert radio.receive(9) == []
        assert told(radio.tend).reason == "absent"
        assert select.select([radio], [], [], 0)[0] == []  # nothing to wake the loop for
    assert radio.fileno() == number


def test_an_mtu_that_is_too_small(radios: Radios, cable: tuple[str, str]) -> None:
    ip("link", "set", cable[0], "mtu", "120")
    assert radios(cable[0]).tend().up  # type: ignore[union-attr]
    radio = radios(cable[0], longest=178)
    link = radio.tend()
    assert link is not None
    assert (link.up, link.reason) == (False, "mtu_too_small")
    assert f"the MTU of {cable[0]}, 120, is too small for a frame: ip link set {cable[0]} mtu 1500" == link.detail
    with pytest.raises(OSError, match="too long"):
        radio.send(SIGNED)
    ip("link", "set", cable[0], "mtu", "178")
    assert told(radio.tend).up
    radio.send(SIGNED)


def test_without_permission_the_capability_is_named(radios: Radios, cable: tuple[str, str]) -> None:
    with without(CAP_NET_RAW):
        for name in (cable[0], "nowhere0"):
            with pytest.raises(UsageError, match=r"radio\.interface: .*CAP_NET_RAW.*sudo"):
                radios(name)
        with pytest.raises(UsageError, match="CAP_NET_RAW"):
            OcbSender(cable[0], OTHER)
        assert interfaces.fault(cable[0], 100) == "no_permission"
    assert interfaces.fault(cable[0], 100) == ""


def test_frames_have_their_priority_where_the_kernel_allows_it(
    radios: Radios, cable: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    radio = radios(cable[1], priority=7)
    assert radio._out is not None
    assert radio._out.getsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY) == 263
    with without(CAP_NET_ADMIN, CAP_NET_RAW):  # older kernels refuse it to CAP_NET_RAW alone
        assert not ocb._prioritise(radio._out, 5)
    monkeypatch.setattr(ocb, "_prioritise", lambda _sock, _priority: False)
    radio = radios(cable[0])
    link = radio.tend()
    assert link is not None
    assert link.up
    assert "without priority, which needs CAP_NET_ADMIN" in link.detail
    assert radio.counters == {"no_priority": 1}
    radio.send(GOOD)


def test_a_card_that_is_not_in_ocb_mode(
    radios: Radios, cable: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = [2]
    monkeypatch.setattr(interfaces, "interface_type", lambda _index: kind[0])
    radio = radios(cable[0])
    link = radio.tend()
    assert link is not None
    assert (link.up, link.reason) == (False, "not_ocb")
    assert link.detail.startswith(f"{cable[0]} is in managed mode, not OCB: asvkit radio setup {cable[0]}")
    with pytest.raises(OSError, match="managed mode"):
        radio.send(GOOD)  # not into somebody's network
    ip("link", "set", cable[0], "down")
    kind[0] = 11
    assert told(radio.tend).reason == "down"
    ip("link", "set", cable[0], "up")
    while (link := told(radio.tend)).reason != "connected":
        assert "joined no channel" in link.detail
    radio.send(GOOD)
    kind[0] = 2  # taken by a network manager, between two looks
    ip("link", "set", cable[0], "down")
    ip("link", "set", cable[0], "up")
    assert select.select([radio], [], [], 10)[0]
    assert radio.receive(9) == []
    assert told(radio.tend).reason == "not_ocb"


def test_a_card_that_is_set_right_between_two_looks(
    radios: Radios, cable: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = [2]
    monkeypatch.setattr(interfaces, "interface_type", lambda _index: kind[0])
    radio = radios(cable[0])
    assert told(radio.tend).reason == "not_ocb"
    kind[0] = 11  # down, of another mode, up: nothing of that is to be seen afterwards
    assert told(radio.tend).up
    radio.send(GOOD)


def test_without_a_free_descriptor_it_goes_on(
    radios: Radios, cable: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    radio, other = radios(cable[0]), radios(cable[1], OTHER)
    assert told(radio.tend).up

    def none_left(*_arguments: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(socket, "socket", none_left)
        assert radio.tend() is None
    radio.send(GOOD)
    assert heard(other, 1)[0].payload == GOOD
    assert radio.tend() is None


def test_an_interface_without_ethernet_is_not_ocb(radios: Radios) -> None:
    with tap(NOTHING) as tunnel:
        link = radios(tunnel.name).tend()
        assert link is not None
        assert (link.up, link.reason) == (False, "not_ocb")
        assert "carries no Ethernet frames" in link.detail


@pytest.mark.parametrize("name", ["", "a" * 16, "a b", "a/b"])
def test_names_that_no_interface_has(name: str) -> None:
    with pytest.raises(UsageError, match=r"radio\.interface: .* is no name of a network interface"):
        OcbRadio(name, OWN)
    with pytest.raises(UsageError, match="is no name"):
        OcbSender(name, OWN)


# The monitor interface


def in_the_air(source: str, payload: bytes, power_dbm: int = -67, ethertype: int = ETHERTYPE) -> bytes:
    """Radiotap with the power, a QoS data frame of OCB to everyone, LLC."""
    radiotap = b"\x00\x00\x0a\x00\x22\x00\x00\x00\x00" + power_dbm.to_bytes(1, "big", signed=True)
    mac = bytes.fromhex(source.replace(":", ""))
    control = b"\x88\x00\x00\x00" + b"\xff" * 6 + mac + b"\xff" * 6 + b"\x00\x00" + b"\x05\x00"
    return radiotap + control + b"\xaa\xaa\x03\x00\x00\x00" + ethertype.to_bytes(2, "big") + payload


def test_frames_of_the_monitor_have_their_power(radios: Radios, cable: tuple[str, str], monitor: Tap) -> None:
    radio, other = radios(cable[0], monitor=monitor.name), radios(cable[1], OTHER)
    link = radio.tend()
    assert link is not None
    assert (link.up, link.detail) == (True, f"{cable[0]}, as {OWN}")
    radio.send(GOOD)
    other.send(GOOD)  # the interface hears it too: not told twice
    for frame in (
        in_the_air(OWN, GOOD),  # a monitor hears its own card
        in_the_air(OTHER, GOOD),
        in_the_air(OTHER, GOOD, ethertype=0x0800),
        in_the_air(OTHER, SIGNED, -90),
        in_the_air(OTHER, END),
    ):
        monitor.write(frame)
    frames = until_end(radio)
    assert [(one.source, one.payload, one.power_dbm) for one in frames] == [(OTHER, GOOD, -67), (OTHER, SIGNED, -90)]
    assert radio.counters == {"own_echo": 1}
    assert heard(other, 1)[0].payload == GOOD  # sending goes by the interface


def test_damage_and_noise_on_the_monitor_are_counted(radios: Radios, cable: tuple[str, str], monitor: Tap) -> None:
    radio = radios(cable[0], monitor=monitor.name, now=lambda: (0, 0))
    good = in_the_air(OTHER, GOOD)
    for _ in range(60):
        monitor.write(in_the_air(OTHER, b"short"))
    monitor.write(good[:18])
    monitor.write(b"\x01" + good[1:])  # no radiotap of this version
    monitor.write(b"\x88\xb5" * 9)
    monitor.write(in_the_air(OTHER, END))
    assert len(until_end(radio)) == ODD_A_SECOND
    assert radio.counters["length"] == 60 - ODD_A_SECOND
    assert sum(radio.counters.values()) == 12


def test_while_the_monitor_is_gone_the_interface_hears(radios: Radios, cable: tuple[str, str]) -> None:
    other = radios(cable[1], OTHER)
    with tap(RADIOTAP, up=False) as monitor:
        radio = radios(cable[0], monitor=monitor.name)
        link = radio.tend()
        assert link is not None
        assert link.up
        assert f"without received power: {monitor.name} is down" in link.detail
        other.send(GOOD)
        assert heard(radio, 1)[0].power_dbm is None
        ip("link", "set", monitor.name, "up")
        assert "without" not in told(radio.tend).detail
        monitor.write(in_the_air(OTHER, GOOD))
        assert heard(radio, 1)[0].power_dbm == -67
    select.select([radio], [], [], 0)
    assert radio.receive(9) == []
    assert "without received power: there is no network interface" in told(radio.tend).detail
    other.send(GOOD)
    assert heard(radio, 1)[0].power_dbm is None


def test_what_it_does_without_is_said_beforehand(cable: tuple[str, str]) -> None:
    table = RadioTable(kind="ocb", interface=cable[0], monitor="nowhere0")
    told = PARTS["radio"](Config(radio=table), Path())
    assert told.startswith(f"frames on {cable[0]}, EtherType 0x88B5 (without received power: there is no network")
    assert PARTS["radio"](Config(radio=RadioTable(kind="ocb", interface=cable[0])), Path()).endswith("0x88B5")


def test_an_interface_that_is_no_monitor(radios: Radios, cable: tuple[str, str]) -> None:
    with pytest.raises(UsageError, match=rf"radio\.monitor: {cable[1]} is no monitor interface .*iw dev"):
        radios(cable[0], monitor=cable[1])
    with pytest.raises(UsageError, match=r"radio\.monitor: .*no name"):
        radios(cable[0], monitor="")


# Vehicles that are played


def test_a_played_vehicle_has_a_mac_of_its_own(radios: Radios, cable: tuple[str, str]) -> None:
    radio = radios(cable[0])
    table = RadioTable(kind="ocb", interface=cable[1])
    with radio_sender(table, seed=7) as one, radio_sender(table) as two:
        for sender in (one, two):
            sender.send(SIGNED)
            assert heard(radio, 1)[0].source == sender.source
            assert sender.sent == 1
        assert one.source != two.source
        ip("link", "set", cable[1], "down")
        one.send(GOOD)
        one.send(GOOD)
        assert one.dropped["network"] >= 1


def test_a_sender_needs_its_interface() -> None:
    with pytest.raises(UsageError, match=r"radio\.interface: there is no network interface"):
        radio_sender(RadioTable(kind="ocb", interface="nowhere0"))
    with pytest.raises(UsageError, match=r"radio\.interface"):
        radio_sender(RadioTable.model_construct(kind="ocb", interface=None))
    with pytest.raises(UsageError, match=r"radio\.kind: off"):
        radio_sender(RadioTable(kind="off"))
