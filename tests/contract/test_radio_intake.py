"""Many datagrams a system call, one where the system has no more, and what the kernel says of its interfaces."""

import contextlib
import ctypes
import errno
import os
import socket
import struct
import time
import zlib
from collections import Counter
from collections.abc import Iterator

import pytest

from asvunit.errors import UsageError
from asvunit.radio import nl80211
from asvunit.radio.batch import DATA_BYTES, NAME_BYTES, SIZE, Batch, prepare
from asvunit.radio.endpoint import endpoint, source_text
from asvunit.radio.ethernet import has_fcs, mac_bytes, mac_text, pack
from asvunit.radio.intake import Drops, Intake, OddFrames, Sender
from asvunit.radio.interface import Interface, fault, look, mend
from asvunit.trailer import SIGNED_FRAME_BYTES
from nettools import inside, ip, namespace, tap, veth

GOOD = b"\x01" + bytes(99)


@pytest.fixture
def way() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A socket that sends and one that hears it."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as into,
    ):
        prepare(into)
        into.bind(("127.0.0.1", 0))
        out.connect(into.getsockname())
        yield out, into


def refused(_fileno: int, _address: int, _most: int, _flags: int, _timeout: None) -> int:
    ctypes.set_errno(errno.ENOSYS)
    return -1


