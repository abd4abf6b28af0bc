"""Sender checks of the usual families, as rows of `asvcore.can_checks`; as the opendbc project documents them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cantools.database.can import Message, Signal

from asvcore.can_checks import CRC8, CRC16, NIBBLES, SUM, XOR
from asvunit.errors import nearest
from asvunit.vehicle.bound import Bound, References
from asvunit.vehicle.form import CheckTable
from asvunit.vehicle.rows import Row

_HYUNDAI_FINAL: Final = {8: 0x5F29, 16: 0x041D, 24: 0x819D, 32: 0x9F5B}  # by the message's length
_GIORGIO_FINAL: Final = {0xDE: 0x10, 0x106: 0xF6, 0x122: 0xF1}  # by identifier; others 0x0A
_PSA_INITIAL: Final = {0x452: 0x4, 0x38D: 0x7, 0x42D: 0xC}  # by identifier; others 0xB
_TUNING: Final = frozenset({"poly", "init", "xor_out", "data_ids"})


@dataclass(frozen=True, slots=True)
class _Sums:
    """What one kind of check does with a message: [form, initial, final, polynomial, constants]."""

    form: int
    initial: int = 0
    final: int = 0
    poly: int = 0
    constants: tuple[int, ...] = ()


def _digits(identifier: int, bits: int) -> int:
    """The sum of an identifier's bytes or nibbles."""
    total = 0
    while identifier:
        total += identifier & (1 << bits) - 1
        identifier >>= bits
    return total


def _honda(message: Message, _table: CheckTable) -> _Sums:
    extended = 3 if message.frame_id > 0x7FF else 0
    return _Sums(NIBBLES, 8 + extended - _digits(message.frame_id, 4))


