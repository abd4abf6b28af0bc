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
        codes.TEXT_KEEP_WATCHING: "Keep watching the road",
        codes.TEXT_ONCOMING_INFORMATION: "Oncoming vehicle",
        codes.TEXT_ONCOMING_CAUTION: "WAIT! Oncoming",
        codes.TEXT_BEHIND_INFORMATION_LEFT: "Vehicle behind on the left",
        codes.TEXT_BEHIND_INFORMATION_RIGHT: "Vehicle behind on the right",
        codes.TEXT_BEHIND_CAUTION_LEFT: "Watch left rear",
        codes.TEXT_BEHIND_CAUTION_RIGHT: "Rear on right!",
        codes.TEXT_SURROUNDING: "Vehicle nearby",
        codes.TEXT_EMERGENCY: "Emergency vehicle nearby",
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
        codes.TEXT_ONCOMING_INFORMATION: "対向車が接近しています",
        codes.TEXT_ONCOMING_CAUTION: "対向車 待て",
        codes.TEXT_BEHIND_INFORMATION_LEFT: "左後方から車両が接近しています",
        codes.TEXT_BEHIND_INFORMATION_RIGHT: "右後方から車両が接近しています",
        codes.TEXT_BEHIND_CAUTION_LEFT: "左後方 注意",
        codes.TEXT_BEHIND_CAUTION_RIGHT: "右後方 注意",
        codes.TEXT_SURROUNDING: "周辺に車両がいます",
        codes.TEXT_EMERGENCY: "緊急車両が近くを走行しています",
    },
}
