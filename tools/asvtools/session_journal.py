"""A part's journal line by line, for whoever reads a session without replaying it: what each line is, and when."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from asvcore.journal import MAGIC
from asvtools.session_lines import whole_lines

_WORDS: Final = {"F": 12, "V": 7, "N": 7, "X": 7, "S": 5, "T": 3, "B": 3, "P": 3, "R": 2}  # with the letter
_LINE: Final = re.compile(r"[FVNXSTBPR](?: (?:-?\d{1,10}|-))+")
_MESSAGE: Final = re.compile(r"M \d{1,10} \d{1,10} \d{1,5} [01](?: (?:[0-9a-f]{2})*)?")
_SOURCE: Final = re.compile(r"# source (\d{1,5}) (\S+)")
_TIMELESS: Final = ("P", "R", "#")
SOURCE, SETTINGS = "source", "settings"


class Line(NamedTuple):
    """`kind`: the letter of an input, "#" a comment, SETTINGS, or SOURCE. `at_ms`: unit time, R counted in."""

    kind: str
    words: list[str]
    at_ms: int | None
    text: str


def journal_lines(path: Path, counters: Counter[str], rebased_ms: int = 0) -> Iterator[Line]:
    """The lines that belong in a journal. Counted: bad_line, no_head (it does not begin as a journal).

    `rebased_ms`: taken off the clock before this part; what R lines of this one take off is added.
    """
    lines = whole_lines(path, counters)
    first = next(lines, None)
    if first is None:  # cut before its first line was whole
        return
    if first.decode("ascii", "replace").strip() != MAGIC:
        counters["no_head"] += 1
    for number, raw in enumerate(lines):
        text = raw.decode("ascii", "replace")
        words = text.split()
        if number == 0:
            if words[:1] == ["settings"]:
                yield Line(SETTINGS, words, None, text)
                continue
            counters["no_head"] += 1
        if not words:
            continue
        kind = words[0][0]
        if kind == "#":
            found = _SOURCE.fullmatch(text)
            yield Line(SOURCE, [found[1], found[2]], None, text) if found else Line("#", words, None, text)
            continue
        if not (_MESSAGE.fullmatch(text) if kind == "M" else _LINE.fullmatch(text) and len(words) == _WORDS[kind]):
            counters["bad_line"] += 1
            continue
        try:
            if kind == "R":
                rebased_ms += int(words[1])
            at_ms = None if kind in _TIMELESS else int(words[1]) + rebased_ms
        except ValueError:  # a time that is none
            counters["bad_line"] += 1
            continue
        yield Line(kind, words, at_ms, text)
