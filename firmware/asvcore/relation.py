"""Where a neighbour is, seen from ego: the one place where received positions are brought to now [D17]."""

from . import params
from .geometry import divided, rough_range_dm
from .neighbour import (
    COSINE_Q12,
    DELAY_MS,
    ERROR_DM,
    FLAGS,
    LATITUDE_CAS,
    LONGITUDE_CAS,
    RANGE_DM,
    RECEIVED_MS,
    SINE_Q12,
    SPEED_KMH,
    USABLE,
)
from .params import NONE


class Relation:
    """Where a neighbour is, seen from ego, now: the judges' common input, made once per evaluation."""

    def __init__(self):
        self.east_dm = 0
        self.north_dm = 0
        self.range_dm = NONE
        self.error_dm = NONE  # a + b
        self.near = False  # it could be made
        self.clipped = False  # the prediction has reached its limit: time brings it no nearer

    def make(self, ego, neighbour, now_ms, settings, limit_ms):
        """Set the fields; `near` False when there is no usable position or it is beyond 1 km.

        The received position is moved on along its direction by (revision - 1) x 100 ms, the age since
        receipt and the sampling delay, `limit_ms` at most [D17].
        """
        self.near = False
        if neighbour[LATITUDE_CAS] == NONE:
            return
        north_dm = ego.plane.north_dm(neighbour[LATITUDE_CAS])
        east_dm = ego.plane.east_dm(neighbour[LONGITUDE_CAS])
        if north_dm == NONE or east_dm == NONE:
            neighbour[RANGE_DM] = params.RANGE_DM
            return
        if neighbour[FLAGS] & USABLE:
            moved_ms = neighbour[DELAY_MS] + now_ms - neighbour[RECEIVED_MS] + settings.sampling_delay_ms
            self.clipped = moved_ms >= limit_ms
            moved_ms = min(moved_ms, limit_ms)
            way_dm = divided(neighbour[SPEED_KMH] * moved_ms, 360)
            north_dm += (way_dm * neighbour[COSINE_Q12] + 2048) >> 12
            east_dm += (way_dm * neighbour[SINE_Q12] + 2048) >> 12
        if ego.north_mm or ego.east_mm:  # else it is where its fix was
            north_dm -= divided(ego.north_mm, 100)
            east_dm -= divided(ego.east_mm, 100)
        self.north_dm = north_dm
        self.east_dm = east_dm
        self.range_dm = rough_range_dm(north_dm, east_dm)
        neighbour[RANGE_DM] = self.range_dm
        self.error_dm = ego.error_dm() + neighbour[ERROR_DM]
        self.near = True
