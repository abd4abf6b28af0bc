"""What the machine makes of a bare sleep to absolute times every 100 ms: the yardstick of the unit's own jitter.

A process of its own with nothing else to do: `python -m asvrig.live.bare_sleep` until its input ends, then the
quantiles of its lateness as one JSON object.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from typing import Any, Final

from asvunit.quantiles import Quantiles

_PERIOD_NS: Final = 100_000_000


class BareSleep:
    """The process, from construction to `result`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "asvrig.live.bare_sleep"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def result(self) -> dict[str, Any]:
        """Ends it: `Quantiles.summary()` of its lateness."""
        out, _ = self._process.communicate(timeout=10)
        return dict(json.loads(out))

    def close(self) -> None:
        """Ends it without asking."""
        self._process.kill()
        self._process.communicate()


def _measure(ended: threading.Event, late: Quantiles) -> None:
    due_ns = time.monotonic_ns() + _PERIOD_NS
    while not ended.is_set():
        time.sleep(max(0, due_ns - time.monotonic_ns()) / 1e9)
        late.add_ns(time.monotonic_ns() - due_ns)
        due_ns += _PERIOD_NS


def _main() -> None:
    ended, late = threading.Event(), Quantiles()
    thread = threading.Thread(target=_measure, args=(ended, late), daemon=True)
    thread.start()
    sys.stdin.buffer.read()
    ended.set()
    thread.join(1)
    with contextlib.suppress(BrokenPipeError):  # who asked may have gone
        os.write(1, json.dumps(late.summary()).encode())


if __name__ == "__main__":
    _main()
