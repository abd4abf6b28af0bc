"""Puts the dissector where Wireshark and tshark of this user look for Lua plugins, and sees that they take it."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from asvunit.errors import AsvkitError, UsageError

from .source import OURS, dissector

FILE_NAME: Final = "asvkit.lua"
_TIMEOUT_S: Final = 60
_FOLDER: Final = re.compile(r"^Personal (Lua )?Plugins:\s*(\S.*?)\s*$", re.MULTILINE)
# Where the installers of macOS and Windows put tshark, out of the PATH.
_ELSEWHERE: Final = ("/Applications/Wireshark.app/Contents/MacOS/tshark", r"C:\Program Files\Wireshark\tshark.exe")
_COMPLAINT: Final = re.compile(rf"^.*{re.escape(FILE_NAME)}:\d+: (.*)$", re.MULTILINE)  # as Lua words its errors


@dataclass(frozen=True, slots=True)
class Installed:
    """What was done: the file, whether it was there already as it is, and who was asked (None: no tshark here)."""

    path: Path
    unchanged: bool
    checked_by: str | None


def install(folder: Path | None = None) -> Installed:
    """Write the dissector into `folder`, else into the personal folder of Lua plugins.

    UsageError: the folder cannot be written, or holds another file of this name. AsvkitError: tshark was there
    and does not take the dissector. A folder of one's own is not checked with tshark, which need not look there.
    """
    tshark = find_tshark() if folder is None else None
    target = (folder or personal_folder(tshark)) / FILE_NAME
    unchanged = _write(target)
    return Installed(target, unchanged, _checked(tshark, target) if tshark else None)


def find_tshark() -> str | None:
    """The tshark of this machine, None without one."""
    return shutil.which("tshark") or next((place for place in _ELSEWHERE if os.access(place, os.X_OK)), None)


def personal_folder(tshark: str | None) -> Path:
    """Where Lua plugins of this user belong: as tshark says, else as Wireshark's manual does."""
    if tshark:
        folders = dict(_FOLDER.findall(_run(tshark, "-G", "folders").stdout))
        if place := folders.get("Lua ") or folders.get(""):
            return Path(place)
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", "~")).expanduser() / "Wireshark" / "plugins"
    return Path("~/.local/lib/wireshark/plugins").expanduser()


def _write(target: Path) -> bool:
    """Write atomically; True if the very same file was there."""
    text = dissector()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        there = target.read_text(encoding="utf-8", errors="replace") if target.exists() else None
        if there == text:
            return True
        if there is not None and not there.startswith(OURS):
            raise UsageError(f"{target}: another file of this name; move it away, or give --folder")
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".asvkit-", suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            os.chmod(name, 0o644)
            os.replace(name, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        raise UsageError(f"{error.filename or target}: {error.strerror or error}; give --folder") from None
    return False


def _checked(tshark: str, target: Path) -> str:
    """Name and version of the tshark that has the protocol `asv` now, of its own accord and without complaint."""
    listed = _run(tshark, "-G", "protocols")
    complaint = _COMPLAINT.search(listed.stderr)
    if complaint or not re.search(r"\tasv(?:\t|$)", listed.stdout, re.MULTILINE):
        why = "is it built with Lua, and enable_lua not false in its init.lua?"
        if complaint:
            why = complaint[1].strip()
            if "two protocols" in why:
                why = "the protocol is there already: another copy, among your plugins or the global ones? remove it"
        raise AsvkitError(f"{target} is written, but {tshark} does not load it: {why}")
    number = re.search(r"\d+(?:\.\d+)+", _run(tshark, "--version").stdout)
    return f"tshark {number[0]}" if number else tshark


def _run(tshark: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(  # noqa: S603 - found in the PATH, fixed arguments
            [tshark, *arguments],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AsvkitError(f"{tshark} {' '.join(arguments)}: {error}") from None
