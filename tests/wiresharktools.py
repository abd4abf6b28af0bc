"""Frames for tshark, and what it reads in them with the dissector installed for a home of its own."""

import os
import shutil
import struct
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

ETHERNET, RAW_IP, RADIOTAP = 1, 101, 127
SOURCE = bytes.fromhex("020000aabbcc")
_SNAP = bytes.fromhex("aaaa03000000") + b"\x88\xb5"


def ocb(payload: bytes, source: bytes = SOURCE) -> bytes:
    return b"\xff" * 6 + source + b"\x88\xb5" + payload


def udp4(payload: bytes, port: int = 47100, source_port: int = 40000) -> bytes:
    """Raw IPv4, checksums left out (0: not used)."""
    udp = struct.pack(">HHHH", source_port, port, 8 + len(payload), 0) + payload
    address = bytes((192, 0, 2, 1)), bytes((192, 0, 2, 255))
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 1, 17, 0, *address) + udp


def udp6(payload: bytes, port: int = 47100) -> bytes:
    udp = struct.pack(">HHHH", 40000, port, 8 + len(payload), 0xFFFF) + payload
    ends = bytes.fromhex("fe80" + "00" * 13 + "01"), bytes.fromhex("ff02" + "00" * 13 + "01")
    return struct.pack(">IHBB16s16s", 0x60000000, len(udp), 17, 1, *ends) + udp


def dot11(payload: bytes) -> bytes:
    """A QoS data frame outside the context of a BSS, as a monitor interface gives it: -61 dBm."""
    radiotap = struct.pack("<BBHIb", 0, 0, 9, 1 << 5, -61)
    header = bytes((0x88, 0)) + bytes(2) + b"\xff" * 6 + SOURCE + b"\xff" * 6 + bytes(2) + bytes(2)
    return radiotap + header + _SNAP + payload


def write_pcap(
    path: Path,
    frames: Sequence[bytes],
    *,
    link: int = ETHERNET,
    times_us: Sequence[int] | None = None,
    cut: Sequence[int] | None = None,
) -> Path:
    """A pcap file; `cut`: how many bytes of each frame were captured."""
    out = bytearray(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link))
    for number, frame in enumerate(frames):
        time_us = times_us[number] if times_us else 1_800_000_000_000_000 + number * 100_000
        kept = frame[: cut[number]] if cut else frame
        out += struct.pack("<IIII", time_us // 1_000_000, time_us % 1_000_000, len(kept), len(frame)) + kept
    path.write_bytes(out)
    return path


@cache
def _has_lua(tshark: str) -> bool:
    said = subprocess.run([tshark, "--version"], capture_output=True, check=True).stdout
    return b"with Lua" in b" ".join(said.split())


class Tshark:
    """The tshark of this machine, with a home of its own where the dissector may be installed."""

    def __init__(self, home: Path) -> None:
        found = shutil.which("tshark")
        if not found:
            pytest.skip("needs tshark")
        self.path = found
        self.environment = {key: text for key, text in os.environ.items() if not key.startswith(("XDG_", "WIRESHARK"))}
        self.environment |= {"HOME": str(home), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        if not _has_lua(found):
            pytest.skip("needs a tshark with Lua")

    def run(self, *arguments: str) -> bytes:
        done = subprocess.run([self.path, *arguments], env=self.environment, capture_output=True, check=False)
        said = done.stderr.replace(b'Running as user "root" and group "root". This could be dangerous.', b"")
        assert not said.strip(), said
        assert done.returncode == 0, done.returncode
        assert b"Lua Error" not in done.stdout, done.stdout[:2000]
        return done.stdout

    def fields(self, capture: Path, names: Sequence[str], *options: str) -> list[dict[str, str]]:
        """Of each frame the fields it has; several of a name are joined with commas."""
        wanted = [part for name in ("_ws.expert.message", *names) for part in ("-e", name)]
        out = self.run("-r", str(capture), "-T", "fields", *wanted, "-E", "occurrence=a", *options).decode()
        rows = []
        for line in out.splitlines():
            said, *texts = line.split("\t")
            assert "Lua" not in said, said
            rows.append({name: text for name, text in zip(names, texts, strict=True) if text})
        return rows
