"""A Debian of its own for tests of the kit: made once by debootstrap, kept, and used by throw-away layers above it.

Without a network inside; booted under systemd-nspawn where a service is to be seen. It takes root, and skips by the
name of what is missing.
"""

import contextlib
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[1]
# What Raspberry Pi OS Lite has as well; python3-venv is left out: an installation without a network does without it
PACKAGES: Final = "systemd,systemd-sysv,udev,python3,adduser,ca-certificates,procps,iproute2,kmod"
SUITE: Final = "bookworm"
_CLEAN: Final = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}


def need_boxes() -> None:
    """Skips where no such Debian can be made."""
    if os.geteuid() != 0:
        pytest.skip("needs root: a Debian of its own is to be made")
    for tool, package in (("debootstrap", "debootstrap"), ("unshare", "util-linux"), ("nsenter", "util-linux")):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}: the package {package}")
    done = subprocess.run(["unshare", "-m", "-n", "-p", "--fork", "true"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"needs namespaces: {done.stderr.strip()}")


def cache_folder() -> Path:
    return Path(os.environ.get("ASVKIT_CACHE") or Path.home() / ".cache" / "asvkit")


def debian() -> Path:
    """The Debian below all boxes; made at the first time, which takes a network and a minute."""
    need_boxes()
    folder = cache_folder() / f"debian-{SUITE}-1"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    half = folder.with_name(f"{folder.name}.{os.getpid()}")
    try:
        done = subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(half)],
            capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
        if done.returncode:
            pytest.skip(f"debootstrap made no Debian: {(done.stdout + done.stderr).strip().splitlines()[-1]}")
        with contextlib.suppress(OSError):  # another one was first
            half.rename(folder)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return folder


def make_wheels(folder: Path) -> Path:
    """What hardware/wheels.sh makes for this machine."""
    done = subprocess.run(
        [str(ROOT / "hardware/wheels.sh"), "--machine", platform.machine(), "--python", "3.11", str(folder)],
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["nothing said"])[-1]
        if "onnect" in done.stderr or "resolution" in done.stderr:
            pytest.skip(f"needs a package index: {last}")
        pytest.fail(f"wheels.sh: {last}")
    return folder


class Box:
    """A layer above the Debian, or above another box, which then must not change any more.

    What is in it stays from one `run` to the next.
    """

    def __init__(self, folder: Path, wheels: Path, above: "Box | None" = None) -> None:
        self._below: str = f"{above.files}:{above._below}" if above else str(debian())
        self._folder, self._wheels = folder, wheels
        self.files = folder / "up"  # what differs from the Debian, as seen from outside
        for name in ("up", "work", "all"):
            (folder / name).mkdir(parents=True)
        if above is None:
            (self.files / "mnt/kit").mkdir(parents=True)

    def _mounted(self, then: str) -> list[str]:
        """A shell in mounts of its own; $R is the box's root."""
        lines = (
            'mount -t overlay overlay -o "lowerdir=$0,upperdir=$1/up,workdir=$1/work" "$1/all" || exit 99',
            "R=$1/all; K=$2",
            "shift 2",
            then,
        )
        return ["bash", "-c", "\n".join(lines), self._below, str(self._folder), str(self._wheels)]

    def run(self, command: str, timeout_s: float = 300) -> "subprocess.CompletedProcess[str]":
        """A command of the box's shell, in a network of nothing."""
        then = (
            'mount -t proc proc "$R/proc"; mount -t tmpfs tmpfs "$R/run"; mount --rbind /dev "$R/dev"\n'
            'mount --bind "$K" "$R/mnt/kit"\nexec chroot "$R" bash -c "$1"'
        )
        words = ["unshare", "-m", "-n", "-p", "--fork", "--kill-child", *self._mounted(then), command]
        return subprocess.run(words, env=_CLEAN, capture_output=True, text=True, check=False, timeout=timeout_s)

    @contextlib.contextmanager
    def booted(self) -> "Iterator[Callable[[str], subprocess.CompletedProcess[str]]]":
        """The box under its own systemd; gives what runs a command in it."""
        if shutil.which("systemd-nspawn") is None:
            pytest.skip("needs systemd-nspawn: the package systemd-container")
        then = (
            "exec systemd-nspawn -q --register=no --keep-unit --private-network --link-journal=no --machine=kit$$ "
            '--bind="$K:/mnt/kit" -D "$R" -b'
        )
        log = (self._folder / "console").open("wb")
        started = subprocess.Popen(
            ["unshare", "-m", *self._mounted(then)], env=_CLEAN, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:

            def run(command: str) -> "subprocess.CompletedProcess[str]":
                init = _child(started.pid)
                words = ["nsenter", "-t", str(init), "-m", "-p", "-n", "-u", "-i", "-C", "--", "bash", "-c", command]
                return subprocess.run(words, env=_CLEAN, capture_output=True, text=True, check=False, timeout=120)

            def up() -> bool:
                assert started.poll() is None, (self._folder / "console").read_text(errors="replace")[-500:]
                if not _child(started.pid):
                    return False
                return run("systemctl is-system-running").stdout.strip() in ("running", "degraded")

            wait_for(up, 120)
            yield run
        finally:
            started.terminate()
            try:
                started.wait(30)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()
            log.close()


def _child(process: int) -> int:
    """The first child of a process, or 0."""
    with contextlib.suppress(OSError, IndexError):
        return int(Path(f"/proc/{process}/task/{process}/children").read_text().split()[0])
    return 0


def wait_for(holds: Callable[[], bool], seconds: float) -> None:
    end_s = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end_s, "did not come in time"
        time.sleep(0.1)
