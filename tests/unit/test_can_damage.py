"""Lines of every text format with parts exchanged, doubled and missing: what is read is sound, nothing is raised."""

import random
import re
from pathlib import Path

import pytest

from asvunit.adapters.can_log import CanLog
from asvunit.errors import UsageError

LOGS = {
    "drive.log": [
        "(1795255200.000001) can0 0B4#00000000000017D3 R",
        " (1795255200.000001)  can0  RX B E  123  [12]  00 01 02 03 04 05 06 07 08 09 0A 0B",
        " (2026-11-21 19:00:00.123456)  can0  123   [1]  11",
        "(1795255200.0) can0 123##3001122",
    ],
    "drive.asc": [
        "date Sat Nov 21 10:00:00.000 am 2026",
        "base hex  timestamps absolute",
        "Begin Triggerblock Sat Nov 21 10:05:00.000 2026",
        "0.001 CANFD   1 Rx  123  Name  1 0 9 12 00 01 02 03 04 05 06 07 08 09 0A 0B  101000  149  303000 46500250",
        "1.0 1 18FEF1FEx Rx d 2 01 02 Length = 0 BitCount = 64 ID = 1556",
    ],
    "drive.trc": [
        ";$FILEVERSION=2.1",
        ";$STARTTIME=46347.791666666664",
        ";$COLUMNS=N,O,T,B,I,d,R,L,D",
        f" 1 0.000 FB 2 0300 Rx - 15 {'5A ' * 64}",
        " 2 1.000 DT 1 0301 Rx - 2 00 11",
    ],
    "drive.csv": [
        "Time Stamp,ID,Extended,Dir,Bus,LEN,D1,D2,D3,D4,D5,D6,D7,D8",
        "1795255200000000,000000B4,false,Rx,0,8,00,00,00,00,00,00,17,D3,",
        "1795255200000001,18FEF1FE,true,Tx,1,2,01,02,",
    ],
    "busmaster.log": [
        "***BUSMASTER Ver 3.2.2***",
        "***START DATE AND TIME 20:11:2026 23:59:59:500***",
        "***HEX***",
        "***SYSTEM MODE***",
        "23:59:59:9000 Rx 1 0x0B4 s 2 17 D3 ",
        "00:00:00:1500 Tx 2 0x18FEF1FE x 1 0A ",
    ],
}
ODD = [
    "\N{SUPERSCRIPT TWO}",
    "\N{ARABIC-INDIC DIGIT THREE}",
    "\0",
    "9" * 400,
    "-1",
    "nan",
    "1e999",
    "1e-999",
    "13",
    "[8]",
]


def parts(line: str) -> list[str]:
    return [part for part in re.split(r"([\s,#.:=()\[\];])", line) if part]


@pytest.mark.long
@pytest.mark.parametrize("name", LOGS)
def test_parts_exchanged_doubled_and_missing(tmp_path: Path, name: str) -> None:
    rng = random.Random(name)
    others = sorted({part for lines in LOGS.values() for line in lines for part in parts(line)}) + ODD
    path = tmp_path / name
    read = 0
    for _ in range(300):
        lines = list(LOGS[name])
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(lines))
            pieces = parts(lines[at]) or [""]
            place = rng.randrange(len(pieces))
            pieces[place : place + rng.randrange(2)] = rng.choice([[], [rng.choice(others)], pieces[place : place + 2]])
            lines[at] = "".join(pieces)
        path.write_text("\n".join(lines) + "\n")
        try:
            messages = list(CanLog(path))
        except UsageError:  # no frame is left in it
            continue
        read += len(messages)
        assert all(len(each.data) == each.dlc <= 64 and 0 <= each.timestamp < 2**32 for each in messages)
    assert read > 100