def _given(value: int | None, default: int) -> int:
    return default if value is None else value


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of check: what it makes of a message, the keys it takes, and where its checksum must stand."""

    make: Callable[[Message, CheckTable], _Sums]
    keys: frozenset[str] = frozenset()
    byte: int | None = None  # -1: the last
    bits: int = 8
    ids: tuple[int, ...] = (0,)  # how many data_ids


KINDS: Final[dict[str, _Kind]] = {
    "toyota": _Kind(lambda m, _t: _Sums(SUM, m.length + _digits(m.frame_id, 8)), byte=-1),
    "honda": _Kind(_honda, byte=-1, bits=4),
    "subaru": _Kind(lambda m, _t: _Sums(SUM, _digits(m.frame_id, 8)), byte=0),
    "tesla": _Kind(lambda m, _t: _Sums(SUM, _digits(m.frame_id & 0xFFFF, 8))),
    "volkswagen": _Kind(
        lambda _m, t: _Sums(CRC8, 0xFF, 0xFF, 0x2F, tuple(t.data_ids)), frozenset({"data_ids"}), byte=0, ids=(1, 16)
    ),
    "chrysler": _Kind(lambda _m, _t: _Sums(CRC8, 0xFF, 0xFF, 0x1D), byte=-1),
    "nissan": _Kind(lambda _m, _t: _Sums(CRC8, 0xFF, 0xFF, 0x1D), byte=-1),
    "hyundai": _Kind(lambda _m, _t: _Sums(CRC8, 0x22, 0xDF, 0x1D)),
    "fca_giorgio": _Kind(
        lambda m, t: _Sums(CRC8, 0, _given(t.xor_out, _GIORGIO_FINAL.get(m.frame_id, 0x0A)), 0x1D),
        frozenset({"xor_out"}), byte=-1,
    ),
    "psa": _Kind(
        lambda m, t: _Sums(NIBBLES, _given(t.init, _PSA_INITIAL.get(m.frame_id, 0xB))), frozenset({"init"}), bits=4
    ),
    "hyundai_canfd": _Kind(
        lambda m, _t: _Sums(
            CRC16, 0, _HYUNDAI_FINAL.get(m.length, 0), 0x1021, (m.frame_id & 0xFF, m.frame_id >> 8 & 0xFF)
        ),
        byte=0, bits=16,
    ),
    "xor": _Kind(lambda _m, t: _Sums(XOR, _given(t.init, 0), _given(t.xor_out, 0)), frozenset({"init", "xor_out"})),
    "sum8": _Kind(lambda _m, t: _Sums(SUM, _given(t.init, 0), _given(t.xor_out, 0)), frozenset({"init", "xor_out"})),
    "crc8": _Kind(
        lambda _m, t: _Sums(
            CRC8, _given(t.init, 0xFF), _given(t.xor_out, 0xFF), _given(t.poly, 0x1D), tuple(t.data_ids)
        ),
        _TUNING, ids=(0, 1, 16),
    ),
    "crc16": _Kind(
        lambda _m, t: _Sums(
            CRC16, _given(t.init, 0xFFFF), _given(t.xor_out, 0), _given(t.poly, 0x1021), tuple(t.data_ids)
        ),
        _TUNING, bits=16, ids=tuple(range(17)),
    ),
}  # fmt: skip
COUNTER: Final = "counter"
_NAMES: Final = {COUNTER: "COUNTER"}  # of the signal, where the map gives none; else CHECKSUM


def check_signal(key: str, table: CheckTable, references: References) -> Bound:
    """The signal with the counter or checksum."""
    if table.kind != COUNTER and table.kind not in KINDS:
        known = [COUNTER, *KINDS]
        told = nearest(table.kind, known) or f"; known: {', '.join(known)}"
        raise references.wrong(f"{key}.kind", f"no such kind of check as {table.kind!r}{told}")
    name = table.signal or _NAMES.get(table.kind, "CHECKSUM")
    references.message(f"{key}.message", table.message)
    return references.find(f"{key}.signal", f"{table.message}.{name}")


def check_row(key: str, table: CheckTable, bound: Bound, field: int, references: References) -> Row:
    """The row of a checksum whose signal has that field."""
    kind, signal, message = KINDS[table.kind], bound.signal, bound.message
    for name in sorted(table.model_fields_set & _TUNING - kind.keys):
        raise references.wrong(f"{key}.{name}", f"not for checks of kind {table.kind}")
    if len(table.data_ids) not in kind.ids:
        wanted = " or ".join(map(str, kind.ids))
        raise references.wrong(f"{key}.data_ids", f"{len(table.data_ids)} given; this kind takes {wanted}")
    if kind.bits < 16 and max(table.poly or 0, table.init or 0, table.xor_out or 0) > 0xFF:
        raise references.wrong(key, "poly, init and xor_out of this kind are numbers up to 255")
    byte, aligned = _place(signal, kind.bits)
    if int(signal.length) != kind.bits or not aligned:
        reason = f"{signal.name} must be {'one of a byte’s halves' if kind.bits == 4 else f'{kind.bits} whole bits'}"
        raise references.wrong(f"{key}.signal", f"{reason} of {message.name} for this kind")
    if kind.byte is not None and byte != kind.byte % message.length:
        raise references.wrong(
            f"{key}.signal", f"{signal.name} is in byte {byte}; this kind has it in byte {kind.byte % message.length}"
        )
    if table.kind == "hyundai_canfd" and message.length not in _HYUNDAI_FINAL:
        raise references.wrong(
            f"{key}.message", f"this kind is for messages of {', '.join(map(str, _HYUNDAI_FINAL))} bytes"
        )
    sums = kind.make(message, table)
    return [sums.form, field, byte, message.length, sums.initial, sums.final, sums.poly, *sums.constants]


def _place(signal: Signal, bits: int) -> tuple[int, bool]:
    """(first byte, whether it begins at a byte, or a half of one) of a signal."""
    little = signal.byte_order == "little_endian"
    start = int(signal.start)
    lowest = start if little or bits == 16 else start - bits + 1
    if bits == 16 and not little:
        return start // 8, start % 8 == 7
    return start // 8, lowest % min(bits, 8) == 0
