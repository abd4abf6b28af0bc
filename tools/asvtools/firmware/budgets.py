"""`make firmware`: what the core takes of a board, beside its goals; 1 where a budget of size is missed.

Sizes are exact and the same on every run; they are judged on the WebAssembly port, whose objects are as large as a
board's. Speeds are this machine's and are never judged: CPython's, of the same run, stand beside them.
"""

import argparse
import io
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from asvtools.firmware.measure import CPYTHON, NEIGHBOURS, Measured, measure
from asvtools.firmware.ports import NATIVE, WASM
from asvunit.errors import AsvkitError

KB: Final = 1024
CORE_GOAL: Final = 24 * KB
ALL_GOAL: Final = 110 * KB
MARKS: Final = ("<!-- budgets -->", "<!-- end of budgets -->")
_PORTS: Final = {
    WASM: "WebAssembly port (32 bits)",
    NATIVE: "unix port (64 bits)",
    "own": "own port",
    CPYTHON: "CPython",
}


def judged(found: Measured) -> list[tuple[str, int, int]]:
    """(what, bytes, goal) of the budgets; AsvkitError where the port that they are judged on is not there."""
    heap = found.heaps.get(WASM)
    if heap is None:
        raise AsvkitError(f"budgets are judged on the WebAssembly port, which is not there: {found.absent[WASM]}")
    core = heap["made_settings"] + heap["made_core"]
    native = found.folded.get(
        "codec_viper", 0
    )  # it takes as much heap as its file has bytes, which this port cannot load
    return [
        (f"Core with {NEIGHBOURS} neighbours, beyond its modules", core, CORE_GOAL),
        (
            "All of it: modules and both codecs, core, CAN table with the bench car",
            heap["modules"] + native + core + heap["made_map"],
            ALL_GOAL,
        ),
    ]


def table(found: Measured) -> str:
    """The page's part between the marks."""
    out = io.StringIO()
    out.write("| Heap, in bytes | Needs | Goal | |\n|---|---:|---:|---|\n")
    for what, number, goal in judged(found):
        out.write(f"| {what} | {number:,} | {goal:,} | {'MET' if number <= goal else 'MISSED'} |\n")
    out.write("\n")
    out.write("| Heap by port, in bytes | Modules | Core | CAN table and map | After a crowd | Least heap |\n")
    out.write("|---|---:|---:|---:|---:|---:|\n")
    for port, heap in found.heaps.items():
        least = f"{found.least_kb[port]} KB" if port in found.least_kb else "-"
        core = heap["made_settings"] + heap["made_core"]
        cells = (heap["modules"], core, heap["made_map"])
        texts = " | ".join(f"{number:,}" for number in cells)
        out.write(f"| {_PORTS[port]} | {texts} | {heap['crowd']:+,} | {least} |\n")
    out.write("\n")
    out.write(
        "| Microseconds | Codec | A frame, to judged | A cycle | Encode | Decode |\n|---|---|---:|---:|---:|---:|\n"
    )
    for one in found.speeds:
        numbers = " | ".join(f"{number:.1f}" for number in (one.frame_us, one.cycle_us))
        codec = f"{one.encode_us:.2f} | {one.decode_us:.2f}"
        out.write(f"| {_PORTS[one.where]} | {one.codec} | {numbers} | {codec} |\n")
    out.write("\n")
    out.write(f"| Module (.mpy, bytes) | As written | Folded |\n|---|---:|---:|\n{_modules(found)}")
    return out.getvalue()


def _modules(found: Measured) -> str:
    rows = [(name, f"{size:,}", f"{found.folded.get(name, 0):,}") for name, size in sorted(found.plain.items())]
    rows.append(("**all**", f"{sum(found.plain.values()):,}", f"{sum(found.folded.values()):,}"))
    return "".join(f"| {name} | {plain} | {folded} |\n" for name, plain, folded in rows)


def readable(text: str) -> str:
    """A page's tables for a terminal: in columns, without their bars."""
    lines: list[str] = []
    for block in text.strip().split("\n\n"):
        rows = [[cell.strip().strip("*") for cell in line.strip("|").split("|")] for line in block.splitlines()]
        kept = [row for row in rows if set("".join(row)) - set("-:")]
        widths = [max(len(row[at]) for row in kept) for at in range(len(kept[0]))]
        lines += [_columns(row, widths) for row in kept] + [""]
    return "\n".join(lines)


def _columns(row: Iterable[str], widths: list[int]) -> str:
    first, *rest = (
        cell.rjust(width) if at and cell[:1] in "+-0123456789" else cell.ljust(width)
        for at, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join([first, *rest]).rstrip()


def write(page: Path, text: str) -> None:
    """Put the table between the page's marks."""
    old = page.read_text(encoding="utf-8")
    begin, end = (old.find(mark) for mark in MARKS)
    if begin < 0 or end < begin:
        raise AsvkitError(f"{page}: no {MARKS[0]} ... {MARKS[1]} to write between")
    page.write_text(f"{old[: begin + len(MARKS[0])]}\n{text}{old[end:]}", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Measure, tell, judge."""
    parser = argparse.ArgumentParser(prog="python -m asvtools.firmware.budgets", description=__doc__)
    parser.add_argument("folder", type=Path, help="where compiled modules are put (lib/ there is a board's)")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables into a page, between its marks")
    given = parser.parse_args(arguments)
    try:
        found = measure(given.folder)
        budgets = judged(found)
        text = table(found)
        if given.write:
            write(given.write, text)
    except AsvkitError as error:
        sys.stderr.write(f"asvkit: {error}\n")
        return 1
    sys.stdout.write(readable(text) + "\n")
    missed = [what for what, number, goal in budgets if number > goal]
    for port, reason in found.absent.items():
        sys.stdout.write(f"not measured: {_PORTS[port]}: {reason}\n")
    sys.stdout.write(f"MISSED: {'; '.join(missed)}\n" if missed else "Every budget of size is met.\n")
    return 1 if missed else 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` is no error
    sys.exit(main())
