"""How well the vehicles around are heard, live: counters of the frames tell which ones did not arrive.

Every frame carries the sender's counter (+1 a transmission, modulo 256 [G appendix 1 (2)]) and one is sent each 100 ms.
A step of n from one frame of a vehicle to the next is n - 1 lost frames; a frame that comes late takes its loss back;
a copy counts for nothing; a step that the time passed cannot hold is another start of the sender, no loss. So are
silences of more than the window: the vehicle was out of range. Integers, bounded memory, about 1 us a frame.
"""

from collections import Counter
from typing import Any, Final

WINDOW_S: Final = 10  # rates are of so many whole seconds, and the one that runs
MOST_VEHICLES: Final = 2048  # followed at a time; the frames of others are counted as "untracked"

_SECONDS: Final = WINDOW_S + 1
_SLOT_NS: Final = 100_000_000  # a transmission; also of the frame count
_SLOTS: Final = 11  # a second of them, and the one that runs
_WINDOW_NS: Final = WINDOW_S * 1_000_000_000
_SECOND_NS: Final = 1_000_000_000
LATEST: Final = 64  # counters back in which copies and latecomers are told apart
_SEEN: Final = (1 << LATEST) - 1
_SLACK: Final = 10  # transmissions by which counter and time passed may disagree: queues, jitter
_FEWEST: Final = 10  # sent frames, for a vehicle's own rate to say anything


