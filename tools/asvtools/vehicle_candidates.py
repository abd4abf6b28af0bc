"""Which signals of a car's database could feed which ASV signal, with points and the reasons for them.

Only names, units, ranges, value tables and comments are looked at; `asvtools.vehicle_behaviour` adds what a log shows.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final

from asvtools import vehicle_spelling as spelling
from asvtools import vehicle_vocabulary as vocabulary
from asvtools.vehicle_reading import NUMBERS, Candidate, fits, forms, named_codes, read_codes, read_number, read_words

LEAST_POINTS: Final = 30  # fewer: named as possible, not proposed
_NAMED: Final = {
    kind: "|".join(f"(?:{pattern})" for pattern, _ in one.names) for kind, one in vocabulary.SIGNALS.items()
}
_AS_LIKELY: Final = 3  # points apart
_TOLD: Final = 3  # others as likely, by name
_CODED: Final = frozenset(spelling.NEEDED)


def _rate(kind: str, signal: Any, name: str, around: str) -> tuple[float, list[str]] | None:
    """Points by the names and the length, or None if the name says nothing of it."""
    known = vocabulary.SIGNALS[kind]
    low, high = known.bits
    if not low <= signal.length <= high:
        return None
    if fits(_NAMED[kind], name):
        best = max(points for pattern, points in known.names if fits(pattern, name))
        why = [f"the name {signal.name}"]
    elif kind in _CODED and _table_tells(kind, signal):
        best, why = 12, []
    else:
        return None
    best += max((points for pattern, points in known.messages if fits(pattern, around)), default=0)
    against = sum(points for pattern, points in known.against if fits(pattern, name))
    against += sum(points for pattern, points in vocabulary.MESSAGES_AGAINST if fits(pattern, around))
    return best - against, why


def candidates(messages: Iterable[Any]) -> dict[str, list[Candidate]]:
    """By ASV signal, the best first."""
    found: dict[str, list[Candidate]] = {kind: [] for kind in vocabulary.SIGNALS}
    sides: dict[tuple[str, str, int], dict[bool, tuple[Any, Any, float, list[str]]]] = defaultdict(dict)
    corners: dict[tuple[Any, ...], list[tuple[Any, Any]]] = defaultdict(list)
    for message in messages:
        around = forms(message.name)
        for signal in message.signals:
            if signal.is_float:
                continue
            name = forms(signal.name)
            for kind in vocabulary.SIGNALS:
                rated = _rate(kind, signal, name, around)
                if rated is None:
                    continue
                points, why = rated
                side = spelling.SIDE.search(signal.name) if kind == "winker" else None
                if side is not None:
                    pattern = signal.name[: side.start()] + "*" + signal.name[side.end() :]
                    home = "" if _pair_spans(message.name) else message.name
                    key = (home, pattern, signal.length)
                    left = side.group().lower() in spelling.LEFT_SIDE
                    sides[key].setdefault(left, (message, signal, points, why))
                    if not _table_tells(kind, signal):
                        continue
                if kind == "winker" and (signal.length == 1 or _table_tells("shift", signal)):
                    continue  # of a selector's table R and L are no sides
                made = _single(kind, message, signal, points, why)
                if made is not None:
                    found[kind].append(made)
            corner = spelling.CORNER.search(signal.name)
            if corner is not None and _is_wheel(message, signal):
                pattern = spelling.NUMBERED.sub("", signal.name[: corner.start()] + "*" + signal.name[corner.end() :])
                corners[pattern, signal.length, signal.scale, signal.offset].append((message, signal))
    found["winker"] += _pairs(sides.values())
    found["speed"] += _wheels(corners.values())
    for some in found.values():
        some.sort(key=lambda made: -made.points)
    return found


def _table_tells(kind: str, signal: Any) -> bool:
    needed = spelling.NEEDED.get(kind)
    return bool(needed and signal.choices and needed <= set(read_codes(kind, named_codes(signal)).values()))


def _single(kind: str, message: Any, signal: Any, points: float, why: list[str]) -> Candidate | None:
    made = Candidate(kind, "from", (message,), (signal,), points, list(why))
    if kind in NUMBERS:
        read_number(made, signal)
    else:
        read_words(made, signal)
    if signal.comment and made.kind != "winker" and re.search(r"not transmitted|unused|dummy", signal.comment, re.I):
        made.points -= 4
    return made if made.points > 8 else None


def _pair_spans(message_name: str) -> bool:
    """Whether the message's own name has a side: the other side is in another message."""
    return spelling.SIDE.search(message_name) is not None


