"""The device tree as the Raspberry Pi's own firmware would hand it to the kernel."""

import shutil
from pathlib import Path
from typing import Final

from asvrig.pi3.host import run

# fdtput's arguments around the file's name
CHANGES: Final = (
    (("-c",), ("/system",)),
    (("-t", "x"), ("/system", "linux,revision", "0xa02082")),  # lgpio asks which Pi this is: a 3B
    (("-r",), ("/soc/serial@7e201000/bluetooth",)),  # disable-bt: the good UART is the receiver's, /dev/ttyAMA0
)


def make(source: Path, target: Path) -> None:
    """A changed copy of the kernel's."""
    shutil.copy(source, target)
    for before, after in CHANGES:
        run(["fdtput", *before, target, *after], "device tree of the emulated Pi")
