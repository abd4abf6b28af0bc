"""Captures: both containers, every link type, direction, and files cut anywhere; dpkt is the independent reader."""

import ipaddress
import os
import struct
from pathlib import Path

import dpkt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asvunit.adapters.capture import Capture, CaptureWriter
from asvunit.errors import AsvkitError, UsageError
from asvunit.ports import RadioFrame
from asvunit.radio.link_layers import ETHERNET, SLL, SLL2

PAYLOAD = bytes(range(100))
MAC = "02:00:00:aa:bb:cc"
TIME_NS = 1_768_446_000_123_456_789


def ethernet(kind: int, payload: bytes, tags: bytes = b"") -> bytes:
    return b"\xff" * 6 + bytes.fromhex(MAC.replace(":", "")) + tags + struct.pack(">H", kind) + payload


OCB = ethernet(0x88B5, PAYLOAD)
OCB_FRAME = (MAC, PAYLOAD)


def udp(payload: bytes = PAYLOAD, port: int = 47100, length: int | None = None) -> bytes:
    return struct.pack(">HHHH", 40001, port, 8 + len(payload) if length is None else length, 0) + payload


def ipv4(body: bytes, protocol: int = 17, fragment: int = 0, options: bytes = b"", padding: bytes = b"") -> bytes:
    total = 20 + len(options) + len(body)
    head = struct.pack(">BBHHHBBH", 0x45 + len(options) // 4, 0, total, 1, fragment, 64, protocol, 0)
    return head + bytes([192, 0, 2, 1]) + bytes([192, 0, 2, 255]) + options + body + padding


def ipv6(body: bytes, following: int = 17) -> bytes:
    addresses = ipaddress.ip_address("2001:db8::1").packed + ipaddress.ip_address("ff02::1").packed
    return struct.pack(">IHBB", 6 << 28, len(body), following, 64) + addresses + body


def pcap(*packets: bytes, link: int = 1, order: str = "<", magic: int = 0xA1B2C3D4, fraction: int = 0) -> bytes:
    content = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for packet in packets:
        content += struct.pack(order + "IIII", 1000, fraction, len(packet), len(packet)) + packet
    return content


def option(order: str, code: int, value: bytes) -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def section(order: str = "<") -> bytes:
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(order: str = "<", link: int = 1, options: bytes = b"", snap: int = 0) -> bytes:
    return block(order, 1, struct.pack(order + "HHI", link, 0, snap) + options)


def enhanced(
    data: bytes, ticks: int = 0, order: str = "<", index: int = 0, options: bytes = b"", more: int = 0
) -> bytes:
    head = struct.pack(order + "IIIII", index, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data) + more)
    return block(order, 6, head + data + bytes(-len(data) % 4) + options)


@pytest.fixture
def read(tmp_path: Path):
    def read(content: bytes, **options) -> tuple[list[RadioFrame], dict[str, int]]:
        path = tmp_path / "radio.pcap"
        path.unlink(missing_ok=True)  # much faster than to overwrite
        path.write_bytes(content)
        capture = Capture(path, **options)
        frames = list(capture)
        assert list(capture) == frames  # a second pass is the same
        return frames, dict(capture.counters)

    return read


def pairs(result: tuple[list[RadioFrame], dict[str, int]]) -> list[tuple[str, bytes]]:
    assert not result[1]
    return [(frame.source, frame.payload) for frame in result[0]]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "unit"), [(0xA1B2C3D4, 1000), (0xA1B23C4D, 1)])
def test_pcap_order_and_resolution(read, order: str, magic: int, unit: int) -> None:
    frames, _ = read(pcap(OCB, order=order, magic=magic, fraction=123_456))
    assert frames == [RadioFrame(1_000_000_000_000 + 123_456 * unit, MAC, PAYLOAD)]


def test_link_types(read) -> None:
    v4, v6 = ipv4(udp()), ipv6(udp())
    expected4, expected6 = [("192.0.2.1:40001", PAYLOAD)], [("[2001:db8::1]:40001", PAYLOAD)]
    address = bytes.fromhex("020000aabbcc0000")
    for data, link, expected in [
        (ethernet(0x0800, v4), ETHERNET, expected4),
        (ethernet(0x86DD, v6), ETHERNET, expected6),
        (v4, 101, expected4),
        (v6, 101, expected6),
        (v4, 12, expected4),
        (v4, 228, expected4),
        (v6, 229, expected6),
        (struct.pack(">HHH8sH", 1, 1, 6, address, 0x0800) + v4, SLL, expected4),
        (struct.pack(">HHH8sH", 1, 1, 6, address, 0x88B5) + PAYLOAD, SLL, [OCB_FRAME]),
        (struct.pack(">HHIHBB8s", 0x86DD, 0, 3, 1, 1, 6, address) + v6, SLL2, expected6),
        (struct.pack(">HHIHBB8s", 0x88B5, 0, 3, 1, 1, 6, address) + PAYLOAD, SLL2, [OCB_FRAME]),
    ]:
        assert pairs(read(pcap(data, link=link))) == expected


