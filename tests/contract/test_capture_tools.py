"""Captures of other tools: dumpcap on real interfaces, editcap's other formats and damage, read as they are."""

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from asvunit.adapters.capture import Capture
from asvunit.ports import RadioFrame
from asvunit.radio.encapsulate import encapsulate
from asvunit.radio.pcapng import PcapngWriter

PAYLOADS = [bytes([number]) * 100 for number in range(5)]


def needs(tool: str) -> None:
    if not shutil.which(tool):
        pytest.skip(f"needs {tool}")


@pytest.fixture
def dumped(tmp_path: Path) -> Callable[..., Capture]:
    """Captures on an interface until `packets` have passed, while `send` sends them."""

    def capture(interface: str, packets: int, send: Callable[[], None], port: int, *formats: str) -> Capture:
        needs("dumpcap")
        path = tmp_path / f"{interface}.pcap"
        command = ["dumpcap", "-i", interface, "-c", str(packets), "-f", f"udp port {port}", "-w", str(path), *formats]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as dumpcap:
            try:
                assert dumpcap.stderr is not None
                lines: list[str] = []
                while not any(line.startswith("File:") for line in lines):
                    line = dumpcap.stderr.readline()
                    if not line:
                        pytest.skip(f"needs root: dumpcap cannot capture on {interface}: {' '.join(lines)}")
                    lines.append(line.strip())
                send()
                assert dumpcap.wait(30) == 0
            finally:
                dumpcap.kill()
        return Capture(path, port)

    return capture


@contextlib.contextmanager
def listener(family: int, host: str) -> Iterator[tuple[socket.socket, socket.socket, int]]:
    """A sender, and a receiver at a free port, so that no ICMP answers."""
    with socket.socket(family, socket.SOCK_DGRAM) as receiver, socket.socket(family, socket.SOCK_DGRAM) as sender:
        try:
            receiver.bind((host, 0))
            sender.bind((host, 0))
        except OSError as error:
            pytest.skip(f"needs {host}: {error}")
        yield sender, receiver, receiver.getsockname()[1]


@pytest.mark.parametrize(
    ("family", "host", "name"), [(socket.AF_INET, "127.0.0.1", "127.0.0.1"), (socket.AF_INET6, "::1", "[::1]")]
)
@pytest.mark.parametrize("container", ["-n", "-P"])
def test_dumpcap_on_loopback(dumped: Callable[..., Capture], family: int, host: str, name: str, container: str) -> None:
    with listener(family, host) as (sender, _receiver, port):
        own = f"{name}:{sender.getsockname()[1]}"
        capture = dumped("lo", 5, lambda: [sender.sendto(one, (host, port)) for one in PAYLOADS], port, container)
        assert [(frame.source, frame.payload) for frame in capture] == [(own, one) for one in PAYLOADS]
        assert not capture.counters


@pytest.fixture
def wire() -> Iterator[str]:
    """A pair of virtual interfaces, the first with the address 198.18.77.1."""
    needs("ip")
    first, second = f"cap{os.getpid()}a"[-15:], f"cap{os.getpid()}b"[-15:]
    commands = (
        f"link add {first} type veth peer name {second}", f"addr add 198.18.77.1/24 dev {first}",
        f"link set {second} up", f"link set {first} up",
    )  # fmt: skip
    try:
        for command in commands:
            done = subprocess.run(["ip", *command.split()], check=False, capture_output=True, text=True, timeout=30)
            if done.returncode:
                pytest.skip(f"needs root: ip {command}: {done.stderr.strip()}")
        yield first
    finally:
        subprocess.run(["ip", "link", "del", first], check=False, capture_output=True, timeout=30)


def test_dumpcap_on_all_interfaces_tells_what_was_sent(dumped: Callable[..., Capture], wire: str) -> None:
    with listener(socket.AF_INET, "198.18.77.1") as (sender, _receiver, port):
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, wire.encode())
        own = f"198.18.77.1:{sender.getsockname()[1]}"

        def send() -> None:
            for one in PAYLOADS:
                sender.sendto(one, ("255.255.255.255", port))

        heard = dumped("any", 10, send, port)  # each leaves one end and comes in at the other
        for capture, other in ((heard, "outbound"), (Capture(heard.path, port, outbound=True), "inbound")):
            assert [(frame.source, frame.payload) for frame in capture] == [(own, one) for one in PAYLOADS]
            assert capture.counters == {other: 5}


@pytest.fixture
def drive(tmp_path: Path) -> tuple[Path, list[RadioFrame]]:
    """A capture in our own writing, of one link type, and what is in it."""
    path = tmp_path / "drive.pcapng"
    frames = [
        RadioFrame((1_768_446_000 + n) * 10**9 + 123_456_789, "02:00:00:00:00:10", one)
        for n, one in enumerate(PAYLOADS)
    ]
    with path.open("wb") as file:
        writer = PcapngWriter(file)
        for frame in frames:
            writer.packet(frame.time_ns, *encapsulate(frame.source, frame.payload), comment="a remark")
    return path, frames


def edited(path: Path, *options: str) -> Capture:
    needs("editcap")
    out = path.with_name("edited")
    subprocess.run(["editcap", *options, str(path), str(out)], check=True, capture_output=True, timeout=60)
    return Capture(out)


def test_editcap_makes_the_other_containers_of_it(drive: tuple[Path, list[RadioFrame]]) -> None:
    path, frames = drive
    for form, unit_ns in (("pcap", 1000), ("nsecpcap", 1), ("pcapng", 1)):
        capture = edited(path, "-F", form)
        expected = [(frame.time_ns // unit_ns * unit_ns, frame.source, frame.payload) for frame in frames]
        assert [(frame.time_ns, frame.source, frame.payload) for frame in capture] == expected


def test_editcap_cuts_packets_and_moves_times(drive: tuple[Path, list[RadioFrame]]) -> None:
    path, frames = drive
    cut = edited(path, "-s", "60")
    assert list(cut) == []
    assert cut.counters == {"truncated_packet": 5}
    moved = edited(path, "-t", "-3600.5")
    assert [frame.time_ns for frame in moved] == [frame.time_ns - 3_600_500_000_000 for frame in frames]
    far = edited(path, "-t", "4000000000")  # beyond the year 2106
    assert list(far) == []
    assert far.counters == {"bad_time": 5}


def test_editcap_damages_bytes_and_what_is_whole_still_stands(drive: tuple[Path, list[RadioFrame]]) -> None:
    path, frames = drive
    seen = 0
    for seed in range(6):
        capture = edited(path, "-E", "0.02", "--seed", str(seed), "-F", "pcap")
        taken = list(capture)
        assert len(taken) + sum(capture.counters.values()) == len(frames)
        assert all(len(frame.payload) == 100 for frame in taken)
        seen += len(taken)
    assert seen


def test_text2pcap_makes_a_capture_of_hexadecimal_digits(tmp_path: Path) -> None:
    needs("text2pcap")
    packet, _link = encapsulate("02:00:00:00:00:10", PAYLOADS[1])
    dump, path = tmp_path / "dump.txt", tmp_path / "radio.pcapng"
    dump.write_text("000000 " + packet.hex(" ") + "\n")
    subprocess.run(["text2pcap", "-q", str(dump), str(path)], check=True, capture_output=True, timeout=60)
    assert [(frame.source, frame.payload) for frame in Capture(path)] == [("02:00:00:00:00:10", PAYLOADS[1])]