@pytest.mark.parametrize("many", [True, False, None])
def test_a_read_brings_all_that_waits_in_order(way: tuple[socket.socket, socket.socket], many: bool | None) -> None:
    out, into = way
    batch = Batch(many=many is not False)
    if many is None:  # a filter of system calls
        batch._call_many = refused
    assert batch.read(into.fileno(), 10) == 0
    lengths = [*range(1, SIZE + 7), 3000, 0]
    for length in lengths:
        out.send(length.to_bytes(2, "big") * (length // 2) + b"x" * (length % 2))
    before_ns = time.time_ns()
    got: list[int] = []
    while count := batch.read(into.fileno(), 50):
        assert count <= 50
        assert len(batch.lengths) == count
        for slot in range(count):
            got.append(batch.lengths[slot])
            at = slot * DATA_BYTES
            if 2 <= batch.lengths[slot] < DATA_BYTES:
                assert batch.data[at : at + 2] == batch.lengths[slot].to_bytes(2, "big")
            name = batch.names[slot * NAME_BYTES : slot * NAME_BYTES + 8]
            assert name[2:4] == struct.pack("!H", out.getsockname()[1])
            assert name[4:8] == bytes([127, 0, 0, 1])
            assert 0 <= batch.age_ns(slot, time.time_ns()) < 60_000_000_000
            assert batch.age_ns(slot, before_ns + 2_000_000_000) > 1_900_000_000
            assert batch.drops(slot) is None
    assert got == [*lengths[:-2], DATA_BYTES, 0]
    assert batch.read(into.fileno(), 50) == 0
    assert (batch._call_many is None) == (many is not True)


@pytest.mark.parametrize("many", [True, False])
def test_drops_of_the_queue_are_told_beside_what_came_after(
    way: tuple[socket.socket, socket.socket], many: bool
) -> None:
    out, into = way
    into.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    counters: Counter[str] = Counter()
    intake = Intake(counters, lambda _key: Sender("one"), slice(2, 8), batch=Batch(many=many))
    for _ in range(300):
        out.send(GOOD)
    got = len(intake.receive(into.fileno(), 1000))
    out.send(GOOD)
    got += len(intake.receive(into.fileno(), 1000))
    assert got < 301
    assert counters == {"overflow": 301 - got}


def test_drops_are_the_difference_and_a_new_socket_begins_at_none() -> None:
    counters: Counter[str] = Counter()
    drops = Drops(counters)
    for told in (None, 2**32 - 3, 2**32 - 3, 4, None):  # the kernel's number runs over
        drops.told(told)
    assert counters["overflow"] == 2**32 - 3 + 7
    drops.forget()
    drops.told(2)
    assert counters["overflow"] == 2**32 + 4 + 2
    intake = Intake(counters, lambda _key: Sender("one"), slice(2, 8))
    intake._drops.told(9)
    intake._senders[b"x"] = Sender("old")
    intake.forget()
    intake._drops.told(1)
    assert counters["overflow"] == 2**32 + 6 + 9 + 1
    assert not intake._senders


@pytest.mark.parametrize("many", [True, False])
def test_a_socket_that_fails_raises_what_it_said(many: bool) -> None:
    batch = Batch(many=many)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        number = one.fileno()
    with pytest.raises(OSError, match="descriptor") as failed:
        batch.read(number, 5)
    assert failed.value.errno == errno.EBADF


def test_a_slot_without_a_stamp_has_not_that_of_its_last(way: tuple[socket.socket, socket.socket]) -> None:
    out, into = way
    batch = Batch()
    out.send(GOOD)
    assert batch.read(into.fileno(), 5) == 1
    assert batch.age_ns(0, time.time_ns() + 5_000_000_000) > 4_000_000_000
    into.setsockopt(socket.SOL_SOCKET, 35, 0)
    out.send(GOOD)
    assert batch.read(into.fileno(), 5) == 1
    assert batch.age_ns(0, time.time_ns() + 5_000_000_000) == 0


def test_thousands_of_senders_are_no_matter_of_memory(way: tuple[socket.socket, socket.socket]) -> None:
    out, into = way
    names: list[bytes] = []

    def name(key: bytes) -> Sender:
        names.append(key)
        return Sender(str(len(names)))

    intake = Intake(Counter(), name, slice(2, 8))
    intake._senders = {bytes([1, *number.to_bytes(5, "big")]): Sender("x") for number in range(4096)}
    out.send(GOOD)
    assert [frame.source for frame in intake.receive(into.fileno(), 9)] == ["1"]
    assert len(intake._senders) == 1
    out.send(GOOD)
    assert [frame.source for frame in intake.receive(into.fileno(), 9)] == ["1"]
    assert len(names) == 1


def test_odd_frames_are_those_of_no_unit() -> None:
    counters: Counter[str] = Counter()
    odd = OddFrames(counters)
    odd.renew(0)
    odd.left.update(length=0, version=0)
    fine = [GOOD, b"\xe1" + GOOD[1:], GOOD + b"PV" + bytes(76)]
    assert [odd.admits(payload, 0) for payload in fine] == [True] * 3
    bad = [b"", GOOD[1:], GOOD + b"x", GOOD + b"PX" + bytes(76), b"\x02" + GOOD[1:], bytes(100) + b"PV" + bytes(76)]
    assert [odd.admits(payload, 0) for payload in bad] == [False] * 6
    assert counters == {"length": 4, "version": 2}
    assert odd.admits(b"", 1_000_000_001)
    assert len(fine[2]) == SIGNED_FRAME_BYTES


def test_of_a_queue_that_is_never_empty_only_recent_frames_are_taken(way: tuple[socket.socket, socket.socket]) -> None:
    out, into = way
    counters: Counter[str] = Counter()
    time_ns = [0]
    offset_ns = time.time_ns()
    intake = Intake(counters, lambda _key: Sender("one"), slice(2, 8), now=lambda: (time_ns[0], offset_ns + time_ns[0]))

    def come(count: int) -> None:
        for number in range(count):
            out.send(GOOD[:99] + bytes([number]))

    def taken(limit: int, at_ms: int) -> list[int]:
        time_ns[0] = at_ms * 1_000_000
        return [frame.payload[99] for frame in intake.receive(into.fileno(), limit)]

    come(10)
    assert taken(2, 300) == [0, 1]  # the process was held up: these are to be had
    assert taken(2, 400) == [2, 3]
    assert taken(2, 401) == [4, 5]  # it is not catching up: from now on only what is recent
    come(1)
    assert taken(2, 402) == []
    assert counters == {"stale": 5}
    come(3)
    assert taken(2, 450) == [0, 1]  # all was read, and things are as they were
    assert taken(2, 450) == [2]


# Addresses


@pytest.mark.parametrize(
    ("family", "raw", "text"),
    [
        ("192.0.2.255", bytes.fromhex("b7fc c0000201"), "192.0.2.1:47100"),
        ("ff02::1", bytes.fromhex("b7fc 00000000 20010db8000000000000000000000001"), "[2001:db8::1]:47100"),
    ],
)
def test_names_of_senders(family: str, raw: bytes, text: str) -> None:
    end = endpoint(family, 47100, "lo")
    assert end.key == slice(2, 2 + len(raw))
    assert source_text(*end.name(raw)) == text


def test_macs_and_frames() -> None:
    assert mac_text(mac_bytes("02:00:00:AA:bb:cc")) == "02:00:00:aa:bb:cc"
    frame = pack("02:00:00:aa:bb:cc", b"xy")
    assert frame == pack(b"\x02\x00\x00\xaa\xbb\xcc", b"xy") == b"\xff" * 6 + b"\x02\x00\x00\xaa\xbb\xcc\x88\xb5xy"
    assert not has_fcs(frame)
    # a frame of another's capture: an ARP request with its check sequence
    arp = bytes.fromhex(
        "ffffffffffff00000000000108060001080006040001000000000001c0a80001000000000000c0a80002" + "00" * 18
    )
    assert has_fcs(arp + struct.pack("<I", zlib.crc32(arp)))
    assert zlib.crc32(b"123456789") == 0xCBF43926  # the CRC-32 of IEEE 802.3
    for bad in ("", "02:00", "02:00:00:aa:bb:cc:dd", "zz:00:00:00:00:00"):
        with pytest.raises(ValueError, match=r"MAC address|hexadecimal"):
            mac_bytes(bad)


# Interfaces


def test_facts_of_interfaces() -> None:
    with namespace() as name, veth(name) as (one, _other), inside(name):
        ip("link", "set", one, "mtu", "1400", "address", "02:00:00:00:00:77", namespace=name)
        found = look(one)
        assert found == Interface(one, socket.if_nametoindex(one), "02:00:00:00:00:77", 1400, True, True, "ethernet")
        lo = look("lo")
        assert lo is not None
        assert (lo.kind, lo.mtu, lo.running) == ("loopback", 65536, True)
        ip("link", "set", one, "down", namespace=name)
        down = look(one, found)
        assert down is not None
        assert (down.up, down.running) == (False, False)
        assert fault(one, 1) == "down"
        assert look("nowhere0") is look("") is look("x" * 99) is look("a\0b") is None
        assert fault("nowhere0", 1) == "absent"
        assert fault(one, 100, monitor=True) == "not_monitor"
    with tap(803) as air:
        found = look(air.name)
        assert found is not None
        assert found.kind == "monitor"
        assert fault(air.name, 1, monitor=True) == ""
        assert fault(air.name, 1) == "not_ocb"


def test_every_reason_has_its_mend() -> None:
    for reason in ("absent", "down", "not_ocb", "mtu_too_small", "no_permission", "not_monitor"):
        for name in ("lo", "nowhere0"):
            line = mend(reason, name)
            assert name in line
            assert "\n" not in line
            assert ":" in line or ";" in line


# 802.11, asked of the kernel


def test_the_kernel_is_asked_in_its_own_form() -> None:
    # what `iw dev wlan0 info` sends, but for its numbers: nlmsghdr, genlmsghdr, attribute NL80211_ATTR_IFINDEX
    assert nl80211.request(0x1C, 5, 3, struct.pack("@I", 4)) == (
        struct.pack("@IHHII", 28, 0x1C, 1, 1, 0) + struct.pack("@BBH", 5, 1, 0) + struct.pack("@HHI", 8, 3, 4)
    )


def test_its_answer_is_read_attribute_by_attribute() -> None:
    body = struct.pack("@BBH", 7, 1, 0) + struct.pack("@HH6s2x", 10, 4, b"wlan0\0") + struct.pack("@HHI", 8, 5, 11)
    answer = struct.pack("@IHHII", 16 + len(body), 0x1C, 0, 1, 0) + body
    assert nl80211.attributes(answer) == {4: b"wlan0\0", 5: struct.pack("@I", nl80211.OCB)}
    for cut in range(len(answer)):
        with contextlib.suppress(OSError):
            nl80211.attributes(answer[:cut])
    error = struct.pack("@IHHIIi", 20, 2, 0, 1, 0, -errno.ENODEV) + bytes(16)
    with pytest.raises(OSError, match="refused") as refusal:
        nl80211.attributes(error)
    assert refusal.value.errno == errno.ENODEV


def test_generic_netlink_answers_here() -> None:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16) as netlink:
        netlink.settimeout(5)
        found = nl80211._ask(netlink, 0x10, 3, 2, b"nlctrl\0")  # the family that all kernels have
    assert struct.unpack("@H", found[1]) == (0x10,)
    assert nl80211.interface_type(socket.if_nametoindex("lo")) is None
    assert (nl80211.type_name(nl80211.OCB), nl80211.type_name(99)) == ("ocb", "type 99")


def test_an_interface_of_80211_is_known_by_its_type(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = [2]
    monkeypatch.setattr("asvunit.radio.interface.interface_type", lambda _index: kind[0])
    with veth() as (one, _other):
        found = look(one)
        assert found is not None
        assert (found.kind, found.mode) == ("wireless", "managed")
        kind[0] = nl80211.OCB
        assert look(one, found) == found  # nothing was seen to happen to it
        again = look(one)
        assert again is not None
        assert (again.kind, again.mode) == ("ocb", "ocb")
        kind[0] = nl80211.MONITOR
        assert look(one).kind == "monitor"  # type: ignore[union-attr]


def test_a_name_with_a_newline_is_refused_before_any_call() -> None:
    with pytest.raises(UsageError, match="no network interface"):
        endpoint("239.255.47.1", 47100, f"a{os.linesep}b")