def test_an_unread_link_type_is_refused(read) -> None:
    with pytest.raises(UsageError, match="link type 147"):
        read(pcap(OCB, link=147))
    frames, counters = read(section() + interface(link=147) + interface() + enhanced(OCB) + enhanced(OCB, index=1))
    assert (len(frames), counters) == (1, {"unknown_link": 1})


def test_vlan_options_and_padding(read) -> None:
    tag = struct.pack(">HH", 0x8100, 5)
    assert pairs(read(pcap(ethernet(0x88B5, PAYLOAD, tag)))) == [OCB_FRAME]
    assert pairs(read(pcap(ethernet(0x88B5, PAYLOAD, tag + tag)))) == [OCB_FRAME]
    content = ethernet(0x0800, ipv4(udp(b"x"), options=bytes(8), padding=bytes(20)))
    assert pairs(read(pcap(content))) == [("192.0.2.1:40001", b"x")]
    shorter = ipv4(udp(length=58))  # UDP says less than IP carries
    assert pairs(read(pcap(shorter, link=101))) == [("192.0.2.1:40001", PAYLOAD[:50])]
    assert pairs(read(pcap(ipv4(udp(length=0)), link=101))) == [("192.0.2.1:40001", PAYLOAD)]


def test_ipv6_extension_headers(read) -> None:
    hop = bytes([60, 0]) + bytes(6) + bytes([17, 1]) + bytes(14)
    assert pairs(read(pcap(ipv6(hop + udp(), 0), link=101))) == [("[2001:db8::1]:40001", PAYLOAD)]
    assert read(pcap(ipv6(bytes([17, 0]) + bytes(6) + udp(), 44), link=101)) == ([], {"fragment": 1})


@pytest.mark.parametrize("length", [0, 1, 99, 100, 178, 1400])
def test_any_length_passes(read, length: int) -> None:
    payload = bytes(length)
    assert pairs(read(pcap(ethernet(0x88B5, payload)))) == [(MAC, payload)]
    assert pairs(read(pcap(ipv4(udp(payload)), link=101))) == [("192.0.2.1:40001", payload)]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (ethernet(0x0806, bytes(46)), "other_traffic"),
        (ethernet(0x0800, ipv4(bytes(20), protocol=6)), "other_traffic"),
        (ethernet(0x0800, ipv4(udp(port=53))), "other_traffic"),
        (ethernet(0x0800, ipv4(udp(), fragment=0x2000)), "fragment"),
        (ethernet(0x0800, ipv4(udp(), fragment=10)), "fragment"),
        (ethernet(0x0800, ipv4(udp(length=109))), "malformed_packet"),
        (ethernet(0x0800, ipv4(udp(length=7))), "malformed_packet"),
        (ethernet(0x0800, ipv4(udp(b"x", length=20), padding=bytes(20))), "malformed_packet"),
        (ethernet(0x0800, ipv4(udp())[:-1]), "malformed_packet"),
        (ethernet(0x0800, b"\x44" + ipv4(udp())[1:]), "malformed_packet"),
        (ethernet(0x86DD, ipv6(udp())[:-1]), "malformed_packet"),
        (ethernet(0x0800, b""), "malformed_packet"),
        (b"\xff" * 9, "malformed_packet"),
        (b"", "malformed_packet"),
    ],
)
def test_what_is_dropped(read, data: bytes, reason: str) -> None:
    assert read(pcap(data)) == ([], {reason: 1})


def test_another_port(read) -> None:
    content = pcap(ipv4(udp(port=5000)), ipv4(udp()), link=101)
    frames, counters = read(content, port=5000)
    assert (len(frames), counters) == (1, {"other_traffic": 1})


