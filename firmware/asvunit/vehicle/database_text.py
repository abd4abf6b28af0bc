"""The text of a database file: which format it is by its content, and which encoding by its bytes.

A database rarely says in which encoding it was written, and the value tables of a Japanese, Chinese or German car
are only right in the right one. What is assumed is told, with the first line that needs it.
"""

import codecs
import re
from dataclasses import dataclass
from typing import Final

USUAL: Final = {"dbc": "cp1252", "sym": "cp1252", "kcd": "utf-8", "arxml": "utf-8"}  # format -> encoding
MAX_BYTES: Final = 256 << 20

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED: Final = re.compile(rb"""\s*<\?xml[^>]*encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_ROOT: Final = re.compile(r"<\s*(?:\w+:)?([A-Za-z][\w-]*)")
_XML: Final = {"NetworkDefinition": "kcd", "AUTOSAR": "arxml"}
_DIAGNOSTIC: Final = {"CANDELA": "CDD", "ECUDOC": "CDD", "ODX": "ODX", "CATALOG": "ODX"}
_DBC: Final = re.compile(r'^\s*(?:VERSION\s*"|NS_\s*:|BS_\s*:|BU_\s*:|BO_\s+\d+\s+\w+\s*:|CM_\s)', re.M)
_SYM: Final = re.compile(r"^\s*FormatVersion\s*=", re.M)
_EAST_ASIAN: Final = re.compile("[\u3005-\u30ff\u3400-\u9fff\uff01-\uff5e]{2,}")  # without half-width katakana
_KANA: Final = re.compile("[\u3041-\u30ff]")
_EAST: Final = frozenset({"shift_jis", "euc_jp", "cp949", "gb2312"})
_ODD: Final = re.compile(rb"[\x80-\xff]")


class Unreadable(Exception):
    """Why a file is no database that can be read; `line` of the file, 0 where there is none to name."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.reason, self.line = reason, line


@dataclass(frozen=True, slots=True)
class Text:
    """A file's text and format, and what had to be assumed to read it ("" if nothing)."""

    text: str
    format: str
    assumed: str


def read(data: bytes, suffix: str, encoding: str | None) -> Text:
    """The text of a file with this name's suffix; Unreadable where it is no database of messages."""
    if not data.strip():
        raise Unreadable("is empty")
    if len(data) > MAX_BYTES:
        raise Unreadable(f"has {len(data) >> 20} MB, more than a database of messages has")
    mark = next((name for start, name in _MARKS if data.startswith(start)), "")
    if mark != "utf-16" and b"\0" in data[:65536]:
        raise Unreadable("is a binary file, no database of messages (DBC, KCD, SYM, ARXML)")
    form = _format(data[: 1 << 20].decode(mark or "latin-1", errors="ignore"), suffix)
    if encoding is None and form in ("kcd", "arxml") and (declared := _DECLARED.match(data)) and not mark:
        encoding = declared.group(1).decode("ascii")
    if encoding is not None:
        return _as_told(data, encoding, form)
    if mark:
        return Text(_lines(data.decode(mark, errors="replace")), form, "")
    return _guessed(data, form)


def _lines(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _format(text: str, suffix: str) -> str:
    start = text.lstrip("\ufeff \t\r\n")
    if start.startswith("<"):
        roots = [root for root in _ROOT.findall(start[:4096]) if root.lower() not in ("xml", "doctype")]
        root = roots[0] if roots else ""
        if root in _DIAGNOSTIC:
            raise Unreadable(f"is a diagnostics database ({_DIAGNOSTIC[root]}), not one of messages")
        if root in _XML:
            return _XML[root]
        if root.lower() == "html":
            raise Unreadable("is a web page; save the raw file instead")
        raise Unreadable(f"is XML with the root element {root or '(none)'}; KCD has NetworkDefinition, ARXML AUTOSAR")
    if start.startswith("version https://git-lfs"):
        raise Unreadable("is a pointer of git-lfs; fetch the file itself with `git lfs pull`")
    if _SYM.search(start):
        return "sym"
    if _DBC.search(start):
        return "dbc"
    told = suffix.lower().lstrip(".")
    if told in ("cdd", "odx", "pdx"):
        raise Unreadable(f"is a diagnostics database ({told.upper()}), not one of messages")
    kinds = "DBC, KCD, SYM, ARXML"
    raise Unreadable(f"is no {told.upper()} file" if told in USUAL else f"is no database of messages ({kinds})", 1)


def _as_told(data: bytes, encoding: str, form: str) -> Text:
    try:
        codec = codecs.lookup(encoding).name
        text = data.decode(codec)
    except LookupError:
        raise Unreadable(f"encoding {encoding!r} is not known; e.g. utf-8, cp1252, shift_jis, gb2312") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        assumed = f"line {line} is not in {encoding}; what it does not know became \ufffd"
        return Text(_lines(data.decode(codec, errors="replace")), form, assumed)
    return Text(_lines(text), form, "")


def _guessed(data: bytes, form: str) -> Text:
    odd = _ODD.search(data)
    if odd is None:
        return Text(_lines(data.decode("ascii")), form, "")
    line = data.count(b"\n", 0, odd.start()) + 1
    for codec in ("utf-8", "shift_jis", "euc_jp", "cp949", "gb2312", "cp1252", "latin-1"):
        try:
            text = data.decode(codec)
        except UnicodeDecodeError:
            continue
        if codec in _EAST and not _is_written(text, codec):
            continue
        if codec == USUAL[form]:
            return Text(_lines(text), form, "")
        return Text(_lines(text), form, f'taken for {codec} because of line {line}; encoding = "{codec}" confirms it')
    raise AssertionError("latin-1 decodes everything")


def _is_written(text: str, codec: str) -> bool:
    """Whether a text reads as one that was written in an East Asian encoding, not as umlauts or signs of units."""
    odd = [character for character in text if character > "\x7f"]
    if codec == "cp949":  # hanzi of GB 2312 read as hangul and hanja: all hangul, of enough, are Korean
        return len(odd) >= 8 and all("\uac00" <= character <= "\ud7a3" for character in odd)
    if codec == "euc_jp" and not _KANA.search(text):
        return False  # its kanji are where GB 2312 has hanzi
    return 2 * sum(len(word) for word in _EAST_ASIAN.findall(text)) >= len(odd)
