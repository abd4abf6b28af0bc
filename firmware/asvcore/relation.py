"""Where a neighbour is, seen from ego: the one place where received positions are brought to now [D17]."""

from . import params
from .geometry import divided, rough_range_dm
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
        self.age_ms = 0

    def make(self, ego, neighbour, now_ms, settings, limit_ms):
        """Set the fields; `near` False when there is no usable position or it is beyond 1 km.

        The received position is moved on along its direction by (revision - 1) x 100 ms, the age since
        receipt and the sampling delay, `limit_ms` at most [D17].
        """
        self.near = False
        if neighbour.latitude_cas == NONE:
            return
        north_dm = ego.plane.north_dm(neighbour.latitude_cas)
        east_dm = ego.plane.east_dm(neighbour.longitude_cas)
        if north_dm == NONE or east_dm == NONE:
            neighbour.range_dm = params.RANGE_DM
            return
        self.age_ms = now_ms - neighbour.received_ms
        if neighbour.usable:
            moved_ms = neighbour.delay_ms + self.age_ms + settings.sampling_delay_ms
            self.clipped = moved_ms >= limit_ms
            moved_ms = min(moved_ms, limit_ms)
            way_dm = divided(neighbour.speed_kmh * moved_ms, 360)
            north_dm += (way_dm * neighbour.cosine_q12 + 2048) >> 12
            east_dm += (way_dm * neighbour.sine_q12 + 2048) >> 12
        north_dm -= divided(ego.north_mm, 100)
        east_dm -= divided(ego.east_mm, 100)
        self.north_dm = north_dm
        self.east_dm = east_dm
        self.range_dm = rough_range_dm(north_dm, east_dm)
        neighbour.range_dm = self.range_dm
        self.error_dm = ego.error_dm() + neighbour.error_dm
        self.near = True
