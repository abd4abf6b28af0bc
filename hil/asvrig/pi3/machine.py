"""QEMU as a Raspberry Pi 3B on the bench: switched on, cut off, and the sockets that its wires end at.

It ends with this program, however that ends. Power that is cut is QEMU killed: what the kernel there had not written
to the card is gone. The wires, Unix sockets in a folder of their own:

    gnss    the PL011, /dev/ttyAMA0 there
    can     a USB serial adapter
    agent   another one, the bench's own line
    radio   Ethernet frames of the USB network adapter usb0, as datagrams; ours is "bench"
    qtest   registers and interrupt lines, as QEMU's own tests see them
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from asvrig.pi3.card import CARD_MB
from asvrig.pi3.code import write_code
from asvrig.pi3.host import last_line, program, run
from asvrig.pi3.image import Image
from asvunit.errors import AsvkitError

AGENT_DEVICE: Final = "/dev/ttyS1"  # the mini UART: each device on USB costs the guest a third of its time
LINES: Final = ("gnss", "can", "agent")
_START_S: Final = 20.0
_PREFIX: Final = "asvkit-pi3-"
_RETRY_S: Final = 0.02
_SAID_BYTES: Final = 4096
# Kills QEMU when our end of its standard input closes. Its time is everybody's there: where it may, it goes first
_WATCH: Final = """
import os, select, subprocess, sys
try:
    os.nice(-10)
    open("/proc/self/autogroup", "w").write("-10")
except OSError:
    pass
machine = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
select.select([0, os.pidfd_open(machine.pid)], [], [])
machine.kill()
sys.exit(machine.wait())
"""
_QUIET: Final = "quiet loglevel=3 panic=-1 deferred_probe_timeout=1 rdinit=/init"


class Machine:
    """One Pi with its card. `folder` gets the card, and what QEMU says (qemu.log)."""

    def __init__(self, image: Image, folder: Path) -> None:
        self.folder = folder
        self.card = folder / "card.img"
        self._image = image
        _clean()
        self._room = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))  # paths of sockets must be short
        self.log = -1  # what QEMU says, and its log of qtest's line; whoever reads it closes it
        self._process: subprocess.Popen[bytes] | None = None
        self._initrd = self._room / "initrd"
        shutil.copy(image.base, self._initrd)
        write_code(self._initrd)
        if not self.card.exists():
            with self.card.open("wb") as file:
                file.truncate(CARD_MB << 20)
            run(["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1,lazy_journal_init=1", self.card], "card of the Pi")

    @property
    def on(self) -> bool:
        """Whether QEMU runs."""
        return self._process is not None and self._process.poll() is None

    def path(self, name: str) -> Path:
        """The socket of a wire."""
        return self._room / name

    def switch_on(self) -> None:
        """Starts it, from its first instruction; AsvkitError with QEMU's reason. Nothing if it is on."""
        if self.on:
            return
        for name in (*LINES, "radio", "qtest", "bench"):
            if name != "bench":
                self.path(name).unlink(missing_ok=True)
        argv = [sys.executable, "-I", "-S", "-c", _WATCH, program("qemu-system-aarch64") or "", *self._arguments()]
        self.log, theirs = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603
                argv, stdin=subprocess.PIPE, stdout=theirs, stderr=theirs, start_new_session=True
            )
        finally:
            os.close(theirs)
        until_s = time.monotonic() + _START_S
        while not all(self.path(name).exists() for name in (*LINES, "qtest")):
            if not self.on or time.monotonic() > until_s:
                raise AsvkitError(f"the emulated Pi does not start: {self._said_at_once()}")
            time.sleep(_RETRY_S)

    def cut_off(self) -> None:
        """As if its plug were pulled; may be called twice."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait()
            self._process = None

    def connect(self, name: str) -> socket.socket:
        """The bench's end of a wire; AsvkitError where QEMU is gone."""
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        until_s = time.monotonic() + _START_S
        while True:
            try:
                line.connect(str(self.path(name)))
                return line
            except OSError as error:
                if not self.on or time.monotonic() > until_s:
                    line.close()
                    raise AsvkitError(f"the emulated Pi is gone: {self.last_words() or error.strerror}") from error
                time.sleep(_RETRY_S)

    def last_words(self) -> str:
        """Of QEMU, else of the kernel and what runs on it."""
        with contextlib.suppress(OSError), (self.folder / "qemu.log").open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _SAID_BYTES))
            return last_line(b"\n".join(line for line in file.read().splitlines() if b"exp-gpio" not in line))
        return ""

    def _said_at_once(self) -> str:
        """Of a QEMU that nobody reads yet."""
        self.cut_off()
        with open(self.log, "rb") as log:
            return last_line(log.read())

    def close(self) -> None:
        """Cut off; its sockets go, the card and the logs stay."""
        self.cut_off()
        shutil.rmtree(self._room, ignore_errors=True)

    def _arguments(self) -> list[str]:
        words = f"console=ttyS1,115200 {_QUIET} asvkit.unix={int(time.time())} asvkit.agent={AGENT_DEVICE}"
        # One thread for its four processors: twice as fast as four, where there are few here
        machine = ["-M", "raspi3b", "-accel", "tcg,thread=single", "-display", "none", "-monitor", "none", "-no-reboot"]
        boot = ["-kernel", self._image.kernel, "-initrd", self._initrd, "-dtb", self._image.dtb, "-append", words]
        card = ["-drive", f"if=sd,format=raw,cache=writeback,file={_escaped(self.card)}"]
        wires = [part for name in LINES for part in ("-chardev", f"socket,id={name},path={self._wire(name)}")]
        serial = ["-serial", "chardev:gnss", "-serial", "chardev:agent"]
        # Always plugged: QEMU's USB does not survive that one goes while it is used
        usb = ["-device", "usb-serial,chardev=can,serial=can,always-plugged=on"]
        air = f"dgram,id=radio,local.type=unix,local.path={self.path('radio')},remote.type=unix"
        radio = ["-netdev", f"{air},remote.path={self.path('bench')}", "-device", "usb-net,netdev=radio"]
        probe = ["-qtest", f"unix:{self._wire('qtest')}"]  # its log goes where QEMU speaks, at once
        return [str(one) for one in (*machine, *boot, *card, *wires, *serial, *usb, *radio, *probe)]

    def _wire(self, name: str) -> str:
        return f"{self.path(name)},server=on,wait=off"


def _clean() -> None:
    """Takes away what benches that were killed have left: an archive of the whole Pi each."""
    for room in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        owner = room.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(room, ignore_errors=True)


def _escaped(path: Path) -> str:
    """As QEMU's options take a path."""
    return str(path).replace(",", ",,")
