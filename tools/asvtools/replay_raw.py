"""A session's raw inputs as a replay of recorded inputs takes them: what another configuration would have decided."""

import os
import shutil
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from asvtools.recorded import Recorded
from asvunit.errors import UsageError

if TYPE_CHECKING:
    from asvunit.config import Config
    from asvunit.session.read import Session
    from asvunit.vehicle import VehicleMap

_DEEP: Final = ("a", "b", "c", "d", "e", "f")  # a map may name its database by so many ".."
_LONGEST: Final = 200


def open_raw(folder: Path, config_path: Path | None, seed: int | None, written: Sequence[Path | None]) -> Recorded:
    """A session's inputs, and the unit of its own configuration or of another one."""
    from asvunit.config import load_config
    from asvunit.intersections import node_ahead
    from asvunit.session import form
    from asvunit.session.inputs import raw_inputs
    from asvunit.session.read import open_session

    session = open_session(folder)
    for path in written:
        if path is not None and folder.resolve() in path.resolve().parents:
            raise UsageError(f"{path}: is in the session's folder, which stays as it was recorded; give another place")
    config, beside = _with_files(load_config(folder / form.UNIT), session), folder
    if config_path is not None:
        given = load_config(config_path)
        beside = config_path.parent
        config = given if given.vehicle.map is not None else _with_map(given, config.vehicle.map)
    car = _car(config, beside, session) if config.vehicle.map is not None and session.paths(form.CAN) else None
    inputs = raw_inputs(session, car, _port(session, config))
    settings = config.settings(*((car.timeouts_ms, car.mapped) if car else ()))
    for port in ("gnss", "can", "radio"):
        settings.set(f"uses_{port}", int(port in inputs.names))
    try:
        settings.set("seed", session.about.get("seed", 1) if seed is None else seed)
    except (ValueError, TypeError) as error:
        raise UsageError(f"--seed: {error}") from error
    return Recorded(inputs, config, settings, node_ahead(config, beside))


def _port(session: "Session", config: "Config") -> int:
    """Of the frames in the session, whatever another configuration says."""
    radio = session.about.get("radio")
    port = radio.get("port") if isinstance(radio, dict) else None
    return port if isinstance(port, int) else config.radio.port


def _car(config: "Config", beside: Path, session: "Session") -> "VehicleMap":
    """The signal map; one of the session's with its databases where it looks for them."""
    from asvunit.recordings import load_map
    from asvunit.session import form

    name = str(config.vehicle.map)
    near = beside / name
    files = session.folder / form.FILES
    if near.resolve().parent != files.resolve():
        return load_map(near if near.is_file() else name, None, [files])
    with tempfile.TemporaryDirectory(prefix="asvkit-") as made:
        folder = Path(made).joinpath(*_DEEP)
        folder.mkdir(parents=True)
        for told in {near.name, *_words(near)}:
            found, place = files / Path(told).name, Path(os.path.normpath(folder / told))
            if found.is_file() and Path(made) in place.parents:
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(found, place)
        return load_map(folder / near.name, None, [files])


def _words(path: Path) -> set[str]:
    """All texts of a TOML file, names of other files among them; none of one that is damaged: who loads it says so."""
    try:
        waiting: list[Any] = [tomllib.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError):
        return set()
    found = set()
    while waiting:
        one = waiting.pop()
        if isinstance(one, str) and 0 < len(one) < _LONGEST and "\0" not in one:
            found.add(one)
        elif isinstance(one, dict | list):
            waiting.extend(one.values() if isinstance(one, dict) else one)
    return found


def _with_files(config: "Config", session: "Session") -> "Config":
    """The session's configuration, its files those that lie in the session."""
    files = session.about.get("files")
    named = files if isinstance(files, dict) else {}
    config = _with_map(config, _inside(session, named.get("vehicle.map")) or config.vehicle.map)
    nodes = _inside(session, named.get("intersections.map"))
    if nodes is None:
        return config
    return config.model_copy(update={"intersections": config.intersections.model_copy(update={"map": nodes})})


def _with_map(config: "Config", name: str | None) -> "Config":
    return config.model_copy(update={"vehicle": config.vehicle.model_copy(update={"map": name})})


def _inside(session: "Session", name: Any) -> str | None:
    """A file of the session, by its whole path."""
    path = session.folder / str(name)
    return str(path.resolve()) if name is not None and path.is_file() else None
