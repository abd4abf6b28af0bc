"""Runs every benchmark of this folder, prints the tables and writes docs/benchmarks.md.

A benchmark is a module beside this one with `NAME` and `rows() -> list[Row]`.
"""

import argparse
import datetime
import importlib
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from common import Row
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
PACKAGES = ("asvkit", "numpy", "bitstruct", "cantools", "construct", "asn1tools", "python-can", "pynmea2")
HELPERS = ("common", "run")
INTRO = """# Benchmarks

Written by `make bench`; do not edit. Subjects of a comparison are timed in turn, in many short rounds, and the
least time of each counts: noise of the machine only ever adds.
"""


def machine() -> dict[str, str]:
    """What the figures were taken on."""
    versions = []
    for name in PACKAGES:
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return {
        "CPU": f"{_cpu()}, {os.cpu_count()} cores",
        "System": f"{platform.system()} {platform.machine()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "Packages": ", ".join(versions),
        "Date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith(("model name", "Model")))
    return next(named, platform.processor() or "unknown")


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    sign = "<=" if row.best == "low" else ">="
    goal = "" if row.goal is None else f"{sign} {row.goal:g} {row.unit}"
    verdict = {None: "", True: "met", False: "MISSED"}[row.met]
    return row.name, f"{row.value:.3g} {row.unit}", goal, verdict, row.note


def _page(results: dict[str, list[Row]]) -> str:
    parts = [INTRO, "\n".join(f"- {key}: {text}" for key, text in machine().items())]
    for name, rows in results.items():
        lines = [f"\n## {name}\n", "| measurement | result | goal | | note |", "|---|---|---|---|---|"]
        lines += [f"| {' | '.join(_cells(row))} |" for row in rows]
        parts.append("\n".join(lines))
    return "\n".join(parts) + "\n"


def _print(results: dict[str, list[Row]]) -> None:
    console = Console()
    for name, rows in results.items():
        table = Table("measurement", "result", "goal", "", "note", title=name, title_justify="left")
        for row in rows:
            table.add_row(*_cells(row), style="red" if row.met is False else None)
        console.print(table)


def main() -> None:
    """Command line: all benchmarks, or the named ones without writing the page."""
    modules = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in HELPERS)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("only", nargs="*", metavar="NAME", help=f"run only these, write nothing: {', '.join(modules)}")
    only = parser.parse_args().only
    if wrong := [name for name in only if name not in modules]:
        parser.error(f"no such benchmark: {', '.join(wrong)} (there are: {', '.join(modules)})")
    results: dict[str, list[Row]] = {}
    for name in only or modules:
        print(f"running {name} ...", file=sys.stderr)
        module = importlib.import_module(name)
        results[module.NAME] = module.rows()
    _print(results)
    if not only:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(_page(results))


if __name__ == "__main__":
    main()
