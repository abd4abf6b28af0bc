"""What a bench puts on the unit's own machine: a receiver and a CAN adapter on ptys, and the lines of its pins.

`python3 -m asvrig.targets.ssh_helper ASKED` there, ASKED a JSON object: "gnss" and "can", paths of links to the ptys;
"lights", "tones" and "press", GPIO by name. It is told what to do by JSON lines, and says what it sees the same way.
"""

import base64
import json
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from time import monotonic_ns
from typing import Any

from asvunit.errors import AsvkitError


class Helper:
    """The devices that were asked for. `say` takes what is to be told."""

    def __init__(self, asked: dict[str, Any], say: Callable[[dict[str, Any]], None], opened: ExitStack) -> None:
        self._say = say
        self._devices: dict[str, Any] = {}
        self._chip: Any = None
        self._press: dict[str, int] = asked.get("press", {})
        self._make_devices(asked, opened)
        if self._press or asked.get("lights") or asked.get("tones"):
            self._take_pins(asked, opened)

    def heed(self, told: dict[str, Any]) -> None:
        """A line of the bench; what is none of ours is passed over."""
        try:
            if "gnss" in told:
                self._devices["gnss"].write(base64.b64decode(told["gnss"]))
            elif "can" in told:
                identifier, extended, data = told["can"]
                self._devices["can"].send(int(identifier), bool(extended), bytes.fromhex(data))
            elif "unplug" in told:
                self._devices[told["unplug"]].unplug()
                self._say({"event": "done", "number": told.get("number")})
            elif "plug" in told:
                self._devices[told["plug"]].plug()
                self._say({"event": "done", "number": told.get("number")})
            elif "press" in told:
                pin, value = self._press[told["press"]], int(told["value"])
                t_ns = monotonic_ns()
                self._chip.write(pin, 1 - value)  # low is pressed, as the switch to ground is
                self._say({"event": "done", "number": told.get("number"), "t_ns": t_ns})
        except (KeyError, ValueError, TypeError, OSError, AsvkitError) as error:
            self._say({"event": "refused", "number": told.get("number"), "why": str(error)})

    def _make_devices(self, asked: dict[str, Any], opened: ExitStack) -> None:
        from asvrig.live.receiver import ReceiverPty
        from asvrig.live.slcan import SlcanPty
        from asvrig.targets.drivers import Attendant

        for name, kind in (("gnss", ReceiverPty), ("can", SlcanPty)):
            if asked.get(name):
                self._devices[name] = kind(Path(asked[name]))
                opened.callback(self._devices[name].close)
        if self._devices:
            opened.callback(Attendant(*self._devices.values()).close)

    def _take_pins(self, asked: dict[str, Any], opened: ExitStack) -> None:
        from asvrig.latency.edges import Chip
        from asvrig.latency.probes import EdgeProbe, Seen

        say = self._say

        class Telling(EdgeProbe):
            """Says what it sees."""

            def _add(self, *seen: Seen) -> None:
                for one in seen:
                    say({"event": "seen", **one.line()})

        self._chip = Chip()
        opened.callback(self._chip.close)
        for name, pin in self._press.items():
            self._chip.output(pin, f"pins.press.{name}", 1)
        if asked.get("lights") or asked.get("tones"):
            probe = Telling(self._chip, asked.get("lights", {}), asked.get("tones", {}))
            opened.callback(probe.close)
            probe.start()


def main() -> int:
    """Until the end of its input."""

    def say(told: dict[str, Any]) -> None:
        os.write(1, json.dumps(told).encode() + b"\n")  # whole, from whichever thread

    with ExitStack() as opened:
        try:
            helper = Helper(json.loads(sys.argv[1]), say, opened)
        except AsvkitError as error:
            sys.stderr.write(f"{error}\n")
            return error.exit_code
        say({"event": "ready"})
        for line in sys.stdin:
            try:
                told = json.loads(line)
            except ValueError:
                continue
            if isinstance(told, dict):
                helper.heed(told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
