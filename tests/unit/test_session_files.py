"""What a session's files hold, byte for byte: TAG blocks, candump's lines, lines that no full disk tears."""

import errno
import os
from pathlib import Path

import can
import pynmea2
import pytest
from can.io import CanutilsLogReader
from hypothesis import given
from hypothesis import strategies as st

from asvunit.adapters.nmea import NmeaFile
from asvunit.session import part_file
from asvunit.session.lines import ReportLines, SentenceLines, candump_line, channel_name, tag_block
from asvunit.session.part_file import PartFile, write_whole


def checked(body: str) -> bytes:
    return f"${body}*{pynmea2.NMEASentence.checksum(body):02X}\r\n".encode()


EPOCH = checked("GNRMC,103000.00,A,3541.00000,N,13945.00000,E,10.799,90.00,211126,,,A") + checked(
    "GNGGA,103000.00,3541.00000,N,13945.00000,E,1,12,1.00,25.0,M,37.0,M,,"
)


def test_a_tag_block_has_its_checksum_and_milliseconds() -> None:
    block = tag_block(1763754247123)
    words, told = block.strip(b"\\").split(b"*")
    assert words == b"c:1763754247123"
    total = 0
    for byte in words:
        total ^= byte
    assert int(told, 16) == total


def test_a_receivers_lines_read_as_they_would_without_their_times(tmp_path: Path) -> None:
    plain, tagged = tmp_path / "plain.nmea", tmp_path / "tagged.nmea"
    plain.write_bytes(EPOCH)
    tagged.write_bytes(SentenceLines().take(EPOCH, 1_763_721_000_123_000_000))
    assert tagged.read_bytes().count(b"\\c:1763721000123*") == 2
    assert list(NmeaFile(tagged)) == list(NmeaFile(plain)) != []


@given(st.lists(st.integers(0, len(EPOCH) * 3), max_size=8))
def test_the_pieces_in_which_bytes_come_change_nothing(cuts: list[int]) -> None:
    data = EPOCH + b"\xb5\x62\x01\x07\n" + EPOCH
    lines, out, at = SentenceLines(), b"", 0
    for cut in [*sorted(one for one in cuts if one < len(data)), len(data)]:
        out += lines.take(data[at:cut], 0)
        at = cut
    assert out == SentenceLines().take(data, 0)
    assert out.count(b"GNRMC") == out.count(b"GNGGA") == 2


@given(st.binary(max_size=3000))
def test_noise_of_a_receiver_is_no_sentence_and_its_bytes_are_counted(noise: bytes) -> None:
    lines = SentenceLines()
    out = lines.take(noise.replace(b"$", b".").replace(b"!", b".") + b"\n", 0)
    assert out == b""
    assert lines.left_out <= len(noise) + 1


def test_gpsd_reports_stand_in_objects_with_their_time() -> None:
    lines = ReportLines()
    assert lines.take(b'{"class":"TPV"', 1_500_000_000) == b""
    assert lines.take(b',"mode":3}\nnoise\n[1]\n', 2_500_000_000) == (
        b'{"t": 2.500000, "report": {"class":"TPV","mode":3}}\n'
    )


FRAMES = (
    can.Message(arbitration_id=0x100, is_extended_id=False, data=b"\x01\x02"),
    can.Message(arbitration_id=0x18FEF100, is_extended_id=True, data=bytes(8)),
    can.Message(arbitration_id=0x7FF, is_extended_id=False, data=b""),
    can.Message(arbitration_id=0x12, is_extended_id=True, data=b"\xff"),
    can.Message(arbitration_id=0x123, is_extended_id=False, is_fd=True, bitrate_switch=True, data=bytes(12)),
    can.Message(arbitration_id=0x321, is_extended_id=False, is_remote_frame=True, dlc=4),
)


def test_candumps_lines_are_those_that_python_can_reads(tmp_path: Path) -> None:
    path = tmp_path / "can.log"
    path.write_text("".join(candump_line(one, "can0", 1.5 + n) for n, one in enumerate(FRAMES)), encoding="ascii")
    read = list(CanutilsLogReader(path))
    assert [one.timestamp for one in read] == [1.5 + n for n in range(len(FRAMES))]
    for got, sent in zip(read, FRAMES, strict=True):
        assert got.channel == "can0"
        assert got.equals(sent, timestamp_delta=None, check_channel=False, check_direction=False)


@pytest.mark.parametrize(
    ("channel", "name"),
    [("can0", "can0"), ("/dev/ttyACM0", "ttyACM0"), ("/dev/pts/7", "can1"),
     ("/dev/serial@115200", "serial"), ("", "can1"),
     ("239.74.163.2", "239.74.163.2"), ("with space", "with_space")],
)  # fmt: skip
def test_a_channel_has_the_name_of_its_interface(channel: str, name: str) -> None:
    assert channel_name(channel, 1) == name


def test_a_full_disk_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = PartFile(tmp_path / "file")
    file.append(b"one\ntwo\n")
    room = [7]
    real = os.write

    def write(descriptor: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "no space")
        done = real(descriptor, data[: room[0]])
        room[0] -= done
        return done

    monkeypatch.setattr(part_file.os, "write", write)
    with pytest.raises(OSError, match="no space"):
        file.append(b"three\nfour\n")
    monkeypatch.undo()
    assert file.path.read_bytes() == b"one\ntwo\nthree\n"
    file.append(b"five\n")
    file.close()
    file.close()
    assert file.path.read_bytes() == b"one\ntwo\nthree\nfive\n"
    assert file.bytes == 19


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"theirs")
    with pytest.raises(FileExistsError):
        PartFile(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"theirs"


def test_a_small_file_is_there_whole_or_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "session.json"
    write_whole(path, b"before")

    def no_sync(_descriptor: int) -> None:
        raise OSError(errno.EIO, "the disk is gone")

    monkeypatch.setattr(part_file.os, "fsync", no_sync)
    with pytest.raises(OSError, match="gone"):
        write_whole(path, b"after")
    assert path.read_bytes() == b"before"
