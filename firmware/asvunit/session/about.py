"""What stands in a session's session.json, and the files that its configuration names: enough to read it elsewhere."""

import hashlib
import platform
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from asvunit.resources import data_folder
from asvunit.session.form import FILES, UNIT, VERSION
from asvunit.session.lines import channel_name

if TYPE_CHECKING:
    from asvunit.config import Config
    from asvunit.vehicle import VehicleMap

_PACKAGES: Final = ("python-can", "cantools", "pynmea2", "pyserial", "gpiozero", "lgpio", "pydantic", "cryptography")
_GIT_S: Final = 2.0


def about(config: "Config", path: Path, car: "VehicleMap | None", unit: Mapping[str, Any]) -> dict[str, Any]:
    """The object of session.json; `unit`: who this run is and by which clocks. `path`: of the configuration."""
    pins = _pins_path(config, path.parent)
    return {
        "session": VERSION,
        "asvkit": version("asvkit"),
        "git": git_revision(),
        **unit,
        "language": config.presentation.language,
        "config": str(path),
        "pins_sha256": _hash(pins) if config.hmi.gpio != "off" else None,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "kernel": platform.release(),
        "packages": dict(filter(lambda one: one[1], ((name, _version(name)) for name in _PACKAGES))),
        "radio": {"kind": config.radio.kind, "address": config.radio.address, "port": config.radio.port},
        "files": {key: f"{FILES}/{one.name}" for key, one in named_files(config, path.parent, car).items()},
        "can": _channels(config, car),
    }


def named_files(config: "Config", folder: Path, car: "VehicleMap | None") -> dict[str, Path]:
    """The files that a configuration names, by key: the signal map and its databases, pins, map of intersections.

    Never a key: what signs stays where it is.
    """
    found: dict[str, Path] = {}
    if car is not None:
        found["vehicle.map"] = car.path
        for number, database in enumerate(car.databases):
            found["vehicle.map.database" + (f".{number + 1}" if number else "")] = database.path
    if config.hmi.gpio != "off":
        found["hmi.pins"] = _pins_path(config, folder)
    if config.intersections.map is not None:
        found["intersections.map"] = folder / config.intersections.map
    return {key: path for key, path in found.items() if path.is_file()}


def copy_files(session: Path, config_path: Path, files: Mapping[str, Path]) -> None:
    """The configuration and what it names, into the session's folder; OSError where that does not go."""
    _copy(config_path, session / UNIT)
    if files:
        (session / FILES).mkdir(mode=0o750, exist_ok=True)
    for path in files.values():
        _copy(path, session / FILES / path.name)


def _copy(path: Path, to: Path) -> None:
    with suppress(shutil.SameFileError):
        shutil.copyfile(path, to)
        to.chmod(0o640)  # like all of a session: not for others


def git_revision() -> str | None:
    """Of the checkout this runs from, "+" behind it where files were changed; None of an installed one."""
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():
        return None
    told = [_git(root, "rev-parse", "HEAD"), _git(root, "status", "--porcelain", "--untracked-files=no")]
    if told[0] is None:
        return None
    return told[0] + ("+" if told[1] else "")


def _git(root: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603
            ("git", "-C", str(root), *words),  # noqa: S607
            capture_output=True,
            timeout=_GIT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace").strip()


def _pins_path(config: "Config", folder: Path) -> Path:
    return folder / config.hmi.pins if config.hmi.pins else data_folder("hardware") / "pins.toml"


def _hash(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _channels(config: "Config", car: "VehicleMap | None") -> list[dict[str, str]]:
    """Which channel of can-0001.log each bus of the signal map is."""
    if car is None or config.can.interface is None:
        return []
    first, *others = car.buses
    tables = [config.can.channel, *(config.can.bus[name].channel for name in others if name in config.can.bus)]
    return [
        {"channel": channel_name(channel, number), "bus": name}
        for number, (channel, name) in enumerate(zip(tables, (first, *others), strict=False))
    ]
