"""Link types of captures: 802.11 bare, behind radiotap and PPI, loopback, check sequences; and times far ahead."""

import ipaddress
import struct
import zlib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asvunit.adapters.capture import Capture
from asvunit.errors import UsageError
from asvunit.pcap import Dropped
from asvunit.ports import RadioFrame
from asvunit.radio.dot11 import read_dot11, read_ppi, read_radiotap
from asvunit.radio.encapsulate import LONGEST, encapsulate
from asvunit.radio.time_jumps import REAL, without_jumps

PAYLOAD = bytes(range(100))
SOURCE, OTHER = "02:00:00:aa:bb:cc", "02:00:00:00:00:07"
HOUR_NS = 3600 * 10**9
NOW_NS = 1_768_446_000 * 10**9
SNAP = bytes.fromhex("aaaa03000000")


def mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def dot11(
    body: bytes = SNAP + b"\x88\xb5" + PAYLOAD, *, kind: int = 0x88, flags: int = 0, sequence: int = 0, quality: int = 0
) -> bytes:
    """A data frame from SOURCE to everybody; the addresses go where the way (to and from an access point) has them."""
    everybody, bss = b"\xff" * 6, mac(OTHER)
    order = {
        0: (everybody, mac(SOURCE), everybody),
        1: (bss, mac(SOURCE), everybody),
        2: (everybody, bss, mac(SOURCE)),
        3: (bss, bss, everybody),
    }[flags & 3]
    frame = bytes([kind, flags, 0, 0]) + b"".join(order) + struct.pack("<H", sequence)
    frame += mac(SOURCE) if flags & 3 == 3 else b""
    frame += struct.pack("<H", quality) if kind & 0x80 else b""
    return frame + (bytes(4) if kind & 0x80 and flags & 0x80 else b"") + body


def checked(frame: bytes) -> bytes:
    return frame + zlib.crc32(frame).to_bytes(4, "little")


def radiotap(fields: bytes, *words: int) -> bytes:
    return struct.pack("<BxH", 0, 4 + 4 * len(words) + len(fields)) + struct.pack(f"<{len(words)}I", *words) + fields


def ppi(flags: int, power: int, link: int = 105) -> bytes:
    common = struct.pack("<QHHHHBBbb", 0, flags, 12, 5880, 0, 0, 0, power, -95)
    fields = struct.pack("<HH", 30_000, 4) + b"gps!" + struct.pack("<HH", 2, len(common)) + common
    return struct.pack("<BBHI", 0, 0, 8 + len(fields), link) + fields


def pcap(path: Path, link: int, *packets: bytes, order: str = "<") -> Capture:
    content = struct.pack(order + "IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
    for packet in packets:
        content += struct.pack(order + "IIII", 1000, 0, len(packet), len(packet)) + packet
    path.write_bytes(content)
    return Capture(path)


@pytest.mark.parametrize("flags", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", [0x08, 0x88])
def test_the_sender_stands_where_the_frames_way_says(kind: int, flags: int) -> None:
    frame = read_dot11(dot11(kind=kind, flags=flags), fcs=False)
    assert (frame.source, frame.destination, frame.ethertype) == (SOURCE, "ff:ff:ff:ff:ff:ff", 0x88B5)
    assert (frame.payload, frame.power_dbm, frame.outbound) == (PAYLOAD, None, False)


def test_forms_of_the_payloads_kind() -> None:
    for body in (
        SNAP + b"\x88\xb5" + PAYLOAD,
        bytes.fromhex("aaaa030000f8") + b"\x88\xb5" + PAYLOAD,
        b"\x88\xb5" + PAYLOAD,  # EtherType protocol discrimination: no SNAP
    ):
        assert read_dot11(dot11(body), fcs=False).payload == PAYLOAD
        assert read_dot11(dot11(body) + b"FCS!", fcs=True).payload == PAYLOAD
    assert read_dot11(dot11(flags=0x80), fcs=False).payload == PAYLOAD  # with HT control


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (dot11(kind=0x80), "other_traffic"),  # a beacon
        (dot11(kind=0xB4), "other_traffic"),  # RTS
        (dot11(kind=0xC8), "other_traffic"),  # QoS Null
        (dot11(kind=0x89), "malformed_packet"),  # version 1
        (dot11(flags=0x40), "encrypted"),
        (dot11(flags=0x04), "fragment"),
        (dot11(sequence=3), "fragment"),
        (dot11(quality=0x80), "aggregate"),
        (dot11(b""), "malformed_packet"),
        (dot11()[:20], "malformed_packet"),
        (b"", "malformed_packet"),
    ],
)
def test_what_carries_no_payload(frame: bytes, reason: str) -> None:
    with pytest.raises(Dropped, match=f"^{reason}$"):
        read_dot11(frame, fcs=False)


