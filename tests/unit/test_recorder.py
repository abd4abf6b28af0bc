"""The unit's own capture: what is written, read back by tshark and the project; full disks, pipes, kills, torn ends."""

import contextlib
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asvunit.adapters.capture import Capture
from asvunit.errors import UsageError
from asvunit.ports import RadioFrame
from asvunit.radio import recorder
from asvunit.radio.recorder import CAPACITY, RadioRecorder
from capturetools import blocks, payload

OFFSET_NS = 1_768_446_000 * 10**9
MAC, IPV4, IPV6 = "02:00:00:aa:bb:cc", "192.0.2.1:40001", "[2001:db8::1]:40002"
OWN = "192.0.2.9:50000"


def options(body: bytes, at: int) -> dict[int, bytes]:
    found = {}
    while at + 4 <= len(body):
        code, length = struct.unpack_from("<HH", body, at)
        if code == 0:
            break
        found[code] = body[at + 4 : at + 4 + length]
        at += 4 + length + -length % 4
    return found


@contextlib.contextmanager
def recording(path: Path, **arguments: Any) -> Iterator[RadioRecorder]:
    one = RadioRecorder(path, offset_ns=OFFSET_NS, **arguments)
    one.start()
    try:
        yield one
    finally:
        one.stop()


def tshark(path: Path, *arguments: str) -> str:
    if not shutil.which("tshark"):
        pytest.skip("needs tshark")
    done = subprocess.run(
        ["tshark", "-r", str(path), *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def test_what_was_heard_comes_back_and_what_was_sent_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "drive.pcapng"
    heard = [
        RadioFrame(10**9, IPV4, payload(1)),
        RadioFrame(1_100_000_001, MAC, payload(2, 178)),
        RadioFrame(1_200_000_002, IPV6, payload(3)),
        RadioFrame(1_300_000_003, MAC, payload(4), power_dbm=-71),
        RadioFrame(1_300_000_003, IPV4, b""),
        RadioFrame(1_300_000_004, IPV4, bytes(1400)),
    ]
    with recording(path, address="192.0.2.255", port=47100) as one:
        for number, frame in enumerate(heard):
            one.heard(frame, "length" if number >= 4 else "")
            one.sent(frame.time_ns + 5, payload(100 + number), OWN if number % 2 else MAC)
    assert one.fault == ""
    assert not one.counters
    capture, own = Capture(path), Capture(path, outbound=True)
    shifted = [
        RadioFrame(each.time_ns + OFFSET_NS, each.source, each.payload, power_dbm=each.power_dbm) for each in heard
    ]
    assert list(capture) == shifted
    assert capture.counters == {"outbound": len(heard)}
    assert [(frame.source, frame.payload) for frame in own] == [
        (OWN if number % 2 else MAC, payload(100 + number)) for number in range(len(heard))
    ]


def test_tshark_reads_it_with_right_checksums_directions_and_comments(tmp_path: Path) -> None:
    path = tmp_path / "drive.pcapng"
    with recording(path, address="192.0.2.255", port=47101, radio={"overflow": 3, "own_echo": 5, "stale": 0}) as one:
        for number, source in enumerate([IPV4, IPV6, MAC, MAC, IPV4]):
            power = -66 if number == 3 else None
            data = payload(number, 100 + number) + b"\xff" * number
            one.heard(RadioFrame(10**9 + number, source, data, power_dbm=power), "twin" if number == 4 else "")
        one.sent(2 * 10**9, payload(9), OWN)
    fields = [
        "frame.time_epoch", "frame.packet_flags_direction", "frame.comment", "ip.checksum.status",
        "udp.checksum.status", "udp.dstport", "radiotap.dbm_antsignal", "eth.type", "llc.type", "ipv6.dst", "ip.dst",
    ]  # fmt: skip
    checks = ["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"]
    shown = tshark(path, *checks, "-T", "fields", *(part for field in fields for part in ("-e", field)))
    rows = [dict(zip(fields, line.split("\t"), strict=True)) for line in shown.splitlines()]
    assert [int(row["frame.packet_flags_direction"], 0) for row in rows] == [1, 1, 1, 1, 1, 2]
    assert [row["frame.comment"] for row in rows] == ["", "", "", "", "twin", ""]
    assert [row["udp.checksum.status"] for row in rows] == ["1", "1", "", "", "1", "1"]
    assert [row["ip.checksum.status"] for row in rows] == ["1", "", "", "", "1", "1"]
    assert [row["udp.dstport"] for row in rows] == ["47101", "47101", "", "", "47101", "47101"]
    assert [row["radiotap.dbm_antsignal"] for row in rows] == ["", "", "", "-66", "", ""]
    assert [int(row["eth.type"] or row["llc.type"] or "0", 0) for row in rows] == [0, 0, 0x88B5, 0x88B5, 0, 0]
    assert [row["ip.dst"] or row["ipv6.dst"] for row in rows][:2] == ["192.0.2.255", "ff02::1"]
    assert rows[0]["frame.time_epoch"] == "1768446001.000000000"
    assert rows[4]["frame.time_epoch"] == "1768446001.000000004"
    statistics = [body for kind, body in blocks(path.read_bytes()) if kind == 5]
    counts = options(statistics[0], 12)
    assert counts[1] == b"dropped by the radio: 3 overflow, 5 own_echo"
    assert [struct.unpack("<Q", counts[code])[0] for code in (4, 5, 7)] == [5, 0, 3]


def test_a_second_run_goes_on_in_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "drive.pcapng"
    for number in range(3):
        with recording(path, comment=f"run {number}") as one:
            one.heard(RadioFrame(number, IPV4, payload(number)))
    assert [frame.payload for frame in Capture(path)] == [payload(number) for number in range(3)]
    sections = [options(body, 16) for kind, body in blocks(path.read_bytes()) if kind == 0x0A0D0D0A]
    assert [section[1] for section in sections] == [b"run 0", b"run 1", b"run 2"]
    assert all(section[4].startswith(b"asvkit ") for section in sections)
    assert len(tshark(path, "-T", "fields", "-e", "frame.number").split()) == 3


def test_too_many_at_once_are_counted_and_the_file_says_how_many(tmp_path: Path) -> None:
    path = tmp_path / "drive.pcapng"
    one = RadioRecorder(path, offset_ns=OFFSET_NS)
    for number in range(CAPACITY + 7):
        one.heard(RadioFrame(number, IPV4, payload(number)))
    one.heard(RadioFrame(0, "nobody", payload(0)))
    one.start()
    one.stop()
    assert one.counters == {"lost": 8}
    assert len(list(Capture(path))) == CAPACITY
    packets = [body for kind, body in blocks(path.read_bytes()) if kind == 6]
    assert struct.unpack("<Q", options(packets[0], 20 + 128)[4]) == (8,)
    assert all(4 not in options(packet, 20 + 128) for packet in packets[1:])


def test_a_source_that_is_no_address_is_counted(tmp_path: Path) -> None:
    with recording(tmp_path / "drive.pcapng") as one:
        for source in ("nobody", "192.0.2.1:99999", "[::1]", ""):
            one.heard(RadioFrame(0, source, payload(0)))
    assert one.counters == {"unnamed": 4}


def test_what_cannot_be_written_is_refused_at_the_start(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a capture")
    with recording(tmp_path / "taken.pcapng"):
        for path, reason in (
            (tmp_path, "Is a directory; name a file in a folder"),
            (tmp_path / "no" / "x.pcapng", "No such file or directory; name a file in a folder"),
            (text, "something else in it than a pcapng capture; name another"),
            (tmp_path / "taken.pcapng", "another unit writes it; name another"),
        ):
            with pytest.raises(UsageError, match=rf"^radio\.capture: .*: cannot be written: .*{reason}"):
                RadioRecorder(path)
    assert text.read_text() == "not a capture"


def test_what_waits_for_a_reader_is_bounded_and_the_newest(tmp_path: Path) -> None:
    path = tmp_path / "live"
    os.mkfifo(path)
    one = RadioRecorder(path, offset_ns=0)
    for number in range(CAPACITY - 1):
        one.heard(RadioFrame(number, IPV4, payload(number)))
    one._write_waiting()  # as its thread does
    assert one.fault == f"{path}: its reader is absent"
    kept = [int.from_bytes(waiting[2][:4], "big") for waiting in one._waiting]
    assert kept == list(range(CAPACITY - 1))[-CAPACITY // 2 :]
    assert one.counters == {"lost": CAPACITY - 1 - len(kept)}
    one.stop()


def test_a_full_device_never_holds_up_who_hands_over() -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    one = RadioRecorder("/dev/full", offset_ns=0)
    one.start()
    for number in range(20_000):
        one.heard(RadioFrame(number, IPV4, payload(number)))
    one.stop()
    assert one.fault == "/dev/full: disk full"
    assert one.counters["lost"] > 0


def test_many_hand_over_at_once(tmp_path: Path) -> None:
    path = tmp_path / "drive.pcapng"
    with recording(path) as one:

        def hear(source: str) -> None:
            for number in range(1000):
                one.heard(RadioFrame(number, source, payload(number)))
                one.sent(number, payload(number), source)

        threads = [threading.Thread(target=hear, args=(f"192.0.2.{n}:4000",)) for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not one.counters
    by_source: dict[str, list[int]] = {}
    for frame in Capture(path):
        by_source.setdefault(frame.source, []).append(int.from_bytes(frame.payload[:4], "big"))
    assert list(by_source.values()) == [list(range(1000))] * 3
    assert Counter(frame.source for frame in Capture(path, outbound=True)) == dict.fromkeys(by_source, 1000)


_KILLED = """
import itertools, sys
from pathlib import Path
from asvunit.ports import RadioFrame
from asvunit.radio.recorder import RadioRecorder
path = Path(sys.argv[1])
one = RadioRecorder(path, offset_ns=0)
one.start()
told = False
for number in itertools.count():
    if len(one._waiting) < 4000:
        one.heard(RadioFrame(number, "192.0.2.1:40001", number.to_bytes(4, "big") * 25))
    if not told and number % 100 == 0 and path.stat().st_size > 100_000:
        told = True
        print("written", flush=True)
"""


def test_a_killed_unit_leaves_a_file_that_is_read(tmp_path: Path) -> None:
    path = tmp_path / "drive.pcapng"
    with subprocess.Popen([sys.executable, "-c", _KILLED, str(path)], stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == b"written\n"
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait(30)
    frames = list(Capture(path))
    assert len(frames) > 400
    written = [int.from_bytes(frame.payload[:4], "big") for frame in frames]
    assert written == sorted(set(written))
    with recording(path) as one:
        one.heard(RadioFrame(0, IPV4, b"again"))
    assert [frame.payload for frame in Capture(path)] == [*(frame.payload for frame in frames), b"again"]


def test_stopping_twice_and_without_a_start(tmp_path: Path) -> None:
    one = RadioRecorder(tmp_path / "drive.pcapng")
    one.stop()
    one.stop()
    with recording(tmp_path / "drive.pcapng") as other:
        other.stop()
    assert json.dumps(dict(other.counters)) == "{}"
    assert recorder.CAPACITY == CAPACITY


def test_it_goes_on_in_another_file_and_each_is_whole(tmp_path: Path) -> None:
    first, second = tmp_path / "radio-0001.pcapng", tmp_path / "radio-0002.pcapng"
    with recording(first, synced=True) as one:
        one.heard(RadioFrame(1, IPV4, payload(1)))
        deadline = threading.Event()
        for _ in range(500):
            if first.stat().st_size and list(Capture(first)):
                break
            deadline.wait(0.02)
        one.move(second)
        for _ in range(500):
            if second.exists():
                break
            deadline.wait(0.02)
        one.heard(RadioFrame(2, IPV4, payload(2)))
    assert [frame.payload for frame in Capture(first)] == [payload(1)]
    assert [frame.payload for frame in Capture(second)] == [payload(2)]