def test_outbound_packets_are_not_received_ones(read) -> None:
    for order in "<>":
        flags = [option(order, 2, struct.pack(order + "I", value)) for value in (0, 1, 2, 0x1E2)]
        packets = [enhanced(OCB, order=order, options=each) for each in flags]
        frames, counters = read(section(order) + interface(order) + b"".join(packets))
        assert (len(frames), counters) == (2, {"outbound": 2})
    sent = struct.pack(">HHH8sH", 4, 1, 6, bytes(8), 0x88B5) + PAYLOAD
    assert read(pcap(sent, link=SLL)) == ([], {"outbound": 1})
    netlink = struct.pack(">HHH8sH", 0, 824, 0, bytes(8), 0x88B5) + PAYLOAD  # whose kind is no EtherType
    assert read(pcap(netlink, link=SLL)) == ([], {"other_traffic": 1})


def test_pcapng_resolutions_and_sections(read) -> None:
    def resolution(order: str, code: int, offset: int = 0) -> bytes:
        return option(order, 9, bytes([code])) + option(order, 14, struct.pack(order + "q", offset))

    content = section("<") + interface("<") + interface("<", options=resolution("<", 9))
    content += enhanced(OCB, 1_500_001) + enhanced(OCB, 1_500_000_001, index=1)
    content += section(">") + interface(">", options=resolution(">", 0x80 | 10, 100))
    content += block(">", 0xBAD, b"custom") + enhanced(OCB, 1024 + 512 + 1, ">")
    frames, counters = read(content)
    assert [frame.time_ns for frame in frames] == [1_500_001_000, 1_500_000_001, 101_500_976_562]
    assert not counters


def test_old_and_simple_packet_blocks(read) -> None:
    flags = option("<", 2, struct.pack("<I", 2))
    old = struct.pack("<HHIIII", 0, 0xFFFF, 0, 7, len(OCB), len(OCB)) + OCB + bytes(-len(OCB) % 4)
    simple = block("<", 3, struct.pack("<I", len(OCB)) + OCB)
    frames, counters = read(section() + interface() + simple + block("<", 2, old) + simple + block("<", 2, old + flags))
    assert [frame.time_ns for frame in frames] == [7000, 7000]  # a simple packet has only the time before it
    assert counters == {"no_time": 1, "outbound": 1}


def test_frame_check_sequences_are_no_payload(read) -> None:
    assert pairs(read(pcap(OCB + b"FCS!", link=1 | 0x2400_0000))) == [OCB_FRAME]
    content = section() + interface(options=option("<", 13, b"\x04")) + enhanced(OCB + b"FCS!")
    assert pairs(read(content)) == [OCB_FRAME]


def test_damage_inside(read) -> None:
    good = section() + interface()
    assert read(good + enhanced(OCB, index=3) + enhanced(OCB))[1] == {"bad_block": 1}
    assert read(good + enhanced(OCB[:50], more=64) + enhanced(OCB))[1] == {"truncated_packet": 1}
    assert read(good + enhanced(ethernet(0x0806, b""), more=64))[1] == {"other_traffic": 1}
    assert read(good + enhanced(OCB, 1 << 63))[1] == {"bad_time": 1}
    lying = struct.pack("<IIIII", 0, 0, 0, 5000, 5000) + OCB
    assert read(good + block("<", 6, lying) + enhanced(OCB))[1] == {"bad_block": 1}
    assert read(pcap(OCB) + struct.pack("<IIII", 0, 0, 0xFFFFFFF0, 0))[1] == {"truncated_file": 1}
    assert read(good + enhanced(OCB) + struct.pack("<II", 6, 0xFFFFFFF0))[1] == {"truncated_file": 1}


@pytest.mark.parametrize("ng", [False, True])
def test_a_file_cut_anywhere_keeps_what_came_before(read, ng: bool) -> None:
    ends = [len(section() + interface())] if ng else [24]
    content = section() + interface() if ng else pcap()
    packet = ethernet(0x88B5, b"short")
    for _ in range(2):
        content += enhanced(packet) if ng else pcap(packet)[24:]
        ends.append(len(content))
    for size in range(12, len(content)):
        frames, counters = read(content[:size])
        assert len(frames) == max(sum(size >= end for end in ends) - 1, 0)
        cut = size not in ends and not (ng and size == len(section()))
        assert counters == ({"truncated_file": 1} if cut else {})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"hello world, this is text", "neither pcap nor pcapng"),
        (b"\x1f\x8b\x08\x00", "gunzip"),
        (b"\n\r\r\n and text", "neither pcap nor pcapng"),
    ],
)
def test_no_capture(read, content: bytes, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        read(content)


def test_wrong_paths(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.pcap"):
        with pytest.raises(UsageError, match="cannot be read"):
            Capture(path)
        with pytest.raises(AsvkitError, match="cannot be written"):
            CaptureWriter(path / "out.pcap" if path != tmp_path else path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([pcap(OCB, OCB), section() + interface() + enhanced(OCB) * 2]), st.data())
def test_damage_is_not_fatal(read, content: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(content)))
    damage = data.draw(st.binary(max_size=24))
    try:
        read(content[:place] + damage + content[place + len(damage) :])
    except UsageError:
        assert place < 80  # only a damaged head makes it no capture at all


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=120), st.sampled_from([1, 101, 113, 276]))
def test_packets_of_any_bytes_are_not_fatal(read, data: bytes, link: int) -> None:
    frames, counters = read(pcap(data, ethernet(0x0800, data), ethernet(0x86DD, data), link=link))
    assert len(frames) + sum(counters.values()) == 3


