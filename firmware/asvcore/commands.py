"""The core's output: integer command records in a preallocated ring, each with its cause.

A record is WIDTH integers: kind, sequence number, time in unit ms, cause, then the fields of its kind.
NONE stands for "no value". `cause` is the number the caller gave the input that led to the record
(0: a tick), so that the way from a byte on a wire to a lamp can be followed.

| kind | fields |
|---|---|
| SEND | increment counter, revision, position sent, state sent, why not, why not the state; frame in `Core.frame` |
| SUPPORT | function, level, presented, source, vehicle_id, distance_dm, error_dm, threshold_dm, ttc_ms, reason |
| HMI | level, colour, function, direction, sound, text, light, cue (light and sound begin anew), muted |
| STATUS | input, state, reason |
| DROP | reason, source, vehicle_id |
| NEIGHBOUR | reason (new, gone), source, vehicle_id |
| SYSTEM | on, receiving, fault |
| SIGNAL | signal, state, reason, source (bus) |
"""

from array import array

from .params import NONE

WIDTH = 14
KIND, SEQUENCE, TIME_MS, CAUSE = 0, 1, 2, 3
_STORED = WIDTH - 1  # the sequence number follows from the place


_SEQUENCE_MASK = 0x1FFFFFFF


class Commands:
    """Ring of records. A reader that falls behind loses the oldest; `lost` says how many."""

    def __init__(self, capacity):
        self._ring = array("i", range(capacity * _STORED))  # any values: a list of them would need the room twice
        self._capacity = capacity
        self._first = 0
        self._count = 0
        self._sequence = 0
        self.lost = 0

    def put(self, kind, time_ms, cause, a=NONE, b=NONE, c=NONE, d=NONE, e=NONE, f=NONE, g=NONE, h=NONE, i=NONE, j=NONE):
        """Append a record; the sequence number wraps at 2^29."""
        if self._count == self._capacity:
            self._first = (self._first + 1) % self._capacity
            self._count -= 1
            self.lost += 1
        ring = self._ring
        at = (self._first + self._count) % self._capacity * _STORED
        self._count += 1
        ring[at] = kind
        ring[at + 1] = time_ms
        ring[at + 2] = cause
        ring[at + 3] = a
        ring[at + 4] = b
        ring[at + 5] = c
        ring[at + 6] = d
        ring[at + 7] = e
        ring[at + 8] = f
        ring[at + 9] = g
        ring[at + 10] = h
        ring[at + 11] = i
        ring[at + 12] = j
        self._sequence = (self._sequence + 1) & _SEQUENCE_MASK

    @property
    def count(self):
        """Records that wait."""
        return self._count

    def look(self, index, record):
        """Copy the record at a place among those that wait, 0 the oldest, into a list of WIDTH."""
        at = (self._first + index) % self._capacity * _STORED
        ring = self._ring
        record[0] = ring[at]
        record[1] = (self._sequence - self._count + index) & _SEQUENCE_MASK
        for field in range(1, _STORED):
            record[field + 1] = ring[at + field]

    def take(self, record):
        """Move the oldest record into a list of WIDTH; False when there is none."""
        if self._count == 0:
            return False
        self.look(0, record)
        self._first = (self._first + 1) % self._capacity
        self._count -= 1
        return True
