"""`session export`: where it is written to, what is needed for it, and what is said when it is done."""

from collections import Counter
from importlib.util import find_spec
from pathlib import Path

from asvtools.session_folder import RUNNING, Folder
from asvunit.errors import AsvkitError, UsageError
from asvunit.session.form import is_session

_MEND = "pip install 'asvkit[export]'"


def export_mcap(folder: Folder, path: Path, counters: Counter[str], *, scenes: bool) -> list[str]:
    """Write one MCAP file, whole or not at all; what to say of it."""
    _needed("mcap", "MCAP")
    _outside(folder, path, "--mcap")
    if path.is_dir():
        raise UsageError(f"--mcap: {path}: is a folder; name a file")
    from asvtools.export_mcap import write_mcap

    part = path.with_name(f"{path.name}.part")
    try:
        counts = write_mcap(folder, part, counters, scenes=scenes)
        part.replace(path)
    except OSError as error:
        raise _unwritten(path, error) from error
    finally:
        part.unlink(missing_ok=True)
    if not counts:
        path.unlink(missing_ok=True)
        raise AsvkitError(f"{folder.path}: holds nothing to export")
    return [f"{path}: {sum(counts.values())} messages of {len(counts)} topics"]


def export_parquet(folder: Folder, out: Path, counters: Counter[str]) -> list[str]:
    """Write Parquet tables into a folder, made where it is not there; what to say of them."""
    _needed("pyarrow", "Parquet")
    _outside(folder, out, "--parquet")
    if is_session(out):
        raise UsageError(f"--parquet: {out}: is a session; name another folder")
    from asvtools.export_parquet import write_parquet

    try:
        out.mkdir(parents=True, exist_ok=True)
        rows = write_parquet(folder, out, counters)
    except FileExistsError as error:
        raise UsageError(f"--parquet: {out}: is a file; name a folder") from error
    except OSError as error:
        raise _unwritten(out, error) from error
    if not rows:
        raise AsvkitError(f"{folder.path}: holds nothing to export")
    return [f"{out / name}.parquet: {count} rows" for name, count in rows.items()]


def remarks(folder: Folder, counters: Counter[str]) -> list[str]:
    """What there is to know of what was exported."""
    told = []
    if folder.state == RUNNING:
        told.append("the session still runs: what came after this is not in it")
    left = {reason: count for reason, count in sorted(counters.items()) if count and reason != "other_traffic"}
    if left:
        told.append(f"passed over: {', '.join(f'{count} {reason}' for reason, count in left.items())}")
    return told


def _needed(module: str, what: str) -> None:
    if find_spec(module) is None:
        raise AsvkitError(f"{what} needs the library {module}, which is not installed: {_MEND}")


def _outside(folder: Folder, path: Path, option: str) -> None:
    """UsageError where it would be written among what is raw."""
    inside = path.resolve()
    if inside == folder.path.resolve() or folder.path.resolve() in inside.parents:
        raise UsageError(f"{option}: {path}: lies in the session itself; name another place")


def _unwritten(path: Path, error: OSError) -> AsvkitError:
    return AsvkitError(f"{path}: cannot be written: {error.strerror or error}; make room or name another place")
