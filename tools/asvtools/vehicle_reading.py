"""One signal of a database read as one ASV signal: its codes as words, its number with unit and scale, its doubts."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, Final

from asvtools import vehicle_spelling as spelling

NUMBERS: Final = ("speed", "accelerator", "acceleration", "yaw_rate")
TWO_STATES: Final = ("brake", "auxiliary_brake", "hazard", "accelerator_switch")
_GUESSES: Final = {
    "winker": {0: "off", 1: "left", 2: "right"},
    "shift": {0: "parking", 1: "reverse", 2: "other", 3: "drive"},
}
_COMMENT_CODES: Final = re.compile(r"(?:(?<=[\s,;(])|^)(-?\d{1,10})\s*[=:]\s*([A-Za-z][\w ]{0,30})")


@dataclass(slots=True)
class Candidate:
    """One or several signals of the database that could feed an ASV signal."""

    kind: str
    shape: str  # "from", "pair" (left, right), "wheels"
    messages: tuple[Any, ...]  # parallel to signals
    signals: tuple[Any, ...]
    points: float
    why: list[str]
    doubts: list[str] = field(default_factory=list)  # a person has to look at these; not empty: TODO
    unit: str = ""
    scale: str = ""
    sign: str = ""  # the signal that tells the number's sign
    values: dict[int, str] = field(default_factory=dict)  # code -> word
    names: dict[int, str] = field(default_factory=dict)  # code -> the database's own word
    unknown: list[int] = field(default_factory=list)
    flashing: bool = False
    together: bool = False  # both sides were on at once in a log
    signed: bool = False  # a speed that is negative backwards
    usable: bool = True  # False: too unsure to be proposed as it stands
    period_ms: int = 0  # seen in a log

    @property
    def references(self) -> tuple[str, ...]:
        return tuple(
            f"{message.name}.{signal.name}" for message, signal in zip(self.messages, self.signals, strict=True)
        )


@lru_cache(maxsize=4096)
def forms(name: str) -> str:
    """A name in words, and squashed, on two lines: WheelSpeed_FL is wheel_speed_fl and wheelspeedfl."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    return f"{split}\n{spelling.squashed(name)}"


@cache
def _search(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern, re.MULTILINE).search


def fits(pattern: str, text: str) -> bool:
    """Whether a pattern is found in a name's forms."""
    return _search(pattern)(text) is not None


def named_codes(signal: Any) -> dict[int, str]:
    """What the value table, or else the comment, says of codes that fit into the signal."""
    table = {int(code): str(text) for code, text in (signal.choices or {}).items()}
    if not table and signal.comment:
        table = {int(code): text.strip() for code, text in _COMMENT_CODES.findall(signal.comment)}
    bits = signal.length
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signal.is_signed else (0, (1 << bits) - 1)
    return {code: text for code, text in sorted(table.items()) if low <= code <= high}


def read_codes(kind: str, table: dict[int, str]) -> dict[int, str]:
    """The words of a value table, as far as they are understood."""
    read = {}
    for code, text in table.items():
        forms = [spelling.squashed(text)]
        if kind in spelling.NEEDED:
            forms.append(text.rpartition("_")[2].lower())  # of DI_GEAR_P the P
        found = (word for form in forms for pattern, word in spelling.TEXTS[kind] if re.search(pattern, form))
        word = next(found, None)
        if word is not None:
            read[code] = word
    return read


def read_words(made: Candidate, signal: Any) -> None:
    """The words of a switch or selector: by its table, else by what is usual, which then is doubted."""
    kind = made.kind
    table = named_codes(signal)
    made.names = table
    made.values = read_codes(kind, table)
    known = set(made.values.values())
    needed = spelling.NEEDED.get(kind, {"on"})
    if kind in TWO_STATES and not table:
        made.values = {0: "off", 1: "on"}
        if signal.length == 1:
            if fits(r"inv(?!al)|inactive|(^|_)not_|(^|_)n_", forms(signal.name)):
                made.doubts.append("the name says inverted: if so, 0 is on")
                made.points -= 12
        else:
            made.points -= 3
            made.doubts.append("the database names no codes; 0 off and 1 on are the usual ones")
        return
    if needed <= known:
        made.points += 24 if kind in spelling.NEEDED else 4
        if kind == "winker" and spelling.LEVER.search(signal.name):
            made.points += 8
        made.why.append("its value table" if signal.choices else "the codes in its comment")
        if "off" not in known and kind in (*TWO_STATES, "winker"):
            _find_off(made, signal, table)
    elif kind in TWO_STATES and len(known - {"unknown"}) == 1 and signal.length == 1:
        code = next(code for code, word in made.values.items() if word != "unknown")
        made.values[1 - code] = "off" if made.values[code] == "on" else "on"
    elif kind in TWO_STATES:
        made.points -= 10
        made.usable = False
        made.doubts.append("which code is on and which is off the database does not say clearly")
        made.values = {0: "off", 1: "on"}
    elif known - {"unknown"}:
        made.points -= 2
        made.usable = False
        made.doubts.append(f"no name in its table is understood as {' or '.join(sorted(needed - known))}")
    else:
        made.points -= 2
        made.usable = False
        made.doubts.append("the database does not name the codes: find them with a log or in the car")
        made.values = dict(_GUESSES[kind])
    nameless = [f"{code} {text!r}" for code, text in table.items() if code not in made.values]
    if nameless:
        made.doubts.append("not understood, hence unknown: " + ", ".join(nameless[:6]))


