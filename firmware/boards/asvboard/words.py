"""The core's codes as words, for a board's console. A code without a word is told as its number."""

from asvcore import codes

LEVELS = ("none", "information", "caution", "warning")
FUNCTIONS = ("", "crossing", "right turn", "left turn", "surrounding", "emergency")
SIDES = ("", "left", "right", "left and right")
INPUTS = ("gnss", "can", "radio")
SIGNALS = (
    "speed", "brake", "winker", "hazard", "shift", "accelerator", "acceleration", "yaw rate", "emergency",
)  # fmt: skip
# By the state of `can_input.CanInput`; above CAN_OK the car is lost
CAN_STATES = (
    "can: opening",
    "can: the controller answers",
    "can: errors and no frame of use: can.kbit, can.oscillator_hz, or the wiring",
    "can: bus off",
    "can: no controller answers: its wiring, its supply",
    "can: the bus is never idle: a short circuit, or a transceiver without supply",
    "can: no frame of the map comes any more",
)
CAN_OK = 1

_STATES = (
    (codes.STATE_OK, "ok"),
    (codes.STATE_SILENT, "silent"),
    (codes.STATE_STALE, "stale"),
    (codes.STATE_IMPLAUSIBLE, "implausible"),
    (codes.STATE_OFF, "off"),
    (codes.STATE_UNKNOWN, "unknown"),
)
_REASONS = (
    (codes.REASON_NO_INPUT, "nothing has come yet"),
    (codes.REASON_TIMEOUT, "nothing comes any more"),
    (codes.REASON_VOID, "the receiver has no fix"),
    (codes.REASON_NO_FIX, "the receiver has no fix"),
    (codes.REASON_OUT_OF_RANGE, "out of range"),
    (codes.REASON_NO_POSITION, "no position"),
    (codes.REASON_NOT_CODABLE, "a position that no message can tell"),
    (codes.REASON_RECEIVED, "received"),
    (codes.REASON_NOT_CONFIGURED, "not configured"),
    (codes.REASON_IMPLAUSIBLE, "it tells what cannot be"),
    (codes.REASON_FROZEN, "the receiver repeats a position that the car has left"),
    (codes.REASON_ERROR_GROWN, "reckoned for too long"),
    (codes.REASON_UNKNOWN, "unknown"),
    (codes.REASON_TIME_REPEATED, "the receiver repeats an old fix"),
    (codes.REASON_DATE_IMPLAUSIBLE, "the receiver's date cannot be"),
)


def state(code):
    """The word of a STATE_ code."""
    return _word(_STATES, code)


def reason(code):
    """The words of a REASON_ code."""
    return _word(_REASONS, code)


def _word(rows, code):
    for known, word in rows:
        if known == code:
            return word
    return "%d" % code
