"""What the driver reads, Japanese and English, by text id [G appendix 2].

At most 30 characters for information and 15 for caution; nothing reads as "no one is there" or "go".
"""

from typing import Final

from asvcore import codes

LIMITS: Final = {codes.LEVEL_INFORMATION: 30, codes.LEVEL_CAUTION: 15}

TEXTS: Final[dict[str, dict[int, str]]] = {
    "en": {
        codes.TEXT_NONE: "",
        codes.TEXT_CROSSING_INFORMATION_LEFT: "Vehicle coming from the left",
        codes.TEXT_CROSSING_INFORMATION_RIGHT: "Vehicle coming from the right",
        codes.TEXT_CROSSING_INFORMATION_BOTH: "Vehicles from left and right",
        codes.TEXT_CROSSING_CAUTION_LEFT: "WAIT! Left side",
        codes.TEXT_CROSSING_CAUTION_RIGHT: "WAIT! Right",
        codes.TEXT_CROSSING_CAUTION_BOTH: "WAIT! Both ways",
        codes.TEXT_KEEP_WATCHING: "Keep watching the crossing",
    },
    "ja": {
        codes.TEXT_NONE: "",
        codes.TEXT_CROSSING_INFORMATION_LEFT: "左から車両が接近しています",
        codes.TEXT_CROSSING_INFORMATION_RIGHT: "右から車両が接近しています",
        codes.TEXT_CROSSING_INFORMATION_BOTH: "左右から車両が接近しています",
        codes.TEXT_CROSSING_CAUTION_LEFT: "左から車 待て",
        codes.TEXT_CROSSING_CAUTION_RIGHT: "右から車 待て",
        codes.TEXT_CROSSING_CAUTION_BOTH: "左右から車 待て",
        codes.TEXT_KEEP_WATCHING: "引き続き周囲を確認してください",
    },
}
