"""The agent's lines: one JSON object each, behind a word, its length and its CRC, so that any noise is told apart.

A line may be lost or damaged, and a kernel may write its own between: what is not whole is counted and dropped, and
the next line that is begins anew. Longer contents go compressed, in pieces.
"""

import base64
import binascii
import json
import re
import zlib
from collections import Counter
from typing import Any, Final

PROTOCOL: Final = 1
WORD: Final = b"~agent1 "
LINE_BYTES: Final = 256 << 10  # no line is longer
PIECE_BYTES: Final = 32 << 10  # of a file, before it is packed
_HEAD: Final = re.compile(rb"~agent1 ([0-9a-f]{1,6}) ([0-9a-f]{8}) ")

Message = dict[str, Any]


def frame(message: Message) -> bytes:
    """A message as it goes over the line."""
    return framed(json.dumps(message, separators=(",", ":")).encode())


def framed(body: bytes) -> bytes:
    """The same for one that is JSON already, without a line's end in it."""
    return b"%s%x %08x %s\n" % (WORD, len(body), zlib.crc32(body), body)


def pack(data: bytes) -> str:
    """Bytes as a JSON string."""
    return base64.b64encode(zlib.compress(data, 1)).decode()


def unpack(text: object, most: int = PIECE_BYTES) -> bytes:
    """What `pack` was given; ValueError where it is no such string, or gives more."""
    if not isinstance(text, str):
        raise ValueError("no packed data")
    try:
        opener = zlib.decompressobj()
        data = opener.decompress(base64.b64decode(text, validate=True), most + 1)
    except (binascii.Error, zlib.error) as error:
        raise ValueError("packed data is damaged") from error
    if len(data) > most or not opener.eof:
        raise ValueError("packed data is damaged or too long")
    return data


class Lines:
    """Takes bytes as they come and gives the messages in them. Nothing is ever raised.

    `counters`: what was dropped: "garbage" (no message at all), "damaged", "too_long".
    """

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self._rest = bytearray()
        self._skip = False  # the line under way is too long

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are whole by now."""
        if b"\n" not in data:
            self._keep(data)
            return []
        first, *others = data.split(b"\n")
        last = others.pop()
        lines = [bytes(self._rest) + first, *others]
        if self._skip:
            lines, self._skip = lines[1:], False
        self._rest.clear()
        self._keep(last)
        return [message for message in map(self._read, lines) if message is not None]

    def _keep(self, data: bytes) -> None:
        if self._skip:
            return
        self._rest += data
        if len(self._rest) > LINE_BYTES:
            self.counters["too_long"] += 1
            self._rest.clear()
            self._skip = True

    def _read(self, line: bytes) -> Message | None:
        if len(line) > LINE_BYTES:
            self.counters["too_long"] += 1
            return None
        line = line.rstrip(b"\r")
        damaged = False
        for head in _HEAD.finditer(line):  # what stands before the word is another's, or half a line
            damaged = True
            body = line[head.end() :] if len(line) - head.end() == int(head[1], 16) else b""
            if body and zlib.crc32(body) == int(head[2], 16):
                try:
                    message = json.loads(body)
                except (ValueError, RecursionError):
                    break
                if isinstance(message, dict):
                    return message
                break
        if line:
            self.counters["damaged" if damaged or WORD in line else "garbage"] += 1
        return None
