"""The radio over UDP: real sockets on loopback, several units on one port."""

import contextlib
import errno
import select
import socket
import struct
from collections.abc import Callable, Iterator

import pytest

from asvunit.adapters.udp import STALE_NS, UdpRadio
from asvunit.errors import UsageError
from asvunit.ports import Radio
from asvunit.radio.batch import BUFFER_BYTES
from asvunit.radio.intake import ODD_A_SECOND
from nettools import CAP_NET_ADMIN, CAP_NET_BIND_SERVICE, heard, inside, namespace, without

LOOPBACK = "127.255.255.255"


@pytest.fixture
def port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def radios(port: int) -> Iterator[Callable[..., UdpRadio]]:
    with contextlib.ExitStack() as stack:

        def make(address: str = LOOPBACK, **arguments: object) -> UdpRadio:
            radio = UdpRadio(address, port, **arguments)  # type: ignore[arg-type]
            stack.callback(radio.close)
            return radio

        yield make


def test_it_is_a_radio(radios: Callable[..., UdpRadio]) -> None:
    assert isinstance(radios(), Radio)


def test_every_unit_hears_the_others_and_not_itself(radios: Callable[..., UdpRadio]) -> None:
    one, two, three = radios(), radios(), radios()
    one.send(b"a" * 100)
    assert [frame.payload for frame in heard(two, 1)] == [b"a" * 100]
    assert heard(three, 1)[0].source == f"127.0.0.1:{one.port}" == one.source
    two.send(b"b" * 100)
    assert heard(one, 1)[0].payload == b"b" * 100
    assert one.counters["own_echo"] == 1


def test_an_echo_from_another_source_is_not_taken_for_an_echo(radios: Callable[..., UdpRadio], port: int) -> None:
    one = radios()
    one.send(b"a" * 100)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as replayer:
        replayer.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        replayer.sendto(b"a" * 100, (LOOPBACK, port))
    assert heard(one, 1)[0].payload == b"a" * 100  # the core's gate decides on it


def test_frames_keep_order_and_limit_and_any_length_passes(radios: Callable[..., UdpRadio]) -> None:
    one, two = radios(), radios()
    payloads = [bytes([n]) * (n * 20) for n in range(20)]
    for payload in payloads:
        one.send(payload)
    assert select.select([two], [], [], 10)[0]
    first = two.receive(5)
    assert len(first) <= 5
    assert [frame.payload for frame in first + heard(two, 20 - len(first))] == payloads


