"""Conversions of a signal map: numbers with units, and tables of codes by number or by the database's own names."""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Final

from cantools.database.can import Signal

from asvcore.can_bits import NONE_WORD
from asvunit.errors import nearest
from asvunit.vehicle import j1939
from asvunit.vehicle.bound import References
from asvunit.vehicle.form import SignalTable
from asvunit.vehicle.rows import Row, Scale, raw_range
from asvunit.vehicle.words import BACKWARDS, LIMITS, UNITS, WORDS

_TOLD: Final = 256  # codes of a signal that are told one by one
_BAD: Final = re.compile(
    r"fail|fault|error|invalid|implausible|not.?(avail|valid|used|defined)|n/?a$|sna|undef|reserv", re.I
)
_RANGE: Final = re.compile(r"\s*(-?\w+)\s*\.\.\s*(-?\w+)\s*")
_STATES: Final = {"off": 0, "on": 1, "unknown": NONE_WORD}


class Conversions:
    """Makes the rows that turn raw codes into values; every mistake is a UsageError with its key.

    `spn`: the signal is one of J1939, whose codes for errors and for what is not available are known.
    """

    def __init__(self, references: References) -> None:
        self._references = references
        self.warnings: list[str] = []

    def number(self, key: str, name: str, table: SignalTable, signal: Signal, spn: bool = False) -> tuple[Row, Row]:
        """A number's rows, without and with a minus; see `asvcore.can_bits.Number`."""
        wrong = self._references.wrong
        key_of_table = f"signal.{name}"
        units = UNITS[name]
        if table.unit not in units:
            what = f"{table.unit!r} is none of" if table.unit else "missing; give one of"
            raise wrong(f"{key_of_table}.unit", f"{what} {', '.join(units)}")
        if not table.scale:
            raise wrong(f"{key_of_table}.scale", "0 makes the signal a constant; leave it out")
        if table.signed and table.magnitude:
            raise wrong(f"{key_of_table}.signed", "give either it or magnitude, which drops the sign")
        unit, scale = units[table.unit], Fraction(table.scale)
        try:
            factor = Fraction(str(signal.scale)) * scale * unit
            offset = (Fraction(str(signal.offset)) * scale + Fraction(table.offset)) * unit
        except ValueError:
            factor = offset = Fraction(0)
        if not factor:
            raise wrong(
                f"{key}.from" if key == key_of_table else key, f"{signal.name} has no usable scale in the database"
            )
        low, high = (BACKWARDS if table.signed else LIMITS[name][0]), LIMITS[name][1]
        least = Fraction(low) if table.min is None else Fraction(table.min) * unit
        most = Fraction(high) if table.max is None else Fraction(table.max) * unit
        if least >= most:
            raise wrong(f"{key_of_table}.min", "is not below max")
        if name == "yaw_rate" and table.positive == "left":
            factor, offset, least, most = -factor, -offset, -most, -least
        unknown = [self.code(f"{key_of_table}.unknown", code, signal) for code in table.unknown]
        top = j1939.first_unknown(signal) if spn and "unknown" not in table.model_fields_set else 0
        scale_of = Scale(factor, offset, least, most, low, high, table.magnitude, top)
        minus = dataclasses.replace(scale_of, factor=-factor, offset=-offset)
        return scale_of.row(signal, unknown), minus.row(signal, unknown)

    def words(self, key: str, name: str, table: SignalTable, signal: Signal, spn: bool = False) -> Row:
        """The row of a table of words; see `asvcore.can_bits.Words`."""
        return self._row(self._codes(key, table, signal, WORDS[name], spn), WORDS[name])

    def state(self, key: str, name: str, table: SignalTable, signal: Signal, side: int, spn: bool = False) -> Row:
        """The row of a two-state source of a rule: 0 off, 1 on."""
        sides = table.left is not None
        if not sides and (table.on or table.values):
            return self._row(self._codes(f"signal.{name}", table, signal, _STATES, spn), _STATES)
        given = (table.left_on, table.right_on)[side] if sides else []
        codes = dict.fromkeys(j1939.unknown_codes(signal) if spn else (), NONE_WORD)
        codes |= {self.code(f"{key}_on", code, signal): 1 for code in given} or {0: 0}
        return [0 if given else 1, *([code, value] for code, value in sorted(codes.items()))]

    def words_told(self, name: str, table: SignalTable, signal: Signal, spn: bool = False) -> dict[int, str]:
        """The words of the codes that the map or the database names, for reports."""
        if name not in WORDS:
            return {}
        codes, other = {0: "off"} | _unknown(signal, spn), "on"
        if table.on or table.values:
            codes, other = self._codes(f"signal.{name}", table, signal, WORDS[name], spn)
        if not other:
            return codes
        least, most = raw_range(signal)
        rest = range(least, most + 1) if most - least < _TOLD else _choices(signal).values()
        return dict(sorted((dict.fromkeys(rest, other) | codes).items()))

    def code(self, key: str, given: int | str, signal: Signal) -> int:
        """A raw code given as a number, or by its name in the signal's value table."""
        choices = _choices(signal)
        number = given if isinstance(given, int) else choices.get(given)
        if number is None:
            try:
                number = int(str(given)[:20], 0)
            except ValueError:
                reason = f"neither a raw code nor a name of {signal.name}'s value table{nearest(given, choices)}"
                raise self._references.wrong(key, reason) from None
        least, most = raw_range(signal)
        if not least <= number <= most:
            reason = f"{number} cannot be sent: raw codes of {signal.name} are {least} to {most}"
            raise self._references.wrong(key, reason)
        return number

    def _codes(
        self, key: str, table: SignalTable, signal: Signal, known: Mapping[str, int], spn: bool
    ) -> tuple[dict[int, str], str]:
        """({code: word}, word of all other codes or "")."""
        unknown = _unknown(signal, spn)
        wrong = self._references.wrong
        if table.on:
            if table.values or table.default is not None:
                raise wrong(f"{key}.on", "says it all; leave out values and default")
            switch = unknown | {self.code(f"{key}.on", code, signal): "on" for code in table.on}
            self._doubt(f"{key}.on", switch, "off", signal)
            return switch, "off"
        if not table.values:
            raise wrong(f"{key}.values", f'missing; e.g. values = {{0 = "{next(iter(known))}"}}')
        codes: dict[int, str] = {}
        for given, word in table.values.items():
            self._word(f"{key}.values.{given}", word, known)
            for code in self._range(f"{key}.values.{given}", given, signal):
                if codes.setdefault(code, word) != word:
                    raise wrong(f"{key}.values.{given}", f"code {code} is {codes[code]!r} already")
        codes = unknown | codes
        if table.default is not None:
            self._word(f"{key}.default", table.default, known)
            self._doubt(f"{key}.default", codes, table.default, signal)
        return codes, table.default or ""

    def _range(self, key: str, given: str, signal: Signal) -> Iterable[int]:
        """The codes of "3..7"; else the one that is given."""
        bounds = _RANGE.fullmatch(given)
        if bounds is None or given in _choices(signal):
            return (self.code(key, given, signal),)
        first, last = (self.code(key, bound, signal) for bound in bounds.groups())
        if not 0 < last - first < _TOLD:
            raise self._references.wrong(key, f"a range has up to {_TOLD} codes, the least first")
        return range(first, last + 1)

    def _doubt(self, key: str, codes: Mapping[int, str], other: str, signal: Signal) -> None:
        """Warns of codes that the database calls bad and that count as a word all the same."""
        bad = [f"{code} ({name})" for name, code in _choices(signal).items() if code not in codes and _BAD.search(name)]
        if bad and other != "unknown":
            text = f"{self._references.path}: {key}: {', '.join(bad)} of {signal.name} count as {other}"
            self.warnings.append(f"{text}; list them in values as unknown if the car sends them")

    def _word(self, key: str, word: str, known: Iterable[str]) -> None:
        if word not in known:
            raise self._references.wrong(key, f"{word!r} is none of {', '.join(known)}")

    def _row(self, codes: tuple[dict[int, str], str], values: dict[str, int]) -> Row:
        words, other = codes
        return [values[other] if other else NONE_WORD, *([code, values[word]] for code, word in sorted(words.items()))]


def _unknown(signal: Signal, spn: bool) -> dict[int, str]:
    """The words that J1939 gives by itself."""
    return dict.fromkeys(j1939.unknown_codes(signal) if spn else (), "unknown")


def _choices(signal: Signal) -> dict[str, int]:
    return {str(text): int(code) for code, text in (signal.choices or {}).items()}
