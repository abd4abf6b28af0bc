"""Public keys of emergency vehicles as people hand them on, and their way into a configuration's text.

A line is `ID = "KEY"`, as `asvkit keys new` prints it; blanks, quotes, comments and the table's header do not matter.
The configuration keeps its comments: what is written is its text with lines more, and only if it then says what it
said before and those keys.
"""

import os
import re
import tempfile
import tomllib
from pathlib import Path
from typing import Any, Final

from asvunit.authority_keys import key_bytes, key_id
from asvunit.config import Config, load_config
from asvunit.errors import AsvkitError, UsageError

_MOST_BYTES: Final = 1_000_000
_LINE: Final = re.compile(r"""["']?(?P<id>[0-9A-Za-z]{1,20})["']?\s*[=:\s]\s*["']?(?P<key>[0-9A-Za-z]+)["']?""")
_PRIVATE: Final = "PRIVATE KEY-----"
_HEADER: Final = re.compile(r"\s*\[\s*emergency\s*\.\s*keys\s*\]\s*(#.*)?")
_TABLE: Final = re.compile(r"\s*\[\s*emergency\s*\]\s*(#.*)?")
_ANY_TABLE: Final = re.compile(r"\s*\[")
_INLINE: Final = re.compile(r"(?P<begin>\s*keys\s*=\s*\{)(?P<inside>[^}]*?)(?P<end>\s*\}.*)", re.DOTALL)

Keys = dict[int, str]  # id -> public key, 64 hex digits


def given_keys(text: str) -> Keys:
    """The keys of a line, or of the lines of a file; UsageError with what, where and the mend."""
    path = Path(text)
    try:
        is_file = bool(text) and path.exists()
    except (OSError, ValueError):
        is_file = False
    if not is_file:
        if "=" not in text and ("/" in text or path.suffix):
            raise UsageError(f"{text}: no such file; give a file or a line as asvkit keys new printed it")
        return _of_lines("the line", [text])
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    if len(content) > _MOST_BYTES:
        raise UsageError(f"{path}: more than {_MOST_BYTES} bytes; this is no list of keys")
    lines = content.decode("utf-8-sig", "replace").splitlines()
    if any(_PRIVATE in line for line in lines):
        raise UsageError(f"{path}: a private key, which only its vehicle keeps; its line is: asvkit keys public {path}")
    return _of_lines(str(path), lines)


def _of_lines(where: str, lines: list[str]) -> Keys:
    found: Keys = {}
    for number, line in enumerate(lines, 1):
        plain = line.split("#", 1)[0].strip()
        if not plain or _HEADER.fullmatch(plain):
            continue
        place = where if len(lines) == 1 else f"{where}: line {number}"
        match = _LINE.fullmatch(plain)
        if match is None:
            raise UsageError(f'{place}: {plain[:60]!r} is no public key; give it as 0x00002a01 = "64 hex digits"')
        try:
            one, key = key_id(match["id"]), key_bytes(match["key"]).hex()
        except ValueError as error:
            raise UsageError(f"{place}: {error}") from None
        _refuse_known(place, one, key, found)
        found[one] = key
    if not found:
        raise UsageError(f"{where}: no key in it; give lines as asvkit keys new prints them")
    return found


def _refuse_known(place: str, one: int, key: str, known: Keys) -> None:
    if one in known:
        other = "with this key" if known[one] == key else "with another key; take that out first if it is no longer his"
        raise UsageError(f"{place}: key id {one:#010x} is there already, {other}")
    for number, other in known.items():
        if other == key:
            raise UsageError(f"{place}: this key is there already, as {number:#010x}; each vehicle has its own")


def trust(path: Path, keys: Keys) -> None:
    """Writes keys into a configuration, all or none; UsageError where ids or keys are there or the text resists."""
    real = path.resolve()
    known = {key_id(name): text.lower() for name, text in load_config(real).emergency.keys.items()}
    for one, key in keys.items():
        _refuse_known(f"{path}: emergency.keys", one, key, known)
        known[one] = key
    before = real.read_bytes()
    after = with_keys(before.decode(), keys).encode()
    if not _says(after, before, keys):
        raise UsageError(
            f"{path}: its [emergency] is written in a way that cannot be added to; make [emergency.keys] a table of its"
            " own, or add the lines by hand"
        )
    _replace(path, real, after)


def with_keys(text: str, keys: Keys) -> str:
    """The text with the keys: in [emergency.keys], in the line of [emergency] that has them, or a table at the end."""
    end = "\r\n" if "\r\n" in text else "\n"
    rows = [f'{one:#010x} = "{key}"' for one, key in keys.items()]
    lines = text.splitlines(keepends=True)
    header = next((at for at, line in enumerate(lines) if _HEADER.fullmatch(line.rstrip("\r\n"))), None)
    if header is not None:
        last = header
        for at in range(header + 1, len(lines)):
            if _ANY_TABLE.match(lines[at]):
                break
            if lines[at].strip():
                last = at
        if not lines[last].endswith(("\n", "\r")):
            lines[last] += end
        lines[last + 1 : last + 1] = [row + end for row in rows]
        return "".join(lines)
    table = next((at for at, line in enumerate(lines) if _TABLE.fullmatch(line.rstrip("\r\n"))), None)
    for at in range(len(lines) if table is None else table + 1, len(lines)):
        if _ANY_TABLE.match(lines[at]):
            break
        inline = _INLINE.fullmatch(lines[at])
        if inline is not None:
            inside = inline["inside"]
            rows = [f"{inside}," if inside.strip() else inside, *[f" {row}," for row in rows[:-1]], f" {rows[-1]}"]
            lines[at] = inline["begin"] + "".join(rows) + inline["end"]
            return "".join(lines)
    gap = "" if not text else end if text.endswith(("\n", "\r")) else end + end
    return f"{text}{gap}[emergency.keys]{end}" + "".join(row + end for row in rows)


def _says(after: bytes, before: bytes, keys: Keys) -> bool:
    """Whether a text says what another says, and the keys."""
    try:
        old, new = (tomllib.loads(content.decode("utf-8-sig")) for content in (before, after))
        Config.model_validate(new)
    except ValueError:
        return False
    emergency: dict[str, Any] = old.setdefault("emergency", {})
    emergency.setdefault("keys", {})
    emergency["keys"] |= {f"{one:#010x}": key for one, key in keys.items()}
    return old == new


def _replace(told: Path, path: Path, content: bytes) -> None:
    """The file's content, at once, with its owner and mode as they were."""
    name = ""
    try:
        state = path.stat()
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".asvkit-", suffix=".tmp")
        with os.fdopen(handle, "wb") as out:
            os.fchmod(handle, state.st_mode & 0o7777)
            if (state.st_uid, state.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(handle, state.st_uid, state.st_gid)
            out.write(content)
            out.flush()
            os.fsync(handle)
        os.replace(name, path)
        name = ""
    except OSError as error:
        raise AsvkitError(f"{told}: cannot be written: {error.strerror}; left as it was") from error
    finally:
        if name:
            Path(name).unlink(missing_ok=True)
