"""The one gate for what the radio hears: any bytes in, a neighbour brought up to date or a DROP record out."""

from . import codec, codes, params
from .geometry import MAX_CAS, longitude_difference_cas, rough_range_dm
from .message import AVAILABLE_ALL, MESSAGE_BYTES, VERSION
from .neighbour import (
    BLIND,
    CLOCK_TOLD,
    DELAY_MS,
    EMERGENCY,
    ERROR_DM,
    FIRST_DM,
    FLAGS,
    FROZEN,
    LATITUDE_CAS,
    LONGITUDE_CAS,
    MOTION_CODES,
    RANGE_DM,
    RECEIVED_MS,
    SPEED_KMH,
    TWIN,
    TWIN_TOLD,
    counter_of,
    direction_code,
    followed,
    remote_dm,
    remoteness_dm,
    repeats,
    source_of,
    take,
    vehicle_id_of,
)
from .params import NEVER_MS, NONE
from .wire import latitude_at, longitude_at, update_period_ms

_COUNTER_STEPS = 12  # frames that may be missing, or late, between two of one vehicle within a second
_COUNTER_MISFIT = 1 << 18
_LONG_AGO = 1 << 20  # not heard for a second: whoever was heard since and fits comes first
_IMPOSSIBLE = 1 << 24


