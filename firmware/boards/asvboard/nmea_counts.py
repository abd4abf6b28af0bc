"""Why bytes, sentences and epochs of a receiver were dropped: the reasons, as numbers and as words."""

from array import array

BAD_CHECKSUM = 0
NO_CHECKSUM = 1
GARBAGE = 2  # lines without a sentence, and sentences that are none
COMMENT = 3
BINARY = 4  # frames
NO_TIME = 5
BAD_TIME = 6
IMPLAUSIBLE = 7  # values
INCOMPLETE_EPOCH = 8
LATE_SENTENCE = 9
TIME_REPEATED = 10
MANUAL_INPUT = 11
SIMULATED = 12
STALE = 13
TIME_BACK = 14
KINDS_FULL = 15  # more kinds of sentences of one time of day than there is room for
OVERRUN = 16  # fixes that were not taken in time

REASONS = (
    "bad_checksum",
    "no_checksum",
    "garbage",
    "comment",
    "binary",
    "no_time",
    "bad_time",
    "implausible",
    "incomplete_epoch",
    "late_sentence",
    "time_repeated",
    "manual_input",
    "simulated",
    "stale",
    "time_back",
    "kinds_full",
    "overrun",
)


MOST = (1 << 30) - 1  # then a counter stands still


def new_counts():
    """A counter for each reason."""
    return array("i", [0] * len(REASONS))


def add(counts, reason):
    """One more."""
    if counts[reason] < MOST:
        counts[reason] += 1
