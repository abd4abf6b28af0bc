"""What a running unit itself says of its inputs, by its events' socket: its devices are its own, and stay so."""

import json
import socket
from collections.abc import Iterator
from time import monotonic
from typing import Any, Final

from asvtools.doctor.finding import ABSENT, OK, PROBLEM, SKIPPED, Finding, Job

_LISTEN_S: Final = 0.5  # the last of each state comes first, at once
_CHUNK: Final = 65_536
_MOST_BYTES: Final = 1 << 20
_GOOD: Final = ("ok", "off")
_QUIET: Final = ("radio", "supports")  # which may have nothing to say


def running_findings(job: Job) -> Iterator[Finding]:
    """One for each input that the unit tells of."""
    assert job.config is not None
    if job.config.events.socket is None:
        mend = 'with [events] socket = "events.sock" it tells doctor of its inputs'
        yield Finding("running unit", SKIPPED, "it offers no events to ask", mend)
        return
    path = job.folder / job.config.events.socket
    try:
        states = _states(str(path))
    except OSError as error:
        detail = f"{path}: {error.strerror or error}"
        yield Finding("running unit", SKIPPED, detail, "was the socket configured after its start? Start it anew")
        return
    for name, event in states.items():
        state, reason = str(event.get("state")), str(event.get("reason", "")).replace("_", " ")
        good = state in _GOOD
        detail = state if good or not reason else f"{state}: {reason}"
        found = {key: event.get(key) for key in ("input", "state", "reason", "since")}
        if name in _QUIET and state == "silent":
            yield Finding(f"running {name}", ABSENT, f"{detail}: nobody is near, or none is heard", found=found)
            continue
        mend = "" if good else str(event.get("detail") or f"`asvkit doctor --only {name}` once the unit has ended")
        yield Finding(f"running {name}", OK if good else PROBLEM, detail, mend, not good, found)


def _states(path: str) -> dict[str, dict[str, Any]]:
    """The last status of each input, by its name."""
    states: dict[str, dict[str, Any]] = {}
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(_LISTEN_S)
        link.connect(path)
        data, end = b"", monotonic() + _LISTEN_S
        while (left := end - monotonic()) > 0 and len(data) < _MOST_BYTES:
            link.settimeout(left)
            try:
                more = link.recv(_CHUNK)
            except TimeoutError:
                break
            if not more:
                break
            data += more
    for line in data.split(b"\n")[:-1]:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and event.get("event") == "status" and isinstance(event.get("input"), str):
            states[event["input"]] = event
    return states
