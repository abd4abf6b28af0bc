"""Why support is or is not given, in words: one sentence for each reason of a judge, a gate or a support.

`text` says it from the code alone, as events do; `full` with what `asvunit.explain` can look up beside it. `numbers`
names the form of the measured distances that belong to it.
"""

from typing import Final, NamedTuple

from asvcore import codes, params
from asvcore.params import NONE

TIMED: Final = (codes.FUNCTION_CROSSING, codes.FUNCTION_RIGHT_TURN, codes.FUNCTION_LEFT_TURN)


class Sentence(NamedTuple):
    """Of one reason; fields of `full` are those of `asvunit.explain_details.Details`."""

    text: str
    full: str = ""
    numbers: str = ""  # "way": the condition on the distance; "past": beyond the conflict; "": none


SENTENCES: Final[dict[int, Sentence]] = {
    codes.REASON_L3_REACHED: Sentence("inside L3", numbers="way"),
    codes.REASON_L4_REACHED: Sentence("inside L4", numbers="way"),
    codes.REASON_L4_STAR_REACHED: Sentence("inside L4*", numbers="way"),
    codes.REASON_LATE_L3: Sentence("inside L3 when first judged", numbers="way"),
    codes.REASON_LATE_L4: Sentence("inside L4 when first judged", numbers="way"),
    codes.REASON_BEFORE_L3: Sentence("not yet", numbers="way"),
    codes.REASON_IN_RANGE: Sentence("in range", numbers="way"),
    codes.REASON_TARGET_PASSED: Sentence("the target has passed", numbers="past"),
    codes.REASON_TARGET_LOST: Sentence("not heard, or a frozen position: goes on as it went", numbers="way"),
    codes.REASON_LOST_LIMIT: Sentence(f"not heard for {params.LOST_LIMIT_MS // 1000} s: ended"),
    codes.REASON_RESUMED: Sentence("heard again, or the condition is back", numbers="way"),
    codes.REASON_PACKETS_STOPPED: Sentence("not heard any more", "not heard for {0.unheard}"),
    # Where the target is and how it goes
    codes.REASON_TOO_FAR: Sentence("the target is too far away", "{0.away}"),
    codes.REASON_ANGLE: Sentence(
        "the courses do not meet at the angle of this function", "courses differ by {0.angle}, support {0.angles}"
    ),
    codes.REASON_NOT_AHEAD: Sentence(
        "the courses do not cross in front of ego", "the courses cross {0.ahead}, support {0.aheads}"
    ),
    codes.REASON_LATERAL: Sentence("the target's way passes too far beside", "the target passes {0.lateral}"),
    codes.REASON_RECEDING: Sentence("farther than 30 m and not coming nearer", "not coming nearer, {0.away_receding}"),
    codes.REASON_TARGET_FELL_BACK: Sentence("the target has fallen back", numbers="way"),
    codes.REASON_TARGET_SLOW: Sentence(
        "the target is too slow", "the target is too slow: {0.speed}, support from {0.speed_least}"
    ),
    codes.REASON_TARGET_STANDING: Sentence(
        "the target stands", f"the target stands: {{0.speed}}, told above {params.STANDING_KMH} km/h"
    ),
    # What it is, and what it tells
    codes.REASON_NOT_TWO_WHEELER: Sentence("the target is no two-wheeler", "the target is no two-wheeler: {0.kind}"),
    codes.REASON_NOT_EMERGENCY: Sentence("no emergency vehicle in action"),
    codes.REASON_TARGET_DATA: Sentence(
        "the target does not tell position, speed and direction", "the target does not tell its {0.untold}"
    ),
    codes.REASON_TARGET_FROZEN: Sentence(
        "the target's position is frozen", "the target's position is the same for {0.same} at {0.speed}"
    ),
    codes.REASON_ERROR_UNBOUNDED: Sentence(
        "a position error is 255 m or more", "position errors too large: {0.errors}"
    ),
    codes.REASON_EGO_PRIORITY: Sentence(
        "ego has priority there, by the map", "ego has priority where the courses cross, {0.ahead}, by the map"
    ),
    codes.REASON_NO_JUNCTION: Sentence(
        "no junction where the courses cross, by both maps", "no junction {0.ahead}, by both maps"
    ),
    # What ego does
    codes.REASON_EGO_STARTED: Sentence("ego has started", "ego has started: {0.ego_speed}"),
    codes.REASON_EGO_TOO_FAST: Sentence("ego is too fast", "ego is too fast: {0.ego_speed}, support to {0.ego_most}"),
    codes.REASON_EGO_NOT_STOPPED: Sentence("ego has not stopped", "ego has not stopped: {0.ego_speed}"),
    codes.REASON_EGO_STANDING: Sentence(
        "ego stands, as at a kerb", f"ego stands: {{0.ego_speed}}, support above {params.STOPPED_CKMH // 100} km/h"
    ),
    codes.REASON_NOT_REQUESTED: Sentence("the driver has not asked for vehicles nearby"),
    codes.REASON_WINKER_OFF: Sentence("the winker is off or to the other side", "the winker is {0.winker}"),
    codes.REASON_WINKER_UNKNOWN: Sentence("the winker is not known"),
    codes.REASON_TURN_BEGUN: Sentence("ego's turn has begun"),
    codes.REASON_EGO_POSITION_UNKNOWN: Sentence(
        "ego's position is not known", "ego's position is not known: {0.no_position}"
    ),
    codes.REASON_EGO_SPEED_UNKNOWN: Sentence("ego's speed is not known"),
    codes.REASON_HEADING_UNKNOWN: Sentence(
        f"ego's heading is not known: none above {params.COURSE_CKMH // 100} km/h yet"
    ),
    # Of the support itself
    codes.REASON_HOLD_OVER: Sentence(f"kept for {params.HOLD_MS // 1000} s, now over"),
    codes.REASON_INFORMATION_ENDED: Sentence("shown for 3 s, caution follows at L4*"),
    codes.REASON_DISPLACED: Sentence("no room: more dangerous ones are followed"),
    codes.REASON_SUPERSEDED: Sentence("another support speaks for it", numbers="way"),
    codes.REASON_EXTERNAL: Sentence("told by another system"),
    codes.REASON_EXTERNAL_ENDED: Sentence("the other system has ended it"),
    codes.REASON_EXTERNAL_STALE: Sentence("the other system does not repeat it any more"),
    codes.REASON_READY: Sentence("ready"),
    codes.REASON_OFF: Sentence("off by configuration"),
}