def test_stamps_are_the_kernels_and_stale_frames_are_dropped(radios: Callable[..., UdpRadio], port: int) -> None:
    monotonic_ns, unix_ns = [7_000_000_000], [0]
    one = radios()
    two = radios(now=lambda: (monotonic_ns[0], unix_ns[0]))

    def stamp_ns() -> int:
        """The kernel's stamp of a frame that is sent now."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as beside:
            beside.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            beside.setsockopt(socket.SOL_SOCKET, 35, 1)
            beside.bind((LOOPBACK, port))
            beside.settimeout(10)
            one.send(b"x" * 100)
            _data, ancillary, *_rest = beside.recvmsg(200, 100)
            second, rest_ns = struct.unpack("@ll", ancillary[0][2])
            return int(second * 10**9 + rest_ns)

    sent_ns = stamp_ns()  # both sockets get stamps of one moment, a few microseconds apart
    unix_ns[0] = sent_ns + 3_000_000
    frame = heard(two, 1)[0]
    assert abs(monotonic_ns[0] - 3_000_000 - frame.time_ns) < 2_000_000
    unix_ns[0] = stamp_ns() + STALE_NS + 100_000_000
    select.select([two], [], [], 10)
    assert two.receive(9) == []
    assert two.counters["stale"] == 1
    unix_ns[0] = stamp_ns() - 3600 * 10**9  # the clock was set back: no age can be told
    assert heard(two, 1)[0].time_ns == monotonic_ns[0]


def test_a_machine_without_ipv6_says_so(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    real = socket.socket

    def none_of_ipv6(family: int, *rest: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(family, *rest)

    monkeypatch.setattr(socket, "socket", none_of_ipv6)
    with pytest.raises(UsageError, match=r"^radio\.address: \[::1\]:\d+: IPv6 is switched off .*IPv4"):
        UdpRadio("::1", port)


def test_a_port_that_is_not_for_everyone() -> None:
    refused = pytest.raises(UsageError, match=r"radio\.port: port 100 is not for an ordinary user's program")
    with namespace() as name, inside(name), without(CAP_NET_BIND_SERVICE), refused:
        UdpRadio(LOOPBACK, 100)


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_an_address_that_is_everywhere_is_refused(radios: Callable[..., UdpRadio], address: str) -> None:
    with pytest.raises(UsageError, match=r"radio\.address: .* nowhere to send"):
        radios(address)


def test_without_a_free_descriptor_it_goes_on(
    radios: Callable[..., UdpRadio], monkeypatch: pytest.MonkeyPatch, port: int
) -> None:
    one, two = radios(interface="lo"), radios("239.255.47.1", interface="lo")

    def none_left(*_arguments: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(socket, "socket", none_left)
        assert one.tend() is two.tend() is None
        assert one.source == f"0.0.0.0:{one.port}"
    one.send(b"x" * 100)
    assert one.tend() is None
    assert one.source == f"127.0.0.1:{one.port}"


def test_what_the_kernel_had_to_drop_is_counted(radios: Callable[..., UdpRadio]) -> None:
    one, two = radios(), radios()
    two._receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    for number in range(500):
        with contextlib.suppress(BlockingIOError):
            one.send(number.to_bytes(4, "big") * 25)
    got = len(two.receive(1000))
    one.send(b"y" * 100)
    got += len(heard(two, 1))
    assert got < 501
    assert two.counters["overflow"] == 501 - got


def test_a_port_that_is_not_shared(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("", port))
        with pytest.raises(UsageError, match=rf"radio\.port: UDP port {port} is in use .* another port"):
            UdpRadio(LOOPBACK, port)


@pytest.mark.parametrize("address", ["car.local", "300.1.1.1", "::g", ""])
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(UsageError, match=r"radio\.address: .* no IP address; give"):
        UdpRadio(address, 47100)


def test_multicast_stays_in_its_group(radios: Callable[..., UdpRadio]) -> None:
    try:
        one, two = radios("239.255.47.1"), radios("239.255.47.1")
        one.send(b"m" * 100)
    except (UsageError, OSError) as error:
        pytest.skip(f"no multicast on this machine: {error}")
    assert heard(two, 1)[0].payload == b"m" * 100


def test_loopback_takes_nothing_from_outside(radios: Callable[..., UdpRadio], port: int) -> None:
    one = radios()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outside:
        outside.connect(("192.0.2.1", 9))  # sends nothing: tells the address of this machine
        host = outside.getsockname()[0]
    if host.startswith("127."):
        pytest.skip("this machine has no address beside loopback")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outside:
        outside.bind((host, 0))
        outside.sendto(b"o" * 100, (host, port))
    assert select.select([one], [], [], 10)[0]
    assert one.receive(9) == []
    assert one.counters["from_outside"] == 1


def test_what_no_unit_sends_is_handed_on_fifty_times_a_second(radios: Callable[..., UdpRadio]) -> None:
    monotonic_ns = [0]
    one, two = radios(), radios(now=lambda: (monotonic_ns[0], 0))
    good = b"\x21" + bytes(99)
    trailer = b"PV" + bytes(76)
    for _ in range(100):
        for payload in (
            good + b"x",
            b"\x22" + bytes(99),
            good + b"XX" + trailer[2:],
            b"\x02" + bytes(99) + trailer,
            b"",
        ):
            one.send(payload)
    one.send(good)
    one.send(good + trailer)
    frames = []
    while batch := two.receive(64):
        frames += batch
    assert [frame.payload for frame in frames[-2:]] == [good, good + trailer]
    lengths = [len(frame.payload) for frame in frames]
    assert lengths.count(101) + lengths.count(0) + sum(good + b"XX" == frame.payload[:102] for frame in frames) == 50
    assert len(frames) == 2 * ODD_A_SECOND + 2
    assert two.counters == {"length": 300 - ODD_A_SECOND, "version": 200 - ODD_A_SECOND}
    monotonic_ns[0] += 1_000_000_001  # another second
    one.send(b"")
    one.send(b"\x03" + bytes(99))
    assert [len(frame.payload) for frame in heard(two, 2)] == [0, 100]
    assert two.counters["version"] == 200 - ODD_A_SECOND


def test_a_frame_behind_a_flood_is_not_kept_waiting(radios: Callable[..., UdpRadio]) -> None:
    one, two = radios(), radios()
    for _ in range(1500):
        one.send(b"noise")
    one.send(b"\x01" + bytes(99))
    frames = []
    while batch := two.receive(64):  # an empty list says that nothing waits
        assert len(batch) <= 64
        frames += batch
    assert (len(frames), frames[-1].payload) == (ODD_A_SECOND + 1, b"\x01" + bytes(99))
    assert two.counters["length"] == 1500 - ODD_A_SECOND


def test_frames_bear_their_priority_and_hops(radios: Callable[..., UdpRadio], port: int) -> None:
    one = radios("127.0.0.1", priority=6, ttl=3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as beside:
        beside.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        beside.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        beside.bind(("127.0.0.1", port))
        beside.settimeout(10)
        one.send(b"x")
        _data, ancillary, *_rest = beside.recvmsg(200, 100)
    assert ancillary[0][2][0] >> 5 == 6  # the precedence, which 802.11 takes for its own
    assert one._sender.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL) == 3


def test_the_queue_is_as_long_as_the_kernel_allows(radios: Callable[..., UdpRadio]) -> None:
    def queue(radio: UdpRadio) -> int:
        return radio._receiver.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)

    with open("/proc/sys/net/core/rmem_max", encoding="ascii") as told:
        allowed = int(told.read())
    with without(CAP_NET_ADMIN):
        assert queue(radios()) == 2 * min(allowed, BUFFER_BYTES)
    assert queue(radios()) == 2 * BUFFER_BYTES


def test_two_units_on_a_link_may_name_each_other(port: int) -> None:
    with contextlib.closing(UdpRadio("127.0.0.1", port)) as one:
        one.send(b"\x01" * 100)
        assert one.receive(9) == []
        with contextlib.closing(UdpRadio("127.0.0.1", port)) as other:
            one.send(b"\x01" + bytes(99))
            assert heard(other, 1)[0].source == one.source
