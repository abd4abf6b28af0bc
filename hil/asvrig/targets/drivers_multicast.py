"""A bus of this machine that can be lost: frames by UDP multicast, in python-can's form, and a controller's errors.

What the controller of the unit says comes as SocketCAN says it: bus-off as an error frame, and a restart as another.
Between them no frame comes in, as from a controller that is off the bus.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from asvrig.targets.resources import CanAdapter
from asvrig.targets.target import NotOnTarget
from asvunit.errors import AsvkitError

INTERFACE: Final = "udp_multicast"
_GROUPS: Final = "239.74.163"  # of this organisation's own scope
_PORTS: Final = range(20_000, 32_000)
_BUS_OFF, _RESTARTED = 0x40, 0x100  # classes of error frames
_HEARD_S: Final = 0.5


def free_adapter() -> tuple[CanAdapter, dict[str, Any]]:
    """A group and port that nobody else is likely to have, as a unit's configuration names them."""
    chance = random.SystemRandom()
    group = f"{_GROUPS}.{chance.randint(2, 250)}"
    return CanAdapter(INTERFACE, group, None), {"port": chance.choice(_PORTS), "hop_limit": 0}


def missing() -> str:
    """What this machine lacks, as "needs multicast: ..."; "" where nothing is missing."""
    import can

    adapter, options = free_adapter()
    try:
        with can.Bus(interface=INTERFACE, channel=adapter.channel, fd=False, **options) as bus:
            bus.send(can.Message(arbitration_id=1, data=b"", is_extended_id=False))
            return "" if bus.recv(_HEARD_S) else "needs multicast: this machine does not hear itself"
    except (can.CanError, OSError, ImportError) as error:
        return f"needs multicast: {' '.join(str(error).split())}"


class MulticastCan:
    """`targets.target.CanLine`; it cannot be unplugged, but lost."""

    def __init__(self, adapter: CanAdapter, options: dict[str, Any]) -> None:
        """AsvkitError where this machine has no multicast."""
        import can

        self.dropped: Counter[str] = Counter()  # frames by reason: "bus_off", "network"
        self._can, self._off, self._closed = can, False, False
        try:
            self._bus = can.Bus(interface=INTERFACE, channel=adapter.channel, fd=False, **options)
        except (can.CanError, OSError, ImportError) as error:
            raise AsvkitError(f"no multicast on this machine: {' '.join(str(error).split())}") from error

    def send(self, identifier: int, extended: bool, data: bytes) -> None:
        if self._off:
            self.dropped["bus_off"] += 1
        else:
            self._send(arbitration_id=identifier, is_extended_id=extended, data=data)

    def unplug(self) -> None:
        raise NotOnTarget("unplug: a multicast bus has no plug; the target local has")

    def plug(self) -> None:
        """Nothing to do."""

    def lose(self) -> Callable[[], None]:
        """The controller goes off the bus; what is returned brings it back."""
        self._error(_BUS_OFF)
        self._off = True

        def back() -> None:
            if self._off:
                self._off = False
                self._error(_RESTARTED)

        return back

    def close(self) -> None:
        """May be called twice."""
        if not self._closed:
            self._closed = True
            self._bus.shutdown()

    def _error(self, kind: int) -> None:
        self._send(arbitration_id=kind, is_extended_id=False, is_error_frame=True, data=bytes(8))

    def _send(self, **told: Any) -> None:
        message = self._can.Message(timestamp=time.time(), **told)
        try:
            self._bus.send(message)
        except (self._can.CanError, OSError):
            self.dropped["network"] += 1
