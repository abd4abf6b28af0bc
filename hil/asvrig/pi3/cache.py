"""Where the emulated Pi's image is kept: $ASVKIT_CACHE, else $XDG_CACHE_HOME/asvkit, else ~/.cache/asvkit."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from asvunit.errors import UsageError


def cache_folder() -> Path:
    """Made if it is not there; UsageError where it cannot be."""
    given = os.environ.get("ASVKIT_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = (Path(given) if given else Path(home) / "asvkit") / "pi3"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(13, "no permission")
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}; name a folder to write in by ASVKIT_CACHE") from error
    return folder


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One builder at a time: who comes second waits, and finds the work done. The lock goes with the process."""
    with (folder / "lock").open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
