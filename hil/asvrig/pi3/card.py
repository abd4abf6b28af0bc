"""The Pi's card as the bench reads it while the Pi is off: what a power cut has left on it."""

import tempfile
from pathlib import Path
from typing import Final

from asvrig.pi3.host import run
from asvunit.errors import AsvkitError

CARD_MB: Final = 512  # a power of two, as QEMU asks of cards; a file with holes


def recovered(card: Path, into: Path) -> Path:
    """A copy of the card after its journal was played back, as the kernel does at the next mount."""
    copy = into / "card.img"
    run(["cp", "--sparse=always", card, copy], "card of the Pi")
    # 1: errors were found and mended, which is what it is for
    run(["sh", "-c", 'e2fsck -fy "$1" >"$1.log" 2>&1 || [ $? = 1 ]', "sh", copy], "card of the Pi", timeout_s=60)
    return copy


def extract(card: Path, path: str, into: Path) -> Path:
    """A file or folder of the card, by its path on it, put into a folder; AsvkitError where it is not there."""
    name = path.rstrip("/").rpartition("/")[2]
    with tempfile.TemporaryDirectory(prefix="asvkit-card-") as work:
        copy = recovered(card, Path(work))
        run(["debugfs", "-R", f'rdump "{path}" "{into}"', copy], "card of the Pi")
    found = into / name
    if not found.exists():
        raise AsvkitError(f"{path}: not on the card of the emulated Pi")
    return found