def _pairs(groups: Iterable[dict[bool, tuple[Any, Any, float, list[str]]]]) -> Iterator[Candidate]:
    for group in groups:
        if len(group) < 2:
            continue
        (message, left, points, why), (other, right, more, _) = group[True], group[False]
        made = Candidate("winker", "pair", (message, other), (left, right), min(points, more) + 12, list(why))
        made.why = [f"the names {left.name} and {right.name}"]
        names = f"{left.name} {message.name}"
        if spelling.LEVER.search(left.name):
            made.points += 8
            made.why.append("named as the lever's switch")
        elif spelling.BULB.search(names):
            made.flashing = True
            made.why.append("named as lamps, which flash")
        else:
            made.flashing = True
            made.doubts.append("lever or lamps? flashing = true suits both; for a lever take it out: off 0.8 s sooner")
        table = named_codes(left)
        made.names = table
        if left.length > 1:
            codes = read_codes("brake", table)
            on = [code for code, word in codes.items() if word == "on"]
            made.values = dict.fromkeys(on, "on")
            made.points -= 4
            if not table:
                made.doubts.append("the codes have no names; any but 0 is taken as on")
        yield made


def _is_wheel(message: Any, signal: Any) -> bool:
    if not 7 <= signal.length <= 32:
        return False
    about = f"{signal.name} {message.name}"
    unit = spelling.UNITS["speed"].get(spelling.squashed(signal.unit or ""))
    if spelling.WHEEL.search(about) is None or (signal.unit and unit is None):
        return False
    if re.search(r"press|druck|torq|temp|puls|tick|dir|susp|height|cnt|count|angle|tpms|tire|slip", about, re.I):
        return False
    return bool(unit) or re.search(r"sp(ee)?d|geschw|drehz|sokudo", about, re.I) is not None


def _wheels(groups: Iterable[list[tuple[Any, Any]]]) -> Iterator[Candidate]:
    for group in groups:
        by_corner: dict[str, tuple[Any, Any]] = {}
        for message, signal in group:
            corner = spelling.CORNER.search(signal.name)
            by_corner.setdefault(corner.group().lower() if corner else "", (message, signal))
        if not 2 <= len(by_corner) <= 4:
            continue
        messages, signals = zip(*by_corner.values(), strict=True)
        made = Candidate("speed", "wheels", messages, signals, 36, [f"{len(signals)} wheel speeds"])
        read_number(made, signals[0])
        made.points -= 8 if len(signals) < 4 else 0
        yield made


def is_part(made: Candidate, some: list[Candidate]) -> bool:
    """Whether it is one wheel of several that are proposed together."""
    whole = [one for one in some if one.shape == "wheels"]
    return made.shape == "from" and any(made.references[0] in one.references for one in whole)


def doubt_twins(best: Candidate, good: list[Candidate], logged: bool) -> None:
    """Says that others are as likely: which one a car really sends only a log tells, if anything does."""
    twins = [one.references[0] for one in good if one is not best and best.points - one.points < _AS_LIKELY]
    if twins and best.shape == "from" and not best.doubts:
        tells = "the log has them, too; see which is right" if logged else "a log tells which one the car sends"
        best.doubts.append(f"as likely: {', '.join(twins[:_TOLD])}; {tells}")
