"""What a service manager is told: ready, alive, stopping (systemd's notification protocol, by its socket)."""

import os
import socket
from typing import Final

_USEC: Final = 1000


class ServiceManager:
    """Says nothing where there is none. `watchdog_ns`: how often to say alive, or 0."""

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        env = dict(os.environ) if environment is None else environment
        address = env.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        usec = env.get("WATCHDOG_USEC", "")
        ours = env.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.watchdog_ns = int(usec) * _USEC // 2 if usec.isdigit() and ours and self._address else 0

    def ready(self, text: str) -> None:
        """Start-up is over."""
        self._say(f"READY=1\nSTATUS={text}")

    def alive(self) -> None:
        """The loop turns."""
        self._say("WATCHDOG=1")

    def status(self, text: str) -> None:
        """One line for people."""
        self._say(f"STATUS={text}")

    def stopping(self) -> None:
        """It ends by its own will."""
        self._say("STOPPING=1")

    def _say(self, text: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.setblocking(False)
                out.sendto(text.encode(), self._address)
        except OSError:  # a manager that does not listen must not stop a unit
            return
