"""A unit: the core with its clock, identities, journal and outputs. Live and replay feed it alike."""

from collections import Counter
from collections.abc import Callable
from importlib.metadata import version

from asvcore import codes
from asvcore.commands import KIND, WIDTH
from asvcore.core import Core
from asvcore.elements import VERSION as MESSAGE_VERSION
from asvcore.params import NONE
from asvcore.settings import Settings
from asvunit.authority import ACCEPTED
from asvunit.checkpoint import dump_words
from asvunit.clock import UnitClock
from asvunit.events import VERSION, Event, Sink, Translator
from asvunit.identity import Sources
from asvunit.intersections import NodeAhead
from asvunit.journal import JournalWriter
from asvunit.ports import ExternalSupport, Fix, RadioFrame, Switch, VehicleSignal
from asvunit.trailer import Trailer, has_trailer, split
from asvunit.words import CODES

Send = Callable[[int, bytes], None]  # time in ns, the 100 bytes
Judge = Callable[[RadioFrame], str]  # a frame with a trailer: "accepted", or why it is not believed

_CAUSES = 1 << 29


class Unit:
    """Feeds port records to a core, and what the core says to the event sink and the sender.

    Times are nanoseconds of the unit's one time base; inputs come in the order of their times.
    """

    def __init__(
        self,
        settings: Settings,
        clock: UnitClock,
        *,
        sink: Sink,
        send: Send,
        language: str = "en",
        journal: JournalWriter | None = None,
        judge: Judge | None = None,
        nodes: NodeAhead | None = None,
        show: Sink | None = None,
    ) -> None:
        """`judge` verifies trailers at once; live they come with their verdict. Without both there are no keys.

        `show` gets each event of kind "hmi" before `sink` gets any of the same input: the driver first.
        """
        self.core = Core(settings)
        self.sources = Sources()
        self.sent = 0
        self.trailers: Counter[str] = Counter()  # verdicts on them
        self.taken_ns = 0  # by `timed_by`: when the last frame stood in the neighbour table
        self.passed_ns = [0] * 3  # when what the driver was told last passed each BOUNDARY_
        self._passing_ns = [0] * 3
        self._stamp: Callable[[], int] | None = None
        self.seed = int(self.core.settings.seed)
        self._clock = clock
        self._sink = sink
        self._show = show
        self._send = send
        self._journal = journal
        self._judge = judge
        self._nodes = nodes
        self._nodes_told = False
        self._vouched: set[int] = set()  # ids of keys that have been told as accepted
        self._translator = Translator(self.sources, language)
        self._record = [0] * WIDTH
        self._cause = 0

    @property
    def vehicle_id(self) -> int:
        """The temporary id of this ignition."""
        return int(self.core.transmitter.vehicle_id)

    def now_s(self) -> float:
        """Epoch seconds of the core's time."""
        return self._clock.epoch_s(self._clock.time_ns(self.core.now_ms))

    def state(self) -> Event:
        """All that decisions to come rest on, beside the inputs: where a session's journal goes on from it."""
        clock = self._clock
        told = {"unit_ms": int(self.core.now_ms), "base_ns": clock.base_ns, "offset_ns": clock.offset_ns}
        return {**told, "words": dump_words(self._translator, self.sources)}

    def timed_by(self, now_ns: Callable[[], int]) -> None:
        """Stamp the boundaries on the way to the driver by this clock."""
        self._stamp = now_ns
        passing_ns, passed_ns = self._passing_ns, self.passed_ns

        def passed(boundary: int) -> None:
            passing_ns[boundary] = now_ns()
            if boundary == codes.BOUNDARY_DECIDED:  # what comes after it in the same event is other news
                passed_ns[:] = passing_ns

        self.core.teller.passed = passed

    def start_event(self, time_ns: int) -> Event:
        """The first event of a session: versions, and who this unit is."""
        return {
            "t": self._clock.epoch_s(time_ns),
            "event": "start",
            "version": VERSION,
            "asvkit": version("asvkit"),
            "vehicle_id": self.vehicle_id,
            "seed": self.seed,
        }

    def fix(self, fix: Fix) -> None:
        """One epoch of the receiver."""
        now_ms, cause = self._input(fix.time_ns)
        if self._nodes and not self._nodes_told:  # so that the core waits for the first one as for all others
            self._tell_node((NONE, NONE, NONE, NONE), now_ms, cause)
        status = codes.FIX_OK if fix.valid else CODES["REASON"].get(fix.reason, codes.REASON_VOID)
        latitude_cas, longitude_cas = _known(fix.latitude_cas), _known(fix.longitude_cas)
        speed_ckmh, course_cdeg = _known(fix.speed_ckmh), _known(fix.course_cdeg)
        error_dm, height_m, vertical_m = _known(fix.error_dm), _known(fix.height_m), _known(fix.vertical_error_m)
        tod_ms = _known(fix.tod_ms)
        self._write(
            "F", now_ms, cause, status,
            latitude_cas, longitude_cas, speed_ckmh, course_cdeg, error_dm, height_m, vertical_m, tod_ms,
        )  # fmt: skip
        self.core.on_fix(
            latitude_cas, longitude_cas, speed_ckmh, course_cdeg, error_dm, height_m, vertical_m, tod_ms,
            status, now_ms, cause,
        )  # fmt: skip
        if self._nodes and fix.valid:
            self._look_ahead(self._nodes, now_ms, cause)
        self._drain(fix.time_ns)

    def _look_ahead(self, nodes: NodeAhead, now_ms: int, cause: int) -> None:
        """Tell the core the branching node ahead, by the map."""
        ego = self.core.ego
        node = None
        if ego.heading_cdeg != NONE and ego.position_reason() == 0:
            node = nodes.look(ego.latitude_cas(), ego.longitude_cas(), ego.heading_cdeg)
        values = (NONE, NONE, NONE, NONE)
        if node is not None:
            priority = NONE if node.priority is None else int(node.priority)
            values = (node.latitude_cas, node.longitude_cas, node.distance_m, priority)
        self._tell_node(values, now_ms, cause)

    def _tell_node(self, values: tuple[int, int, int, int], now_ms: int, cause: int) -> None:
        self._nodes_told = True
        self._write("N", now_ms, cause, *values)
        self.core.on_node(*values, now_ms, cause)

    def vehicle(self, signal: VehicleSignal) -> None:
        """One signal of one CAN frame."""
        now_ms, cause = self._input(signal.time_ns)
        self._write("V", now_ms, cause, signal.signal, signal.value, signal.status, signal.bus)
        self.core.on_vehicle(signal.signal, signal.value, signal.status, signal.bus, now_ms, cause)
        self._drain(signal.time_ns)

    def radio(self, frame: RadioFrame, time_ns: int | None = None) -> None:
        """One received payload; of a particular vehicle's trailer the core gets the flag alone, if it is genuine.

        `time_ns`: when it counts as heard, where that is not its own time.
        """
        if time_ns is None:
            time_ns = frame.time_ns
        now_ms, cause = self._input(time_ns)
        payload, radio_flag = frame.payload, False
        if has_trailer(payload):
            payload, trailer = split(payload)
            assert trailer is not None
            radio_flag = self._verdict(frame, payload, trailer, cause) == ACCEPTED
        source = self.sources.number(frame.source)
        if self._journal:
            self._journal.message(now_ms, cause, source, radio_flag, payload, frame.source)
        neighbour = self.core.take_message(payload, source, now_ms, radio_flag, cause)
        if self._stamp:
            self.taken_ns = self._passing_ns[codes.BOUNDARY_DECODED] = self._stamp()
        if neighbour is not None:
            self.core.judge_message(neighbour, cause)
        self._drain(time_ns)

    def tick(self, time_ns: int) -> None:
        """The 100 ms cycle at its time, or a tick that `due_ns` asked for."""
        self._rebase(time_ns)
        now_ms = self._clock.unit_ms(time_ns)
        self._write("T", now_ms, 0)
        self.core.begin(now_ms, 0)
        self._drain(time_ns)  # the own frame goes to its sender before anything is judged
        self.core.finish(0)
        self._drain(time_ns)

    def begin_tick(self, time_ns: int) -> None:
        """The first part of a tick: the own frame goes to its sender. `go_on` follows."""
        self._rebase(time_ns)
        now_ms = self._clock.unit_ms(time_ns)
        self._write("B", now_ms, 0)
        self.core.begin(now_ms, 0)
        self._drain(time_ns)

    def go_on(self, time_ns: int, most: int) -> bool:
        """Goes on with a tick, by so many neighbours; True while more is to be done. Frames may come in between."""
        self._write("P", most, 0)
        more = bool(self.core.go_on(most, 0))
        self._drain(time_ns)
        return more

    def _rebase(self, time_ns: int) -> None:
        offset_ms = self._clock.rebase_due(time_ns)
        if offset_ms:
            self._write("R", offset_ms)
            self.core.rebase(offset_ms)

    def external(self, said: ExternalSupport) -> None:
        """What an autonomous or a roadside support says; to be repeated within a second."""
        now_ms, cause = self._input(said.time_ns)
        both = codes.DIRECTION_LEFT | codes.DIRECTION_RIGHT
        side = both if said.direction == "both" else CODES["DIRECTION"][said.direction] if said.direction else 0
        values = CODES["ORIGIN"][said.origin], CODES["FUNCTION"][said.function], CODES["LEVEL"][said.level], side
        self._write("X", now_ms, cause, *values)
        self.core.on_support(*values, now_ms, cause)
        self._drain(said.time_ns)

    def switch(self, switch: Switch) -> None:
        """A switch of the driver's."""
        now_ms, cause = self._input(switch.time_ns)
        self._write("S", now_ms, cause, switch.switch, switch.value)
        self.core.on_switch(switch.switch, switch.value, now_ms, cause)
        self._drain(switch.time_ns)

    def due_ns(self) -> int | None:
        """When a tick before the next of the grid would tell something sooner, or None."""
        due_ms = self.core.due_ms
        return None if due_ms == NONE else self._clock.time_ns(due_ms)

    def _verdict(self, frame: RadioFrame, payload: bytes, trailer: Trailer, cause: int) -> str:
        """Of a trailer, counted; told if it is refused, or the first accepted of its key."""
        verdict = frame.verdict or (self._judge(frame) if self._judge else "no_keys")
        self.trailers[verdict] += 1
        if verdict == ACCEPTED:
            if trailer.key_id in self._vouched:
                return verdict
            self._vouched.add(trailer.key_id)
        readable = payload[0] & 0x1F == MESSAGE_VERSION
        self._sink(
            {
                "t": self._clock.epoch_s(frame.time_ns),
                "event": "trailer",
                "reason": verdict,
                "source": frame.source,
                "key_id": trailer.key_id,
                "vehicle_id": payload[2] << 6 | payload[3] >> 2 if readable else None,
                "cause": cause,
            }
        )
        return verdict

    def _write(self, kind: str, *values: int) -> None:
        if self._journal:
            self._journal.line(kind, *values)

    def _input(self, time_ns: int) -> tuple[int, int]:
        self._cause = self._cause % (_CAUSES - 1) + 1
        return self._clock.unit_ms(time_ns), self._cause

    def _drain(self, time_ns: int) -> None:
        record = self._record
        if self._show and self.core.teller.told:
            self._present(self._show, time_ns)
        while self.core.commands.take(record):
            if record[KIND] == codes.COMMAND_SEND:
                self.sent += 1
                self._send(time_ns, bytes(self.core.frame))
            event = self._translator.event(record, self._clock.epoch_s(time_ns))
            if event is not None:
                self._sink(event)

    def _present(self, show: Sink, time_ns: int) -> None:
        """What the driver is told from now on, before the rest is put into words."""
        self.core.teller.told = False
        commands, record = self.core.commands, self._record
        for index in range(commands.count):
            commands.look(index, record)
            if record[KIND] == codes.COMMAND_HMI:
                event = self._translator.event(record, self._clock.epoch_s(time_ns))
                assert event is not None
                show(event)


def _known(value: int | None) -> int:
    return NONE if value is None else value
