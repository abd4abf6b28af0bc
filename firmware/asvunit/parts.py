"""What a live unit is made of, and its clocks."""

from collections.abc import Callable
from dataclasses import dataclass

from asvunit.events import Event
from asvunit.inbox import Inbox
from asvunit.ports import LiveInput, Radio
from asvunit.presenter import Presenter
from asvunit.sender import Sender
from asvunit.verifier import Verifier

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


@dataclass(frozen=True, slots=True)
class Times:
    """The clocks: monotonic and Unix nanoseconds."""

    monotonic_ns: Callable[[], int]
    unix_ns: Callable[[], int]
