"""Whether the rows of a compiled map fit together: what decodes them checks nothing, so that it is small and fast."""

from collections import Counter
from typing import Any, Final

from asvcore.can_checks import CRC8, CRC16, NIBBLES, SUM
from asvcore.can_rules import ANY, BULBS_BOTH, ONE, WHEELS
from asvcore.can_table import AUXILIARY, SENDERS, group_mask
from asvunit.vehicle.rows import Row

_MOST_BYTES: Final = 64
_SOURCES: Final = {ONE: (1, 1), WHEELS: (2, 8), ANY: (2, 8)}  # by kind of rule; others have two
_MOST: Final = 1 << 200  # of a number


def check_rows(rows: dict[str, Any]) -> None:
    """ValueError with the first row that does not fit."""
    for name in ("fields", "sources", "rules", "frames"):
        for number, row in enumerate(rows[name]):
            _want(_integers(row), f"{name}.{number}: other than integers in it")
    for number, row in enumerate(rows["fields"]):
        _field(f"fields.{number}", row)
    held = Counter(at for frame in rows["frames"] for at in _list(frame[9]))
    used = Counter(row[0] for row in rows["sources"] if row)
    for number, row in enumerate(rows["rules"]):
        _want(0 <= row[0] <= AUXILIARY and ONE <= row[1] <= BULBS_BOTH, f"rules.{number}: no such signal or kind")
        least, most = _SOURCES.get(row[1], (2, 2))
        _want(least <= used[number] <= most, f"rules.{number}: {used[number]} sources")
        _want(all(0 <= value <= 0xFF for value in row[2:5]), f"rules.{number}: values beyond a byte")
        _want(all(0 <= ms <= 60_000 for ms in row[5:]), f"rules.{number}: times beyond a minute")
    for number, row in enumerate(rows["sources"]):
        _source(f"sources.{number}", row, rows)
        _want(held[number] == 1, f"sources.{number}: in {held[number]} frames")
    kinds: dict[int, int] = {}  # entries of the extended frames of a bus
    for number, row in enumerate(rows["frames"]):
        _frame(f"frames.{number}", row, rows)
        if row[2]:
            _want(kinds.setdefault(row[0], len(row)) == len(row), f"frames.{number}: J1939 and others on one bus")


def _want(holds: bool, reason: str) -> None:
    if not holds:
        raise ValueError(reason)


def _integers(row: Any) -> bool:
    if isinstance(row, list):
        return all(_integers(one) for one in row)
    return type(row) is int and -_MOST < row < _MOST


def _list(row: Any) -> Row:
    _want(isinstance(row, list), f"{row!r:.20} in the place of a list")
    return list(row)


def _flat(place: str, row: Any) -> list[int]:
    """A row of integers alone."""
    found = _list(row)
    _want(all(type(one) is int for one in found), f"{place}: a list in the place of a number")
    return found


def _field(place: str, row: Row) -> None:
    at, step, more, mask, shift, sign = _flat(place, row)
    _want(step in {-1, 1} and 0 <= more <= 4, f"{place}: no such field")
    _want(0 <= at < _MOST_BYTES and 0 <= at + step * more < _MOST_BYTES, f"{place}: outside every frame")
    _want(0 < mask <= 0xFF and 0 <= shift <= 7, f"{place}: no such bits")
    _want(0 <= sign < 1 << 32, f"{place}: no such sign bit")


def _within(place: str, number: Any, rows: dict[str, Any], length: int = _MOST_BYTES) -> None:
    """A field of that number, in the first bytes of a frame."""
    fields = rows["fields"]
    _want(type(number) is int and 0 <= number < len(fields), f"{place}: no field {number!r:.20}")
    at, step, more = fields[number][:3]
    _want(max(at, at + step * more) < length, f"{place}: field {number} is outside its frame")


def _conditions(place: str, conditions: Any, rows: dict[str, Any], length: int) -> None:
    for condition in _list(conditions):
        row = _flat(place, condition)
        _want(len(row) >= 2, f"{place}: a multiplexer without codes")
        _within(place, row[0], rows, length)


