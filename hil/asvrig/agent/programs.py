"""Programs that the agent runs: commands to their end, and units that are followed while they run.

A program's stream holds, in their order, `["event", {...}]` for what it says, and `["state", {...}]` with `pid` as it
begins, `code` and `said` (its last line of standard error) as it ends.
"""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from asvrig.agent.follow import OutputFollower, SocketFollower
from asvrig.agent.outbox import Stream
from asvrig.agent.supervisor import Service, Supervisor, last_line, usage
from asvrig.agent.wire import PIECE_BYTES, Message, pack

_DRAIN_S: Final = 1.0
_STOP_POST: Final = "stop_post"


class Program:
    """One that was started. OSError where it cannot be; ValueError for a wrong request.

    Of a request: `name`; `env`; `socket`, a path at which it offers events, or `output` where it writes them itself;
    `service`, the keys of `Service`, where it is to be started again.
    """

    def __init__(self, message: Message, argv: Sequence[str], folder: Path, stream: Stream) -> None:
        self._stream = stream
        path = message.get("socket")
        stdout = bool(message.get("output"))
        name = str(message.get("name", "unit"))
        if "/" in name:
            raise ValueError(f"{name}: no name")
        self._follower: SocketFollower | OutputFollower
        self._follower = SocketFollower(folder / str(path), self._event) if path else OutputFollower(self._event)
        self._follows_output = stdout and not path
        self._stderr = folder / f"{name}.err"
        try:
            self._supervisor = Supervisor(
                argv,
                folder=folder,
                stderr=self._stderr,
                env={str(key): str(value) for key, value in message.get("env", {}).items()},
                service=_service(message.get("service")),
                stdout=subprocess.PIPE if self._follows_output else subprocess.DEVNULL,
                on_start=self._started,
                on_exit=self._exited,
            )
        except OSError:
            self._follower.close()
            raise

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._supervisor.pid

    def stop(self, timeout_s: float) -> int:
        """Ends it for good; its code."""
        code = self._supervisor.stop(timeout_s)
        self._follower.close()
        self._stream.closed = True
        return code

    def kill(self) -> None:
        """SIGKILL, without warning."""
        self._supervisor.kill()

    def signal(self, number: int) -> None:
        """A signal of that number."""
        self._supervisor.signal(signal.Signals(number))

    def say(self, data: bytes) -> None:
        """To its standard input."""
        self._supervisor.say(data)

    def usage(self) -> dict[str, Any]:
        """What it has used; ValueError if it has ended."""
        try:
            cpu_s, rss_kib = usage(self._supervisor.pid)
        except OSError as error:
            raise ValueError("it does not run") from error
        return {"cpu_s": cpu_s, "rss_kib": rss_kib}

    def _event(self, line: bytes) -> None:
        self._stream.put(b'["event",%s]' % line)

    def _started(self, process: "subprocess.Popen[bytes]") -> None:
        self._stream.put(_state({"pid": process.pid}))
        if self._follows_output and isinstance(self._follower, OutputFollower) and process.stdout is not None:
            self._follower.begin(process.stdout)

    def _exited(self, code: int) -> None:
        self._follower.drain(_DRAIN_S)
        told = {"code": code, "said": last_line(self._stderr), "counters": self._follower.lines.counters}
        self._stream.put(_state(told))


def _state(told: dict[str, Any]) -> bytes:
    return json.dumps(["state", told], separators=(",", ":")).encode()


def _service(asked: Any) -> Service | None:
    if asked is None:
        return None
    keys = dict(asked)
    keys[_STOP_POST] = tuple(str(one) for one in keys.get(_STOP_POST, ()))
    return Service(**keys)


def run(argv: Sequence[str], folder: Path, env: dict[str, str], timeout_s: float, scratch: Path) -> dict[str, Any]:
    """A command to its end. What it said is given whole if it is short, else as the paths of files that hold it."""
    with (
        tempfile.NamedTemporaryFile(dir=scratch, prefix="out-", delete=False) as out,
        tempfile.NamedTemporaryFile(dir=scratch, prefix="err-", delete=False) as err,
    ):
        process = subprocess.Popen(  # noqa: S603
            argv,
            cwd=folder,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise ValueError(f"{argv[0]} took longer than {timeout_s:g} s") from error
    told: dict[str, Any] = {"code": code}
    for name, path in (("out", Path(out.name)), ("err", Path(err.name))):
        if path.stat().st_size <= PIECE_BYTES:
            told[name] = pack(path.read_bytes())
            path.unlink()
        else:
            told[f"{name}_file"] = str(path)
    return told
