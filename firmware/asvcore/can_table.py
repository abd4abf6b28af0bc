"""Decodes a car's CAN frames to ASV signals with the rows of a compiled signal map: integers, no names, no database.

    table = CanTable(rows)  # what `asvkit vehicle compile` wrote
    for index in range(table.decode(bus, identifier, extended, data, now_ms)):
        core.on_vehicle(table.signals[index], table.values[index], table.statuses[index], bus, now_ms, cause)

Decoding allocates nothing as long as the car's fields and scales stay within a board's small integers. Rows are
described in docs/vehicle-maps.md. Times are milliseconds of any steady clock; `rebase` takes an offset off.

Messages of SAE J1939 are found by their parameter group, whoever sends them at whatever priority. Of several senders
of a group each rule follows the first that has a value for it, until that one is silent for the rule's timeout.
"""

from . import codes
from .can_bits import Field
from .can_checks import Checksum
from .can_rules import Rule, Source, conditions_of, hold
from .params import NEVER_MS

VERSION = 2  # of the rows; 1 had the auxiliary brake where the emergency switch is

# Why a frame or a part of it was not taken: index into `counts`, and `reason` of the last frame
TAKEN, UNKNOWN_ID, WRONG_LENGTH, UNDECODABLE, BAD_CHECKSUM, COUNTER_STUCK, COUNTER_JUMP, OTHER_SENDER = range(8)
REASONS = (
    "", "unknown_id", "wrong_length", "undecodable", "bad_checksum", "counter_stuck", "counter_jump", "other_sender",
)  # fmt: skip

EXTENDED = 1 << 29  # in a frame's key: the mark of an extended identifier
AUXILIARY = codes.SIGNALS  # the signal of a rule that is no signal of its own, but a bit of the brake's value

SENDERS = 256  # source addresses of J1939
BROADCAST_MASK = 0x3FFFF00  # of a parameter group in an identifier: neither priority nor source address,
ADDRESSED_MASK = 0x3FF0000  # nor the destination that a group of PDU format below 240 has
_PDU_FORMAT = 0xFF0000
_BROADCAST = 0xF00000


def group_mask(identifier):
    """The bits of a 29-bit identifier of J1939 that tell its parameter group."""
    return BROADCAST_MASK if identifier & _PDU_FORMAT >= _BROADCAST else ADDRESSED_MASK


def key(identifier, extended):
    """What frames are found by."""
    return identifier | EXTENDED if extended else identifier


class Part:
    """What one frame has of one rule, and the J1939 sender that the rule follows."""

    __slots__ = ("_heard_ms", "_sender", "_timeout_ms", "rule", "sources")

    def __init__(self, rule, sources):
        self.rule = rule
        self.sources = sources
        self._timeout_ms = max([source.timeout_ms for source in sources])
        self._sender = -1
        self._heard_ms = NEVER_MS

    def hears(self, sender, now_ms):
        """Whether no other sender is followed, or that one fell silent."""
        return sender == self._sender or not -self._timeout_ms <= now_ms - self._heard_ms <= self._timeout_ms

    def follow(self, sender, now_ms):
        """Stays with a sender that had a value; one that knows nothing must not keep out one that does."""
        for source in self.sources:
            if source.status == codes.STATUS_OK and source.stamp_ms == now_ms:
                self._sender = sender
                self._heard_ms = now_ms
                return

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        self._heard_ms = max(self._heard_ms - offset_ms, NEVER_MS)


class Frame:
    """One message of a car.

    Row: [bus, identifier, 1: extended, length, length padded for CAN FD, checks, counter's field or -1, its modulus,
    multiplexers, sources]; a multiplexer: [field, [conditions it stands under itself], known codes...]. A parameter
    group of J1939 has one entry more: [source addresses that are taken, or none: any].
    """

    __slots__ = ("_counter", "_last", "_length", "_modulus", "_multiplexers", "_padded", "checks", "parts", "senders")

    def __init__(self, row, fields):
        self._length, self._padded, checks, counter, self._modulus, multiplexers = row[3:9]
        self.checks = [Checksum(check, fields) for check in checks]
        self._counter = fields[counter] if counter >= 0 else None
        self.senders = row[10] if len(row) > 10 else None  # None: no group of J1939
        self._last = [-1] * (1 if self.senders is None else SENDERS)  # each sender counts for itself
        self._multiplexers = [(fields[one[0]], conditions_of(one[1], fields), set(one[2:])) for one in multiplexers]
        self.parts = []  # one of each rule

    def reason(self, data, sender):
        """Why the frame cannot be taken, or TAKEN; COUNTER_JUMP and UNDECODABLE leave something to take."""
        length = len(data)
        if length != self._length and length != self._padded:
            return WRONG_LENGTH
        for check in self.checks:
            if not check.good(data):
                return BAD_CHECKSUM
        reason = TAKEN
        if self._counter is not None:
            count = self._counter.read(data)
            last = self._last[sender]
            self._last[sender] = count
            if last >= 0 and count != (last + 1) % self._modulus:
                if count == last:  # the sender's task hangs while its controller repeats the frame
                    return COUNTER_STUCK
                reason = COUNTER_JUMP
        for multiplexer in self._multiplexers:
            if hold(multiplexer[1], data) and multiplexer[0].read(data) not in multiplexer[2]:
                return UNDECODABLE
        return reason


