"""The code under test as the Pi gets it: the packages that run here now, their data, and how the Pi starts up."""

import hashlib
import importlib.util
import os
import py_compile
import sys
import tempfile
from collections.abc import Collection
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from asvrig.pi3.cache import cache_folder
from asvrig.pi3.cpio import CpioWriter
from asvrig.pi3.wheels import PYTHON
from asvunit.errors import AsvkitError
from asvunit.resources import data_folder

CODE: Final = "opt/asvkit"  # in the guest
STATE: Final = "/var/lib/asvkit"  # where the SD card is
PACKAGES: Final = ("asvcore", "asvunit", "asvrig", "asvtools")
_DATA: Final = ("dbc", "scenarios", "hardware")
_LEFT_OUT: Final = frozenset({"__pycache__", "data"})
_COMMAND: Final = b'#!/bin/sh\nexec python3 -m asvtools "$@"\n'
_GUEST: Final = Path(__file__).with_name("guest")


def write_code(path: Path) -> None:
    """Adds the archive of it to a file. What is compiled is kept for the next time, as long as nothing changes."""
    files = _files()
    told = hashlib.sha256()
    for at, (source, mode) in files.items():
        told.update(b"%s %d %o %s" % (at.encode(), len(source), mode, source))
    kept = cache_folder() / f"code-{told.hexdigest()[:16]}.cpio"
    if not kept.exists():
        fresh = kept.with_name(f"{kept.name}.{os.getpid()}")
        with fresh.open("wb") as file:
            _write(CpioWriter(file), files)
        for old in kept.parent.glob("code-*.cpio"):
            old.unlink(missing_ok=True)
        fresh.replace(kept)
    with path.open("ab") as file:
        file.write(kept.read_bytes())


def _files() -> dict[str, tuple[bytes, int]]:
    """Content and mode by name in the guest."""
    out: dict[str, tuple[bytes, int]] = {}
    for name in PACKAGES:
        folder = _folder(name)
        for one in _of(folder, _LEFT_OUT):
            out[f"{CODE}/{name}/{one.relative_to(folder).as_posix()}"] = one.read_bytes(), 0o644
    for kind in _DATA:
        folder = data_folder(kind)
        for one in _of(folder, {"__pycache__"}):
            out[f"{CODE}/asvunit/data/{kind}/{one.relative_to(folder).as_posix()}"] = one.read_bytes(), 0o644
    told = f"Metadata-Version: 2.1\nName: asvkit\nVersion: {_version()}\n".encode()
    out[f"{CODE}/asvkit-{_version()}.dist-info/METADATA"] = told, 0o644
    out["opt/bin/asvkit"] = _COMMAND, 0o755
    out["init"] = (_GUEST / "init").read_bytes(), 0o755
    out["opt/bin/asvkit-usb"] = (_GUEST / "usb").read_bytes(), 0o755
    return out


def _of(folder: Path, left_out: Collection[str]) -> list[Path]:
    found = (one for one in sorted(folder.rglob("*")) if one.is_file() and one.suffix != ".pyc")
    return [one for one in found if not {*one.relative_to(folder).parts}.intersection(left_out)]


def _write(writer: CpioWriter, files: dict[str, tuple[bytes, int]]) -> None:
    """Sources, and what they compile to where this Python writes what the guest's reads."""
    compiles = f"{sys.version_info[0]}.{sys.version_info[1]}" == PYTHON
    with tempfile.TemporaryDirectory(prefix="asvkit-code-") as work:
        for at, (data, mode) in files.items():
            writer.add_bytes(at, data, mode)
            if compiles and at.endswith(".py"):
                writer.add_bytes(_compiled_name(at), _compiled(data, f"/{at}", Path(work)))
    writer.close()


def _compiled(data: bytes, shown: str, work: Path) -> bytes:
    """By its text, not by its time: the guest trusts it unseen."""
    path, made = work / "one.py", work / "one.pyc"
    path.write_bytes(data)
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    try:
        py_compile.compile(os.fspath(path), os.fspath(made), shown, doraise=True, invalidation_mode=mode)
    except py_compile.PyCompileError as error:
        raise AsvkitError(f"{shown}: does not compile: {error.exc_value}") from error
    return made.read_bytes()


def _compiled_name(source: str) -> str:
    head, _, tail = source.rpartition("/")
    return f"{head}/__pycache__/{tail.removesuffix('.py')}.cpython-{PYTHON.replace('.', '')}.pyc"


def _folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise AsvkitError(f"{name}: the package is not where this program is; install asvkit anew")
    return Path(spec.submodule_search_locations[0])


def _version() -> str:
    try:
        return version("asvkit")
    except PackageNotFoundError:
        return "0"
