"""The rig's roads: namespaces that go again, cables that carry whole frames, and what counts as a caution in time."""

import json
import socket
import subprocess
import threading

import pytest

from asvrig.live import namespaces
from asvrig.live.namespaces import Networks, exec_prefix, inside, missing
from asvrig.live.road import KINDS, cabled, loopback
from asvrig.live.waiting_car import cautions
from asvunit.errors import AsvkitError

MS = 1_000_000
NO_OFFLOAD_CAPTURE = 0x0003


@pytest.fixture
def networks():
    reason = missing()
    if reason:
        pytest.skip(reason)
    with Networks() as made:
        yield made


def existing():
    """Names of the namespaces of this machine."""
    out = subprocess.run(["ip", "-j", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return {one["name"] for one in json.loads(out or "[]")}


def test_namespaces_go_with_their_context():
    reason = missing()
    if reason:
        pytest.skip(reason)
    made = Networks()
    names = [made.add(), made.add()]
    try:
        made.cable(*names)
        assert set(names) <= existing()
    finally:
        made.close()
    assert not set(names) & existing()
    made.close()


def test_sockets_belong_where_they_were_opened(networks):
    one = networks.add()
    home = [name for _index, name in socket.if_nameindex()]
    with inside(one):
        assert [name for _index, name in socket.if_nameindex()] != home
        seen = []
        thread = threading.Thread(target=lambda: seen.extend(name for _index, name in socket.if_nameindex()))
    thread.start()
    thread.join()
    assert seen == home, "only the thread that asked went there"
    assert [name for _index, name in socket.if_nameindex()] == home


def test_a_cable_carries_checksums_of_its_own(networks):
    one, other = networks.add(), networks.add()
    ends = networks.cable(one, other, ("10.98.0.1/24", "10.98.0.2/24"))
    with inside(other):
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(NO_OFFLOAD_CAPTURE))
    with inside(one):
        out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with wire, out:
        wire.bind((ends[1], NO_OFFLOAD_CAPTURE))
        wire.settimeout(10)
        out.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        out.sendto(b"even", ("10.98.0.255", 9))
        frame = wire.recv(2048)
    datagram = frame[34:46]
    pseudo = frame[26:34] + bytes((0, 17)) + len(datagram).to_bytes(2)
    words = [int.from_bytes((pseudo + datagram)[at : at + 2]) for at in range(0, len(pseudo + datagram), 2)]
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    assert datagram[8:] == b"even"
    assert total == 0xFFFF, "the checksum was left to hardware that is not there"


def test_a_process_in_a_namespace(networks):
    one = networks.add()
    done = subprocess.run([*exec_prefix(one), "ip", "netns", "identify"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == one


def test_what_ip_refuses_is_told(networks):
    with pytest.raises(AsvkitError, match="ip -n"):
        networks.cable(networks.add(), networks.add(), ("10.98.0.1/99", ""))


def test_without_root_it_says_so(monkeypatch):
    monkeypatch.setattr(namespaces.os, "geteuid", lambda: 1000)
    assert missing() == "needs root: network namespaces"
    monkeypatch.setattr(namespaces.os, "geteuid", lambda: 0)
    monkeypatch.setattr(namespaces.shutil, "which", lambda _name: None)
    assert missing() == "needs ip: of iproute2"


def test_two_loopbacks_are_apart():
    assert loopback().flood != loopback().flood


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_sent_on_a_road_arrives_at_the_unit_end(networks, kind):
    with cabled(kind) as road:
        with inside(road.unit_network):
            interface = next(name for _index, name in socket.if_nameindex() if name != "lo")
            wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(NO_OFFLOAD_CAPTURE))
        out, send = road.sender(5)
        with wire, out:
            wire.bind((interface, NO_OFFLOAD_CAPTURE))
            wire.settimeout(10)
            send(bytes(100))
            while not (frame := wire.recv(2048)).endswith(bytes(100)):
                pass
    assert len(frame) == {"udp": 142, "udp6": 162, "ocb": 114}[kind]


def test_cautions_in_time():
    def told(at_ms, level="caution"):
        return {"event": "latency", "level": level, "stamp_ns": at_ms * MS, "written_us": 500.0}

    appeared = [1000 * MS, 2000 * MS, 3000 * MS, 4000 * MS]
    events = [
        told(900),
        told(1001),
        told(1200),
        told(2010, "information"),
        told(2349),
        told(3350),  # the car has started by then: of no newcomer's
        {"event": "hmi", "level": "caution"},
    ]
    assert cautions(appeared, events) == [1.5, 349.5, None, None]
    assert cautions([], events) == []