class CanTable:
    """The decoder of one car. `signals`, `values` and `statuses` hold what the last frame gave."""

    def __init__(self, rows):
        if rows["compiled_map"] != VERSION:
            raise ValueError("compiled map of another version")
        fields = [Field(row) for row in rows["fields"]]
        sources = [Source(row, fields) for row in rows["sources"]]
        self.timeouts_ms = list(rows["timeouts_ms"])  # by signal
        self._rules = []
        for index, row in enumerate(rows["rules"]):
            own = [source for source, of in zip(sources, rows["sources"]) if of[0] == index]
            self._rules.append(Rule(row, own))
        self.frames = [{} for _ in range(rows["buses"])]  # of each bus, by `key`
        self.grouped = [False] * rows["buses"]  # of each bus: its extended frames are those of J1939
        most = 1
        for row in rows["frames"]:
            frame = Frame(row, fields)
            for index, rule in enumerate(self._rules):
                own = [sources[at] for at in row[9] if rows["sources"][at][0] == index]
                if own:
                    frame.parts.append(Part(rule, own))
            most = max(most, len(frame.parts))
            self.frames[row[0]][key(row[1], row[2])] = frame
            if frame.senders is not None:
                self.grouped[row[0]] = True
        self.signals = [0] * most
        self.values = [0] * most
        self.statuses = [0] * most
        self.counts = [0] * len(REASONS)
        self.reason = TAKEN
        self._auxiliary = 0
        self._auxiliary_ms = NEVER_MS
        self._auxiliary_timeout_ms = rows["auxiliary_timeout_ms"]

    def find(self, bus, identifier, extended):
        """The wanted frame of that identifier, or None."""
        if extended and self.grouped[bus]:
            identifier &= group_mask(identifier)
        return self.frames[bus].get(key(identifier, extended))

    def decode(self, bus, identifier, extended, data, now_ms):
        """Takes a data frame; returns how many signals it gave. `reason` tells what was wrong with it."""
        frame = self.find(bus, identifier, extended)
        if frame is None:
            self.reason = UNKNOWN_ID
            self.counts[UNKNOWN_ID] += 1
            return 0
        return self.take(frame, data, now_ms, identifier & 0xFF)

    def take(self, frame, data, now_ms, source_address=0):
        """As `decode`, for a frame that `find` found."""
        sender = 0 if frame.senders is None else source_address
        if frame.senders and sender not in frame.senders:
            return self._other_sender()
        self.reason = reason = frame.reason(data, sender)
        if reason:
            self.counts[reason] += 1
            if reason != UNDECODABLE and reason != COUNTER_JUMP:
                return 0
        count = others = 0
        for part in frame.parts:
            if frame.senders is not None and not part.hears(sender, now_ms):
                others += 1
                continue
            rule = part.rule
            if rule.read(part.sources, data, now_ms):
                if frame.senders is not None:
                    part.follow(sender, now_ms)
                if rule.signal == AUXILIARY:
                    self._auxiliary = rule.value if rule.status == codes.STATUS_OK else 0
                    self._auxiliary_ms = now_ms
                    continue  # the lamp's message carries it on: it alone must not keep a silent lamp fresh
                value = rule.value
                if rule.signal == codes.SIGNAL_BRAKE and self._auxiliary and rule.status == codes.STATUS_OK:
                    if abs(now_ms - self._auxiliary_ms) <= self._auxiliary_timeout_ms:
                        value |= self._auxiliary
                self.signals[count] = rule.signal
                self.values[count] = value
                self.statuses[count] = rule.status
                count += 1
        if others and others == len(frame.parts):
            return self._other_sender()
        return count

    def _other_sender(self):
        self.reason = OTHER_SENDER
        self.counts[OTHER_SENDER] += 1
        return 0

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        for rule in self._rules:
            rule.rebase(offset_ms)
        for frames in self.frames:
            for frame in frames.values():
                for part in frame.parts:
                    part.rebase(offset_ms)
        self._auxiliary_ms = max(self._auxiliary_ms - offset_ms, NEVER_MS)
