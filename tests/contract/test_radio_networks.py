"""The radio over UDP between machines: namespaces joined by a cable, IPv4 and IPv6."""

import contextlib
import select
import socket
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from asvrig.live.radio import RadioSender, radio_sender
from asvunit.adapters.udp import UdpRadio
from asvunit.config import RadioTable
from asvunit.errors import UsageError
from asvunit.ports import Link
from nettools import CAP_NET_ADMIN, CAP_NET_RAW, heard, inside, ip, join, namespace, told, until_running, veth, without

PORT = 47100  # in namespaces of their own
GOOD = b"\x01" + bytes(99)


class Machine(NamedTuple):
    namespace: str
    interface: str
    radio: Callable[..., UdpRadio]


@pytest.fixture
def machines() -> Iterator[tuple[Machine, Machine]]:
    """Two, 192.0.2.1 and .2, fe80::1 and ::2; a second interface of the first has no cable's other end up."""
    with contextlib.ExitStack() as stack:
        names = [stack.enter_context(namespace()) for _ in range(2)]
        cable = stack.enter_context(veth(*names))
        made = []
        for number, (name, interface) in enumerate(zip(names, cable, strict=True), 1):
            address(name, interface, number)

            def radio(where: str, *, name: str = name, **arguments: object) -> UdpRadio:
                with inside(name):
                    one = UdpRadio(where, PORT, **arguments)  # type: ignore[arg-type]
                stack.callback(one.close)
                return one

            made.append(Machine(name, interface, radio))
        yield made[0], made[1]


def address(name: str, interface: str, number: int) -> None:
    ip("addr", "add", f"192.0.2.{number}/24", "brd", "+", "dev", interface, namespace=name)
    ip("addr", "add", f"fe80::{number}/64", "dev", interface, "nodad", namespace=name)


def tend(machine: Machine, radio: UdpRadio) -> Link | None:
    with inside(machine.namespace):
        return radio.tend()


def source(machine: Machine, radio: UdpRadio) -> str:
    with inside(machine.namespace):
        return radio.source


@pytest.mark.parametrize(
    ("where", "named", "host"),
    [
        ("192.0.2.255", False, "192.0.2.1"),  # directed broadcast
        ("255.255.255.255", True, "192.0.2.1"),
        ("239.255.47.1", True, "192.0.2.1"),
        ("ff02::4710", True, "[fe80::1]"),
        ("ff05::4710", True, "[fe80::1]"),
    ],
)
def test_units_of_both_machines_hear_each_other_and_not_themselves(
    machines: tuple[Machine, Machine], where: str, named: bool, host: str
) -> None:
    here, there = machines
    arguments = [{"interface": one.interface} if named else {} for one in machines]
    one, beside, far = (
        here.radio(where, **arguments[0]),
        here.radio(where, **arguments[0]),
        there.radio(where, **arguments[1]),
    )
    one.send(GOOD)
    for other in (beside, far):
        frame = heard(other, 1)[0]
        assert (frame.source, frame.payload) == (f"{host}:{one.port}", GOOD)
    assert source(here, one) == f"{host}:{one.port}"
    far.send(GOOD[:-1] + b"f")
    assert heard(one, 1)[0].source == source(there, far)
    assert one.counters == {"own_echo": 1}


def test_a_single_address_of_the_link(machines: tuple[Machine, Machine]) -> None:
    here, there = machines
    one, far = (at.radio(f"fe80::{peer}", interface=at.interface) for at, peer in ((here, 2), (there, 1)))
    one.send(GOOD)
    assert heard(far, 1)[0].source == source(here, one)


def test_a_played_vehicle_is_heard(machines: tuple[Machine, Machine]) -> None:
    here, there = machines
    far = there.radio("ff02::4710", interface=there.interface)
    with inside(here.namespace):
        table = RadioTable(address="ff02::4710", port=PORT, interface=here.interface)
        sender = radio_sender(table)
    with sender:
        sender.send(GOOD)
        assert (sender.sent, heard(far, 1)[0].source) == (1, sender.source)
        assert sender.source.startswith("[fe80::1]:")
    with pytest.raises(UsageError, match=r"\[ff02::4710\]:47100: the radio cannot send there: .*name one"):
        RadioSender("ff02::4710", PORT)


@pytest.mark.parametrize("where", ["239.255.47.1", "ff02::4710", "255.255.255.255"])
def test_an_interface_that_was_unplugged_joins_its_group_again(machines: tuple[Machine, Machine], where: str) -> None:
    here, there = machines
    one, far = (at.radio(where, interface=at.interface) for at in machines)
    ip("link", "del", there.interface, namespace=there.namespace)
    gone = tend(there, far)
    assert gone is not None
    assert (gone.up, gone.reason) == (False, "absent")
    assert f"no network interface '{there.interface}'" in gone.detail
    assert tend(there, far) is None
    join((here.interface, there.interface), (here.namespace, there.namespace))
    for number, at in enumerate(machines, 1):
        ip("link", "set", at.interface, "up", namespace=at.namespace)
        address(at.namespace, at.interface, number)
    with inside(there.namespace), without(CAP_NET_ADMIN, CAP_NET_RAW):  # an ordinary user's unit
        back = told(far.tend)
    assert (back.up, back.reason) == (True, "connected")
    until_running(here.interface, here.namespace)
    with inside(here.namespace), without(CAP_NET_ADMIN, CAP_NET_RAW):
        one.tend()
    one.send(GOOD)
    assert heard(far, 1)[0].payload == GOOD
    far.send(GOOD)
    assert heard(one, 1)[0].payload == GOOD


