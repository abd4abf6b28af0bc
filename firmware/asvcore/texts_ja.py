"""What the driver reads, in Japanese, by TEXT_ code: see texts.py."""

from . import codes

JAPANESE = (
    (codes.TEXT_NONE, ""),
    (codes.TEXT_CROSSING_INFORMATION_LEFT, "左から車両が接近しています"),
    (codes.TEXT_CROSSING_INFORMATION_RIGHT, "右から車両が接近しています"),
    (codes.TEXT_CROSSING_INFORMATION_BOTH, "左右から車両が接近しています"),
    (codes.TEXT_CROSSING_CAUTION_LEFT, "左から車 待て"),
    (codes.TEXT_CROSSING_CAUTION_RIGHT, "右から車 待て"),
    (codes.TEXT_CROSSING_CAUTION_BOTH, "左右から車 待て"),
    (codes.TEXT_KEEP_WATCHING, "引き続き周囲を確認してください"),
    (codes.TEXT_ONCOMING_INFORMATION, "対向車が接近しています"),
    (codes.TEXT_ONCOMING_CAUTION, "対向車 待て"),
    (codes.TEXT_BEHIND_INFORMATION_LEFT, "左後方から車両が接近しています"),
    (codes.TEXT_BEHIND_INFORMATION_RIGHT, "右後方から車両が接近しています"),
    (codes.TEXT_BEHIND_CAUTION_LEFT, "左後方 注意"),
    (codes.TEXT_BEHIND_CAUTION_RIGHT, "右後方 注意"),
    (codes.TEXT_SURROUNDING, "周辺に車両がいます"),
    (codes.TEXT_EMERGENCY, "緊急車両が近くを走行しています"),
)