def test_radiotap_fields_are_found_behind_any_others() -> None:
    flags, rate, channel, power = b"\x10", b"\x0c", struct.pack("<HH", 5880, 0x140), struct.pack("b", -71)
    cases = {  # fields with their alignment: the header before them is 8 bytes long, 12 with a second word
        radiotap(power, 1 << 5): (dot11(), -71),
        radiotap(flags + rate + channel + power, 0b101110): (checked(dot11()), -71),
        radiotap(bytes(8) + flags + power, 0b100011): (checked(dot11()), -71),
        radiotap(flags + b"\0" + channel + power, 0b101010): (checked(dot11()), -71),
        radiotap(b"\0\0" + power, 0b100000 | 1 << 4): (dot11(), -71),
        radiotap(flags, 0b10): (checked(dot11()), None),
        radiotap(b"", 0): (dot11(), None),
        radiotap(bytes(1), 1 << 5): (dot11(), None),  # 0 dBm: the driver does not know
        # Two antennas behind the receiver's own fields: of the whole receiver is the first
        radiotap(power + b"\xc0\x01\xbf\x02", 1 << 5 | 1 << 29 | 1 << 31, 0x20000820 | 1 << 31, 0x820): (dot11(), -71),
        radiotap(b"\0\x01" + power, 1 << 31 | 1 << 29 | 1 << 15, 1 << 5): None,  # sent here
        # A vendor's fields behind
        radiotap(power + b"\0\0\x11\x22\x01\x02\x00zz", 1 << 5 | 1 << 30 | 1 << 31, 0xFFFFFF): (dot11(), -71),
    }
    for header, expected in cases.items():
        if expected is None:
            assert read_radiotap(header + dot11()).outbound
            continue
        frame = read_radiotap(header + expected[0])
        assert (frame.payload, frame.power_dbm, frame.source) == (PAYLOAD, expected[1], SOURCE), header.hex()
        assert not frame.outbound


def test_radiotap_says_that_the_header_is_padded() -> None:
    padded = dot11(b"")[:26] + bytes(2) + SNAP + b"\x88\xb5" + PAYLOAD
    assert read_radiotap(radiotap(b"\x20", 0b10) + padded).payload == PAYLOAD


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (radiotap(b"\x50", 0b10) + dot11(), "bad_fcs"),
        (radiotap(b"\x02\x00", 1 << 14) + dot11(), "bad_fcs"),  # the PLCP's check failed
        (radiotap(b"", 1 << 5), "malformed_packet"),
        (b"\x01" + radiotap(b"", 0)[1:] + dot11(), "malformed_packet"),
        (struct.pack("<BxHI", 0, 500, 0) + dot11(), "malformed_packet"),
        (struct.pack("<BxHI", 0, 8, 1 << 31) + b"\xff" * 200, "malformed_packet"),
        (b"\0\0", "malformed_packet"),
    ],
)
def test_radiotap_that_is_damaged(data: bytes, reason: str) -> None:
    with pytest.raises(Dropped, match=f"^{reason}$"):
        read_radiotap(data)


def test_ppi() -> None:
    assert read_ppi(ppi(0, -63) + dot11()).power_dbm == -63
    frame = read_ppi(ppi(1, -128) + checked(dot11()))
    assert (frame.power_dbm, frame.payload) == (None, PAYLOAD)
    for data, reason in ((ppi(4, -63) + dot11(), "bad_fcs"), (ppi(0, 0, link=1) + dot11(), "unknown_link")):
        with pytest.raises(Dropped, match=reason):
            read_ppi(data)


@pytest.mark.parametrize(("link", "head", "power"), [(105, b"", None), (127, radiotap(b"\xc4", 32), -60),
                                                     (192, ppi(0, -60), -60)])  # fmt: skip
