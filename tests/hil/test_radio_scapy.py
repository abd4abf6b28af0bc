"""Frames built and read by scapy, with the message's fields laid out by hand from the guideline's table.

Nothing of the project makes or reads what is on the wire here: who is right about the bytes is the guideline.
"""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from asvrig.live.many_sender import packet_socket
from asvrig.live.namespaces import inside, missing
from asvrig.live.road import KINDS, Road, RoadTrial, cabled

pytest.importorskip("scapy", reason="needs scapy: pip install scapy")

import itertools

from scapy.fields import BitField
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet, Raw

LONG = "ASVKIT_ALL" in os.environ  # every road; else the one without the kernel's IP
WAIT_S = 20
ETHERTYPE, PORT = 0x88B5, 47100
MAC = "02:00:00:aa:bb:cc"
STRANGER_ID = 9999
METRES_NORTH, METRES_EAST = 110_941.0, 91_288.0  # of a degree at the line
ETH_P_ALL = 3


class Asv(Packet):
    """The 100 bytes of the message table [G appendix 1], with the codes of an unknown value as defaults."""

    name = "ASV"
    fields_desc = [  # noqa: RUF012
        BitField("administration", 1, 8),
        BitField("counter", 0, 8),
        BitField("vehicle_id", 0, 14),
        BitField("position_class", 2, 4),
        BitField("classification", 4, 12),
        BitField("length", 0, 5),
        BitField("position_availability", 3, 2),
        BitField("latitude_degree", 0, 9),
        BitField("latitude_minute", 0, 6),
        BitField("latitude_second", 0, 13),
        BitField("longitude_degree", 0, 9),
        BitField("longitude_minute", 0, 6),
        BitField("longitude_second", 0, 13),
        BitField("horizontal_error", 3, 8),
        BitField("height", 0x3FFF, 14),
        BitField("vertical_error", 0, 8),
        BitField("delay", 0x1F, 6),
        BitField("revision", 1, 4),
        BitField("sensor_availability", 3, 2),
        BitField("speed", 0, 8),
        BitField("direction", 0, 9),
        BitField("acceleration", 0x3F, 6),
        BitField("shift", 0, 3),
        BitField("brake", 4, 3),
        BitField("winker", 4, 3),
        BitField("hazard", 4, 3),
        BitField("pedal", 0x7C, 7),
        BitField("extended", 0, 8),
        BitField("hour", 31, 5),
        BitField("minute", 63, 6),
        BitField("second", 63, 6),
        BitField("intersection_availability", 0, 2),
        BitField("intersection_latitude", 0, 28),
        BitField("intersection_longitude", 0, 28),
        BitField("intersection_source", 0, 4),
        BitField("intersection_distance", 0, 9),
        BitField("road", 1, 2),
        BitField("emergency", 0, 1),
        BitField("particular", 0, 7),
        BitField("reserve", 0, 341),
        BitField("free", 0, 160),
    ]


def parts(angle_deg: float) -> tuple[int, int, int]:
    """Degrees, minutes, hundredths of a second."""
    hundredths = round(angle_deg * 360_000)
    return hundredths // 360_000, hundredths // 6000 % 60, hundredths % 6000


def comes_from_the_left(vehicle_id: int, number: int) -> Asv:
    """The n-th frame, 100 ms apart, of a vehicle at 60 km/h to the east, 15 m ahead of the line."""
    latitude = parts(35 + 15 / METRES_NORTH)
    longitude = parts(139 + (number * 60 / 36 - 42) / METRES_EAST)
    places = dict(zip(("latitude_degree", "latitude_minute", "latitude_second"), latitude, strict=True))
    places |= dict(zip(("longitude_degree", "longitude_minute", "longitude_second"), longitude, strict=True))
    return Asv(counter=number, vehicle_id=vehicle_id, speed=60, direction=90, **places)


def udp4(payload: Packet, **udp: int) -> Packet:
    return (
        Ether(src=MAC, dst="ff:ff:ff:ff:ff:ff")
        / IP(src="10.99.0.2", dst="10.99.0.255", ttl=1)
        / UDP(**{"sport": 40_000, "dport": PORT} | udp)
        / payload
    )


def udp6(payload: Packet, **udp: int) -> Packet:
    return (
        Ether(src=MAC, dst="33:33:00:00:00:47")
        / IPv6(src="fe80::a:2", dst="ff02::47", hlim=1)
        / UDP(**{"sport": 40_000, "dport": PORT} | udp)
        / payload
    )


def ocb(payload: Packet, dst: str = "ff:ff:ff:ff:ff:ff", kind: int = ETHERTYPE) -> Packet:
    return Ether(src=MAC, dst=dst, type=kind) / payload


FRAMED: dict[str, Callable[..., Packet]] = {"udp": udp4, "udp6": udp6, "ocb": ocb}
SOURCES = {"udp": "10.99.0.2:40000", "udp6": "[fe80::a:2]:40000", "ocb": MAC}


