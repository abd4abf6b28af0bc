"""The file of a capture: torn ends, full disks, files taken away, pipes; a clock turned by hand."""

import os
import shutil
import struct
from io import BytesIO
from pathlib import Path

import pytest

from asvunit.radio import capture_file
from asvunit.radio.capture_file import CaptureFile
from asvunit.radio.pcapng import PcapngWriter
from capturetools import blocks, payload


class Clock:
    """Seconds that pass when told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def sectioned():
    """Makes files with a writer that begins their sections, on a clock turned by hand."""
    opened: list[CaptureFile] = []

    def make(path: Path) -> tuple[CaptureFile, list[PcapngWriter], Clock]:
        clock = Clock()
        one = CaptureFile(path, "radio.capture", clock)
        opened.append(one)
        writers: list[PcapngWriter] = []
        one.section = lambda: writers.append(PcapngWriter(one))
        return one, writers, clock

    yield make
    for each in opened:
        each.close()


def test_an_end_torn_anywhere_is_cut_off_and_all_before_it_stays(tmp_path: Path, sectioned) -> None:
    whole = BytesIO()
    writer = PcapngWriter(whole)
    for number in range(3):
        writer.packet(number, payload(number, 12), 101)
    content = whole.getvalue()
    ends = [0]
    for _kind, body in blocks(content):
        ends.append(ends[-1] + len(body) + 12)
    path = tmp_path / "drive.pcapng"
    for size in range(4, len(content) + 1):
        path.write_bytes(content[:size])
        one, _writers, _clock = sectioned(path)
        assert one.begin()
        assert one.torn == int(size not in ends)
        one.flush()
        one.close()
        intact = max(end for end in ends if end <= size)
        assert path.read_bytes()[:intact] == content[:intact]
        assert [kind for kind, _body in blocks(path.read_bytes()[intact:])] == [0x0A0D0D0A]


def test_big_endian_and_zeroed_ends(tmp_path: Path, sectioned) -> None:
    path = tmp_path / "drive.pcapng"
    big = struct.pack(">IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    for tail in (b"", bytes(4096), b"\xff" * 40):  # a power cut leaves zeros
        path.write_bytes(big + tail)
        one, _writers, _clock = sectioned(path)
        assert one.begin()
        assert one.torn == bool(tail)
        one.close()
        assert path.read_bytes() == big


def test_a_full_disk_is_told_and_ends_by_itself(tmp_path: Path, sectioned, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "drive.pcapng"
    room = [1 << 30]

    def writev(descriptor: int, buffers: list[bytes]) -> int:
        data = b"".join(buffers)[: room[0]]
        if not data:
            raise OSError(28, "No space left on device")
        room[0] -= len(data)
        return os.write(descriptor, data)

    monkeypatch.setattr(capture_file.os, "writev", writev)
    one, writers, clock = sectioned(path)
    assert one.begin()
    writers[0].packet(0, payload(0), 101)
    one.flush()
    room[0] = 100
    sent = 0
    while one.room():
        sent += 1
        writers[0].packet(sent, payload(sent), 101)
        one.flush()
    assert one.fault == "disk full"
    assert sent < 10_000
    clock.now += 5
    assert one.begin()
    assert len(writers) == 1  # the same section goes on
    room[0] = 1 << 30
    one.flush()
    assert (one.fault, one.room(), one.discarded) == ("", True, 0)
    assert sum(kind == 6 for kind, _body in blocks(path.read_bytes())) == sent + 1


def test_an_end_that_a_power_cut_left_as_zeros(tmp_path: Path, sectioned) -> None:
    whole = BytesIO()
    writer = PcapngWriter(whole)
    for number in range(3):
        writer.packet(number, payload(number), 101)
    content = whole.getvalue()
    length = len(content) - 3 * (32 + 12 + 100)  # before the packets
    path = tmp_path / "drive.pcapng"
    path.write_bytes(content[: length + 144 + 50] + bytes(94 + 144))
    one, _writers, _clock = sectioned(path)
    assert one.begin()
    one.close()
    assert (one.torn, path.read_bytes()) == (1, content[: length + 144])


def test_a_full_disk_whose_file_is_taken_away(tmp_path: Path, sectioned, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "drive.pcapng"
    one, writers, clock = sectioned(path)
    assert one.begin()
    writers[0].packet(0, payload(0), 101)

    def full(descriptor: int, buffers: list[bytes]) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(capture_file.os, "writev", full)
        one.flush()
    assert one.fault == "disk full"
    path.unlink()  # to make room
    clock.now += 5
    assert one.begin()
    one.flush()
    assert (one.fault, one.discarded, len(writers)) == ("", 3, 2)
    assert [kind for kind, _body in blocks(path.read_bytes())] == [0x0A0D0D0A]


def test_a_file_taken_away_is_begun_anew(tmp_path: Path, sectioned) -> None:
    path = tmp_path / "drive.pcapng"
    one, writers, clock = sectioned(path)
    for step in range(3):
        clock.now += 5
        assert one.begin()
        writers[-1].packet(step, payload(step), 101)
        one.flush()
        assert len(writers) == 1 + (step > 1)
        if step == 1:
            path.rename(tmp_path / "drive.1.pcapng")
    assert [
        sum(kind == 6 for kind, _ in blocks(each.read_bytes())) for each in (tmp_path / "drive.1.pcapng", path)
    ] == [
        2,
        1,
    ]


def test_a_device_that_is_gone_is_opened_again(tmp_path: Path, sectioned, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "stick"
    folder.mkdir()
    one, writers, clock = sectioned(folder / "drive.pcapng")
    assert one.begin()
    writers[0].packet(0, payload(0), 101)

    def gone(descriptor: int, buffers: list[bytes]) -> int:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(capture_file.os, "writev", gone)
        one.flush()
    assert (one.fault, one.room()) == ("Input/output error", False)
    shutil.rmtree(folder)
    assert not one.begin()
    clock.now += 2
    assert not one.begin()
    assert one.fault == "No such file or directory"
    folder.mkdir()
    clock.now += 2
    assert one.begin()
    one.flush()
    assert (one.fault, len(writers)) == ("", 2)
    assert one.discarded == 3  # section, interface and packet that waited


def test_a_pipe_is_written_while_somebody_reads_it(tmp_path: Path, sectioned) -> None:
    path = tmp_path / "live"
    os.mkfifo(path)
    one, writers, clock = sectioned(path)
    assert (one.fault, one.begin(), one.room()) == ("its reader is absent", False, False)
    for reading in range(2):
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        clock.now += 2
        assert one.begin()
        writers[-1].packet(reading, payload(reading), 101)
        one.flush()
        assert [kind for kind, _body in blocks(os.read(reader, 65536))] == [0x0A0D0D0A, 1, 6]
        assert one.fault == ""
        os.close(reader)
        writers[-1].packet(9, payload(9), 101)
        one.flush()
        assert one.fault == "its reader is gone"
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    clock.now += 2
    assert one.begin()
    one.flush()
    while not one.fault:
        writers[-1].packet(3, payload(3), 101)
        one.flush()
    assert one.fault == "its reader does not keep up"
    content = b""
    while one.fault:
        content += os.read(reader, 1 << 20)
        one.flush()
    content += os.read(reader, 1 << 20)
    os.close(reader)
    assert one.fault == ""
    assert {kind for kind, _body in blocks(content)} == {0x0A0D0D0A, 1, 6}  # no block was torn
