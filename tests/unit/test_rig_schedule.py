"""The schedule of a bench: actions and records at their times, whoever adds them and whenever."""

import threading
import time

from asvrig.schedule import Lateness, Schedule

MS = 1_000_000


class Clock:
    """Virtual time that passes in waiting."""

    def __init__(self) -> None:
        self.now_ns = 1000 * MS
        self.waits: list[float] = []

    def __call__(self) -> int:
        return self.now_ns

    def wait(self, _files, timeout_s: float) -> list[int]:
        self.waits.append(timeout_s)
        self.now_ns += round(timeout_s * 1e9)
        return []


class Log:
    """What was done, and when, in ms from the begin."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.schedule = Schedule(self.clock, self.clock.wait)
        self.done: list[tuple[str, int]] = []

    def act(self, name: str):
        return lambda: self.done.append((name, (self.clock() - 1000 * MS) // MS))

    def at(self, ms: int, name: str) -> None:
        self.schedule.at((1000 + ms) * MS, self.act(name))

    def records(self, name: str, *times_ms: int):
        return [((1000 + ms) * MS, self.act(name)) for ms in times_ms]


def test_streams_and_actions_are_one_order_and_actions_come_first():
    log = Log()
    log.schedule.add(log.records("a", 0, 100, 200))
    log.schedule.add(log.records("b", 50, 100, 150))
    log.at(100, "action")
    log.schedule.run(1200 * MS)
    assert log.done == [("a", 0), ("b", 50), ("action", 100), ("a", 100), ("b", 100), ("b", 150), ("a", 200)]
    assert log.schedule.lateness_ms == Lateness(7, 0, 0)


def test_an_action_may_plan_others_and_what_is_overdue_is_done_at_once():
    log = Log()
    log.schedule.add(log.records("a", 0, 300))

    def plan() -> None:
        log.act("plan")()
        log.at(200, "later")
        log.at(50, "overdue")

    log.schedule.at(1100 * MS, plan)
    log.schedule.run()
    assert log.done == [("a", 0), ("plan", 100), ("overdue", 100), ("later", 200), ("a", 300)]
    assert log.schedule.lateness_ms.max == 50


def test_it_ends_at_its_end_or_when_all_is_done():
    log = Log()
    log.schedule.add(log.records("a", 0, 100, 101))
    log.at(5000, "never")
    log.schedule.run(1100 * MS)
    assert log.done == [("a", 0), ("a", 100)]
    assert log.clock() == 1100 * MS
    empty = Log()
    empty.schedule.run()
    assert empty.clock() == 1000 * MS
    waiting = Log()
    waiting.schedule.run(1500 * MS)
    assert waiting.clock() == 1500 * MS
    assert max(waiting.clock.waits) <= 0.05


def test_an_action_added_from_another_thread_is_done_while_it_waits():
    schedule, done = Schedule(), threading.Event()
    thread = threading.Thread(target=schedule.run, args=(time.monotonic_ns() + 60_000 * MS,), daemon=True)
    thread.start()
    schedule.at(time.monotonic_ns() + MS, done.set)
    assert done.wait(10)
    schedule.at(0, schedule.stop)
    thread.join(10)
    assert not thread.is_alive()
