"""A receiver on a serial line: what reading it costs, and what noise on the line does to the rest of the process.

The line is a pty; what writes to it is a process of its own, so that it takes no time of the reader's.
"""

import os
import pty
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common import Row, interleaved

from asvrig.gnss_feed import sentence
from asvunit.adapters.gnss_serial import SerialGnss
from asvunit.adapters.nmea import NmeaFile
from asvunit.ports import Fix

NAME = "Receivers"
RATE_HZ = 20
SECONDS = 10.0
NOISE_SECONDS = 5.0
NOISE_BYTES = 10_000_000  # a second
BLOCK = 50_000
TICK_S = 0.01
PLACE = "3539.36421,N,13944.60721,E"

# Writes blocks of standard input to a terminal, each at its time: argv is the terminal and blocks per second
WRITER = """
import os, sys, time
line, hz, size = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
data = sys.stdin.buffer.read()
start = time.monotonic()
for n, at in enumerate(range(0, len(data), size)):
    time.sleep(max(0.0, start + n / hz - time.monotonic()))
    block = data[at : at + size]
    while block:
        block = block[os.write(line, block) :]
"""


def burst(tod_ms: int) -> bytes:
    """Six sentences of one epoch, all of one length each time."""
    second, part = divmod(tod_ms, 1000)
    clock = f"{second // 3600:02d}{second // 60 % 60:02d}{second % 60:02d}.{part // 10:02d}"
    texts = (
        f"GNRMC,{clock},A,{PLACE},021.598,077.52,150126,,,A,V",
        "GNVTG,077.52,T,,M,021.598,N,040.000,K,A",
        f"GNGGA,{clock},{PLACE},1,12,0.62,40.1,M,36.7,M,,",
        "GNGSA,A,3,02,05,07,13,15,21,30,,,,,,1.21,0.62,1.04,1",
        f"GNGLL,{PLACE},{clock},A,A",
        f"GNGST,{clock},12,0.81,0.66,41.2,0.74,0.71,1.30",
    )
    return b"".join(map(sentence, texts))


@contextmanager
def writing(data: bytes, hz: float, size: int) -> Iterator[str]:
    """A terminal to which a process writes; its path."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    arguments = [sys.executable, "-c", WRITER, str(ours), str(hz), str(size)]
    with tempfile.TemporaryFile() as source:
        source.write(data)
        source.seek(0)
        process = subprocess.Popen(arguments, stdin=source, pass_fds=(ours,))
    try:
        yield os.ttyname(theirs)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


def cpu_s() -> float:
    """CPU time of this process, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def reading(seconds: float) -> list[Row]:
    """The share of a core that a fast receiver takes."""
    step_ms = 1000 // RATE_HZ
    bursts = [burst(43_200_000 + n * step_ms) for n in range(int((seconds + 2) * RATE_HZ))]
    fixes: list[Fix] = []
    arrived = threading.Event()

    def deliver(record: object) -> None:
        if isinstance(record, Fix):
            fixes.append(record)
            arrived.set()

    with writing(b"".join(bursts), RATE_HZ, len(bursts[0])) as path:
        gnss = SerialGnss(path, 460_800)
        gnss.start(deliver)
        if not arrived.wait(10):
            raise RuntimeError("no fix came")
        count, start, start_cpu = len(fixes), time.monotonic(), cpu_s()
        time.sleep(seconds)
        took, cpu, count = time.monotonic() - start, cpu_s() - start_cpu, len(fixes) - count
        gnss.stop()
    note = f"{count} fixes in {took:.1f} s, {gnss.summary()['period_ms']} ms, dropped {sum(gnss.counters.values())}"
    return [Row(f"CPU of one core, {RATE_HZ} Hz x 6 sentences on a pty", 100 * cpu / took, "%", 3.0, note)]


def noise(seconds: float) -> list[Row]:
    """Random bytes as fast as they are taken, at most 10 MB/s."""
    data = random.Random(1).randbytes(int(NOISE_BYTES * (seconds + 1)))
    late_ms: list[float] = []
    stopping = threading.Event()

    def tick() -> None:
        due = time.monotonic()
        while not stopping.is_set():
            due += TICK_S
            time.sleep(max(0.0, due - time.monotonic()))
            late_ms.append(1000 * (time.monotonic() - due))

    ticker = threading.Thread(target=tick, daemon=True)
    taken = 0
    with writing(data, NOISE_BYTES / BLOCK, BLOCK) as path:
        del data
        gnss = SerialGnss(path, 460_800)
        memory_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        gnss.start(lambda _record: None)
        ticker.start()
        start, start_cpu = time.monotonic(), cpu_s()
        time.sleep(seconds)
        took, cpu = time.monotonic() - start, cpu_s() - start_cpu
        taken = gnss.summary()["bytes"]
        gnss.stop()
    stopping.set()
    ticker.join()
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory_kib
    return [
        Row("CPU of one core, noise on the line", 100 * cpu / took, "%", None, f"{taken / took / 1e6:.1f} MB/s taken"),
        Row("another thread's tick late, 99 %, in noise", sorted(late_ms)[len(late_ms) * 99 // 100], "ms"),
        Row("memory that noise takes", grown_kib / 1024, "MiB", 4.0),
    ]


def recording() -> list[Row]:
    """How fast a recorded log is read."""
    count = 2000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "drive.nmea"
        path.write_bytes(b"".join(burst(43_200_000 + 50 * n) for n in range(count)))
        seconds = interleaved({"read": lambda: NmeaFile(path)}, rounds=5, loops=1)["read"]
    return [Row("recorded log, an hour of 20 Hz x 6 sentences", seconds * 3600 * RATE_HZ / count, "s")]


def rows() -> list[Row]:
    """The table of this benchmark."""
    return [*reading(SECONDS), *noise(NOISE_SECONDS), *recording()]
