"""The agent itself: takes requests from a line, does them on this machine, and says what became of them.

A request that comes twice is done once: its answer is kept for a while. A bench that says hello anew begins anew:
what the one before had started is ended, and its faults are undone, as they are when the line ends.
"""

import os
import platform
import secrets
import sys
import tempfile
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from asvrig.agent import faults, files
from asvrig.agent.follow import FileFollower
from asvrig.agent.outbox import Outbox, answer_line, refusal_line
from asvrig.agent.programs import Program, run
from asvrig.agent.wire import PROTOCOL, Lines, Message

_REMEMBERED: Final = 128  # answers kept for a bench that did not get them
_AT_ONCE: Final = 32  # requests under way
_READ_BYTES: Final = 1 << 16

Told = dict[str, Any]


class Agent:
    """One agent on one line. `read` gives bytes, none at its end; `write` writes all, or raises OSError."""

    def __init__(
        self, read: Callable[[int], bytes], write: Callable[[bytes], None], folder: Path, name: str = ""
    ) -> None:
        self.folder = folder
        self.counters: Counter[str] = Counter()
        self._name = name or secrets.token_hex(4)
        self._read = read
        self._lines = Lines()
        self._outbox = Outbox(write)
        self._bench = ""  # the one that said hello last
        self._answers: OrderedDict[str, bytes] = OrderedDict()  # empty: under way
        self._lock = threading.Lock()
        self._count = 0
        self._programs: dict[str, Program] = {}
        self._followers: dict[str, FileFollower] = {}
        self._undo: dict[str, faults.Undo] = {}
        self._scratch = tempfile.TemporaryDirectory(prefix="asvkit-agent-")
        self._at_once: dict[str, Callable[[Message], Told]] = {
            "clock": self._clock,
            "signal": self._signal,
            "usage": self._usage,
            "input": self._input,
        }
        self._in_time: dict[str, Callable[[Message], Told]] = {
            "run": self._run,
            "start": self._start,
            "stop": self._stop,
            "kill": self._kill,
            "read": self._read_file,
            "write": self._write_file,
            "push": self._push,
            "follow": self._follow,
            "unfollow": self._unfollow,
            "fault": self._fault,
            "undo": self._undo_fault,
        }

    def serve(self, *, forever: bool = False) -> None:
        """Until the line ends or the bench says bye; then all is put in order. `forever`: another bench may come."""
        try:
            while data := self._read(_READ_BYTES):
                for message in self._lines.feed(data):
                    if not self._take(message) and not forever:
                        return
        except OSError:  # the line is gone
            return
        finally:
            self.close()

    def close(self) -> None:
        """May be called twice."""
        self._begin_anew()
        self._outbox.close()
        self._scratch.cleanup()

    # Requests

    def _take(self, message: Message) -> bool:
        """One line of the bench; False: it is done with us."""
        number, name = message.get("id"), message.get("op")
        if not isinstance(number, str) or not isinstance(name, str):
            self._heed(message)
            return True
        if name == "hello":
            if number != self._bench:
                self._begin_anew()
                self._bench = number
            self._outbox.answer(answer_line(number, self._hello()))
            return True
        with self._lock:
            said = self._answers.get(number)
            if said is None:
                self._answers[number] = b""
                while len(self._answers) > _REMEMBERED:
                    self._answers.popitem(last=False)
        if said is not None:
            if said:
                self._outbox.answer(said)
            return True
        if name == "bye":
            self._begin_anew()
            self._answer(number, {})
            return False
        if name in self._at_once:
            self._do(number, self._at_once[name], message)
        elif threading.active_count() > _AT_ONCE + 3 * len(self._programs):
            self._refuse(number, "too much at once")
        elif name in self._in_time:
            threading.Thread(target=self._do, args=(number, self._in_time[name], message), daemon=True).start()
        else:
            self._refuse(number, f"no request {name!r:.40}")
        return True

    def _do(self, number: str, action: Callable[[Message], Told], message: Message) -> None:
        try:
            told = action(message)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            self._refuse(number, f"{where}{error.strerror or error}")
        except ValueError as error:
            self._refuse(number, str(error)[:500])
        except Exception as error:  # asked for what cannot be: whatever it is, the agent goes on
            self._refuse(number, f"wrong request: {error!r:.300}")
        else:
            self._answer(number, told)

    def _answer(self, number: str, told: Told) -> None:
        self._settle(number, answer_line(number, told))

    def _refuse(self, number: str, why: str) -> None:
        self._settle(number, refusal_line(number, " ".join(why.split())))

    def _settle(self, number: str, line: bytes) -> None:
        with self._lock:
            if number in self._answers:
                self._answers[number] = line
        self._outbox.answer(line)

    def _heed(self, message: Message) -> None:
        """What is no request: how far the bench is with a stream."""
        number, has, again = message.get("s"), message.get("has"), message.get("again")
        if isinstance(number, str) and isinstance(has, int):
            self._outbox.has(number, has)
        elif isinstance(number, str) and isinstance(again, int):
            self._outbox.again(number, again)
        else:
            self.counters["bad_message"] += 1

    def _begin_anew(self) -> None:
        with self._lock:
            programs, self._programs = list(self._programs.values()), {}
            followers, self._followers = list(self._followers.values()), {}
            undo, self._undo = list(self._undo.values()), {}
            self._answers.clear()
        for program in programs:
            with suppress(OSError):
                program.stop(2)
        for follower in followers:
            follower.close()
        for one in reversed(undo):
            with suppress(OSError):
                one()
        self._outbox.forget()

    def _hello(self) -> Told:
        return {
            "protocol": PROTOCOL,
            "agent": self._name,
            "pid": os.getpid(),
            "user": os.getuid(),
            "folder": str(self.folder),
            "python": platform.python_version(),
            "executable": sys.executable,
            "kernel": platform.release(),
            "machine": platform.machine(),
            "system": _system_name(),
            "monotonic_ns": time.monotonic_ns(),
            "unix_ns": time.time_ns(),
        }

    # What can be asked for

    def _clock(self, _message: Message) -> Told:
        return {"monotonic_ns": time.monotonic_ns(), "unix_ns": time.time_ns()}

    def _run(self, message: Message) -> Told:
        env = {str(key): str(value) for key, value in message.get("env", {}).items()}
        return run(_argv(message), self.folder, env, float(message.get("within_s", 30)), Path(self._scratch.name))

    def _start(self, message: Message) -> Told:
        number = self._next("u")
        program = Program(message, _argv(message), self.folder, self._outbox.stream(number))
        with self._lock:
            self._programs[number] = program
        return {"program": number, "pid": program.pid}

    def _stop(self, message: Message) -> Told:
        code = self._program(message).stop(float(message.get("within_s", 3)))
        with self._lock:
            self._programs.pop(message["program"], None)
        return {"code": code}

    def _kill(self, message: Message) -> Told:
        self._program(message).kill()
        return {}

    def _signal(self, message: Message) -> Told:
        self._program(message).signal(int(message["number"]))
        return {}

    def _input(self, message: Message) -> Told:
        self._program(message).say(str(message["text"]).encode())
        return {}

    def _usage(self, message: Message) -> Told:
        return self._program(message).usage()

    def _read_file(self, message: Message) -> Told:
        return files.read(self._path(message), int(message.get("at", 0)))

    def _write_file(self, message: Message) -> Told:
        return files.write(self._path(message), int(message["at"]), message["data"], bool(message["last"]))

    def _push(self, message: Message) -> Told:
        return files.push(self._path(message), message["data"])

    def _follow(self, message: Message) -> Told:
        number = self._next("f")
        stream = self._outbox.stream(number)
        follower = FileFollower(self._path(message), lambda line: stream.put(b'["line",%s]' % line))
        with self._lock:
            self._followers[number] = follower
        return {"follower": number}

    def _unfollow(self, message: Message) -> Told:
        with self._lock:
            follower = self._followers.pop(message["follower"])
        follower.close()
        return {"counters": follower.lines.counters}

    def _fault(self, message: Message) -> Told:
        how = dict(message.get("how", {}))
        if "path" in how:
            how["path"] = str(self.folder / str(how["path"]))
        undo = faults.begin(str(message["name"]), how)
        number = self._next("x")
        with self._lock:
            self._undo[number] = undo
        return {"fault": number}

    def _undo_fault(self, message: Message) -> Told:
        with self._lock:
            undo = self._undo.pop(message["fault"], None)
        if undo is not None:
            undo()
        return {}

    def _path(self, message: Message) -> Path:
        return self.folder / str(message["path"])

    def _program(self, message: Message) -> Program:
        with self._lock:
            program = self._programs.get(message["program"])
        if program is None:
            raise ValueError("no such program")
        return program

    def _next(self, kind: str) -> str:
        with self._lock:
            self._count += 1
            return f"{kind}{self._name}.{self._count}"


def _argv(message: Message) -> list[str]:
    if not message["argv"]:
        raise ValueError("no command given")
    return [str(one) for one in message["argv"]]


def _system_name() -> str:
    try:
        rows = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((row.partition("=")[2].strip('"') for row in rows if row.startswith("PRETTY_NAME=")), "")
