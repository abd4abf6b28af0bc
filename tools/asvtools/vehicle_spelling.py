"""How databases spell units and words of value tables, and how names tell sides, wheels, levers, lamps, counters."""

import re
from typing import Final

# Units as databases spell them (squashed), and what they are here.
UNITS: Final[dict[str, dict[str, str]]] = {
    "speed": {
        **dict.fromkeys(("km/h", "kmh", "kph", "kmph", "km/hr", "unitkilometerperhour", "kilometerperhour"), "km/h"),
        **dict.fromkeys(("m/s", "mps", "ms-1", "m/sec", "unitmeterpersecon", "meterpersecond"), "m/s"),
        **dict.fromkeys(("mph", "mi/h", "milesperhour"), "mph"),
    },
    "accelerator": {
        **dict.fromkeys(("%", "percent", "pct", "unitpercent", "prozent", "perc"), "%"),
    },
    "acceleration": {
        **dict.fromkeys(
            (
                "m/s2",
                "m/s^2",
                "m/s/s",
                "mpss",
                "m/s²",
                "m/s**2",
                "mps2",
                "meter/s^2",
                "m/sec^2",
                "unitmeterperseconsquar",
                "meters/s^2",
                "meters/sec^2",
                "mpersecsquared",
            ),
            "m/s2",
        ),
        **dict.fromkeys(("g", "unitgraviaccel", "gravity"), "g"),
    },
    "yaw_rate": {
        **dict.fromkeys(
            (
                "deg/s",
                "°/s",
                "degrees/second",
                "deg/sec",
                "degree/s",
                "degrees/s",
                "grad/sec",
                "grad/s",
                "deg/sek",
                "unitdegreofarcpersecon",
                "deg/second",
                "dps",
            ),
            "deg/s",
        ),
        **dict.fromkeys(("rad/s", "radians/second", "rad/sec", "radian/s", "unitradiapersecon"), "rad/s"),
    },
}

# Words of value tables. The first pattern that fits a squashed text tells; UNKNOWN goes first.
_UNKNOWN: Final = (
    r"fail|fault|inval|error|err$|fehler|sna$|unknown|undef|init|"
    r"notused|unused|reserv|nodata|notavail|notdefin|defekt"
    r"|ungueltig|^na$|^n/a$|neutralwert|nosignal|notvalid|between|zwischen|unplaus|^nicht?verf|notsupp|intermed|undet"
)
_OFF: Final = (
    r"^(off|aus|no|none|nein|not|false|inactive|idle|null|neutral|"
    r"released?|open|kein.*|nicht?.*|not.*|in?aktiv)$|^no[a-z]*$"
    r"|off$|inactive|released|not(appl|activ|press|depress|brak|engag|set)|unpress|^deact|notpress|^un|nothing|middle|center|mitte|^0$"
)
_ON: Final = (
    r"^(on|ein|yes|ja|true|active|pressed|aktiv|applied|set|closed|"
    r"depressed|1)$|on$|press|activ|aktiv|betaetigt|appl|brak"
)
TEXTS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "winker": (
        (_UNKNOWN, "unknown"),
        (r"both|hazard|warnblink|beide", "unknown"),
        (r"left|links|^l$|^li$|^lh$|hidari|gauche", "left"),
        (r"right|rechts|^r$|^re$|^rh$|migi|droit", "right"),
        (_OFF, "off"),
    ),
    "shift": (
        (_UNKNOWN, "unknown"),
        (r"^(p|park|parken|parking|parkposition|inpark|gearp)$|^park|^p[ _]?pos|parkstufe", "parking"),
        (r"^(r|rev|reverse|rueckwaerts|rueckwaertsgang|gearr)$|^rever|^r[ _]?pos|rueckw", "reverse"),
        (r"^(n|neutral|leerlauf|gearn|nd|nr|rn)$|^neutral|^n[ _]?pos|leerlauf", "other"),
        (
            r"^(d|drive|s|sport|ds|e|l|low|b|m|manual|manuell|t|tip|"
            r"tiptronic|geard|[ld]?[1-9]|10|ms|eco|forward|cvt)$"
            r"|^drive|^d[ _]?pos|^sport|^low|^(first|second|third|"
            r"fourth|fifth|sixth|seventh|eighth)|forward|^fahr|vorw|gang[1-9]"
            r"|^range[1-9]|tippgasse|^b[ _]?pos|gear[1-9]|^d\d|^s\d|^m\d|[1-9](st|nd|rd|th)",
            "drive",
        ),
    ),
}
_TWO: Final = ((_UNKNOWN, "unknown"), (_OFF, "off"), (_ON, "on"))
for _kind in ("brake", "auxiliary_brake", "hazard", "accelerator_switch"):
    TEXTS[_kind] = _TWO
NEEDED: Final = {"winker": {"left", "right"}, "shift": {"drive", "reverse"}}

COUNTER_NAME: Final = re.compile(r"counter|alive|cnt|zaehler|bz$|rollcnt|msgcount|^roll", re.IGNORECASE)
CHECKSUM_NAME: Final = re.compile(r"checksum|chksum|crc|prf?sum|cs$", re.IGNORECASE)
LEVER: Final = re.compile(
    r"stalk|sw(itch|tch)?s?$|sw(itch)?_|lever|lvr|hebel|button|btn|taster?|signaling|signalling", re.IGNORECASE
)
BULB: Final = re.compile(r"bulb|lamp|light|lght|licht|takt|flash|blinking|blinken|flasher|_akt$", re.IGNORECASE)
CORNER: Final = re.compile(
    r"(?i:(front|rear|vorn|hinten)_?(left|right|links|rechts|lh|rh)|(left|right)_?(front|rear))"
    r"|(?<![A-Za-z])(?i:[fr][lr]|[vh][lr]|[lr][fr])(?![A-Za-z])|(?<=[a-z])(FL|FR|RL|RR|VL|VR|HL|HR|LF|RF|LR)(?![a-z])"
    r"|(Frt|Bck|Rr)(L|R)(?![a-z])"
)
NUMBERED: Final = re.compile(r"^[A-Z]?\d+_")  # of P263_WheelFrtL: parameters that are numbered through
WHEEL: Final = re.compile(r"wheel|whl|radgeschw|raddreh|^rad|_rad|sharin", re.IGNORECASE)
SIDE: Final = re.compile(
    r"(?i:left|right|links|rechts)|(?<![A-Za-z])(?i:lh|rh|li|re|l|r)(?![A-Za-z])"
    r"|(?<=[a-z])(Lh|Rh|LH|RH|Li|Re|L|R)(?![a-z])"
)
LEFT_SIDE: Final = frozenset({"left", "links", "lh", "li", "l"})


def squashed(text: str) -> str:
    return re.sub(r"[\s_]+", "", text).lower()
