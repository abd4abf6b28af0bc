"""A flood on the air: messages of a thousand vehicles and garbage besides, as a process of its own.

`python -m asvrig.live.flood udp ADDRESS PORT` or `... ocb INTERFACE`; `--help` tells the rest. Every frame has its
absolute time: a process that was held up leaves out what it missed, and counts it. What it did it says at the end
as one JSON object.
"""

import argparse
import contextlib
import heapq
import json
import os
import resource
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Self

from asvrig.live.flood_frames import KINDS, UNSENT_KINDS
from asvrig.live.flood_streams import FIRST_ID, Stream, Way, forgers, noise, vehicles
from asvrig.live.many_sender import ManySender
from asvrig.live.reporting import reported
from asvunit.errors import AsvkitError
from asvunit.quantiles import Quantiles

_STEP_NS: Final = 1_000_000  # between two sendings of a stream: what falls due meanwhile goes together
_LOOK_NS: Final = 100_000_000  # how often the process looks whether it is to end


def flood(streams: Sequence[Stream], seconds: float, ended: Callable[[], bool] = lambda: False) -> dict[str, Any]:
    """Sends until the time is over, or `ended()`; `seconds` it took, `late`, `cpu_percent`, `refused`."""
    sender, late, clock = ManySender(), Quantiles(), time.monotonic_ns
    for stream in streams:
        for key in ("due", "sent", "missed"):
            stream.told.setdefault(key, 0)
    queue = [(stream.due_ns(), number) for number, stream in enumerate(streams)]
    heapq.heapify(queue)
    end_ns, look_ns = int(seconds * 1e9), _LOOK_NS
    cpu_s, begin_ns = time.process_time(), clock()
    while queue and queue[0][0] < end_ns:
        due_ns, number = queue[0]
        wait_ns = due_ns - (clock() - begin_ns)
        if wait_ns > 0:
            time.sleep(wait_ns / 1e9)
        now_ns = clock() - begin_ns
        late.add_ns(now_ns - due_ns)
        stream = streams[number]
        stream.send(sender, min(now_ns, end_ns))
        heapq.heapreplace(queue, (max(stream.due_ns(), now_ns + _STEP_NS), number))
        if now_ns >= look_ns:
            look_ns = now_ns + _LOOK_NS
            if ended():
                break
    took_s = (clock() - begin_ns) / 1e9
    share = 100 * (time.process_time() - cpu_s) / took_s if took_s else 0.0
    told = {"seconds": round(took_s, 3), "late": late.summary(), "cpu_percent": round(share, 1)}
    return told | {"refused": dict(sender.refused)}


class Flood:
    """The process, ready to begin once it is constructed.

    `prefix` puts it elsewhere: ("ip", "netns", "exec", NAME). AsvkitError, with what it said, where it ends early.
    """

    def __init__(self, *arguments: str, prefix: Sequence[str] = ()) -> None:
        self._process = subprocess.Popen(  # noqa: S603
            [*prefix, sys.executable, "-P", "-m", "asvrig.live.flood", "--wait", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._line()

    def begin(self) -> None:
        """From now on it sends."""
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def result(self) -> dict[str, Any]:
        """Waits for its end: `valid`, `forged`, `garbage` (due, sent, missed frames), `late`, `cpu_percent`."""
        return dict(json.loads(self._line()))

    def end(self) -> dict[str, Any]:
        """Ends it before its time; the same."""
        assert self._process.stdin
        self._process.stdin.close()
        return self.result()

    def close(self) -> None:
        """Ends it without asking; may be called twice."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_told: object) -> None:
        self.close()

    def _line(self) -> str:
        assert self._process.stdout
        assert self._process.stderr
        line = self._process.stdout.readline()
        if not line:
            said = self._process.stderr.read().strip()
            self.close()
            raise AsvkitError(f"the flood ended early: {said or 'without a word'}")
        return line


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m asvrig.live.flood", description="A flood on the air.")
    parser.add_argument("kind", choices=("udp", "ocb"))
    parser.add_argument("where", help="address, or the interface of ocb")
    parser.add_argument("port", type=int, nargs="?", default=47100)
    parser.add_argument("--interface", default="", help="of udp: by which it sends")
    parser.add_argument("--valid", type=int, default=5000, help="messages a second of all vehicles together")
    parser.add_argument("--ids", type=int, default=1000, help="vehicles, each a source of its own")
    parser.add_argument("--garbage", type=int, default=50_000, help="other frames a second")
    parser.add_argument("--kinds", default=",".join(UNSENT_KINDS), help=f"of the other frames: {','.join(KINDS)}")
    parser.add_argument("--forged", type=int, default=0, help="forged emergency vehicles' frames a second")
    parser.add_argument("--key-id", type=int, default=1, help="that they name")
    parser.add_argument("--sources", type=int, default=4, help="of the other and of the forged frames")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--at", default="35,139", help="LATITUDE,LONGITUDE around which the vehicles drive")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--wait", action="store_true", help="begin at a line on stdin, end at the end of stdin")
    given = parser.parse_args(arguments)
    try:
        given.at = tuple(float(part) for part in given.at.split(",", 1))
        latitude_deg, longitude_deg = given.at
    except ValueError:
        parser.error(f"--at {given.at}: give LATITUDE,LONGITUDE in degrees, as 35.6,139.7")
    if not (abs(latitude_deg) < 85 and abs(longitude_deg) < 179):
        parser.error("--at: latitude within 85 and longitude within 179 degrees")
    if not 0 < given.ids <= 16_384 - FIRST_ID or min(given.valid, given.garbage, given.forged) < 0:
        parser.error(f"--ids 1..{16_384 - FIRST_ID}, --valid, --garbage and --forged from 0")
    if not 1 <= given.sources <= 1000 or not 0 <= given.key_id < 1 << 32:
        parser.error("--sources 1..1000, --key-id of four bytes")
    return given


def _at_end_of_input() -> bool:
    readable, _, _ = select.select([sys.stdin], [], [], 0)
    return bool(readable) and not os.read(sys.stdin.fileno(), 4096)


def _run(given: argparse.Namespace) -> dict[str, Any]:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # a socket a vehicle
    way = Way(given.kind, given.where, given.port, given.interface, given.seed)
    valid = vehicles(way, given.valid, given.ids, given.at, given.seed)
    other = noise(way, given.garbage, given.kinds.split(","), given.sources, given.seed)
    forged = forgers(way, given.forged, given.key_id, given.sources, given.at, given.seed)
    if given.wait:
        print("ready", flush=True)  # noqa: T201
        os.read(sys.stdin.fileno(), 4096)  # not by way of a buffer: select asks the descriptor
    told = flood([*valid, *forged, *other], given.seconds, _at_end_of_input if given.wait else lambda: False)
    parts = {"valid": valid, "forged": forged, "garbage": other}
    return told | {name: part[0].told if part else {} for name, part in parts.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """The process; its exit code."""
    return reported(lambda: _run(_parsed(arguments)))


if __name__ == "__main__":
    sys.exit(main())