def test_an_interface_that_is_down_is_told_with_its_mend(machines: tuple[Machine, Machine]) -> None:
    here, _there = machines
    one = here.radio("ff02::4710", interface=here.interface)
    ip("link", "set", here.interface, "down", namespace=here.namespace)
    link = tend(here, one)
    assert link is not None
    assert (link.up, link.reason, link.detail) == (
        False,
        "down",
        f"{here.interface} is down: ip link set {here.interface} up",
    )
    with pytest.raises(OSError, match=r"unreachable|assign"):
        one.send(GOOD)
    ip("link", "set", here.interface, "up", namespace=here.namespace)
    assert told(lambda: tend(here, one)).reason == "connected"


def test_an_mtu_without_room_for_ipv6_is_told_with_its_mend(machines: tuple[Machine, Machine]) -> None:
    here, _there = machines
    one, far = (at.radio("ff02::4710", interface=at.interface) for at in machines)
    four = here.radio("192.0.2.255", interface=here.interface)
    ip("link", "set", here.interface, "mtu", "90", namespace=here.namespace)
    link = tend(here, one)
    assert link is not None
    assert (link.up, link.reason) == (False, "mtu_too_small")
    assert link.detail.endswith(f"ip link set {here.interface} mtu 1500")
    assert tend(here, four) is None
    four.send(GOOD)  # in pieces
    ip("link", "set", here.interface, "mtu", "1500", namespace=here.namespace)
    address(here.namespace, here.interface, 3)
    assert told(lambda: tend(here, one)).up
    far.send(GOOD)
    assert heard(one, 1)[0].payload == GOOD


def test_a_network_that_comes_later_is_joined(machines: tuple[Machine, Machine]) -> None:
    here, there = machines
    ip("link", "set", there.interface, "down", namespace=there.namespace)
    far = there.radio("239.255.47.1")  # by whichever interface the routes say: there is none
    assert tend(there, far) is None
    ip("link", "set", there.interface, "up", namespace=there.namespace)
    for at in machines:
        until_running(at.interface, at.namespace)
        ip("route", "add", "default", "dev", at.interface, namespace=at.namespace)
    assert tend(there, far) is None
    here.radio("239.255.47.1").send(GOOD)
    assert heard(far, 1)[0].payload == GOOD


def test_another_group_on_the_port_is_not_heard(machines: tuple[Machine, Machine]) -> None:
    here, there = machines
    for group, other in (("239.255.47.1", "239.255.47.2"), ("ff02::4710", "ff02::4711")):
        far = there.radio(group, interface=there.interface)
        also = there.radio(other, interface=there.interface)  # the kernel lets both groups in
        here.radio(other, interface=here.interface).send(GOOD)
        assert len(heard(also, 1)) == 1
        here.radio(group, interface=here.interface).send(GOOD + b"mine")
        assert [frame.payload for frame in heard(far, 1)] == [GOOD + b"mine"]


def test_loopback_of_ipv6_takes_nothing_from_outside(machines: tuple[Machine, Machine]) -> None:
    here, there = machines
    one = here.radio("::1")
    there.radio("fe80::1", interface=there.interface).send(GOOD)
    one.send(GOOD[:-1] + b"i")
    while sum(one.counters.values()) < 2:
        assert select.select([one], [], [], 10)[0]
        assert one.receive(9) == []
    assert one.counters == {"from_outside": 1, "own_echo": 1}


@pytest.mark.parametrize(
    ("where", "interface", "said"),
    [
        ("ff02::4710", None, "radio.interface: ff02::4710 means another network on each interface"),
        ("fe80::1", None, "radio.interface: fe80::1 means another network"),
        ("fe80::1%lo", None, 'give radio.interface = "lo" instead'),
        ("239.255.47.1", "nowhere0", "radio.interface: there is no network interface 'nowhere0'"),
        ("192.0.2.255", "a" * 99, "radio.interface: there is no network interface"),
        ("239.255.47.1", "", "radio.interface: there is no network interface"),
    ],
)
def test_what_cannot_be_meant_is_one_line_with_its_mend(where: str, interface: str | None, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        UdpRadio(where, PORT, interface=interface)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("where", ["127.255.255.255", "::1"])
def test_an_address_of_this_machine_goes_by_no_other_interface(where: str) -> None:
    with namespace() as name, veth(name) as (one, _other), inside(name):
        with pytest.raises(UsageError, match=rf"radio\.address: {where} stays on this machine and never goes by {one}"):
            UdpRadio(where, PORT, interface=one)
        UdpRadio(where, PORT, interface="lo").close()


def test_a_port_that_is_not_shared_of_ipv6() -> None:
    with namespace() as name, inside(name), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other:
        other.bind(("::", PORT))
        with pytest.raises(UsageError, match=r"radio\.port: UDP port 47100 is in use"):
            UdpRadio("ff02::4710", PORT, interface="lo")


def test_units_of_ipv4_and_ipv6_share_a_port() -> None:
    with (
        namespace() as name,
        inside(name),
        contextlib.closing(UdpRadio("::1", PORT)) as six,
        contextlib.closing(UdpRadio("127.255.255.255", PORT)) as four,
        RadioSender("::1", PORT) as to_six,
        RadioSender("127.255.255.255", PORT) as to_four,
    ):
        to_six.send(GOOD)
        to_four.send(GOOD)
        assert heard(six, 1)[0].source == to_six.source
        assert heard(four, 1)[0].source == to_four.source
        assert (six.receive(9), four.receive(9)) == ([], [])
        with RadioSender("127.0.0.1", PORT) as to_none:
            four.close()
            to_none.send(GOOD)
            assert six.receive(9) == []
        assert not six.counters