@pytest.mark.parametrize("suffix", [".pcap", ".pcapng"])
@pytest.mark.parametrize("length", [0, 100, 101, 178])
def test_dpkt_reads_what_is_written(tmp_path: Path, suffix: str, length: int) -> None:
    path = tmp_path / f"sent{suffix}"
    payload = bytes(length)
    with CaptureWriter(path) as writer:
        writer.write(TIME_NS, payload, MAC)
        writer.write(TIME_NS + 100_000_000, payload, MAC)
    with path.open("rb") as file:
        reader = dpkt.pcap.UniversalReader(file)
        assert reader.datalink() == dpkt.pcap.DLT_EN10MB
        packets = list(reader)
    assert len(packets) == 2
    assert abs(packets[0][0] - 1_768_446_000.123456) < 1e-5
    frame = dpkt.ethernet.Ethernet(packets[0][1])
    assert (frame.dst, frame.src.hex(":"), frame.type) == (b"\xff" * 6, MAC, 0x88B5)
    assert bytes(frame.data) == payload
    time_ns = TIME_NS if suffix == ".pcapng" else TIME_NS // 1000 * 1000
    assert list(Capture(path)) == [RadioFrame(time_ns + n * 100_000_000, MAC, payload) for n in range(2)]


def test_outbound_writing(tmp_path: Path) -> None:
    path = tmp_path / "sent.pcapng"
    with CaptureWriter(path, outbound=True) as writer:
        writer.write(TIME_NS, PAYLOAD, MAC)
    capture = Capture(path)
    assert list(capture) == []
    assert capture.counters == {"outbound": 1}


@pytest.mark.parametrize(("suffix", "unit_ns"), [(".pcap", 1000), (".pcapng", 1)])
def test_times_that_pcap_cannot_say(tmp_path: Path, suffix: str, unit_ns: int) -> None:
    path = tmp_path / f"sent{suffix}"
    with CaptureWriter(path) as writer:
        writer.write(-1, PAYLOAD)
        writer.write(1 << 70, PAYLOAD)
    assert [frame.time_ns for frame in Capture(path)] == [0, (1 << 32) * 10**9 - unit_ns]


@pytest.mark.parametrize("nano", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_dpkt_writes_what_is_read(tmp_path: Path, nano: bool, order: str) -> None:
    path = tmp_path / "radio.pcap"
    datagram = dpkt.udp.UDP(sport=5555, dport=47100, data=PAYLOAD)
    datagram.ulen = len(datagram)
    packet = dpkt.ip.IP(src=b"\xc0\x00\x02\x07", dst=b"\xff" * 4, p=17, data=datagram)
    frame = dpkt.ethernet.Ethernet(dst=b"\xff" * 6, src=b"\x02" + bytes(5), data=packet)
    with path.open("wb") as file:
        writer = dpkt.pcap.Writer(file, nano=nano)
        writer.writepkt(frame, 1_768_446_000.25)
    assert list(Capture(path)) == [RadioFrame(1_768_446_000_250_000_000, "192.0.2.7:5555", PAYLOAD)]
    with path.open("wb") as file:
        name = "LE" if order == "<" else ""
        for kind in ("SectionHeaderBlock", "InterfaceDescriptionBlock"):
            file.write(bytes(getattr(dpkt.pcapng, kind + name)()))
        file.write(bytes(getattr(dpkt.pcapng, "EnhancedPacketBlock" + name)(ts_low=9, pkt_data=bytes(frame))))
    assert list(Capture(path)) == [RadioFrame(9000, "192.0.2.7:5555", PAYLOAD)]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_one_line() -> None:
    writer = CaptureWriter("/dev/full")
    writer.write(TIME_NS, PAYLOAD)
    with pytest.raises(AsvkitError, match=r"/dev/full: cannot be written: .*; ") as failure:
        writer.close()
    assert failure.value.exit_code == 1