def strangers(kind: str) -> list[Packet]:
    """Frames with a good message that are not for a unit's radio."""
    message = comes_from_the_left(STRANGER_ID, 0)
    if kind == "ocb":
        return [
            ocb(message, kind=0x88B6),
            ocb(message, dst="02:00:00:00:00:01"),
            Ether(src=MAC, dst="ff:ff:ff:ff:ff:ff") / Dot1Q(vlan=5, type=ETHERTYPE) / message,
        ]
    return [FRAMED[kind](message, dport=PORT + 1), FRAMED[kind](message, chksum=0x1234)]


@contextmanager
def on_the_wire(road: Road) -> Iterator[socket.socket]:
    """A socket that sends and hears whole frames at the sender's end of the cable."""
    interface = road.flood[1] if road.flood[0] == "ocb" else road.flood[3].removeprefix("--interface=")
    with inside(road.sender_network):
        wire = packet_socket(interface)
    with wire:
        wire.bind((interface, ETH_P_ALL))
        wire.settimeout(WAIT_S)
        yield wire


def own_frames(wire: socket.socket, kind: str, count: int) -> list[Packet]:
    """Frames of the unit as scapy reads them, from Ethernet on."""
    found: list[Packet] = []
    until_s = time.monotonic() + WAIT_S
    while len(found) < count and time.monotonic() < until_s:
        data, address = wire.recvfrom(4096)
        if address[2] == socket.PACKET_OUTGOING:
            continue
        frame = Ether(data)
        if (kind == "ocb" and frame.type == ETHERTYPE) or (UDP in frame and frame[UDP].dport == PORT):
            found.append(frame)
    return found


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS if LONG else KINDS[-1:])
def test_scapy_and_the_unit_understand_each_other(tmp_path: Path, kind: str) -> None:
    reason = missing()
    if reason:
        pytest.skip(reason)
    assert len(bytes(Asv())) == 100
    with cabled(kind) as road, RoadTrial(road, tmp_path) as trial, on_the_wire(road) as wire:
        trial.wait_for("status", WAIT_S, input="gnss", state="ok", reason="received")
        trial.wait_for("own_message", WAIT_S)
        # What the unit sends
        read = own_frames(wire, kind, 15)
        assert len(read) == 15
        # While a slow machine is still busy with its start, one of the first may not go out in time: it is not sent
        messages = [Asv(bytes(frame[Raw].load)) for frame in read][3:]
        for frame, after in itertools.pairwise(messages):
            assert (after.counter - frame.counter) % 256 == 1
        heard = messages[-1]
        assert (heard.administration, heard.position_class, heard.emergency, heard.particular) == (1, 2, 0, 0)
        assert (heard.latitude_degree, heard.longitude_degree, heard.longitude_minute) in ((35, 139, 0), (34, 138, 59))
        assert heard.reserve == heard.free == 0
        assert all(len(frame[Raw].load) == 100 for frame in read)
        check_frame(read[-1], kind)
        # What the unit hears
        trial.car.wait_at_the_line()
        trial.wait_for("status", WAIT_S, input="can", state="ok", reason="received")
        begin_s = time.monotonic()
        for frame in strangers(kind):
            wire.send(bytes(frame))
        since, vehicle_id = len(trial.unit.events), 4000
        for number in range(40):  # it comes until it is warned of: when the car has stopped long enough
            due_s = begin_s + 0.1 * number
            time.sleep(max(0, due_s - time.monotonic()))
            step = number % 8
            wire.send(bytes(FRAMED[kind](comes_from_the_left(vehicle_id + number // 8, step))))
            if any(one["event"] == "latency" and one["level"] == "caution" for one in trial.unit.events[since:]):
                break
        new = trial.wait_for("neighbour", WAIT_S, since, reason="new", vehicle_id=vehicle_id)
        assert new["source"] == SOURCES[kind]
        warned = trial.wait_for("support", WAIT_S, since, function="crossing", level="caution")
        assert warned["source"] == SOURCES[kind]
        events = trial.unit.events
        assert trial.unit.stop() == 0
    assert not any(one.get("vehicle_id") == STRANGER_ID for one in events)


def check_frame(frame: Packet, kind: str) -> None:
    """Addresses, checksums and the way of a unit's frame, by scapy's reading."""
    if kind == "ocb":
        assert frame.dst == "ff:ff:ff:ff:ff:ff"
        assert int(frame.src[:2], 16) & 3 == 2, "a unicast, locally administered address"
        return
    told = frame[UDP].chksum
    again = frame.copy()
    del again[UDP].chksum
    if kind == "udp":
        del again[IP].chksum
        again = Ether(bytes(again))
        assert (frame[IP].src, frame[IP].dst) == ("10.99.0.1", "10.99.0.255")
        assert again[IP].chksum == frame[IP].chksum
    else:
        again = Ether(bytes(again))
        assert (frame[IPv6].src, frame[IPv6].dst, frame[IPv6].hlim) == ("fe80::a:1", "ff02::47", 1)
    assert again[UDP].chksum == told
