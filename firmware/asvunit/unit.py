"""A unit: the core with its clock, identities, journal and outputs. Live and replay feed it alike."""

from collections.abc import Callable
from importlib.metadata import version

from asvcore import codes
from asvcore.commands import KIND, WIDTH
from asvcore.core import Core
from asvcore.elements import MESSAGE_BYTES
from asvcore.params import NONE
from asvcore.settings import Settings
from asvunit.clock import UnitClock
from asvunit.events import VERSION, Event, Sink, Translator
from asvunit.identity import Sources
from asvunit.journal import JournalWriter
from asvunit.ports import TRAILER_BYTES, TRAILER_MARK, Fix, RadioFrame, VehicleSignal
from asvunit.words import CODES

Send = Callable[[int, bytes], None]  # time in ns, the 100 bytes

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
    ) -> None:
        self.core = Core(settings)
        self.sources = Sources()
        self.sent = 0
        self.seed = int(self.core.settings.seed)
        self._clock = clock
        self._sink = sink
        self._send = send
        self._journal = journal
        self._translator = Translator(self.sources, language)
        self._record = [0] * WIDTH
        self._cause = 0

    @property
    def vehicle_id(self) -> int:
        """The temporary id of this ignition."""
        return int(self.core.transmitter.vehicle_id)

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
        self._drain(fix.time_ns)

    def vehicle(self, signal: VehicleSignal, bus: int = 0) -> None:
        """One signal of one CAN frame."""
        now_ms, cause = self._input(signal.time_ns)
        self._write("V", now_ms, cause, signal.signal, signal.value, signal.status, bus)
        self.core.on_vehicle(signal.signal, signal.value, signal.status, bus, now_ms, cause)
        self._drain(signal.time_ns)

    def radio(self, frame: RadioFrame, radio_flag: bool = False) -> None:
        """One received payload; a particular vehicle's trailer is taken off, `radio_flag` says it was verified."""
        now_ms, cause = self._input(frame.time_ns)
        payload = frame.payload
        if len(payload) == MESSAGE_BYTES + TRAILER_BYTES and payload.startswith(TRAILER_MARK, MESSAGE_BYTES):
            payload = payload[:MESSAGE_BYTES]
        source = self.sources.number(frame.source)
        if self._journal:
            self._journal.message(now_ms, cause, source, radio_flag, payload)
        self.core.on_message(payload, source, now_ms, radio_flag, cause)
        self._drain(frame.time_ns)

    def tick(self, time_ns: int) -> None:
        """The 100 ms cycle at its time, or a tick that `due_ns` asked for."""
        offset_ms = self._clock.rebase_due(time_ns)
        if offset_ms:
            self._write("R", offset_ms)
            self.core.rebase(offset_ms)
        now_ms = self._clock.unit_ms(time_ns)
        self._write("T", now_ms, 0)
        self.core.tick(now_ms, 0)
        self._drain(time_ns)

    def due_ns(self) -> int | None:
        """When a tick before the next of the grid would tell something sooner, or None."""
        due_ms = self.core.due_ms
        return None if due_ms == NONE else self._clock.time_ns(due_ms)

    def _write(self, kind: str, *values: int) -> None:
        if self._journal:
            self._journal.line(kind, *values)

    def _input(self, time_ns: int) -> tuple[int, int]:
        self._cause = self._cause % (_CAUSES - 1) + 1
        return self._clock.unit_ms(time_ns), self._cause

    def _drain(self, time_ns: int) -> None:
        record = self._record
        while self.core.commands.take(record):
            if record[KIND] == codes.COMMAND_SEND:
                self.sent += 1
                self._send(time_ns, bytes(self.core.frame))
            event = self._translator.event(record, self._clock.epoch_s(time_ns))
            if event is not None:
                self._sink(event)


def _known(value: int | None) -> int:
    return NONE if value is None else value
