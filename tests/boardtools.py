"""The hardware of pretence for tests on CPython: tests/micropython/fakes by its boards' names.

    from boardtools import machine, manual_time, network, netsocket

`power_on()` before each test.
"""

import sys
from pathlib import Path

FAKES = Path(__file__).parent / "micropython" / "fakes"
if str(FAKES) not in sys.path:
    sys.path.append(str(FAKES))

import heap  # noqa: E402
import machine  # noqa: E402
import manual_time  # noqa: E402
import mcp2515_chip  # noqa: E402
import netselect  # noqa: E402
import netsocket  # noqa: E402
import network  # noqa: E402

__all__ = ["FAKES", "heap", "machine", "manual_time", "mcp2515_chip", "netselect", "netsocket", "network"]


def power_on() -> None:
    """All of it as after a cold start."""
    machine.power_on()
    network.power_on()
    netsocket.power_on()
