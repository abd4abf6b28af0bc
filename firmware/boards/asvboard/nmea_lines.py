"""The bytes of a receiver cut into sentences, by the rules of `asvunit.gnss.nmea_lines`; nothing is allocated.

A sentence begins with $ and ends at a line end (CR, LF or both) or at the next $. What stands before the $ on its line
is passed over; NUL and flow control bytes are taken out; lines that begin with # are comments where they are ASCII.
"""

from . import nmea_counts as counts
from .nmea_loops import copy_text

LONGEST = 256  # three times what NMEA 0183 allows

# What a byte is, where it is more than text
LINE_END = 1
BEGIN = 2
TAKEN_OUT = 3
FRAME = 4  # may begin a binary frame

DOLLAR = 0x24
HASH = 0x23
EXCLAMATION = 0x21


def _classes():
    classes = bytearray(256)
    for text, what in ((b"\r\n", LINE_END), (b"$", BEGIN), (b"\x00\x11\x13", TAKEN_OUT), (b"\xb5\xd3\xa0", FRAME)):
        for byte in text:
            classes[byte] = what
    return bytes(classes)


_CLASSES = _classes()


class SentenceCutter:
    """Bytes in; `sink.sentence(line, size)` is called with each text that begins with $."""

    __slots__ = ("_comment", "_filled", "_is_new", "_judged", "_line", "_overlong", "_sink", "_size", "counts")

    def __init__(self, sink, counts):
        """Begins in the middle of a line, whose rest is no garbage."""
        self.counts = counts
        self._sink = sink
        self._line = bytearray(LONGEST + 1)
        self._begin_line()
        self._judged = True

    def _begin_line(self):
        self._size = 0  # of the part that has begun
        self._is_new = True  # none of its parts has been taken
        self._comment = False
        self._filled = False
        self._judged = False  # it has a sentence, or has been counted
        self._overlong = False  # the part that has begun was too long, and is dropped up to its end

    def take(self, data, at, end, stops):
        """Bytes from `at` to `end`, or if it `stops` to one that may begin a binary frame; returns how far it came."""
        line, classes = self._line, _CLASSES
        while at < end:
            if self._comment or self._overlong:
                while at < end and not classes[data[at]]:
                    at += 1
            else:
                size = self._size
                done = copy_text(data, at << 18 | min(LONGEST + 1 - size, end - at) << 9 | size, line, classes)
                at += done
                self._size = size + done
                if self._size > LONGEST:
                    self._end_part()
                    self._overlong = True
                    continue
            if at == end:
                break
            byte = data[at]
            what = classes[byte]
            if what == FRAME and stops:
                break
            at += 1
            if what == LINE_END:
                self.end_line()
            elif what == BEGIN:
                self._end_part()
                if not self._comment:
                    self._overlong = False
                    line[0] = byte
                    self._size = 1
            elif what == FRAME and not self._comment and not self._overlong:
                line[self._size] = byte
                self._size += 1
                if self._size > LONGEST:
                    self._end_part()
                    self._overlong = True
        return at

    def end_line(self):
        """A line end, or what stands for one."""
        if self._size:
            self._end_part()
        if self._filled and not self._comment:
            self._garbage()
        self._begin_line()

    def _end_part(self):
        size, line = self._size, self._line
        self._size = 0
        if size == 0 or self._comment:
            return
        is_sentence = line[0] == DOLLAR
        if self._is_new and line[0] == HASH and self._is_text(size):
            self._comment = True
            self._is_new = False
            counts.add(self.counts, counts.COMMENT)
            return
        self._is_new = False
        self._filled = self._filled or is_sentence or self._has_ink(size)
        if size > LONGEST:
            self._garbage()
        elif is_sentence:
            self._judged = self._judged or self._is_begin(1, size)
            self._sink.sentence(line, size)
        elif not self._judged:
            for at in range(size):
                if line[at] == EXCLAMATION and self._is_begin(at + 1, size):
                    self._judged = True
                    break

    def _garbage(self):
        if not self._judged:
            self._judged = True
            counts.add(self.counts, counts.GARBAGE)

    def _is_begin(self, at, size):
        """Whether two capital letters stand here, as after the $ of a sentence."""
        line = self._line
        return at + 1 < size and 0x41 <= line[at] <= 0x5A and 0x41 <= line[at + 1] <= 0x5A

    def _has_ink(self, size):
        line = self._line
        for at in range(size):
            if line[at] != 0x20 and not 9 <= line[at] <= 13:
                return True
        return False

    def _is_text(self, size):
        """Whether it is no rest of a binary frame that happens to begin like a comment."""
        line = self._line
        for at in range(min(size, LONGEST)):
            if not 0x20 <= line[at] <= 0x7E and line[at] != 9:
                return False
        return True
