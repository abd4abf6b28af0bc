"""What a live unit is made of, and its clocks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asvunit.events import Event
from asvunit.inbox import Inbox
from asvunit.ports import LiveInput, Radio
from asvunit.presenter import Presenter
from asvunit.sender import Sender
from asvunit.trusted_time import GnssTime
from asvunit.verifier import Verifier

if TYPE_CHECKING:
    from asvunit.event_hub import EventHub
    from asvunit.radio.recorder import RadioRecorder
    from asvunit.radio.signer import Signer
    from asvunit.screen_process import ScreenProcess
    from asvunit.session.write import SessionWriter

Publish = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Parts:
    """What a live unit is made of; `inputs` by port."""

    inbox: Inbox
    inputs: dict[str, LiveInput]
    radio: Radio | None
    sender: Sender | None
    presenter: Presenter
    publish: Publish
    events_fault: Callable[[], str] = str  # why events are not written just now, or ""
    verifier: Verifier | None = None  # None: no authority keys
    recorder: "RadioRecorder | None" = None  # of all that is sent and heard
    session: "SessionWriter | None" = None  # of all inputs and decisions
    signer: "Signer | None" = None  # of an emergency vehicle's frames
    scenes: "EventHub | None" = None  # for who wants to see what is around
    screen: "ScreenProcess | None" = None  # the web page
    self_test: bool = False  # of lamps and buzzer, at the start
    trusted: GnssTime | None = None  # the clock of trailers, where others use it too


@dataclass(frozen=True, slots=True)
class Times:
    """The clocks: monotonic and Unix nanoseconds."""

    monotonic_ns: Callable[[], int]
    unix_ns: Callable[[], int]


def trusted_clock(times: Times) -> GnssTime:
    """GNSS time, whose day is found by the system clock; for times of the monotonic clock."""
    return GnssTime(lambda time_ns: (times.unix_ns() - times.monotonic_ns() + time_ns) // 1_000_000)