def transmissions(before: int, counter: int, passed_ns: int) -> int | None:
    """Transmissions from the newest frame of a sender, with counter `before`, to one heard `passed_ns` later.

    The counter says it modulo 256, the time which turn of it. 0: the same again; negative: an older frame, at most
    LATEST - 1 of them. None: the two cannot be had together, the sender has started again. A sender that left slots
    out, or a queue on the way, makes the time long; that is no new start.
    """
    due = max(0, (passed_ns + _SLOT_NS // 2) // _SLOT_NS)
    step = (counter - before) & 0xFF
    step += (due - step + 128) // 256 * 256  # the nearest to what the time tells
    if step > due + _SLACK or step <= -LATEST or (step <= 0 and due > _SLACK):
        return None
    if due >= 128 and step < due - _SLACK:  # half a turn: which one it is, is open
        return None
    return step


class _Vehicle:
    """One sender: counters per second in rings, of which `second` is the newest."""

    __slots__ = ("counter", "last_ns", "lost", "lost_second", "received", "second", "seen")

    def __init__(self, counter: int, time_ns: int, second: int) -> None:
        self.counter = counter
        self.last_ns = time_ns
        self.seen = 1
        self.second = second
        self.lost_second = second - _SECONDS  # the last one with a loss
        self.received = [0] * _SECONDS
        self.lost = [0] * _SECONDS

    def turn(self, second: int) -> None:
        """Empties what has left the window."""
        for old in range(max(self.second + 1, second - WINDOW_S), second + 1):
            self.received[old % _SECONDS] = self.lost[old % _SECONDS] = 0
        self.second = second


class Arrivals:
    """Counts frames as they are heard; asked once a second or so what came of it.

    `counters`: repeated, late, restarted (counter and time disagree), untracked (more vehicles than are followed).
    """

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self._vehicles: dict[tuple[str, int], _Vehicle] = {}
        self._slot = self._second = self._at = -1
        self._frames = [0] * _SLOTS
        self._received = [0] * _SECONDS
        self._lost = [0] * _SECONDS
        self._gap_ns = [0] * _SECONDS
        self._swept_second = -1

    def frame(self, source: str, vehicle_id: int, counter: int, time_ns: int) -> None:
        """One valid frame, heard at `time_ns` of one monotonic clock; counter: element 2, 0..255."""
        slot = time_ns // _SLOT_NS
        if slot > self._slot:
            self._turn(slot)
        self._frames[self._slot % _SLOTS] += 1
        vehicle = self._vehicles.get((source, vehicle_id))
        if vehicle is None:
            self._appeared(source, vehicle_id, counter, time_ns)
            return
        if vehicle.second != self._second:
            vehicle.turn(self._second)
        passed_ns = time_ns - vehicle.last_ns
        at = self._at
        if (counter - vehicle.counter) & 0xFF == 1 and passed_ns < _SECOND_NS:
            vehicle.seen = (vehicle.seen << 1 | 1) & _SEEN
        elif not self._stepped(vehicle, counter, passed_ns):
            return
        vehicle.counter = counter
        vehicle.last_ns = time_ns
        vehicle.received[at] += 1
        self._received[at] += 1
        if self._gap_ns[at] < passed_ns <= _WINDOW_NS:
            self._gap_ns[at] = passed_ns

    def summary(self, now_ns: int) -> dict[str, Any]:
        """What came of it up to `now_ns`, of the same clock.

        vehicles: heard in the last second; frames_per_s: valid frames in the last whole second (tenths of it);
        arrival_percent: received of sent in the last 10 s, all vehicles together, None where nothing was sent;
        longest_gap_ms: longest time between two frames of one vehicle that ended in them (0: none);
        worst_vehicle_id, worst_source, worst_percent: the vehicle of the lowest rate, of those that have sent 10
        frames and are still heard in these 10 s; None without such a one, or while all of them arrive whole.
        """
        slot = now_ns // _SLOT_NS
        if slot > self._slot:
            self._turn(slot)
        heard_from_ns, gone_ns, losses_from = now_ns - _SECOND_NS, now_ns - _WINDOW_NS, self._second - WINDOW_S
        heard, worst, worst_key, gone = 0, 1.0, None, []
        for key, vehicle in self._vehicles.items():
            last_ns = vehicle.last_ns
            if last_ns >= heard_from_ns:
                heard += 1
            elif last_ns < gone_ns:
                gone.append(key)
                continue
            if vehicle.lost_second < losses_from:
                continue
            if vehicle.second != self._second:
                vehicle.turn(self._second)
            received, lost = sum(vehicle.received), max(0, sum(vehicle.lost))
            if lost and received + lost >= _FEWEST and received < worst * (received + lost):
                worst, worst_key = received / (received + lost), key
        for key in gone:
            del self._vehicles[key]
        received, lost = sum(self._received), max(0, sum(self._lost))
        return {
            "vehicles": heard,
            "frames_per_s": sum(self._frames) - self._frames[self._slot % _SLOTS],
            "arrival_percent": round(100 * received / (received + lost), 1) if received + lost else None,
            "longest_gap_ms": max(self._gap_ns) // 1_000_000,
            "worst_vehicle_id": worst_key[1] if worst_key else None,
            "worst_source": worst_key[0] if worst_key else None,
            "worst_percent": round(100 * worst, 1) if worst_key else None,
        }

    def _stepped(self, vehicle: _Vehicle, counter: int, passed_ns: int) -> bool:
        """Anything but the next counter in time; False: an older frame or a copy, which moves nothing on."""
        step = transmissions(vehicle.counter, counter, passed_ns)
        if passed_ns > _WINDOW_NS:
            vehicle.seen = 1
        elif step is None:
            self.counters["restarted"] += 1
            vehicle.seen = 1
        elif step <= 0:
            self._again(vehicle, -step)
            return False
        else:
            vehicle.seen = (vehicle.seen << step | 1) & _SEEN
            if step > 1:
                vehicle.lost[self._at] += step - 1
                vehicle.lost_second = self._second
                self._lost[self._at] += step - 1
        return True

    def _again(self, vehicle: _Vehicle, back: int) -> None:
        """A frame `back` counters before the newest: a copy, or one that others have overtaken."""
        if vehicle.seen >> back & 1:
            self.counters["repeated"] += 1
            return
        vehicle.seen |= 1 << back
        self.counters["late"] += 1
        vehicle.received[self._at] += 1
        vehicle.lost[self._at] -= 1  # may have been counted in a second before: the sum is what is read
        self._received[self._at] += 1
        self._lost[self._at] -= 1

    def _appeared(self, source: str, vehicle_id: int, counter: int, time_ns: int) -> None:
        if len(self._vehicles) >= MOST_VEHICLES:
            self._sweep(time_ns)
        if len(self._vehicles) >= MOST_VEHICLES:
            self.counters["untracked"] += 1
            return
        vehicle = self._vehicles[source, vehicle_id] = _Vehicle(counter, time_ns, self._second)
        vehicle.received[self._at] += 1
        self._received[self._at] += 1

    def _sweep(self, time_ns: int) -> None:
        """Makes room, at most once a second: those long silent, and those heard once and no more."""
        if self._swept_second == self._second:
            return
        self._swept_second = self._second
        self._vehicles = {
            key: vehicle
            for key, vehicle in self._vehicles.items()
            if vehicle.last_ns >= time_ns - (_SECOND_NS if vehicle.seen == 1 else _WINDOW_NS)
        }

    def _turn(self, slot: int) -> None:
        """A slot, and with it perhaps a second, begins: empties what has left the rings."""
        for old in range(max(self._slot + 1, slot - _SLOTS + 1), slot + 1):
            self._frames[old % _SLOTS] = 0
        self._slot = slot
        second = slot // 10
        for old in range(max(self._second + 1, second - WINDOW_S), second + 1):
            self._received[old % _SECONDS] = self._lost[old % _SECONDS] = self._gap_ns[old % _SECONDS] = 0
        self._second, self._at = second, second % _SECONDS