def _find_off(made: Candidate, signal: Any, table: dict[int, str]) -> None:
    """Of a table that names no off: a code without a name; else, beside Pressed, Depressed is meant as released."""
    spare = next((code for code in range(1 << signal.length) if code not in table), None)
    if spare is not None:
        made.values[spare] = "off"
        made.doubts.append(f"code {spare} has no name in the database; taken as off")
        return
    if made.kind not in TWO_STATES:
        return
    said = {code: spelling.squashed(text) for code, text in table.items()}
    released = [code for code, text in said.items() if text == "depressed"]
    if released and "pressed" in said.values():
        made.values |= dict.fromkeys(released, "off")
        made.doubts.append(f"code {released[0]} {table[released[0]]!r} taken as released; press the pedal and look")
    else:
        made.usable = False
        made.doubts.append("every name in its table reads as on; which code is off?")


def read_number(made: Candidate, signal: Any) -> None:
    """Unit and scale of a number, and which codes say that the car does not know."""
    units = spelling.UNITS[made.kind]
    said = spelling.squashed(signal.unit or "")
    unit = units.get(said, "")
    full = abs(float(signal.scale)) * ((1 << signal.length) - 1)
    top = float(signal.maximum) if signal.maximum else full
    if unit:
        made.points += 25
        made.why.append(f"the unit {signal.unit}")
    elif said and said not in ("-", "none", "xxx"):
        made.points -= 30
        made.doubts.append(f"the unit {signal.unit!r} is not one of {made.kind}")
    made.unit = unit
    sign = next((other for other in made.messages[0].signals if _is_sign_of(other, signal)), None)
    if sign is not None and not signal.is_signed and float(signal.offset) == 0 and made.kind != "speed":
        made.sign = f"{made.messages[0].name}.{sign.name}"
        made.doubts.append(f"its sign is a signal of its own, {sign.name}; 1 is taken as negative")
    _TUNE[made.kind](made, signal, top, full)
    for code, text in named_codes(signal).items():
        if re.search(spelling.TEXTS["winker"][0][0] + "|keine|nodisplay|sensor", spelling.squashed(text)):
            made.unknown.append(code)


def _speed(made: Candidate, signal: Any, top: float, full: float) -> None:
    if not made.unit:
        kmh = 90 <= top <= 700 or (full >= 600 and 0.005 <= float(signal.scale) <= 0.2)
        made.unit = "km/h"
        made.doubts.append(
            "the database gives no unit; compare with the speedometer" + ("" if kmh else ", and the scale")
        )
        made.usable = kmh
    if min(top, full) < {"km/h": 100, "mph": 60, "m/s": 28}[made.unit]:
        made.points -= 15
        made.doubts.append(f"its range ends at {min(top, full):g} {made.unit}")
    if signal.is_signed or float(signal.offset) < 0:
        made.doubts.append("it can be negative: add signed = true if it is so in reverse")
    made.points += 3 if float(signal.scale) <= 0.15 else -5


def _accelerator(made: Candidate, signal: Any, top: float, full: float) -> None:
    if 0 < top <= 1.3:
        made.unit, how = "fraction", ""
    elif top <= 130 and (made.unit or top >= 95):
        made.unit, how = "%", ""
    else:
        made.unit = "%"
        made.scale = f"{100 / top:.6g}" if top > 130 else ""
        how = f"full is taken to be {top:g}; look at the value with the pedal pressed down"
    if how:
        made.doubts.append(how)


def _acceleration(made: Candidate, signal: Any, top: float, full: float) -> None:
    if not made.unit:
        made.unit = "m/s2"
        made.usable = full / 2 <= 80 and float(signal.scale) < 0.3
        made.doubts.append("the database gives no unit; forward has to be positive")
        made.points -= 6
    if not made.sign and not signal.is_signed and float(signal.offset) >= 0:
        made.points -= 12
        made.usable = False
        made.doubts.append("it has no negative values in the database")


def _yaw_rate(made: Candidate, signal: Any, top: float, full: float) -> None:
    if not made.unit:
        made.unit = "rad/s" if full <= 20 else "deg/s"
        made.usable = full <= 500 and float(signal.scale) < 1
        made.doubts.append("the database gives no unit")
        made.points -= 4
    if not made.sign and not signal.is_signed and float(signal.offset) >= 0:
        made.points -= 12
        made.usable = False
        made.doubts.append("it has no negative values in the database")
    made.doubts.append('left taken as positive (ISO 8855); if right is, add positive = "right"')


_TUNE: Final = {
    "speed": _speed,
    "accelerator": _accelerator,
    "acceleration": _acceleration,
    "yaw_rate": _yaw_rate,
}


def _is_sign_of(other: Any, signal: Any) -> bool:
    if other.length != 1 or other.name == signal.name:
        return False
    bare = re.sub(r"vz|vorzeichen|sign(?!al)", "", spelling.squashed(other.name))
    return bare != spelling.squashed(other.name) and bare.rstrip("_") in spelling.squashed(signal.name)
