"""The image of the emulated Pi: kernel, device tree, and a first file system with Python and what the unit imports.

It is built once for the inputs below and kept in the cache by their hash; the code under test is not in it
(`asvrig.pi3.code`), so that a change of it costs no build.
"""

import hashlib
import json
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from asvrig.pi3 import cpio, dtb, packages, wheels
from asvrig.pi3.cache import cache_folder, locked
from asvrig.pi3.host import missing, program, run
from asvunit.errors import UsageError

MODULES: Final = (
    "slcan", "vcan", "can-raw", "mac80211_hwsim", "af_packet", "phy-generic", "dwc2", "cdc_ether", "rndis_host",
    "ftdi_sio", "bcm2835_wdt", "bcm2835", "mmc_block", "ext4",
)  # fmt: skip
_LEFT_OUT: Final = (
    "./usr/share/doc*", "./usr/share/man*", "./usr/share/locale*", "./usr/share/info*", "./usr/share/lintian*",
    "./usr/share/bash-completion*", "./usr/share/python*", "./usr/share/applications*", "./usr/share/pixmaps*",
    "./usr/lib/python3.11/lib2to3*", "./usr/lib/python3.11/ensurepip*", "./usr/lib/python3.11/pydoc_data*",
    "./usr/lib/python3.11/distutils*", "./usr/lib/*/gconv*", "./usr/include*",
)  # fmt: skip
_KEPT: Final = 3
_VERSION: Final = 1  # of what the code below makes
_SITE: Final = "opt/site"
Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Image:
    """A built one."""

    folder: Path

    @property
    def kernel(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def base(self) -> Path:
        """The first file system, to be followed by the code."""
        return self.folder / "base.cpio"

    @property
    def dtb(self) -> Path:
        return self.folder / "pi3.dtb"

    @property
    def versions(self) -> dict[str, str]:
        """Of the packages in it."""
        told: dict[str, str] = json.loads((self.folder / "versions.json").read_text(encoding="utf-8"))
        return told


def image_hash() -> str:
    """Of all that an image is made of; versions of Debian's packages are those of the day on which it is built."""
    inputs = {
        "version": _VERSION,
        "suite": packages.SUITE,
        "packages": packages.PACKAGES,
        "wheels": sorted(wheels.pins()),
        "modules": MODULES,
        "left_out": _LEFT_OUT,
        "dtb": dtb.CHANGES,
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]


def open_image(folder: Path) -> Image:
    """One that was built; UsageError for a folder that holds none."""
    image = Image(folder)
    lacking = [path.name for path in (image.kernel, image.base, image.dtb) if not path.is_file()]
    if lacking:
        raise UsageError(
            f"{folder}: no image of the emulated Pi: {lacking[0]} is missing; delete it, it is built again"
        )
    return image


def build(told: Told = lambda _line: None) -> Image:
    """The image for today's inputs: the cache's, or built now. `told` hears what is done, line by line."""
    cache = cache_folder()
    folder = cache / f"image-{image_hash()}"
    if (folder / "versions.json").is_file():
        return open_image(folder)
    lacking = missing()
    if lacking:
        raise UsageError(lacking)
    with locked(cache):
        if not (folder / "versions.json").is_file():
            with tempfile.TemporaryDirectory(prefix="building-", dir=cache) as made:
                _build(Path(made), cache, told)
                shutil.rmtree(folder, ignore_errors=True)
                os.replace(made, folder)
                Path(made).mkdir()  # for the one that cleans it up
            _forget(cache)
    return open_image(folder)


def _forget(cache: Path) -> None:
    """The oldest images and wheels of earlier inputs; some are kept for those who go back and forth."""
    for pattern in ("image-*", "wheels-*"):
        found = sorted(cache.glob(pattern), key=lambda path: path.stat().st_mtime)
        for old in found[:-_KEPT]:
            shutil.rmtree(old, ignore_errors=True)


def _build(made: Path, cache: Path, told: Told) -> None:
    told(f"packages of Debian {packages.SUITE} for arm64 from {packages.mirror()}")
    fetched = packages.fetch(cache / "apt")
    pins = wheels.pins()
    told(f"{len(pins)} Python packages")
    named = hashlib.sha256("\n".join(pins).encode()).hexdigest()[:16]
    archives = wheels.fetch(cache / f"wheels-{named}", pins)
    with tempfile.TemporaryDirectory(prefix="root-", dir=cache) as work:
        root, kernel = Path(work, "root"), Path(work, "kernel")
        for folder in (root, kernel):
            folder.mkdir()
        told("unpacking")
        for package in fetched.others:
            _unpack(package, root)
        for archive in archives:
            _unzip(archive, root / _SITE)
        (root / "bin" / "sh").symlink_to("busybox")
        _radio_rules(root)
        _compile(root)
        told("kernel")
        _unpack(fetched.kernel, kernel, ("./usr/share/doc*",))
        _modules(kernel, root, fetched.kernel_version)
        shutil.copy(kernel / "boot" / f"vmlinuz-{fetched.kernel_version}", made / "vmlinuz")
        trees = kernel / "usr" / "lib" / f"linux-image-{fetched.kernel_version}" / "broadcom"
        dtb.make(trees / "bcm2837-rpi-3-b.dtb", made / "pi3.dtb")
        with (made / "base.cpio").open("wb") as file:
            writer = cpio.CpioWriter(file)
            writer.add_tree(root)
            writer.close()
    versions = {path.name.split("_")[0]: path.name.split("_")[1] for path in (*fetched.others, fetched.kernel)}
    versions |= dict(pin.split("==") for pin in pins)
    text = json.dumps(versions, indent=1, sort_keys=True) + "\n"
    (made / "versions.json").write_text(text, encoding="utf-8")  # the last: with it the image is whole
    made.chmod(0o755)


def _unpack(package: Path, into: Path, left_out: tuple[str, ...] = _LEFT_OUT) -> None:
    """A package's files; its scripts do not run."""
    data = run(["dpkg-deb", "--fsys-tarfile", package], package.name)
    excluded: list[str | Path] = [f"--exclude={pattern}" for pattern in left_out]
    run(["tar", "-x", "--no-same-owner", "--keep-directory-symlink", *excluded, "-C", into], package.name, data=data)


def _unzip(archive: Path, into: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        names = [name for name in file.namelist() if "/tests/" not in name and "/test/" not in name]
        file.extractall(into, names)


def _radio_rules(root: Path) -> None:
    """Which frequencies are free where: the link that the package's own script would make."""
    folder = root / "lib" / "firmware"
    for name in ("regulatory.db", "regulatory.db.p7s"):
        (folder / name).symlink_to(f"{name}-debian")


def _compile(root: Path) -> None:
    """Ahead of time, and trusted unseen: the emulated processor would take a second for every ten modules."""
    python = sys.executable if sys.version_info[:2] == (3, 11) else program(f"python{wheels.PYTHON}")
    if python is None:
        return  # it compiles for itself, at each boot
    folders = [root / "usr/lib/python3.11", root / _SITE]
    options: list[str | Path] = ["-q", "-j0", "--invalidation-mode", "unchecked-hash", "-s", root, "-p", "/"]
    run([python, "-m", "compileall", *options, "-x", "bad_|lib2to3", *folders], "compiling for the emulated Pi")


def _modules(kernel: Path, root: Path, version: str) -> None:
    """The modules that are used, and those that they need."""
    run(["depmod", "-b", kernel, version], "modules of the emulated Pi")
    library = Path("lib/modules", version)
    for name in MODULES:
        told = run(["modprobe", "-d", kernel, "-S", version, "--show-depends", name], "modules of the emulated Pi")
        for line in told.decode().splitlines():
            if not line.startswith("insmod "):
                continue
            path = Path(line.split()[1])
            inside = path.relative_to(path.parents[len(path.parts) - path.parts.index("modules") - 3])
            target = root / library / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        shutil.copy(kernel / library / name, root / library / name)
    run(["depmod", "-b", root, version], "modules of the emulated Pi")
