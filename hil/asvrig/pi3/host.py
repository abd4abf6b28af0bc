"""What this machine must have to build and run the emulated Pi, and how its programs are called."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from asvunit.errors import AsvkitError

# Programs and the Debian package of each
PROGRAMS: Final = {
    "qemu-system-aarch64": "qemu-system-arm",
    "fdtput": "device-tree-compiler",
    "depmod": "kmod",
    "modprobe": "kmod",
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
    "tar": "tar",
    "mkfs.ext4": "e2fsprogs",
    "debugfs": "e2fsprogs",
}
PACKAGES: Final = tuple(dict.fromkeys(PROGRAMS.values()))
KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_PATH: Final = "/usr/local/sbin:/usr/sbin:/sbin"  # not in every user's
_SAID: Final = 300


def program(name: str) -> str | None:
    """Its path; None where it is not installed."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:{_PATH}")


def missing() -> str:
    """What keeps the emulated Pi from being built and run here, with the mend; empty: nothing does."""
    packages = dict.fromkeys(package for name, package in PROGRAMS.items() if program(name) is None)
    if not KEYRING.is_file():
        packages["debian-archive-keyring"] = None
    if not packages:
        return ""
    return f"the emulated Pi needs {' '.join(packages)}: sudo apt-get install {' '.join(packages)}"


def run(
    argv: Sequence[str | Path],
    what: str,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float = 600,
    data: bytes | None = None,
) -> bytes:
    """Runs a program to its end and gives what it wrote; AsvkitError of one line, with what it said, if it fails."""
    name = str(argv[0])
    path = program(name) or name
    try:
        done = subprocess.run(  # noqa: S603
            [path, *map(str, argv[1:])],
            cwd=cwd,
            env=None if env is None else {**os.environ, **env},
            input=data,
            stdin=None if data is not None else subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except FileNotFoundError as error:
        raise AsvkitError(f"{what}: {name} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise AsvkitError(
            f"{what}: {name} took longer than {timeout_s:g} s; try again, what was fetched is kept"
        ) from error
    if done.returncode:
        raise AsvkitError(f"{what}: {name} failed: {last_line(done.stderr or done.stdout) or done.returncode}")
    return done.stdout


def last_line(said: bytes) -> str:
    """What a program said at last, the error before a warning."""
    lines = [" ".join(line.split()) for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E:", "ERROR", "error", "tar:"))]
    return (errors or lines or [""])[-1][:_SAID]
