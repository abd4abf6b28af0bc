"""The text of a DBC before it is parsed: cut down to the messages that are needed, and mended where many are broken.

Databases that people wrote by hand have faults that no other reader minds but cantools refuses: identifiers without
the mark of an extended frame, a comment that names no signal, a value table of a signal that was renamed. Such a
statement is mended or left out, and a warning says so. Nothing that decides how a signal is decoded is guessed: a
message or signal that cannot be understood refuses the file. Lines keep their numbers, so that reasons name them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from asvunit.vehicle.database_text import Unreadable

EXTENDED: Final = 1 << 31
STANDARD_MAX: Final = 0x7FF
EXTENDED_MAX: Final = 0x1FFF_FFFF

_KEYWORD: Final = re.compile(
    r"^\s*(VERSION|NS_|BS_|BU_|BO_|SG_|CM_|EV_|ENVVAR_DATA_|EV_DATA_|SGTYPE_|SGTYPE_VAL_|SIG_GROUP_|SIG_VALTYPE_"
    r"|SG_MUL_VAL_|BO_TX_BU_|VAL_TABLE_|VAL_|BA_DEF_DEF_REL_|BA_DEF_DEF_|BA_DEF_REL_|BA_DEF_SGTYPE_|BA_DEF_|BA_REL_"
    r"|BA_SGTYPE_|BA_|CAT_DEF_|CAT_|FILTER|SIG_TYPE_REF_)(?=[\s:])"
)
_BO: Final = re.compile(r"^(\s*BO_\s+)(\d+)\s+(\w+)\s*:")
_OF: Final = re.compile(  # a statement about a message, up to its identifier
    r'^(\s*(?:VAL_|SG_MUL_VAL_|SIG_VALTYPE_|SIG_GROUP_|BO_TX_BU_|CM_\s+(?:BO_|SG_)|BA_\s+"[^"]*"\s+(?:BO_|SG_))\s+)(\d+)\b'
)
_LONG_NAME: Final = re.compile(r'^\s*BA_\s+"SystemMessageLongSymbol"\s+BO_\s+(\d+)\s+"([^"]*)"')
_DIGIT_NAME: Final = re.compile(r"^(\s*(?:BO_\s+\d+|SG_)\s+)(\d+[A-Za-z_]\w*)(?=[\s:])")
_BARE_POINT: Final = re.compile(r"(?<=[(,\[|])([-+]?)\.(?=\d)")
_NUMBER: Final = r"[-+]?\d[\d.eE+-]*"
_SG: Final = re.compile(
    rf"^\s*SG_\s+\w+\s*(\w+\s*)?:\s*\d+\s*\|\s*\d+\s*@\s*\d+\s*[+-]\s*\(\s*{_NUMBER}\s*,\s*{_NUMBER}\s*\)\s*"
    rf'\[\s*{_NUMBER}\s*\|\s*{_NUMBER}\s*\]\s*"[^"]*"\s*\w'
)
_WHOLE: Final = {"SG_": _SG, "BO_": re.compile(r"^\s*BO_\s+\d+\s+\w+\s*:\s*\d+\s+\w+")}  # of the end of a file
_OPEN_ENDED: Final = frozenset({"VERSION", "NS_", "BS_", "BU_", "BO_", "SG_"})  # all others end with a semicolon
_DECODING: Final = frozenset({"BO_", "SG_", "SG_MUL_VAL_", "SIG_VALTYPE_"})  # never left out
_UNUSED: Final = re.compile(r"(VAL_|SIG_VALTYPE_) (\d+) (\w+)")
_NO_MESSAGE: Final = "VECTOR__INDEPENDENT_SIG_MSG"  # signals without a message, by convention
_AT_LINE: Final = re.compile(r"Invalid syntax at line (\d+), column (\d+)")
_EMPTY_SIGNAL: Final = re.compile(r"The signal (\w+) length 0 is not greater than 0 in message (\w+)")


@dataclass(slots=True)
class Defect:
    """What was wrong; `message` is the one that it touches, "" where it touches none."""

    message: str
    text: str
    line: int = 0


@dataclass(slots=True)
class DbcText:
    """The lines of a DBC with what was done to them."""

    lines: list[str]
    names: dict[int, str] = field(default_factory=dict)  # identifier as written -> message
    defects: list[Defect] = field(default_factory=list)

    @classmethod
    def of(cls, text: str) -> "DbcText":
        made = cls(text.split("\n"))
        made._mend_lines()
        made._check_end()
        return made

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def keep(self, messages: Iterable[str]) -> None:
        """Blanks the statements of all other messages."""
        wanted = set(messages)
        identifiers = {number for number, name in self.names.items() if name in wanted}
        keeping = True
        for index, line in enumerate(self.lines):
            keyword = _KEYWORD.match(line)
            if keyword and keyword[1] != "SG_":
                about = _BO.match(line) or _OF.match(line)
                keeping = int(about[2]) in identifiers if about else not keyword[1].endswith("_REL_")
            if not keeping:
                self.lines[index] = ""

    def mend(self, error: str) -> bool:
        """Leaves out what the parser stumbled over, if decoding does not need it; whether it did."""
        if at := _AT_LINE.search(error):
            return self._leave_out_at(int(at[1]) - 1, int(at[2]) - 1)
        if error.startswith("unused "):
            left_out = [self._leave_out_table(*unused) for unused in _UNUSED.findall(error)]
            return any(left_out)
        if empty := _EMPTY_SIGNAL.search(error):
            index = self._leave_out(rf"\s*SG_\s+{empty[1]}\s*(\w+\s*)?:\s*\d+\s*\|\s*0+\s*@", once=True)
            self._tell(empty[2], f"{empty[2]}: signal {empty[1]} has no bits; left out", index)
            return index is not None
        if not error.startswith("'"):
            return False
        undefined = error.strip("'")  # a key error
        index = self._leave_out(rf'\s*(BA_|BA_REL_)\s+"{re.escape(undefined)}"')
        self._tell("", f"attribute {undefined} is used but not defined; left out", index)
        return index is not None

    def _leave_out_table(self, keyword: str, number: str, signal: str) -> bool:
        index = self._leave_out(rf"\s*{keyword}\s+{number}\s+{signal}\b")
        message = self.names.get(int(number), "")
        self._tell(message, f"{message or number} has no signal {signal}, but a {keyword} statement of it", index)
        return index is not None

    def _mend_lines(self) -> None:
        """Faults that a line shows by itself; and the names of the messages."""
        wide: dict[int, int | None] = {}
        message = ""
        for index in range(len(self.lines)):
            if "SG_" not in self.lines[index] and "BO_" not in self.lines[index]:
                continue
            self._mend_name(index, message)
            line = self.lines[index]
            if line.lstrip().startswith("SG_ "):
                self.lines[index] = _BARE_POINT.sub(r"\g<1>0.", line)
            elif start := _BO.match(line):
                message, number = start[3], int(start[2])
                if message == _NO_MESSAGE:
                    continue
                self.names[number] = message
                if STANDARD_MAX < number < EXTENDED:
                    wide[number] = self._extended(number, message, index)
            elif long_name := _LONG_NAME.match(line):
                self.names[int(long_name[1])] = long_name[2]
        if wide:
            self._renumber(wide)

    def _mend_name(self, index: int, message: str) -> None:
        line = self.lines[index]
        if digit := _DIGIT_NAME.match(line):
            name, kind = digit[2], "message" if "BO_" in digit[1] else "signal"
            self.lines[index] = f"{digit[1]}_{name}{line[digit.end() :]}"
            told = f"{kind} {name} is called _{name} here: a name cannot begin with a digit"
            self._tell(f"_{name}" if kind == "message" else message, told, index)

    def _extended(self, number: int, message: str, index: int) -> int | None:
        if number <= EXTENDED_MAX:
            told = f"{message}: 0x{number:X} is taken for an identifier of 29 bits, though not marked as one"
            self._tell(message, told, index)
            return number | EXTENDED
        self._tell(message, f"{message}: {number} is no CAN identifier; left out", index)
        return None

    def _renumber(self, wide: dict[int, int | None]) -> None:
        leaving = False
        for index, line in enumerate(self.lines):
            keyword = _KEYWORD.match(line)
            if keyword is None or keyword[1] == "SG_":
                if leaving:
                    self.lines[index] = ""
                continue
            about = _BO.match(line) or _OF.match(line)
            number = int(about[2]) if about else -1
            leaving = number in wide and wide[number] is None
            if leaving:
                self.lines[index] = ""
            elif about and number in wide:
                self.lines[index] = f"{about[1]}{wide[number]}{line[about.end(2) :]}"
        for number, new in wide.items():
            name = self.names.pop(number)
            if new is not None:
                self.names[new] = name

    def _check_end(self) -> None:
        """The parser takes a file that ends within a statement, and loses that statement without a word."""
        index = self._start(len(self.lines) - 1)
        keyword = _KEYWORD.match(self.lines[index]) if index >= 0 else None
        if keyword is None or (keyword[1] in _OPEN_ENDED and keyword[1] not in _WHOLE):
            return
        rest = re.sub(r"//.*", "", "\n".join(self.lines[index:])).rstrip()
        if keyword[1] in _WHOLE:
            if not _WHOLE[keyword[1]].match(rest):
                raise Unreadable(f"ends within a statement: {shown(rest)}", index + 1)
        elif not rest.endswith(";"):
            if keyword[1] in _DECODING:
                raise Unreadable(f"ends within a statement: {shown(rest)}", index + 1)
            self._tell("", f"ends within a {keyword[1]} statement, left out; is the file whole?", index)
            self._blank(index)

    def _leave_out_at(self, index: int, column: int) -> bool:
        start = self._start(index)
        if start == index and not self.lines[index][:column].strip():  # the one before lacks its end
            start = self._start(index - 1)
        keyword = _KEYWORD.match(self.lines[start]) if start >= 0 else None
        if keyword is None or keyword[1] in _DECODING:
            return False
        self._tell("", f"{keyword[1]} statement that cannot be read, left out: {shown(self.lines[start])}", start)
        self._blank(start)
        return True

    def _start(self, index: int) -> int:
        while index >= 0 and not _KEYWORD.match(self.lines[index]):
            index -= 1
        return index

    def _leave_out(self, pattern: str, once: bool = False) -> int | None:
        """Blanks the statements that begin so; the index of the first."""
        begins = re.compile(pattern)
        found = [index for index, line in enumerate(self.lines) if begins.match(line)]
        for index in found[: 1 if once else None]:
            self._blank(index)
        return found[0] if found else None

    def _blank(self, index: int) -> None:
        self.lines[index] = ""
        index += 1
        while index < len(self.lines) and not _KEYWORD.match(self.lines[index]):
            self.lines[index] = ""
            index += 1

    def _tell(self, message: str, text: str, index: int | None) -> None:
        if index is not None:
            self.defects.append(Defect(message, text, index + 1))


def shown(text: str) -> str:
    line = " ".join(text.split())
    cut = line if len(line) <= 80 else line[:77] + "..."
    return "".join(character if character.isprintable() else "\ufffd" for character in cut)