def test_a_capture_of_80211(tmp_path: Path, link: int, head: bytes, power: int | None) -> None:
    udp = struct.pack(">HHHH", 40001, 47100, 108, 0) + PAYLOAD
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 128, 1, 0, 64, 17, 0) + bytes([192, 0, 2, 1, 192, 0, 2, 255])
    packets = dot11(), dot11(SNAP + b"\x08\x00" + ip + udp), dot11(kind=0x80), dot11(SNAP + b"\x08\x06" + bytes(40))
    capture = pcap(tmp_path / "radio.pcap", link, *(head + packet for packet in packets))
    assert [(frame.source, frame.payload, frame.power_dbm) for frame in capture] == [
        (SOURCE, PAYLOAD, power),
        ("192.0.2.1:40001", PAYLOAD, power),
    ]
    assert capture.counters == {"other_traffic": 2}


def test_what_the_monitors_own_machine_sent_is_outbound(tmp_path: Path) -> None:
    path = tmp_path / "radio.pcap"
    pcap(path, 127, radiotap(b"\0\0", 1 << 15) + dot11(), radiotap(b"\xc4", 1 << 5) + dot11(b"\x88\xb5heard"))
    heard, sent = Capture(path), Capture(path, outbound=True)
    assert [frame.payload for frame in heard] == [b"heard"]
    assert heard.counters == {"outbound": 1}
    assert [frame.payload for frame in sent] == [PAYLOAD]
    assert sent.counters == {"inbound": 1}


@pytest.mark.parametrize("link", [1, 105])
def test_a_check_sequence_that_no_capture_tells_is_known_by_being_right(tmp_path: Path, link: int) -> None:
    frame = dot11() if link == 105 else b"\xff" * 6 + mac(SOURCE) + b"\x88\xb5" + PAYLOAD
    capture = pcap(tmp_path / "radio.pcap", link, checked(frame), frame + b"abcd", frame)
    assert [len(frame.payload) for frame in capture] == [100, 104, 100]


@pytest.mark.parametrize(
    ("link", "order", "families"), [(0, "<", (2, 24, 28, 30)), (0, ">", (2, 30)), (108, ">", (2, 24))]
)
def test_loopback_of_the_bsds(tmp_path: Path, link: int, order: str, families: tuple[int, ...]) -> None:
    udp = struct.pack(">HHHH", 40001, 47100, 108, 0) + PAYLOAD
    v4 = struct.pack(">BBHHHBBH", 0x45, 0, 128, 1, 0, 64, 17, 0) + bytes([127, 0, 0, 1, 127, 255, 255, 255]) + udp
    v6 = struct.pack(">IHBB", 6 << 28, 108, 17, 1) + (ipaddress.ip_address("::1").packed * 2) + udp
    packets = [struct.pack(order + "I", family) + (v4 if family == 2 else v6) for family in families]
    capture = pcap(tmp_path / "radio.pcap", link, *packets, struct.pack(order + "I", 7) + v4)
    sources = ["127.0.0.1:40001", *["[::1]:40001"] * (len(families) - 1)]
    assert [frame.source for frame in capture] == sources
    assert capture.counters == {"other_traffic": 1}


def test_the_refusal_of_a_link_type_names_what_is_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"link type 147 is not read; capture on Ethernet, 802\.11 or raw IP"):
        list(pcap(tmp_path / "radio.pcap", 147, b"x"))


@given(st.binary(max_size=90), st.sampled_from([b"", radiotap(b"\x10\xc4", 0b100010), ppi(1, -60)]))
def test_parsers_of_any_bytes_drop_and_never_fail(data: bytes, head: bytes) -> None:
    reasons = {"malformed_packet", "other_traffic", "encrypted", "fragment", "aggregate", "bad_fcs", "unknown_link"}
    for read in (read_radiotap, read_ppi, lambda data: read_dot11(data, True)):
        for content in (data, head + data, head + dot11()[: len(data)] + data):
            try:
                frame = read(content)
            except Dropped as dropped:
                reasons.add(str(dropped))
            else:
                assert len(frame.source) == 17
                assert len(frame.payload) <= len(content)
    assert len(reasons) == 7  # no others than these


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=120), st.sampled_from([0, 105, 108, 127, 192]))
def test_packets_of_any_bytes_are_counted_or_taken(tmp_path: Path, data: bytes, link: int) -> None:
    path = tmp_path / "radio.pcap"
    path.unlink(missing_ok=True)
    capture = pcap(path, link, data, data + b"\x88\xb5", radiotap(b"", 0) + dot11()[: len(data)])
    assert len(list(capture)) + sum(capture.counters.values()) == 3


