"""The rules of a compiled signal map: how one ASV signal is made of one or several CAN signals."""

from . import codes
from .can_bits import Number, Words
from .can_switch import BOTH, LEFT, NEITHER, RIGHT, UNTOLD, Pair
from .can_wheels import Wheels
from .params import NEVER_MS

# How a rule makes a value of its sources; but for ONE and WHEELS these tell 0 (off, dark) or 1 (on, alight)
ONE, WHEELS, ANY, LEVERS, BULBS, LEVERS_BOTH, BULBS_BOTH = range(7)


class Source:
    """One CAN signal of one rule, and what was last read from it.

    Row: [rule, field, field that says whether it is valid or -1, its good codes, timeout in ms,
    [[field, codes...], ...] of the multiplexers that it stands under, 0: number or 1: words, row of that,
    field with its sign or -1, codes that mean minus, row of a number with minus or []].
    """

    __slots__ = (
        "_conditions", "_convert", "_field", "_good", "_minus", "_minus_codes", "_sign", "_valid",
        "stamp_ms", "status", "timeout_ms", "value",
    )  # fmt: skip

    def __init__(self, row, fields):
        _rule, field, valid, good, self.timeout_ms, conditions, words, conversion, sign, minus_codes, minus = row
        self._field = fields[field]
        self._valid = fields[valid] if valid >= 0 else None
        self._good = set(good)
        self._conditions = conditions_of(conditions, fields)
        self._convert = Words(conversion) if words else Number(conversion)
        self._sign = fields[sign] if sign >= 0 else None
        self._minus_codes = set(minus_codes)
        self._minus = Number(minus) if minus else None
        self.value = 0
        self.status = codes.STATUS_UNKNOWN
        self.stamp_ms = NEVER_MS

    def read(self, data, now_ms):
        """Takes its value from a frame; False: not in this one."""
        if self._conditions and not hold(self._conditions, data):
            return False
        if self._valid is not None and self._valid.read(data) not in self._good:
            self.value = 0
            self.status = codes.STATUS_UNKNOWN
        else:
            convert = self._convert
            if self._sign is not None and self._sign.read(data) in self._minus_codes:
                convert = self._minus
            self.value = convert.convert(self._field.read(data))
            self.status = convert.status
        self.stamp_ms = now_ms
        return True

    def usable(self, now_ms):
        """Known, and not older than its timeout; nor from a time that is still to come."""
        return self.status == codes.STATUS_OK and -self.timeout_ms <= now_ms - self.stamp_ms <= self.timeout_ms


class Rule:
    """One ASV signal. Row: [signal, kind, value of off, of on or left, of right, gap_ms, pair_ms, wait_ms]."""

    __slots__ = ("_kind", "_left", "_off", "_pair", "_right", "_wheels", "signal", "sources", "status", "value")

    def __init__(self, row, sources):
        self.signal, self._kind, self._off, self._left, self._right, gap_ms, pair_ms, wait_ms = row
        self.sources = sources
        self.value = 0
        self.status = codes.STATUS_UNKNOWN
        self._pair = Pair(gap_ms, pair_ms, wait_ms) if self._kind in (BULBS, BULBS_BOTH) else None
        self._wheels = Wheels(len(sources)) if self._kind == WHEELS else None

    def read(self, sources, data, now_ms):
        """Takes what a frame has of the rule into value and status; False: nothing."""
        if self._kind == ONE:
            source = sources[0]
            found = source.read(data, now_ms)
            self.value = source.value
            self.status = source.status
            return found
        found = False
        pair = self._pair
        for source in sources:
            if source.read(data, now_ms):
                found = True
                if pair is not None:
                    bulb = pair.left if source is self.sources[0] else pair.right
                    bulb.put(source.value if source.status == codes.STATUS_OK else -1, now_ms, source.timeout_ms)
        if found:
            self._combine(now_ms)
        return found

    def _combine(self, now_ms):
        """Makes value and status of what the sources last told."""
        kind = self._kind
        self.value = 0
        self.status = codes.STATUS_UNKNOWN
        if kind == WHEELS:
            self._mean(now_ms)
        elif kind == ANY:
            self._any(now_ms)
        elif self.sources[0].usable(now_ms) and self.sources[1].usable(now_ms):
            if kind == BULBS or kind == BULBS_BOTH:
                self._side(self._pair.told(now_ms))
            elif self.sources[0].value:
                self._side(BOTH if self.sources[1].value else LEFT)
            else:
                self._side(RIGHT if self.sources[1].value else NEITHER)

    def _mean(self, now_ms):
        wheels = self._wheels
        wheels.count = 0
        for source in self.sources:
            if source.usable(now_ms):
                wheels.add(source.value)
        if wheels.mean():
            self._tell(wheels.value)

    def _any(self, now_ms):
        off = 0
        for source in self.sources:
            if source.usable(now_ms):
                if source.value:
                    self._tell(self._left)
                    return
                off += 1
        if off == len(self.sources):
            self._tell(self._off)

    def _side(self, side):
        if self._kind == LEVERS_BOTH or self._kind == BULBS_BOTH:
            if side == BOTH:
                self._tell(self._left)
            elif side != UNTOLD:
                self._tell(self._off)
        elif side == LEFT:
            self._tell(self._left)
        elif side == RIGHT:
            self._tell(self._right)
        elif side == NEITHER:
            self._tell(self._off)  # both: a hazard, which hides the lever

    def _tell(self, value):
        self.value = value
        self.status = codes.STATUS_OK

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        for source in self.sources:
            source.stamp_ms = max(source.stamp_ms - offset_ms, NEVER_MS)
        if self._pair is not None:
            self._pair.rebase(offset_ms)


def conditions_of(rows, fields):
    """[(field, codes), ...] of multiplexers, from [[field, codes...], ...]."""
    return [(fields[row[0]], set(row[1:])) for row in rows]


def hold(conditions, data):
    """Whether a frame's multiplexers have the codes wanted."""
    for condition in conditions:
        if condition[0].read(data) not in condition[1]:
            return False
    return True
