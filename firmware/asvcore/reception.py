"""The one gate for what the radio hears: any bytes in, a neighbour brought up to date or a DROP record out."""

from . import codec, codes, params
from .elements import CODED, MESSAGE_BYTES, VERSION
from .params import NEVER_MS, NONE

EXPIRE_AT_ONCE = 32  # a cycle; the others go with the next, and nothing begins for them meanwhile


class Reception:
    """Refuses malformed, own, repeated and late frames [D7]; keeps the table of neighbours."""

    def __init__(self, neighbours, transmitter, commands):
        self.neighbours = neighbours
        self.received_ms = NEVER_MS  # of the last frame that was taken
        self._transmitter = transmitter
        self._commands = commands
        self._raw = [0] * CODED

    def take(self, buffer, source, now_ms, radio_flag, cause):
        """The neighbour whose news the frame is, or None."""
        if len(buffer) != MESSAGE_BYTES:
            self._drop(codes.REASON_LENGTH, source, NONE, now_ms, cause)
            return None
        if buffer[0] & 0x1F != VERSION:
            self._drop(codes.REASON_VERSION, source, NONE, now_ms, cause)
            return None
        vehicle_id = (buffer[2] << 6) | (buffer[3] >> 2)
        if vehicle_id == self._transmitter.vehicle_id and self._transmitter.is_own(buffer):
            self._drop(codes.REASON_OWN_FRAME, source, vehicle_id, now_ms, cause)
            return None
        codec.decode_into(buffer, self._raw)
        key = (source << 14) | vehicle_id
        neighbour = self.neighbours.get(key)
        if neighbour is None:
            neighbour = self._add(key, source, vehicle_id, now_ms, cause)
        elif not self._is_news(neighbour, now_ms, cause):
            return None
        if neighbour is None:
            return None
        self.received_ms = now_ms
        neighbour.received_ms = now_ms
        neighbour.take(self._raw)
        if neighbour.emergency and not radio_flag:
            neighbour.emergency = 0  # counts as an ordinary vehicle
            self._drop(codes.REASON_EMERGENCY_UNVERIFIED, source, vehicle_id, now_ms, cause)
        return neighbour

    def expire(self, now_ms, cause):
        """Forget who has not been heard for a second, unless a support follows it."""
        neighbours = self.neighbours
        at = neighbours.count - 1
        left = EXPIRE_AT_ONCE
        while at >= 0 and left:  # backwards: removal moves the last into the hole
            neighbour = neighbours.used[at]
            if now_ms - neighbour.received_ms > params.PREDICTION_MS and not neighbour.followed():
                self._forget(neighbour, codes.REASON_GONE, now_ms, cause)
                left -= 1
            at -= 1

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        self.neighbours.rebase(offset_ms)
        self.received_ms = max(self.received_ms - offset_ms, NEVER_MS)

    def _add(self, key, source, vehicle_id, now_ms, cause):
        neighbour = self.neighbours.add(key)
        if neighbour is None:
            far = self.neighbours.farthest()
            if far is None:
                self._drop(codes.REASON_TABLE_FULL, source, vehicle_id, now_ms, cause)
                return None
            self._forget(far, codes.REASON_TABLE_FULL, now_ms, cause)
            neighbour = self.neighbours.add(key)
        neighbour.source = source
        neighbour.vehicle_id = vehicle_id
        self._commands.put(codes.COMMAND_NEIGHBOUR, now_ms, cause, codes.REASON_NEW, source, vehicle_id)
        return neighbour

    def _is_news(self, neighbour, now_ms, cause):
        """False for a frame that repeats the last one or comes behind it."""
        if now_ms - neighbour.received_ms > params.PREDICTION_MS:
            return True
        step = (self._raw[codec.INCREMENT_COUNTER] - neighbour.counter) & 0xFF
        reason = 0
        if step > 128:
            reason = codes.REASON_REORDERED
        elif step == 0:
            reason = codes.REASON_DUPLICATE if neighbour.repeats(self._raw) else codes.REASON_COUNTER_STUCK
        if reason:
            self._drop(reason, neighbour.source, neighbour.vehicle_id, now_ms, cause)
        return reason == 0 or reason == codes.REASON_COUNTER_STUCK

    def _drop(self, reason, source, vehicle_id, now_ms, cause):
        self._commands.put(codes.COMMAND_DROP, now_ms, cause, reason, source, vehicle_id)

    def _forget(self, neighbour, reason, now_ms, cause):
        source, vehicle_id = neighbour.source, neighbour.vehicle_id
        self._commands.put(codes.COMMAND_NEIGHBOUR, now_ms, cause, reason, source, vehicle_id)
        self.neighbours.remove(neighbour)
