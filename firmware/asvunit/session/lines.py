"""How records of the inputs stand in a session's files: TAG blocks, candump's lines, JSON."""

import json
import re
from collections.abc import Iterable
from functools import reduce
from operator import xor
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import can  # slow to import, and only named here

_LONGEST: Final = 256  # of a sentence; longer ones are none
_LONGEST_REPORT: Final = 1 << 16
_SENTENCE: Final = re.compile(rb"[$!][ -~]*")
_CHANNEL: Final = re.compile(r"[^A-Za-z0-9_.-]")
_LONGEST_CHANNEL: Final = 15  # of an interface's name, as candump prints it


class SentenceLines:
    """A receiver's bytes as they came, into sentences behind TAG blocks with the time of their last bytes."""

    def __init__(self) -> None:
        self.left_out = 0  # bytes that are no sentence: binary frames, noise
        self._rest = b""

    def take(self, data: bytes, unix_ns: int) -> bytes:
        """The lines that these bytes end."""
        *whole, self._rest = (self._rest + data.replace(b"\r", b"\n")).split(b"\n")
        if len(self._rest) > 2 * _LONGEST:
            self.left_out += len(self._rest) - _LONGEST
            self._rest = self._rest[-_LONGEST:]
        if not whole:
            return b""
        head = tag_block(unix_ns // 1_000_000)
        found = []
        for line in whole:
            sentences = [] if len(line) > 2 * _LONGEST else _SENTENCE.findall(line)
            self.left_out += len(line) - sum(map(len, sentences))
            found += [head + one + b"\r\n" for one in sentences if len(one) <= _LONGEST]
        return b"".join(found)


class ReportLines:
    """gpsd's bytes as they came, into one JSON object a line with the time of their receipt."""

    def __init__(self) -> None:
        self._rest = b""

    def take(self, data: bytes, unix_ns: int) -> bytes:
        """The lines that these bytes end."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-_LONGEST_REPORT:]
        head = b'{"t": %.6f, "report": ' % (unix_ns / 1e9)
        return b"".join(head + line.strip() + b"}\n" for line in whole if _is_object(line))


def tag_block(unix_ms: int) -> bytes:
    r"""The TAG block of NMEA 0183 4.10 that tells a sentence's time: `\c:1763754247123*5B\`."""
    words = f"c:{unix_ms}"
    return f"\\{words}*{reduce(xor, words.encode()):02X}\\".encode()


def channel_name(channel: str, bus: int) -> str:
    """What candump's lines call a channel: the interface, or of a device its own name without folders."""
    name = _CHANNEL.sub("_", PurePath(channel.partition("@")[0]).name)[:_LONGEST_CHANNEL]
    return name if name and not name.isdigit() else f"can{bus}"


def candump_line(message: "can.Message", channel: str, unix_s: float) -> str:
    """A frame as `candump -L` writes it."""
    number = f"{message.arbitration_id:08X}" if message.is_extended_id else f"{message.arbitration_id:03X}"
    if message.is_fd:
        flags = 2 * bool(message.error_state_indicator) + bool(message.bitrate_switch)
        body = f"##{flags:X}{message.data.hex().upper()}"
    elif message.is_remote_frame:
        body = f"#R{message.dlc}"
    else:
        body = f"#{message.data.hex().upper()}"
    return f"({unix_s:.6f}) {channel} {number}{body}\n"


def json_lines(objects: Iterable[dict[str, Any]]) -> bytes:
    """One object a line."""
    return b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in objects)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
