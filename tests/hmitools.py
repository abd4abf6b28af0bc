"""What each level is to look and sound like, written down by hand from [G appendix 2] and docs/hmi.md: for tests.

Nothing here comes from the core: who compares with it has a second opinion.
"""

import re
from dataclasses import dataclass

LEVELS = ("none", "information", "caution", "warning")
GIVEN = LEVELS[:3]  # between vehicles [G table 2-6]
LANGUAGES = ("en", "ja")
SYSTEM_LAMPS = {"system": "green", "receiving": "green", "fault": "violet"}


@dataclass(frozen=True)
class Beat:
    """On and off by turns, so many times; 0 times: for as long as the level lasts. `rest`: how it is after that."""

    on_ms: int
    off_ms: int
    times: int
    rest: bool

    def is_on(self, elapsed_ms: int) -> bool:
        period_ms = self.on_ms + self.off_ms
        if self.times and elapsed_ms >= self.times * period_ms:
            return self.rest
        return elapsed_ms % period_ms < self.on_ms

    def edges(self, until_ms: int) -> list[tuple[int, bool]]:
        """(ms, on from then on), changes alone, from 0 on and before `until_ms`."""
        found: list[tuple[int, bool]] = []
        for ms in range(0, until_ms, 10):
            on = self.is_on(ms)
            if on != (found[-1][1] if found else False):
                found.append((ms, on))
        return found


@dataclass(frozen=True)
class Tone:
    """A sound: its frequency, its beat, and its share of the sound pressure."""

    hz: int
    beat: Beat
    percent: int


@dataclass(frozen=True)
class Look:
    """By the words of the events; `lamp` None: dark."""

    colour: str
    light: str
    sound: str
    lamp: Beat | None


STEADY = Beat(1, 0, 0, rest=True)
LOOKS = {
    "none": Look("none", "off", "none", None),
    "information": Look("blue", "steady", "none", STEADY),
    "caution": Look("yellow", "caution", "caution", Beat(200, 200, 5, rest=True)),
    "warning": Look("red", "warning", "warning", Beat(100, 100, 0, rest=True)),
}
TONES = {
    "information": Tone(500, Beat(150, 150, 1, rest=False), 50),
    "caution": Tone(1000, Beat(200, 200, 5, rest=False), 80),
    "warning": Tone(2000, Beat(100, 100, 0, rest=False), 100),
}
AGAIN_MS = 2000  # what is shown is shown so long, unless ego's own act ends it [D14, D15]
SELF_TEST_MS = 1000

# What a driver must find in a text, by function and level: (English, Japanese)
SAYS = {
    ("crossing", "information"): ("from", "接近しています"),
    ("crossing", "caution"): ("WAIT!", "待て"),
    ("right_turn", "information"): ("Oncoming vehicle", "対向車が接近しています"),
    ("right_turn", "caution"): ("WAIT! Oncoming", "対向車 待て"),
    ("left_turn", "information"): ("behind", "後方から"),
    ("left_turn", "caution"): (r"Watch .*rear|Rear .*!", "後方 注意"),
    ("surrounding", "information"): ("^Vehicle nearby", "周辺に"),
    ("emergency", "information"): ("Emergency vehicle", "緊急車両"),
}
HELD_SAYS = ("Keep watching", "引き続き")
SIDES = {"left": ("left", "左"), "right": ("right", "右")}

# What must never be read as "no one is there" or "you may go" [G 3.9(1)]
ALL_CLEAR = re.compile(
    r"""
    \b(?:all[ -]clear|clear\s+(?:road|way|ahead)|(?:road|way|coast)\s+(?:is\s+)?clear)\b
    | \b(?:safe(?:ly)?|proceed|go[ ]ahead|nobody|no[ -]one)\b
    | \bno\s+(?:other\s+|more\s+|further\s+)?(?:vehicles?|cars?|traffic|danger|targets?|neighbou?rs?)\b
    | \b(?:you|now)\s+(?:may|can)\s+(?:go|turn|start|cross|pull)\b
    | 安全です | 安全に(?:走行|通過|通行|進|発進) | 進め | 進んで | 発進でき | 行ってよい | 行けます | 曲がれます
    | どうぞ | 異常なし | 問題なし
    | (?:車|両|輌|相手|者|危険|もの)(?:など)?(?:は|が|も)?(?:[、 ]|周囲に|近くに|ほかに)*
      (?:いません|いない|ありません|無し|なし|ない)
    """,
    re.VERBOSE | re.IGNORECASE,
)
GO = re.compile(r"\b(?:go|clear|none|free|empty)\b|安全", re.IGNORECASE)  # in the few words of a support, these too