def metres(length_dm: int) -> str:
    """A length for people."""
    return f"{length_dm / 10:.1f} m"


def measured(function: int, distance_dm: int, error_dm: int, threshold_dm: int, numbers: str) -> str:
    """Distances in one form, or "" where they were not measured."""
    if not numbers or distance_dm == NONE:
        return ""
    if function not in TIMED:  # straight, and not corrected
        return metres(distance_dm) if threshold_dm == NONE else f"{metres(distance_dm)}, limit {metres(threshold_dm)}"
    if numbers == "past":
        return f"{metres(-distance_dm)} beyond, error {metres(error_dm)}"
    way = f"{metres(distance_dm)} - {metres(error_dm)} error = {metres(distance_dm - error_dm)}"
    return way if threshold_dm == NONE else f"{way}, limit {metres(threshold_dm)}"


def why(
    function: int, level: int, presented: int, distance_dm: int, error_dm: int, threshold_dm: int, reason: int
) -> str:
    """One line of a support record's own numbers."""
    sentence = SENTENCES.get(reason)
    if sentence is None:
        return f"code {reason}"
    line = sentence.text
    numbers = measured(function, distance_dm, error_dm, threshold_dm, sentence.numbers)
    if numbers:
        line = f"{line}: {numbers}"
    if level and not presented and reason != codes.REASON_SUPERSEDED:
        line += "; not presented, others come first"
    return line
