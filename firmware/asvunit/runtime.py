"""Runs a live unit until it is told to stop: the one loop, which waits for input or for the next deadline.

Deadlines are absolute times of the monotonic clock. Whatever ends the loop, the lamps go dark first.
"""

import contextlib
import gc
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Final, NoReturn

from asvunit.live import LiveUnit
from asvunit.parts import Parts
from asvunit.service import ServiceManager

_SWITCH_S: Final = 0.0005  # a thread that wakes at its time waits no longer than this for the interpreter
_IDLE_NS: Final = 1_000_000_000


class Runtime:
    """One run of a unit. `stop(reason)` may come from a signal handler or any thread."""

    def __init__(self, live: LiveUnit, parts: Parts, service: ServiceManager, lifeline: int | None = None) -> None:
        self._live, self._parts, self._service = live, parts, service
        self._lifeline = lifeline  # a descriptor whose end of file ends the unit
        self._reason = ""
        self._next_alive_ns = 0

    def stop(self, reason: str) -> None:
        """End the loop at its next turn, which is now."""
        self._reason = self._reason or reason
        self._parts.inbox.wake()

    def run(self, ready: Callable[[], None]) -> str:
        """Start the parts, turn until stopped, end them; why it was stopped. `ready` is called when it runs."""
        parts, live = self._parts, self._live
        try:
            for one in parts.inputs.values():
                one.start(parts.inbox.put)
            for worker in (parts.session, parts.recorder, parts.verifier, parts.sender, parts.screen):
                if worker:
                    worker.start()
            with prompt_threads(), _settled_memory():
                live.begin()
                live.turn()
                ready()
                self._service.ready(f"vehicle {live.unit.vehicle_id}")
                self._loop()
        finally:
            live.dark()
            self._service.stopping()
            for one in parts.inputs.values():
                one.stop()
            for worker in (parts.sender, parts.verifier, parts.recorder):
                if worker:
                    worker.stop()
            if parts.radio:
                parts.radio.close()
        return self._reason

    def _loop(self) -> None:
        live, parts = self._live, self._parts
        readers = [parts.inbox.fileno(), *([self._lifeline] if self._lifeline is not None else [])]
        if parts.radio:
            readers.append(parts.radio.fileno())
        more = False
        while not self._reason:
            wait_ns = 0 if more else max(0, min(live.deadline_ns() - time.monotonic_ns(), _IDLE_NS))
            ready, _, _ = select.select(readers, [], [], wait_ns / 1e9)
            if self._lifeline in ready and self._ended():
                self._reason = "input_closed"
                return
            more = live.turn()
            if self._service.watchdog_ns and time.monotonic_ns() >= self._next_alive_ns:
                self._next_alive_ns = time.monotonic_ns() + self._service.watchdog_ns
                self._service.alive()

    def _ended(self) -> bool:
        """Whether the lifeline is at its end; what is typed there is of no interest."""
        assert self._lifeline is not None
        try:
            return os.read(self._lifeline, 4096) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True


@contextlib.contextmanager
def prompt_threads() -> Iterator[None]:
    """Threads that wake at their time get the interpreter soon."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextlib.contextmanager
def _settled_memory() -> Iterator[None]:
    """What lives for good is not looked at again by the collector."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextlib.contextmanager
def stopped_by_signals(stop: Callable[[str], None]) -> Iterator[None]:
    """SIGINT, SIGTERM and a terminal that is closed call `stop`; the ways before are put back at the end."""
    with _handled(lambda number: stop(signal.Signals(number).name.lower())):
        yield


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """What would end this program in the middle of a step that must be whole comes after it instead."""
    held: list[int] = []
    with _handled(held.append):
        yield
    if held:
        signal.raise_signal(held[0])


def end_by_signal(reason: str) -> NoReturn:
    """Unwinds the program, so that all it holds is put in order; the exit code is as shells report it."""
    if reason == "sigint":
        raise KeyboardInterrupt
    raise SystemExit(128 + signal.Signals[reason.upper()])


@contextlib.contextmanager
def _handled(handle: Callable[[int], object]) -> Iterator[None]:
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup has it
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, lambda number, _frame: handle(number)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
