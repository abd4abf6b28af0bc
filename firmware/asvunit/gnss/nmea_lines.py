"""The bytes of a receiver, live or recorded, cut into sentences. No I/O.

A sentence begins with $ and ends at a line end (CR, LF or both) or at the next $. What stands before the $ on its line,
a logger's time or a TAG block, is passed over; NUL and flow control bytes are taken out; lines that begin with # are
comments. The result and the counters do not depend on how the bytes were cut into pieces.
"""

import re
from codecs import getincrementaldecoder
from collections import Counter
from typing import Final

from asvunit.gnss.nmea_binary import BinaryFilter

LONGEST: Final = 256  # three times what NMEA 0183 allows
_ENDS: Final = b"\r\n"
_TAKEN_OUT: Final = b"\x00\x11\x13"
_RUNS: Final = re.compile(rb"(\n|\$)\1+")  # of noise: they tell no more than one does
_LIKE_A_SENTENCE: Final = re.compile(rb"[$!][A-Z]{2}")


class SentenceCutter:
    """Bytes in, texts that begin with $ out. Counted: garbage (lines without sentence), comment, binary (frames)."""

    def __init__(self, counters: Counter[str]) -> None:
        self.counters = counters
        self.size = 0  # bytes fed
        self._binary = BinaryFilter()
        self._rest = b""
        self._begin_line()

    @property
    def is_holding(self) -> bool:
        """Whether bytes are kept back because they may be a binary frame's."""
        return self._binary.is_holding

    @property
    def binary_size(self) -> int:
        """Bytes of the binary frames so far."""
        return self._binary.size

    def skip_cut_line(self) -> None:
        """The stream begins in the middle of a line, whose rest is no garbage."""
        self._judged = True

    def feed(self, data: bytes) -> list[bytes]:
        """The sentences that these bytes end."""
        self.size += len(data)
        frames = self._binary.frames
        text = self._binary.feed(data)
        if self._binary.frames != frames:
            self.counters["binary"] += self._binary.frames - frames
        return self._cut(text)

    def give_up_frame(self) -> list[bytes]:
        """The sentences in what was kept back, for nothing follows it now."""
        frames = self._binary.frames
        text = self._binary.give_up()
        if self._binary.frames != frames:
            self.counters["binary"] += self._binary.frames - frames
        return self._cut(text)

    def finish(self) -> list[bytes]:
        """The end of the file ends the last line."""
        return self.give_up_frame() + self._cut(b"\n")

    def _cut(self, text: bytes) -> list[bytes]:
        found: list[bytes] = []
        text = self._rest + text.translate(None, _TAKEN_OUT)
        if b"$$" in text or b"\n\n" in text:
            text = _RUNS.sub(rb"\1", text)
        lines = text.splitlines(keepends=True)
        self._rest = b""
        for line in lines:
            if self._is_new and line.rfind(b"$") == 0 and line[-1] in _ENDS and len(line) <= LONGEST:
                found.append(line)  # nearly all are such
                if _LIKE_A_SENTENCE.match(line) is None:
                    self._garbage()
                self._begin_line()
            else:
                self._take(line, found)
        return found

    def _begin_line(self) -> None:
        self._is_new = True  # none of its parts has been taken
        self._comment = False
        self._filled = False
        self._judged = False  # it has a sentence, or has been counted
        self._overlong = False  # the part that has begun was too long, and is dropped up to its end

    def _take(self, line: bytes, found: list[bytes]) -> None:
        """A line, or what there is of it: its parts but one that may go on."""
        ended = line[-1] in _ENDS
        first, *others = line.rstrip(b"\r\n").split(b"$")
        parts = [first, *(b"$" + other for other in others)]
        if not ended:
            self._rest = parts.pop()
        for part in filter(None, parts):
            self._part(part, found)
        if len(self._rest) > LONGEST:
            self._part(self._rest, found)
            self._rest, self._overlong = b"", True
        if ended:
            if self._filled and not self._comment:
                self._garbage()
            self._begin_line()

    def _part(self, part: bytes, found: list[bytes]) -> None:
        is_sentence = part.startswith(b"$")
        if self._comment or (self._overlong and not is_sentence):
            return  # the end of what was too long
        if self._is_new and part.startswith(b"#") and _is_text(part[:LONGEST]):
            self._comment = True
            self._is_new = False
            self.counters["comment"] += 1
            return
        self._overlong = False
        self._is_new = False
        self._filled = self._filled or bool(part.strip())
        if len(part) > LONGEST:
            self._garbage()
        elif is_sentence:
            self._judged = self._judged or _LIKE_A_SENTENCE.match(part) is not None
            found.append(part)
        elif b"!" in part and _LIKE_A_SENTENCE.search(part):
            self._judged = True

    def _garbage(self) -> None:
        if not self._judged:
            self._judged = True
            self.counters["garbage"] += 1


def _is_text(data: bytes) -> bool:
    """Whether it is no rest of a binary frame that happens to begin like a comment. It may be cut anywhere."""
    try:
        text = getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return text.replace("\t", " ").isprintable()