def _source(place: str, row: Row, rows: dict[str, Any]) -> None:
    _want(len(row) == 11, f"{place}: {len(row)} entries in the place of 11")
    rule, _field_number, _valid, good, timeout_ms, _conditions_row, words, conversion, sign, codes, minus = row
    _flat(place, [rule, timeout_ms, words, sign])
    _flat(place, good)
    _flat(place, codes)
    _want(0 <= rule < len(rows["rules"]), f"{place}: no rule {rule}")
    _want(1 <= timeout_ms <= 60_000 and words in {0, 1}, f"{place}: timeout or kind out of range")
    kind = rows["rules"][rule][1]
    _want((kind == WHEELS) <= (words == 0) and (kind in {ONE, WHEELS} or words == 1), f"{place}: not for its rule")
    found = _list(conversion)
    if words:
        _want(sign == -1 and minus == [], f"{place}: words with a sign")
        _want(bool(found) and type(found[0]) is int, f"{place}: no value of other codes")
        _want(all(len(_flat(place, pair)) == 2 for pair in found[1:]), f"{place}: codes without values")
        values = [found[0], *(pair[1] for pair in found[1:])]
        _want(all(-1 <= value <= 0xFF for value in values), f"{place}: values beyond a byte")
    else:
        _number(place, found)
        _want(bool(_list(minus)) == (sign != -1), f"{place}: a sign without conversion")
        if minus:
            _number(place, minus)


def _number(place: str, row: Row) -> None:
    _want(len(row) in {11, 12} and row[2] > 0, f"{place}: no conversion of a number")
    _flat(place, row[:10])
    _flat(place, row[10])
    _flat(place, row[11:])
    _want(all(0 < top < 1 << 32 for top in row[11:]), f"{place}: no such range of unknown codes")
    _want(-(1 << 15) <= row[8] <= row[9] < 1 << 15, f"{place}: limits beyond 16 bits")


def _frame(place: str, row: Row, rows: dict[str, Any]) -> None:
    bus, identifier, extended, length, padded, checks, counter, modulus, multiplexers, sources = row[:10]
    _flat(place, [bus, identifier, extended, length, padded, counter, modulus])
    _want(0 <= bus < rows["buses"], f"{place}: no bus {bus}")
    _want(extended in {0, 1} and 0 <= identifier < (1 << 29 if extended else 1 << 11), f"{place}: no such identifier")
    _want(1 <= length <= padded <= _MOST_BYTES, f"{place}: no such length")
    for senders in row[10:]:
        _want(extended == 1 and identifier & ~group_mask(identifier) == 0, f"{place}: no parameter group of J1939")
        _want(all(0 <= one < SENDERS for one in _flat(place, senders)), f"{place}: no such senders")
    for check in _list(checks):
        _check(place, _flat(place, check), length, rows)
    if counter >= 0:
        _within(place, counter, rows, length)
        _want(modulus > 0, f"{place}: a counter that never counts")
    for multiplexer in _list(multiplexers):
        _want(len(_list(multiplexer)) >= 2, f"{place}: no multiplexer")
        _conditions(place, multiplexer[1], rows, length)
        _conditions(place, [[multiplexer[0], *multiplexer[2:], 0]], rows, length)
    for at in _flat(place, sources):
        _want(0 <= at < len(rows["sources"]), f"{place}: no source {at}")
        source = rows["sources"][at]
        _within(place, source[1], rows, length)
        for beside in (source[2], source[8]):
            if beside != -1:
                _within(place, beside, rows, length)
        _conditions(place, source[5], rows, length)


def _check(place: str, row: list[int], length: int, rows: dict[str, Any]) -> None:
    _want(len(row) >= 7 and SUM <= row[0] <= CRC16, f"{place}: no such check")
    form, field, out, end, initial, final, poly, *constants = row
    _within(place, field, rows, length)
    _want(0 <= out < end <= length, f"{place}: a check outside its frame")
    wide = 0xFFFF if form == CRC16 else 0xFF
    most = len(constants) <= 17 and all(0 <= one <= 0xFF for one in constants)
    _want(most and (form != CRC8 or len(constants) in {0, 1, 16}), f"{place}: constants of a check out of range")
    _want(form != CRC8 or len(constants) < 2 or length > 1, f"{place}: no counter for the constants of a check")
    if form >= CRC8:
        _want(all(0 <= one <= wide for one in (initial, final, poly)), f"{place}: numbers of a check out of range")
    _want(form != NIBBLES or final == 0, f"{place}: numbers of a check out of range")
