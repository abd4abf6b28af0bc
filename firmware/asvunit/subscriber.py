"""Follow a running unit's events from another program: its Unix socket, one JSON object a line."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

from asvunit.errors import AsvkitError
from asvunit.events import Event


def subscribe(path: str | Path) -> Iterator[Event]:
    """The events of the unit whose configuration names this `events.socket`, until the unit ends.

    First come the last of each state (start, status of each input, system, hmi, outputs), then what happens.
    AsvkitError where no unit offers events there.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(str(path))
        except OSError as error:
            raise AsvkitError(
                f"{path}: no unit offers its events there: {error.strerror or error}; "
                "is it running, with this events.socket?"
            ) from error
        with connection.makefile("rb") as lines:
            try:
                for line in lines:
                    if line.endswith(b"\n"):  # a unit that was killed may leave half a line
                        yield json.loads(line)
            except ConnectionError:
                return
