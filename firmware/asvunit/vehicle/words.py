"""What the tables of a signal map may say: words, units, limits and keys of each ASV signal."""

from fractions import Fraction
from typing import Final

from asvcore import elements
from asvcore.can_bits import NONE_WORD
from asvcore.can_table import AUXILIARY
from asvunit.ports import ACCELERATOR, SIGNALS

AUXILIARY_BIT: Final = elements.BRAKE_AUXILIARY - elements.BRAKE_OFF
WORDS: Final[dict[str, dict[str, int]]] = {
    "brake": {"off": elements.BRAKE_OFF, "on": elements.BRAKE_ON},
    "auxiliary_brake": {"off": 0, "on": AUXILIARY_BIT},
    "winker": {
        "off": elements.WINKER_OFF, "right": elements.WINKER_RIGHT, "left": elements.WINKER_LEFT,
        "none": elements.WINKER_NONE,
    },
    "hazard": {"off": elements.HAZARD_OFF, "on": elements.HAZARD_ON, "none": elements.HAZARD_NONE},
    "shift": {"drive": 1, "reverse": 2, "parking": 3, "other": 4, "none": 7},
    "accelerator_switch": {"off": 0, "on": elements.PEDAL_ON},
    "emergency": {"off": 0, "on": 1},
}  # fmt: skip
for _words in WORDS.values():
    _words["unknown"] = NONE_WORD
# What 1 of a unit is in ours: 0.01 km/h, cm/s2, %, 0.01 degrees/s (pi is 355/113: small numbers for a board)
UNITS: Final[dict[str, dict[str, Fraction]]] = {
    "speed": {"km/h": Fraction(100), "m/s": Fraction(360), "mph": Fraction("160.9344")},
    "accelerator": {"%": Fraction(1), "fraction": Fraction(100)},
    "acceleration": {"m/s2": Fraction(100), "g": Fraction("980.665")},
    "yaw_rate": {"deg/s": Fraction(100), "rad/s": Fraction(18_000 * 113, 355)},
}
LIMITS: Final = {
    "speed": (0, 30_000), "accelerator": (0, 100), "acceleration": (-2_000, 2_000), "yaw_rate": (-15_000, 15_000),
}  # fmt: skip
BACKWARDS: Final = -30_000  # least speed of a map with `signed`

_COMMON: Final = frozenset({"from", "valid", "valid_codes", "period_ms", "timeout_periods", "timeout_ms"})
_NUMBER: Final = _COMMON | {"unit", "scale", "offset", "min", "max", "unknown", "sign", "sign_codes"}
_WORDS: Final = _COMMON | {"values", "default"}
_SWITCH: Final = _WORDS | {"on", "any"}
_SIDES: Final = frozenset({"left", "right", "left_on", "right_on", "flashing", "flash_gap_ms"})
KEYS: Final = {
    "speed": _NUMBER | {"magnitude", "signed", "wheels"},
    "acceleration": _NUMBER | {"magnitude"},
    "accelerator": _NUMBER | {"magnitude"},
    "yaw_rate": _NUMBER | {"positive"},
    "accelerator_switch": _SWITCH,
    "brake": _SWITCH,
    "auxiliary_brake": _SWITCH,
    "winker": _WORDS | _SIDES,
    "hazard": _SWITCH | _SIDES,
    "shift": _WORDS,
    "emergency": _SWITCH,
}
NAMES: Final = tuple(KEYS)
_INDICES: Final = {"auxiliary_brake": AUXILIARY, "accelerator_switch": ACCELERATOR}


def index(name: str) -> int:
    """The signal that a table feeds, as rules number it."""
    return _INDICES[name] if name in _INDICES else SIGNALS.index(name)
