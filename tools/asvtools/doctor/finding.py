"""What a check finds, and what it is given to look at: the machine's trees and the unit's configuration."""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from asvunit.config import Config

OK: Final = "ok"
ABSENT: Final = "absent"  # not there, and nothing that is needed
PROBLEM: Final = "problem"
SKIPPED: Final = "skipped"  # could not be tried, or was not to be

_COMMAND_S: Final = 3.0
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    `needed`: by the offline commands or by the configured unit, so that a problem fails the run.
    `mend`: commands to type stand in backquotes. `found`: the same as `detail`, for programs.
    """

    name: str
    state: str
    detail: str
    mend: str = ""
    needed: bool = False
    found: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)

    @property
    def fails(self) -> bool:
        return self.needed and self.state == PROBLEM


Run = Callable[[Sequence[str]], str | None]


def run_command(words: Sequence[str]) -> str | None:
    """What a command of the system prints; None where it is not there, fails or takes too long."""
    try:
        done = subprocess.run(  # noqa: S603
            list(words), capture_output=True, text=True, timeout=_COMMAND_S, check=False, errors="replace",
            stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None


@dataclass(frozen=True, slots=True)
class Job:
    """What the checks are given. `root` and `run` are replaced in tests."""

    seconds: float = 3.0
    config: "Config | None" = None
    file: Path | None = None  # the configuration's
    root: Path = Path("/")
    run: Run = run_command
    holder: str = ""  # the running unit that holds the devices of this configuration; "": none

    @property
    def folder(self) -> Path:
        """Files of the configuration lie beside it."""
        return self.file.parent if self.file else Path()

    def at(self, path: str | Path) -> Path:
        """Where a path of the machine stands in its tree."""
        if self.root == Path("/"):
            return Path(path)
        return self.root / str(path).lstrip("/")

    def real(self, path: str | Path) -> str:
        """The machine's path that a link leads to: /dev/serial0 is /dev/ttyAMA0."""
        if self.root == Path("/"):
            return os.path.realpath(path)
        return "/" + os.path.relpath(os.path.realpath(self.at(path)), os.path.realpath(self.root))

    def read(self, path: str | Path) -> str:
        """The text of a small file of the system, stripped; "" where there is none to read."""
        try:
            return self.at(path).read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            return ""

    def glob(self, *patterns: str) -> list[Path]:
        """The machine's paths (without its tree) of these patterns, sorted."""
        found = {path for pattern in patterns for path in self.root.glob(pattern.lstrip("/"))}
        return sorted(Path("/") / path.relative_to(self.root) for path in found)

    def processes(self) -> Iterator[tuple[int, str, str]]:
        """Number, name and command line of each other process."""
        for path in self.glob("/proc/[0-9]*"):
            number = int(path.name) if path.name.isdecimal() else 0
            name = self.read(path / "comm")
            if name and number != os.getpid():
                yield number, name, self.read(path / "cmdline")

    @property
    def model(self) -> str:
        """The board's name, as of a Raspberry Pi; "" on machines without."""
        return self.read("/proc/device-tree/model") or self.read("/sys/firmware/devicetree/base/model")

    @property
    def is_pi(self) -> bool:
        return self.model.startswith("Raspberry Pi")


Check = Callable[[Job], Iterator[Finding]]


def plural(count: int, noun: str) -> str:
    """`1 frame`, `2 frames`."""
    return f"{count} {noun}{'s'[: count != 1]}"
