"""References of a signal map bound to its databases: "MESSAGE.SIGNAL" or "BUS:MESSAGE.SIGNAL" to what it means.

Every mistake is a UsageError with file, key, reason and the nearest names.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cantools.database.can import Message, Signal

from asvunit.errors import UsageError, nearest, nearest_or_known
from asvunit.vehicle.database import Loaded
from asvunit.vehicle.form import MapFile

WIDEST: Final = 32  # bits of a field that is decoded
FRAME_BYTES: Final = 64  # of CAN FD


@dataclass(frozen=True, slots=True)
class Bound:
    """One signal of one message of one bus."""

    bus: int
    message: Message
    signal: Signal

    @property
    def place(self) -> tuple[int, str]:
        return self.bus, self.message.name


def references(table: MapFile) -> Iterable[str]:
    """Every reference of a map, messages of checks as "MESSAGE."."""
    for signal in table.signal.values():
        yield from filter(None, (signal.source, signal.left, signal.right, signal.valid, signal.sign))
        yield from signal.any
        yield from signal.wheels
    yield from table.counters
    yield from (f"{check.message}." for check in table.check)


def message_names(table: MapFile, bus: str) -> frozenset[str]:
    """The messages of one bus that a map names; of a database of thousands only these are needed."""
    names: set[str] = set()
    for text in references(table):
        prefix, colon, rest = text.rpartition(":")
        if not colon or prefix == bus:
            parts = rest.split(".")
            names.update(".".join(parts[:end]) for end in range(1, len(parts)))
    return frozenset(names)


class References:
    """Finds what a map's references mean."""

    def __init__(self, path: Path, buses: Sequence[str], databases: Sequence[Loaded]) -> None:
        self.path = path
        self._buses = self.buses = list(buses)
        self._messages = [{message.name: message for message in one.database.messages} for one in databases]
        self._names = [one.names for one in databases]

    def wrong(self, key: str, reason: str) -> UsageError:
        return UsageError(f"{self.path}: {key}: {reason}")

    def find(self, key: str, text: str) -> Bound:
        """The signal of a reference; one that can be decoded."""
        bus, rest = self._bus(key, text)
        form = f'"{self._form(bus)}MESSAGE.SIGNAL"'
        cuts = [at for at, letter in enumerate(rest) if letter == "." and 0 < at < len(rest) - 1]
        if not cuts:
            raise self.wrong(key, f"{text!r} is not of the form {form}")
        cut = next((at for at in cuts if rest[:at] in self._messages[bus]), cuts[0])
        message = self.message(key, f"{self._form(bus)}{rest[:cut]}")[1]
        name = rest[cut + 1 :]
        signals = {signal.name: signal for signal in message.signals}
        if name not in signals:
            raise self.wrong(key, f"{message.name} has no signal {name}{nearest_or_known(name, signals)}")
        self._decodable(key, message, signals[name])
        return Bound(bus, message, signals[name])

    def message(self, key: str, text: str) -> tuple[int, Message]:
        """The message of "MESSAGE" or "BUS:MESSAGE"."""
        bus, name = self._bus(key, text)
        message = self._messages[bus].get(name)
        if message is None:
            where = f"the database of bus {self._buses[bus]}" if len(self._buses) > 1 else "the database"
            raise self.wrong(key, f"{where} has no message {name}{nearest(name, self._names[bus])}")
        if message.is_container:
            raise self.wrong(key, f"{name} is a container of other messages, which is not decoded")
        return bus, message

    def _bus(self, key: str, text: str) -> tuple[int, str]:
        prefix, colon, rest = text.rpartition(":")
        if colon:
            if prefix not in self._buses:
                known = [name for name in self._buses if name]
                told = f"{nearest(prefix, known) or '; known: ' + ', '.join(known)}" if known else ""
                raise self.wrong(key, f"the map has no bus {prefix!r}{told}")
            return self._buses.index(prefix), rest
        if len(self._buses) > 1:
            raise self.wrong(key, f'{text!r} names no bus; give it as "{self._buses[0]}:{text}"')
        return 0, rest

    def _form(self, bus: int) -> str:
        return f"{self._buses[bus]}:" if len(self._buses) > 1 else ""

    def _decodable(self, key: str, message: Message, signal: Signal) -> None:
        if signal.conversion.is_float:
            raise self.wrong(key, f"{signal.name} is a floating-point number; only integers are decoded")
        if signal.length > WIDEST:
            raise self.wrong(key, f"{signal.name} has {signal.length} bits; up to {WIDEST} are decoded")
        if message.length > FRAME_BYTES:
            raise self.wrong(key, f"{message.name} has {message.length} bytes; a frame carries up to {FRAME_BYTES}")
        if last_byte(signal) >= message.length:
            raise self.wrong(key, f"{signal.name} does not fit into the {message.length} bytes of {message.name}")


def last_byte(signal: Signal) -> int:
    """The number of the last byte that a signal lies in."""
    if signal.byte_order == "little_endian":
        return (int(signal.start) + int(signal.length) - 1) // 8
    below = int(signal.length) - (signal.start % 8 + 1)
    return int(signal.start) // 8 + max(0, -(-below // 8))
