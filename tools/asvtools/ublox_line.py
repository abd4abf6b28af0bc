"""A u-blox receiver's serial line: its baud rate is found, UBX messages are sent, and their answers waited for.

NMEA, UBX and noise come mixed. What is too long or broken is passed over byte by byte, so that no answer is lost
behind it.
"""

import select
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

BAUDS: Final = (9600, 38_400, 115_200, 460_800, 57_600, 19_200, 230_400, 4800, 921_600)
PATIENCE_S: Final = 1.2  # an answer waits behind the burst that is under way, at 9600 baud
TRIES: Final = 3

_SYNC: Final = b"\xb5\x62"
_LONGEST_UBX: Final = 2048  # of what is asked for here; MON-VER has 300 bytes
_LONGEST_NMEA: Final = 128
_ACK: Final = 0x05
_CFG: Final = 0x06
_MON_VER: Final = (0x0A, 0x04)
_NAK, _OK = 0, 1


@dataclass(frozen=True, slots=True)
class Ubx:
    """A UBX message with a good checksum."""

    group: int
    number: int
    payload: bytes

    @property
    def frame(self) -> bytes:
        body = bytes((self.group, self.number)) + len(self.payload).to_bytes(2, "little") + self.payload
        first = second = 0
        for byte in body:
            first = (first + byte) & 0xFF
            second = (second + first) & 0xFF
        return _SYNC + body + bytes((first, second))


class Mixed:
    """Bytes in, UBX messages and NMEA sentences with good checksums out."""

    def __init__(self) -> None:
        self._buffer = b""
        self.noise = 0  # bytes passed over

    def feed(self, data: bytes, *, hurry: bool = False) -> Iterator[Ubx | str]:
        """What is whole now. `hurry`: nothing more will come, so what has no end is noise."""
        self._buffer += data
        while self._buffer:
            starts = [at for at in (self._buffer.find(_SYNC[:1]), self._buffer.find(b"$")) if at >= 0]
            self._skip(min(starts, default=len(self._buffer)))
            found, size = _ubx(self._buffer) if self._buffer[:1] == _SYNC[:1] else _nmea(self._buffer)
            if found is not None:
                self._buffer = self._buffer[size:]
                yield found
            elif size and not hurry:
                return
            else:
                self._skip(1)

    def _skip(self, count: int) -> None:
        self.noise += min(count, len(self._buffer))
        self._buffer = self._buffer[count:]


def _ubx(data: bytes) -> tuple[Ubx | None, int]:
    """What begins the data, and its size; without a message: 0 for noise, else bytes are missing."""
    if not _SYNC.startswith(data[:2]):
        return None, 0
    size = int.from_bytes(data[4:6], "little") + 8
    if len(data) < 6 or (size <= _LONGEST_UBX and len(data) < size):
        return None, size
    message = Ubx(data[2], data[3], data[6 : size - 2])
    return (message, size) if size <= _LONGEST_UBX and message.frame == data[:size] else (None, 0)


def _nmea(data: bytes) -> tuple[str | None, int]:
    end = data.find(b"\n", 0, _LONGEST_NMEA)
    if end < 0:
        return None, int(len(data) < _LONGEST_NMEA)
    body, star, told = data[1:end].strip().partition(b"*")
    total = 0
    for byte in body:
        total ^= byte
    good = bool(star) and told.upper() == b"%02X" % total
    return (body.decode("ascii", "replace"), end + 1) if good else (None, 0)


class UbloxLine:
    """The line, open at one baud rate at a time. `opener`: (baud) -> an open pyserial line, OSError if it is none."""

    def __init__(self, opener: Callable[[int], Any], patience_s: float = PATIENCE_S) -> None:
        self._opener, self._patience_s = opener, patience_s
        self._line: Any = None
        self._mixed = Mixed()
        self.baud = 0
        self.spoke: set[int] = set()  # baud rates at which whole sentences came
        self.bytes = 0

    def open(self, baud: int) -> None:
        self.close()
        self._line, self._mixed, self.baud = self._opener(baud), Mixed(), baud

    def close(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.close()

    def find(self, bauds: Sequence[int]) -> Ubx | None:
        """Opens the line at the first baud rate at which the receiver answers; its version, or None."""
        for baud in bauds:
            self.open(baud)
            version = self.ask(Ubx(*_MON_VER, b""), tries=2)
            if version is not None or baud in self.spoke:  # it speaks, but no UBX: another rate will not help
                return version
        return None

    def flush(self) -> None:
        """Forgets what has come."""
        self._line.reset_input_buffer()
        self._mixed = Mixed()

    def hear(self, seconds: float) -> Iterator[Ubx | str]:
        """What comes in this time."""
        due_s = monotonic() + seconds
        while (left_s := due_s - monotonic()) > 0:
            if select.select([self._line.fileno()], [], [], left_s)[0]:
                data = self._line.read(max(1, self._line.in_waiting))
                self.bytes += len(data)
                yield from self._told(self._mixed.feed(data))
        yield from self._told(self._mixed.feed(b"", hurry=True))

    def _told(self, heard: Iterator[Ubx | str]) -> Iterator[Ubx | str]:
        for one in heard:
            if isinstance(one, str):
                self.spoke.add(self.baud)
            yield one

    def ask(self, question: Ubx, about: slice = slice(0), tries: int = TRIES) -> Ubx | None:
        """The answer to a poll: a message of the same class and number, and equal where it says what it is about: a
        late answer to another poll is none. None: refused, or no answer."""
        answer: Ubx | None = None
        for _ in range(tries):
            self._line.write(question.frame)
            for one in self.hear(self._patience_s):
                if not isinstance(one, Ubx):
                    continue
                same = (one.group, one.number) == (question.group, question.number)
                if same and one.payload[about] == question.payload[about]:
                    answer = one
                    if question.group != _CFG:
                        return answer
                # An answer of this class is acknowledged as well; left unheard, that would be taken for another's
                acknowledged = _answers(one, question)
                if acknowledged == _NAK or (acknowledged == _OK and answer is not None):
                    return answer
            if answer is not None:
                break
        return answer

    def tell(self, setting: Ubx, tries: int = TRIES) -> str:
        """ "ack", "nak", or "silent"."""
        for _ in range(tries):
            self._line.write(setting.frame)
            for one in self.hear(self._patience_s):
                answer = _answers(one, setting) if isinstance(one, Ubx) else None
                if answer is not None:
                    return "ack" if answer == _OK else "nak"
        return "silent"


def _answers(one: Ubx, message: Ubx) -> int | None:
    """Whether it acknowledges (1) or refuses (0) that message."""
    if one.group == _ACK and one.payload == bytes((message.group, message.number)):
        return one.number
    return None
