"""A bad link between two interfaces: a relay that loses, doubles, delays and reorders frames, by a seed.

`python -m asvrig.live.bad_link ONE OTHER --loss 10`, as root, between two cables; it says "ready", and at the end of
stdin what it did, as one JSON object. The n-th frame of a direction has the same fate at every run of a seed. What
`tc netem` does in the kernel this does for systems that have none.
"""

import argparse
import contextlib
import heapq
import json
import os
import random
import select
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Self

from asvrig.live.reporting import reported
from asvunit.errors import AsvkitError, UsageError

_MS: Final = 1_000_000
_ETH_P_ALL: Final = 3
_SOL_PACKET: Final = 263
_PACKET_IGNORE_OUTGOING: Final = 23
_SO_RCVBUFFORCE: Final = 33
_BUFFER_BYTES: Final = 8 << 20
_AT_ONCE: Final = 64  # frames of one direction before the other and the due ones are looked at
_LONGEST: Final = 65_536


@dataclass(frozen=True, slots=True)
class Quality:
    """How bad a link is. Percentages of all frames; losses come in runs of `burst` frames in the mean, at
    least in those of pure chance."""

    loss: float = 0.0
    burst: float = 1.0
    doubled: float = 0.0
    reordered: float = 0.0
    reordered_ms: float = 150.0  # how much longer those take: more than the 100 ms from a vehicle's frame to its next
    delay_ms: float = 0.0
    jitter_ms: float = 0.0  # up to so much more, evenly

    def __post_init__(self) -> None:
        shares = (self.loss, self.doubled, self.reordered)
        if not all(0 <= share <= 100 for share in shares):
            raise UsageError("a bad link: loss, doubled and reordered are percentages, 0 to 100")
        if self.burst < 1 or min(self.reordered_ms, self.delay_ms, self.jitter_ms) < 0:
            raise UsageError("a bad link: burst is 1 or more, no time is negative")


class Fates:
    """What becomes of the frames of one direction, in their order."""

    def __init__(self, quality: Quality, seed: int) -> None:
        self.counts: Counter[str] = Counter(frames=0, lost=0, doubled=0, reordered=0)
        self._quality = quality
        self._chance = random.Random(seed)  # noqa: S311
        share = quality.loss / 100
        self._losing = False
        if share == 1:
            self._enter, self._leave = 1.0, 0.0
        else:
            run = max(quality.burst, 1 / (1 - share))  # losses that know nothing of each other make runs as well
            self._enter, self._leave = share / (run * (1 - share)), 1 / run

    def next_ns(self) -> tuple[int, ...]:
        """How long the copies of the next frame take in nanoseconds; none: it is lost."""
        quality, counts, chance = self._quality, self.counts, self._chance.random
        counts["frames"] += 1
        # One draw for each question, asked or not: the fate of a frame does not hang on that of another
        lose, double, reorder, *jitters = (chance() for _ in range(5))
        self._losing = lose >= self._leave if self._losing else lose < self._enter
        if self._losing:
            counts["lost"] += 1
            return ()
        copies = 1 + (double * 100 < quality.doubled)
        counts["doubled"] += copies - 1
        late_ms = quality.reordered_ms if reorder * 100 < quality.reordered else 0.0
        counts["reordered"] += late_ms > 0
        base_ms = quality.delay_ms + late_ms
        return tuple(int((base_ms + jitter * quality.jitter_ms) * _MS) for jitter in jitters[:copies])


