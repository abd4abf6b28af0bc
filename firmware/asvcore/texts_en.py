"""What the driver reads, in English, by TEXT_ code: see texts.py."""

from . import codes

ENGLISH = (
    (codes.TEXT_NONE, ""),
    (codes.TEXT_CROSSING_INFORMATION_LEFT, "Vehicle coming from the left"),
    (codes.TEXT_CROSSING_INFORMATION_RIGHT, "Vehicle coming from the right"),
    (codes.TEXT_CROSSING_INFORMATION_BOTH, "Vehicles from left and right"),
    (codes.TEXT_CROSSING_CAUTION_LEFT, "WAIT! Left side"),
    (codes.TEXT_CROSSING_CAUTION_RIGHT, "WAIT! Right"),
    (codes.TEXT_CROSSING_CAUTION_BOTH, "WAIT! Both ways"),
    (codes.TEXT_KEEP_WATCHING, "Keep watching the road"),
    (codes.TEXT_ONCOMING_INFORMATION, "Oncoming vehicle"),
    (codes.TEXT_ONCOMING_CAUTION, "WAIT! Oncoming"),
    (codes.TEXT_BEHIND_INFORMATION_LEFT, "Vehicle behind on the left"),
    (codes.TEXT_BEHIND_INFORMATION_RIGHT, "Vehicle behind on the right"),
    (codes.TEXT_BEHIND_CAUTION_LEFT, "Watch left rear"),
    (codes.TEXT_BEHIND_CAUTION_RIGHT, "Rear on right!"),
    (codes.TEXT_SURROUNDING, "Vehicle nearby"),
    (codes.TEXT_EMERGENCY, "Emergency vehicle nearby"),
)