class Reception:
    """Refuses malformed, own, repeated and late frames [D7]; keeps the table of neighbours."""

    def __init__(self, neighbours, ego, transmitter, commands):
        self.neighbours = neighbours
        self._ego = ego
        self.received_ms = NEVER_MS  # of the last frame that was taken
        self._transmitter = transmitter
        self._commands = commands
        self._raw = codec.new_raw()
        self._emergency = False  # the frame's sender is an emergency vehicle in action

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
        self._emergency = radio_flag and self._raw[codec.EMERGENCY_ATTENTION]
        key = (source << 14) | vehicle_id
        neighbour = self._whose(self.neighbours.get(key), key, now_ms, cause)
        if neighbour is None:
            return None
        known = neighbour[MOTION_CODES] >= 0
        heard = known and now_ms - neighbour[RECEIVED_MS] <= params.PREDICTION_MS
        if heard and neighbour[FLAGS] & EMERGENCY and not radio_flag:
            # Anybody can copy address and id: nobody without the key speaks for an emergency vehicle [G 3.7]
            self._drop(codes.REASON_UNSIGNED, source, vehicle_id, now_ms, cause)
            return None
        if known and not self._is_news(neighbour, now_ms, cause):
            return None
        self.received_ms = now_ms
        neighbour[RECEIVED_MS] = now_ms
        was_frozen = neighbour[FLAGS] & FROZEN
        take(neighbour, self._raw)
        self._report(neighbour, was_frozen, radio_flag, now_ms, cause)
        return neighbour

    def remoteness_dm(self, buffer, source):
        """As `neighbour.remoteness_dm`, of a payload's sender; below 0 for those that count most."""
        if len(buffer) != MESSAGE_BYTES or buffer[0] & 0x1F != VERSION:
            return params.RANGE_DM
        neighbour = self.neighbours.get((source << 14) | (buffer[2] << 6) | (buffer[3] >> 2))
        if neighbour is not None:
            remote = remoteness_dm(neighbour)
            return remote - params.RANGE_DM if followed(neighbour) else remote
        self._emergency = False
        codec.decode_into(buffer, self._raw)
        return self._remoteness_dm(self._range_dm())

    def expire(self, now_ms, cause):
        """Forget who has not been heard for a second, unless a support follows it."""
        neighbours = self.neighbours
        at = neighbours.count - 1
        left = neighbours.expire_at_once
        while at >= 0 and left:  # backwards: removal moves the last into the hole
            neighbour = neighbours.used[at]
            if now_ms - neighbour[RECEIVED_MS] > params.PREDICTION_MS and not followed(neighbour):
                self._forget(neighbour, codes.REASON_GONE, now_ms, cause)
                left -= 1
            at -= 1

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        self.neighbours.rebase(offset_ms)
        self.received_ms = max(self.received_ms - offset_ms, NEVER_MS)

    # Two vehicles may send with one id, even from one address: what is possible tells them apart [G appendix 1 (3)]

    def _whose(self, first, key, now_ms, cause):
        """The neighbour that a frame belongs to; a new one where it can be none of its key's, None without room."""
        neighbours = self.neighbours
        second = neighbours.get(key | TWIN) if neighbours.twins else None
        source, vehicle_id = key >> 14, key & 0x3FFF
        if first is None and second is None:
            return self._add(key, source, vehicle_id, now_ms, cause)
        to_first = _IMPOSSIBLE if first is None else self._misfit(first, now_ms)
        to_second = _IMPOSSIBLE if second is None else self._misfit(second, now_ms)
        differ = first is not None and second is not None and (first[FLAGS] ^ second[FLAGS]) & EMERGENCY
        if self._emergency and differ:
            if first[FLAGS] & EMERGENCY:
                to_second = _IMPOSSIBLE  # whoever else uses its address and id, the flag is this one's
            else:
                to_first = _IMPOSSIBLE
        if second is None and _COUNTER_MISFIT < to_first < _LONG_AGO:
            to_first = _IMPOSSIBLE  # elsewhere, and counted by another
        if to_first < _IMPOSSIBLE and to_first <= to_second:
            heard = second is not None and now_ms - second[RECEIVED_MS] <= params.PREDICTION_MS
            if heard and not first[FLAGS] & TWIN_TOLD and to_first < _LONG_AGO:
                first[FLAGS] |= TWIN_TOLD
                self._drop(codes.REASON_TWIN, source, vehicle_id, now_ms, cause)
            return first
        if to_second < _IMPOSSIBLE:
            return second
        if first is None:
            return self._add(key, source, vehicle_id, now_ms, cause)
        self._drop(codes.REASON_JUMP, source, vehicle_id, now_ms, cause)
        if second is not None:  # a third place: the second was none that stays
            signed = second[FLAGS] & EMERGENCY and now_ms - second[RECEIVED_MS] <= params.PREDICTION_MS
            if followed(second) or (signed and not self._emergency):
                return second
            self._forget(second, codes.REASON_GONE, now_ms, cause)
        return self._add(key | TWIN, source, vehicle_id, now_ms, cause)

    def _misfit(self, neighbour, now_ms):
        """How badly a frame goes with a neighbour's last one, in dm of way, or _IMPOSSIBLE."""
        raw = self._raw
        age_ms = now_ms - neighbour[RECEIVED_MS]
        misfit = _LONG_AGO if age_ms > params.PREDICTION_MS else 0
        available = raw[codec.POSITION_AVAILABILITY]
        plane = self._ego.plane
        if neighbour[LATITUDE_CAS] == NONE or not available & 1 or not plane.known:
            return misfit
        latitude_cas = latitude_at(raw, codec.LATITUDINAL_DEGREE)
        longitude_cas = longitude_at(raw, codec.LONGITUDINAL_DEGREE)
        if latitude_cas == NONE or longitude_cas == NONE:
            return misfit
        north_cas = abs(latitude_cas - neighbour[LATITUDE_CAS])
        east_cas = abs(longitude_difference_cas(longitude_cas, neighbour[LONGITUDE_CAS]))
        if north_cas > MAX_CAS or east_cas > MAX_CAS:
            return _IMPOSSIBLE
        way_dm = max(north_cas * plane.north_q12, east_cas * plane.east_q12) >> 12
        speed_kmh = params.JUMP_KMH + (raw[codec.SPEED] if raw[codec.SENSOR_AVAILABILITY] & 1 else 255)
        if neighbour[SPEED_KMH] != NONE:
            speed_kmh = max(speed_kmh, neighbour[SPEED_KMH] + params.JUMP_KMH)
        error_dm = neighbour[ERROR_DM]
        if available == AVAILABLE_ALL:
            error_dm = max(error_dm, raw[codec.HORIZONTAL_ERROR_RANGE] * 10)
        way_ms = min(age_ms + neighbour[DELAY_MS], params.LOST_LIMIT_MS) + max(params.JUMP_MS, update_period_ms(raw))
        if way_dm > speed_kmh * way_ms // 360 + 2 * error_dm + params.JUMP_DM:
            return _IMPOSSIBLE
        turned = abs(raw[codec.DIRECTION] - direction_code(neighbour)) % 360
        misfit += way_dm + params.TURNED_DM * min(turned, 360 - turned)
        if age_ms <= params.PREDICTION_MS and way_dm > params.JUMP_DM:
            # Two vehicles near each other are told apart by their counters
            step = (raw[codec.INCREMENT_COUNTER] - counter_of(neighbour)) & 0xFF
            if _COUNTER_STEPS < step < 256 - _COUNTER_STEPS:
                misfit += _COUNTER_MISFIT
        return misfit

    def _report(self, neighbour, was_frozen, radio_flag, now_ms, cause):
        """What is wrong with a frame that is used all the same."""
        flags = neighbour[FLAGS]
        if flags & EMERGENCY and not radio_flag:
            neighbour[FLAGS] = flags & ~EMERGENCY  # counts as an ordinary vehicle
            self._drop_of(neighbour, codes.REASON_EMERGENCY_UNVERIFIED, now_ms, cause)
        if flags & FROZEN and not was_frozen and not flags & BLIND:
            self._drop_of(neighbour, codes.REASON_TARGET_FROZEN, now_ms, cause)
        if not flags & CLOCK_TOLD and neighbour[LATITUDE_CAS] != NONE:
            own_ms = self._ego.time_of_day_ms()
            if own_ms != NONE and _apart_ms(own_ms + params.JST_OFFSET_MS, self._raw) > params.CLOCKS_MS:
                neighbour[FLAGS] |= CLOCK_TOLD
                self._drop_of(neighbour, codes.REASON_CLOCK_DISAGREES, now_ms, cause)

    def _add(self, key, source, vehicle_id, now_ms, cause):
        neighbour = self.neighbours.add(key)
        if neighbour is None:
            least = self.neighbours.least()
            range_dm = self._range_dm()
            if least is None or self._remoteness_dm(range_dm) >= remoteness_dm(least):
                self._drop(codes.REASON_TABLE_FULL, source, vehicle_id, now_ms, cause)
                return None
            self._forget(least, codes.REASON_TABLE_FULL, now_ms, cause)
            neighbour = self.neighbours.add(key)
            neighbour[RANGE_DM] = range_dm
        self._commands.put(codes.COMMAND_NEIGHBOUR, now_ms, cause, codes.REASON_NEW, source, vehicle_id)
        if vehicle_id == self._transmitter.vehicle_id:
            self._drop(codes.REASON_OWN_ID, source, vehicle_id, now_ms, cause)
        return neighbour

    def _remoteness_dm(self, range_dm):
        """Of the decoded frame's vehicle, as `neighbour.remoteness_dm`."""
        speed_kmh = self._raw[codec.SPEED] if self._raw[codec.SENSOR_AVAILABILITY] & 1 else 0
        remote = remote_dm(range_dm, speed_kmh)
        return remote - FIRST_DM if self._emergency else remote

    def _range_dm(self):
        """Of the decoded frame's position from ego; where it cannot be told, the most."""
        raw, plane = self._raw, self._ego.plane
        if not plane.known or not raw[codec.POSITION_AVAILABILITY] & 1:
            return params.RANGE_DM
        latitude_cas = latitude_at(raw, codec.LATITUDINAL_DEGREE)
        longitude_cas = longitude_at(raw, codec.LONGITUDINAL_DEGREE)
        if latitude_cas == NONE or longitude_cas == NONE:
            return params.RANGE_DM
        north_dm, east_dm = plane.north_dm(latitude_cas), plane.east_dm(longitude_cas)
        return params.RANGE_DM if north_dm == NONE or east_dm == NONE else rough_range_dm(north_dm, east_dm)

    def _is_news(self, neighbour, now_ms, cause):
        """False for a frame that repeats the last one or comes behind it."""
        if now_ms - neighbour[RECEIVED_MS] > params.PREDICTION_MS:
            return True
        if self._emergency and not neighbour[FLAGS] & EMERGENCY:
            return True  # what it was so far anybody may have told, and counted ahead of it
        step = (self._raw[codec.INCREMENT_COUNTER] - counter_of(neighbour)) & 0xFF
        reason = 0
        if step > 128:
            reason = codes.REASON_REORDERED
        elif step == 0:
            reason = codes.REASON_DUPLICATE if repeats(neighbour, self._raw) else codes.REASON_COUNTER_STUCK
        if reason:
            self._drop_of(neighbour, reason, now_ms, cause)
        return reason == 0 or reason == codes.REASON_COUNTER_STUCK

    def _drop_of(self, neighbour, reason, now_ms, cause):
        self._drop(reason, source_of(neighbour), vehicle_id_of(neighbour), now_ms, cause)

    def _drop(self, reason, source, vehicle_id, now_ms, cause):
        self._commands.put(codes.COMMAND_DROP, now_ms, cause, reason, source, vehicle_id)

    def _forget(self, neighbour, reason, now_ms, cause):
        source, vehicle_id = source_of(neighbour), vehicle_id_of(neighbour)
        self._commands.put(codes.COMMAND_NEIGHBOUR, now_ms, cause, reason, source, vehicle_id)
        self.neighbours.remove(neighbour)


def _apart_ms(own_ms, raw):
    """How far a frame's time of fix is from ego's, over midnight where that is nearer."""
    told_ms = (raw[codec.UTC_HOUR] * 3600 + raw[codec.UTC_MINUTE] * 60 + raw[codec.UTC_SECOND]) * 1000
    apart_ms = abs(own_ms - told_ms) % params.DAY_MS
    return min(apart_ms, params.DAY_MS - apart_ms)
