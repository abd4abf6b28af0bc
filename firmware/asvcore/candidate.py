"""What a judge says of one target, and the levels that follow from its way and time [G 3.5, 4.x.2, D13, D14]."""

from . import codes, params
from .geometry import divided
from .params import NONE


class Candidate:
    """One judge's answer for one target, now.

    `reason` 0: support applies at `level` (LEVEL_NONE: not yet); otherwise why it does not.
    `threshold_dm`: the L3, L4 or L4* in force; the condition is distance - error <= threshold.
    """

    def __init__(self):
        self.function = codes.FUNCTION_CROSSING
        self.clear()

    def clear(self):
        """Nothing measured."""
        self.reason = 0
        self.level = codes.LEVEL_NONE
        self.level_reason = 0
        self.distance_dm = NONE
        self.error_dm = NONE
        self.threshold_dm = NONE
        self.ttc_ms = NONE
        self.direction = 0
        self.timing = codes.MODE_INFORMATION_CAUTION  # presentation mode that was judged by
        self.due_ms = NONE  # time until the level will rise or the target have passed, as it goes now


class Timing:
    """The levels of each presentation mode as settings have them, made once."""

    def __init__(self, settings):
        self._mode = settings.presentation_mode
        caution = (codes.LEVEL_CAUTION, settings.caution_ms, codes.REASON_L4_REACHED, codes.REASON_LATE_L4)
        information = (codes.LEVEL_INFORMATION, settings.information_ms, codes.REASON_L3_REACHED, codes.REASON_LATE_L3)
        early_ms = max(settings.information_ms, params.INFORMATION_EARLY_MS)
        # Presentation mode: (level, ms before the conflict, reason, reason when late), the higher level first [D14]
        self._rows = (
            (caution, information),
            (caution,),
            (
                (
                    codes.LEVEL_CAUTION,
                    params.CAUTION_AFTER_MS,
                    codes.REASON_L4_STAR_REACHED,
                    codes.REASON_L4_STAR_REACHED,
                ),
                (codes.LEVEL_INFORMATION, early_ms, codes.REASON_L3_REACHED, codes.REASON_LATE_L3),
            ),
        )

    def set(self, speed_kmh, added_dm, support, out):
        """Level, threshold and due time of `out`, whose distance and error are there; `speed_kmh` above 0.

        `added_dm` lengthens L3 and L4 (the vehicles' lengths, left turn). A support keeps the mode it began with.
        """
        distance_dm, error_dm = out.distance_dm - added_dm, out.error_dm
        corrected_dm = distance_dm - error_dm
        out.timing = self._mode if support is None else support.timing
        if support is None and out.timing == codes.MODE_INFORMATION_ENDED:
            # No time left for information to end before L4*: caution while it lasts follows L4 [G 3.5(2)]
            if corrected_dm * 360 <= speed_kmh * _ENDED_LATEST_MS:
                out.timing = codes.MODE_INFORMATION_CAUTION
        rows = self._rows[out.timing]
        to_go = (out.distance_dm + error_dm + 1) * 360  # until it has passed, in km/h * ms
        for index in range(len(rows)):
            level, before_ms, reason, late = rows[index]
            if corrected_dm * 360 <= speed_kmh * before_ms:  # distance - error <= L, exactly
                out.level = level
                out.threshold_dm = divided(speed_kmh * before_ms, 360) + added_dm
                is_late = corrected_dm * 360 < speed_kmh * (before_ms - _LATE_MS)
                out.level_reason = late if is_late else reason
                out.due_ms = to_go // speed_kmh + 1
                return
            to_go = corrected_dm * 360 - speed_kmh * before_ms
        out.threshold_dm = divided(speed_kmh * rows[-1][1], 360) + added_dm
        out.level_reason = codes.REASON_BEFORE_L3
        out.due_ms = to_go // speed_kmh + 1


_ENDED_LATEST_MS = params.INFORMATION_SHOWN_MS + params.CAUTION_AFTER_MS
_LATE_MS = 2 * params.TRANSMISSION_INTERVAL_MS  # this far inside is more than one missed frame