class Relay:
    """Carries frames between two bound sockets."""

    def __init__(self, one: socket.socket, other: socket.socket, quality: Quality, seed: int) -> None:
        self.refused = 0  # frames that an interface did not take
        self._ways = {
            one.fileno(): (one, other, Fates(quality, 2 * seed)),
            other.fileno(): (other, one, Fates(quality, 2 * seed + 1)),
        }
        self._waiting: list[tuple[int, int, socket.socket, bytes]] = []
        self._number = 0

    def told(self) -> dict[str, Any]:
        """What was done; `ways`: of each direction."""
        return {"ways": [dict(fates.counts) for _in, _out, fates in self._ways.values()], "refused": self.refused}

    def turn(self, readable: Sequence[int], now_ns: int) -> None:
        """Take what came in, and send what is due."""
        for file in readable:
            if file in self._ways:
                self._take(*self._ways[file], now_ns)
        while self._waiting and self._waiting[0][0] <= now_ns:
            _due_ns, _number, out, frame = heapq.heappop(self._waiting)
            self._send(out, frame)

    def wait_s(self, now_ns: int) -> float | None:
        """Until the next is due; None: nothing waits."""
        return max(0, self._waiting[0][0] - now_ns) / 1e9 if self._waiting else None

    def _take(self, into: socket.socket, out: socket.socket, fates: Fates, now_ns: int) -> None:
        for _ in range(_AT_ONCE):
            try:
                frame = into.recv(_LONGEST)
            except OSError:  # none left, or the interface went down
                return
            for takes_ns in fates.next_ns():
                if takes_ns:
                    self._number += 1
                    heapq.heappush(self._waiting, (now_ns + takes_ns, self._number, out, frame))
                else:
                    self._send(out, frame)

    def _send(self, out: socket.socket, frame: bytes) -> None:
        try:
            out.send(frame)
        except OSError:
            self.refused += 1


class BadLink:
    """The process, up once it is constructed; `prefix` puts it into a namespace."""

    def __init__(self, one: str, other: str, quality: Quality, *, seed: int = 1, prefix: Sequence[str] = ()) -> None:
        options = [f"--{field.name}={getattr(quality, field.name)}" for field in fields(Quality)]
        self._process = subprocess.Popen(  # noqa: S603
            [*prefix, sys.executable, "-P", "-m", "asvrig.live.bad_link", one, other, *options, f"--seed={seed}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout
        if not self._process.stdout.readline():
            _out, said = self._process.communicate()
            raise AsvkitError(f"the bad link did not begin: {said.strip() or 'without a word'}")

    def end(self) -> dict[str, Any]:
        """Ends it; `Relay.told()`."""
        out, _said = self._process.communicate(timeout=10)
        return dict(json.loads(out))

    def close(self) -> None:
        """Ends it without asking; may be called twice."""
        self._process.kill()
        with contextlib.suppress(ValueError):  # it was asked before
            self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_told: object) -> None:
        self.close()


def wire(interface: str) -> socket.socket:
    """All frames that come in on an interface, and the way out; UsageError without it, or without the permission."""
    try:
        out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    except PermissionError as error:
        raise UsageError(f"{interface}: frames on an interface need CAP_NET_RAW; run as root") from error
    try:
        out.setblocking(False)
        out.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        with contextlib.suppress(PermissionError):
            out.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
        out.bind((interface, _ETH_P_ALL))
    except OSError as error:
        out.close()
        raise UsageError(f"{interface}: {error.strerror or error}; `ip link` lists the interfaces") from error
    return out


def _run(given: argparse.Namespace) -> dict[str, Any]:
    quality = Quality(**{field.name: getattr(given, field.name) for field in fields(Quality)})
    with wire(given.one) as one, wire(given.other) as other:
        relay = Relay(one, other, quality, given.seed)
        files = [one.fileno(), other.fileno(), sys.stdin.fileno()]
        print("ready", flush=True)  # noqa: T201
        while True:
            readable, _, _ = select.select(files, [], [], relay.wait_s(time.monotonic_ns()))
            if sys.stdin.fileno() in readable and not os.read(sys.stdin.fileno(), 4096):
                return relay.told()
            relay.turn(readable, time.monotonic_ns())


def main(arguments: Sequence[str] | None = None) -> int:
    """The process; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m asvrig.live.bad_link", description="A bad link.")
    parser.add_argument("one", help="interface")
    parser.add_argument("other", help="interface")
    for field in fields(Quality):
        parser.add_argument(f"--{field.name}", type=float, default=field.default)
    parser.add_argument("--seed", type=int, default=1)
    return reported(lambda: _run(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