def test_encapsulated_is_read_back(tmp_path: Path) -> None:
    for number, (source, power) in enumerate(
        [(SOURCE, None), (SOURCE, -71), ("192.0.2.1:40001", None), ("[2001:db8::1]:40001", None)]
    ):
        for size in (0, 1, 99, 100, 178, LONGEST):
            payload = bytes(n * 7 % 256 for n in range(size))
            packet, link = encapsulate(source, payload, address="ff02::1", power_dbm=power)
            capture = pcap(tmp_path / f"{number}_{size}.pcap", link, packet)
            assert list(capture) == [RadioFrame(1000 * 10**9, source, payload, power_dbm=power)], capture.counters


@pytest.mark.parametrize(
    "source", ["", "car", "02:00", "300.1.1.1:5", "192.0.2.1:x", "[::1]", "[x]:5", "1.2.3.4:70000"]
)
def test_sources_that_are_none(source: str) -> None:
    with pytest.raises(ValueError, match=r"address|port|hexadecimal|invalid"):
        encapsulate(source, PAYLOAD)


def _frames(*times_ns: int) -> list[RadioFrame]:
    return [RadioFrame(time_ns, SOURCE, PAYLOAD) for time_ns in times_ns]


def test_times_far_ahead_are_left_out() -> None:
    drive = [NOW_NS + n * 10**8 for n in range(200)]
    ahead = [NOW_NS + 900 * 24 * HOUR_NS, NOW_NS + 2 * HOUR_NS, (1 << 32) * 10**9 - 1]
    for places in ([0], [50], [199], [0, 1, 50, 51, 52], [197, 198, 199], list(range(60, 60 + REAL - 1))):
        times = [ahead[n % 3 if len(places) < 40 else 0] if n in places else time for n, time in enumerate(drive)]
        if places[-1] == 199:  # at the end only what no recording would reach
            times = [ahead[0] if n in places else time for n, time in enumerate(drive)]
        counters: Counter[str] = Counter()
        kept = without_jumps(_frames(*times), counters)
        assert [frame.time_ns for frame in kept] == [time for n, time in enumerate(drive) if n not in places], places
        assert counters == {"time_ahead": len(places)}


@pytest.mark.parametrize(
    "times_ns",
    [
        [],
        [NOW_NS],
        [NOW_NS, NOW_NS + 10**9, NOW_NS - 10**9],
        [NOW_NS, NOW_NS + 2 * HOUR_NS],  # a late part of the recording
        [NOW_NS, NOW_NS + 9 * 24 * HOUR_NS],  # which of the two is wrong cannot be told
        [0, *(NOW_NS + n for n in range(60))],  # a clock that was set once the unit ran
        [*(NOW_NS + n for n in range(60)), 5, NOW_NS + 61, NOW_NS + 62],  # a step back: the replay clamps it
        [*(NOW_NS + n for n in range(REAL)), *(n for n in range(200))],
    ],
)
def test_times_that_are_kept(times_ns: list[int]) -> None:
    counters: Counter[str] = Counter()
    assert without_jumps(_frames(*times_ns), counters) == _frames(*times_ns)
    assert not counters


def test_pcapng_tells_of_check_sequences_by_interface_and_by_packet(tmp_path: Path) -> None:
    path = tmp_path / "radio.pcapng"
    frame = b"\xff" * 6 + mac(SOURCE) + b"\x88\xb5" + PAYLOAD

    def block(kind: int, body: bytes) -> bytes:
        length = struct.pack("<I", len(body) + 12)
        return struct.pack("<I", kind) + length + body + length

    def packet(interface: int, data: bytes, flags: int) -> bytes:
        head = struct.pack("<IIIII", interface, 0, 5, len(data), len(data)) + data + bytes(-len(data) % 4)
        return block(6, head + struct.pack("<HHIHH", 2, 4, flags, 0, 0))

    content = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    content += block(1, struct.pack("<HHI", 1, 0, 0))
    content += block(1, struct.pack("<HHIHHBxxx", 1, 0, 0, 13, 1, 4))
    content += block(1, struct.pack("<HHIHHBxxx", 1, 0, 0, 13, 1, 32))  # in bits, as some writers took it
    content += packet(0, frame, 1) + packet(0, frame + b"FCS!", 1 | 4 << 5)
    content += packet(1, frame + b"FCS!", 1) + packet(2, frame + b"FCS!", 1)
    content += packet(0, frame, 1 | 1 << 24)  # came with a wrong one
    path.write_bytes(content)
    capture = Capture(path)
    assert [frame.payload for frame in capture] == [PAYLOAD] * 4
    assert capture.counters == {"bad_fcs": 1}
