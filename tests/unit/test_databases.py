"""Databases of cars: four formats, what is wrong with real files, and how the broken ones are refused."""

import random
import re
import textwrap
from collections import Counter
from pathlib import Path

import can
import pytest

from asvunit.errors import UsageError
from asvunit.vehicle import opendbc
from asvunit.vehicle.database import DBC_PATH, LARGE, Loaded, find_database, load_database, search_near

GOOD = """\
VERSION "17"

BU_: ESC BCM

BO_ 180 SPEED: 8 ESC
 SG_ KPH : 7|16@0+ (0.01,0) [0|250] "km/h" BCM
 SG_ ALIVE : 59|4@0+ (1,0) [0|14] "" BCM

BO_ 1556 LEVERS: 8 BCM
 SG_ TURN : 29|2@0+ (1,0) [0|3] "" ESC

BA_DEF_ BO_ "GenMsgCycleTime" INT 0 10000;
BA_DEF_DEF_ "GenMsgCycleTime" 0;
BA_ "GenMsgCycleTime" BO_ 180 20;
VAL_ 1556 TURN 0 "failed" 1 "left" 2 "right" 3 "none" ;
"""


@pytest.fixture(autouse=True)
def _no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if opendbc were not installed, whether it is or not."""
    monkeypatch.setattr(opendbc, "folder", lambda: None)
    monkeypatch.delenv(DBC_PATH, raising=False)


def write(folder: Path, text: str | bytes, name: str = "car.dbc") -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def load(folder: Path, text: str | bytes, name: str = "car.dbc", **options: object) -> Loaded:
    return load_database(write(folder, text, name), **options)  # type: ignore[arg-type]


def refusal(folder: Path, text: str | bytes, name: str = "car.dbc", **options: object) -> str:
    """The one line by which a file is refused, without its path."""
    with pytest.raises(UsageError) as refused:
        load(folder, text, name, **options)
    line = str(refused.value)
    assert "\n" not in line
    assert len(line) - len(str(folder)) < 250
    assert str(folder / name) in line
    return line.replace(str(folder / name), "FILE")


def warned(loaded: Loaded) -> list[str]:
    assert all(one.startswith(f"{loaded.path}: ") for one in loaded.warnings)
    return [one.removeprefix(f"{loaded.path}: ") for one in loaded.warnings]


def decoded(loaded: Loaded, identifier: int, data: bytes) -> dict[str, object]:
    return dict(loaded.database.decode_message(identifier, data, decode_choices=True))  # type: ignore[arg-type]


KPH_40 = bytes.fromhex("0fa0000000000005")


def test_a_sound_dbc_loads_without_a_word(tmp_path: Path) -> None:
    loaded = load(tmp_path, GOOD)
    assert loaded.warnings == ()
    assert loaded.version == "17"
    assert loaded.names == ("SPEED", "LEVERS")
    assert loaded.database.get_message_by_name("SPEED").cycle_time == 20
    assert decoded(loaded, 180, KPH_40) == {"KPH": 40.0, "ALIVE": 5}


def test_kcd_and_sym_and_arxml_are_known_by_their_content_whatever_their_suffix(tmp_path: Path) -> None:
    database = load(tmp_path, GOOD).database
    kcd, sym = database.as_kcd_string(), database.as_sym_string()
    for name, text in (("car.kcd", kcd), ("car.sym", sym), ("car.xml", kcd), ("car.txt", sym), ("car.txt", GOOD)):
        loaded = load(tmp_path, text, name)
        assert set(loaded.names) == {"SPEED", "LEVERS"}, name
        assert decoded(loaded, 180, KPH_40)["KPH"] == 40.0, name


ARXML = """\
<?xml version="1.0" encoding="{encoding}"?>
<AUTOSAR xmlns="http://autosar.org/schema/r4.0"><AR-PACKAGES>
<AR-PACKAGE><SHORT-NAME>Cluster</SHORT-NAME><ELEMENTS><CAN-CLUSTER><SHORT-NAME>Body</SHORT-NAME>
<LONG-NAME><L-4 L="DE">Türen</L-4></LONG-NAME>
<CAN-CLUSTER-VARIANTS><CAN-CLUSTER-CONDITIONAL><BAUDRATE>500000</BAUDRATE><PHYSICAL-CHANNELS>
<CAN-PHYSICAL-CHANNEL><SHORT-NAME>Channel</SHORT-NAME><FRAME-TRIGGERINGS><CAN-FRAME-TRIGGERING>
<SHORT-NAME>Speed_Triggering</SHORT-NAME><FRAME-REF DEST="CAN-FRAME">/Frames/Speed</FRAME-REF>
<CAN-ADDRESSING-MODE>STANDARD</CAN-ADDRESSING-MODE><IDENTIFIER>180</IDENTIFIER></CAN-FRAME-TRIGGERING>
</FRAME-TRIGGERINGS></CAN-PHYSICAL-CHANNEL></PHYSICAL-CHANNELS></CAN-CLUSTER-CONDITIONAL>
</CAN-CLUSTER-VARIANTS></CAN-CLUSTER></ELEMENTS></AR-PACKAGE>
<AR-PACKAGE><SHORT-NAME>Frames</SHORT-NAME><ELEMENTS><CAN-FRAME><SHORT-NAME>Speed</SHORT-NAME>
<FRAME-LENGTH>8</FRAME-LENGTH></CAN-FRAME></ELEMENTS></AR-PACKAGE>
</AR-PACKAGES></AUTOSAR>
"""


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1"])
def test_arxml_loads_in_the_encoding_that_it_declares(tmp_path: Path, encoding: str) -> None:
    loaded = load(tmp_path, ARXML.format(encoding=encoding).encode(encoding), "car.arxml")
    assert loaded.names == ("Speed",)
    assert loaded.warnings == ()
    assert loaded.database.get_message_by_name("Speed").frame_id == 180


OVERLAP = GOOD.replace(" SG_ TURN : 29|2", ' SG_ LAMP : 29|1@0+ (1,0) [0|1] "" ESC\n SG_ TURN : 29|2')
OUTSIDE = GOOD.replace("LEVERS: 8", "LEVERS: 3")


@pytest.mark.parametrize(
    ("text", "defect"),
    [
        (OVERLAP, "LEVERS: signals TURN and LAMP overlap"),
        (OUTSIDE, "LEVERS: signal TURN does not fit in its 3 bytes"),
        (GOOD + '\nCM_ SG_ 180 "of what?";\n',
         'line 17: CM_ statement that cannot be read, left out: CM_ SG_ 180 "of what?";'),
        (GOOD + 'VAL_ 180 GONE 0 "no" ;\n', "line 16: SPEED has no signal GONE, but a VAL_ statement of it"),
        (GOOD + 'BA_ "Undefined" BO_ 180 1;\n', "line 16: attribute Undefined is used but not defined; left out"),
        (GOOD.replace(" KPH :", " 4WD_KPH :"),
         "line 6: signal 4WD_KPH is called _4WD_KPH here: a name cannot begin with a digit"),
        (GOOD.replace("BO_ 180 SPEED", "BO_ 180 4WD"),
         "line 5: message 4WD is called _4WD here: a name cannot begin with a digit"),
        (GOOD.replace("BO_ 1556", 'CM_ "no end"\n\nBO_ 1556'),
         'line 9: CM_ statement that cannot be read, left out: CM_ "no end"'),
        (GOOD.replace(" ;", ""), "line 15: ends within a VAL_ statement, left out; is the file whole?"),
        (GOOD.replace("7|16@0+", "7|0@0+"), "line 6: SPEED: signal KPH has no bits; left out"),
        (GOOD.replace("1556", "180"), "SPEED and LEVERS have the same identifier 0xB4"),
        (GOOD.replace("LEVERS", "SPEED"), "2 messages are called SPEED; the last counts"),
        (GOOD.replace("180", "315000000"),
         "line 5: SPEED: 0x12C684C0 is taken for an identifier of 29 bits, though not marked as one"),
        (GOOD.replace("180", "1075054137"), "line 5: SPEED: 1075054137 is no CAN identifier; left out"),
    ],
)  # fmt: skip
def test_a_defect_that_leaves_the_rest_readable_is_a_warning_that_names_it(
    tmp_path: Path, text: str, defect: str
) -> None:
    loaded = load(tmp_path, text)
    assert warned(loaded) == [defect]
    assert loaded.database.messages


def test_signals_without_a_message_are_no_defect(tmp_path: Path) -> None:
    unassigned = 'BO_ 1073741824 VECTOR__INDEPENDENT_SIG_MSG: 0 Vector__XXX\n SG_ X : 0|8@1+ (1,0) [0|0] "" BCM\n'
    loaded = load(tmp_path, GOOD.replace("BO_ 1556", f"{unassigned}\nBO_ 1556"))
    assert (loaded.warnings, loaded.names) == ((), ("SPEED", "LEVERS"))


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_lines_end_as_on_any_system(tmp_path: Path, end: str) -> None:
    loaded = load(tmp_path, (GOOD + 'BA_ "Undefined" BO_ 180 1;\n').replace("\n", end))
    assert warned(loaded) == ["line 16: attribute Undefined is used but not defined; left out"]


def test_what_is_mended_decodes_as_it_was_meant(tmp_path: Path) -> None:
    wide = load(tmp_path, GOOD.replace("180", "315000000"))
    message = wide.database.get_message_by_name("SPEED")
    assert message.is_extended_frame
    assert message.frame_id == 315_000_000
    assert message.cycle_time == 20
    bare = load(tmp_path, GOOD.replace("(0.01,0)", "(.01,-.5)"))
    assert bare.warnings == ()
    assert decoded(bare, 180, KPH_40)["KPH"] == 39.5
    digit = load(tmp_path, GOOD.replace(" KPH :", " 4WD_KPH :"))
    assert decoded(digit, 180, KPH_40)["_4WD_KPH"] == 40.0


def test_strict_refuses_what_overlaps_and_tells_the_mend(tmp_path: Path) -> None:
    line = refusal(tmp_path, OVERLAP, strict=True, key="car.toml: database")
    mend = "set strict = false if that is known of this car"
    assert line == f"car.toml: database.strict: FILE: LEVERS: signals TURN and LAMP overlap; {mend}"
    assert load(tmp_path, GOOD, strict=True).warnings == ()


def test_known_defects_are_told_only_of_messages_that_are_used(tmp_path: Path) -> None:
    assert load(tmp_path, OVERLAP, strict=False).warnings == ()
    assert load(tmp_path, OVERLAP, strict=False, messages=frozenset({"SPEED"})).warnings == ()
    used = load(tmp_path, OVERLAP, strict=False, messages=frozenset({"LEVERS"}))
    assert warned(used) == ["LEVERS: signals TURN and LAMP overlap"]


def test_of_many_defects_the_first_are_named_and_the_rest_counted(tmp_path: Path) -> None:
    lines = [
        f'BO_ {i} M{i}: 8 A\n SG_ X : 0|8@1+ (1,0) [0|0] "" A\n SG_ Y : 0|8@1+ (1,0) [0|0] "" A\n' for i in range(20)
    ]
    told = warned(load(tmp_path, "\n".join(lines)))
    assert len(told) == 9
    assert (told[0], told[-1]) == ("M0: signals Y and X overlap", "and 12 more such defects")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "FILE: is empty"),
        (b" \r\n\n", "FILE: is empty"),
        (b'VERSION ""\nBU_: A\n', "FILE: has no messages"),
        (bytes(range(256)) * 10, "FILE: is a binary file, no database of messages (DBC, KCD, SYM, ARXML)"),
        (b"hello\n", "FILE: line 1: is no DBC file"),
        (b"<!DOCTYPE html>\n<html><body>404</body></html>", "FILE: is a web page; save the raw file instead"),
        (b"version https://git-lfs.github.com/spec/v1\noid x\n",
         "FILE: is a pointer of git-lfs; fetch the file itself with `git lfs pull`"),
        (b"<CANDELA/>", "FILE: is a diagnostics database (CDD), not one of messages"),
        (b'<?xml version="1.0"?><ODX/>', "FILE: is a diagnostics database (ODX), not one of messages"),
        (b"<note/>", "FILE: is XML with the root element note; KCD has NetworkDefinition, ARXML AUTOSAR"),
        (GOOD.replace("(0.01,0)", "(0.01;0)"),
         'FILE: line 6: no DBC at column 25: " SG_ KPH : 7|16@0+ (0.01>>!<<;0) [0|250] "km/h" BCM"'),
        (GOOD[: GOOD.index(" SG_ ALIVE") + 30], "FILE: line 7: ends within a statement: SG_ ALIVE : 59|4@0+ (1,0) [0"),
        (GOOD + "SIG_VALTYPE_ 180 KPH", "FILE: line 16: ends within a statement: SIG_VALTYPE_ 180 KPH"),
        (GOOD.replace("8 ESC", "eight ESC"), "FILE: line 5: no DBC at column 16"),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_in_one_line_with_line_and_reason(
    tmp_path: Path, content: str | bytes, reason: str
) -> None:
    assert refusal(tmp_path, content).startswith(reason)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("car.kcd", '<NetworkDefinition xmlns="http://kayak.2codeornot2code.org/1.0">\n<Bus name="a"><Me',
         "line 2: unclosed token"),
        ("car.arxml", '<AUTOSAR xmlns="http://autosar.org/schema/r4.0">\n</AUTOSA>', "line 2: mismatched tag"),
        ("car.arxml", '<AUTOSAR xmlns="http://autosar.org/schema/r4.0"></AUTOSAR>', "cannot be understood as ARXML"),
        ("car.sym", 'FormatVersion=6.0 // of the form\nTitle="t"\n\n{SENDRECEIVE}\n\n[A]\nID=100h\nDLC=8\n',
         "line 8: no SYM at column 1"),
        ("car.cdd", "anything", "is a diagnostics database (CDD), not one of messages"),
    ],
)  # fmt: skip
def test_broken_files_of_the_other_formats(tmp_path: Path, name: str, content: str, reason: str) -> None:
    assert f"FILE: {reason}" in refusal(tmp_path, content, name)


def test_a_sym_file_that_ends_within_a_line_is_refused(tmp_path: Path) -> None:
    sym = load(tmp_path, GOOD).database.as_sym_string()
    whole = sym[: sym.rindex('Sig="TURN" 29') + len('Sig="TURN" 29')] if 'Sig="TURN" 29' in sym else sym.rstrip()
    assert load(tmp_path, whole, "car.sym").names
    for cut in (sym[: sym.rindex("Sig=") + 8], sym[: sym.rindex("[") + 4]):
        line = cut.count("\n") + 1
        assert f"FILE: line {line}: ends within a line" in refusal(tmp_path, cut, "car.sym")


@pytest.mark.long
def test_whatever_is_cut_off_or_changed_the_file_loads_or_is_refused_in_one_line(tmp_path: Path) -> None:
    chance = random.Random(5)
    told: Counter[str] = Counter()
    for _ in range(300):
        text = bytearray(GOOD.encode())
        if chance.random() < 0.5:
            del text[chance.randrange(len(text)) :]
        for _ in range(chance.randrange(4)):
            text[chance.randrange(len(text) or 1) : 1] = chance.choice(
                (b'"', b";", b"\xe5", b"-1", b"SG_ ", b"1e999", b"\0")
            )
        try:
            told["warned" if load(tmp_path, bytes(text)).warnings else "loaded"] += 1
        except UsageError as error:
            told["refused" if "\n" not in str(error) else "lines"] += 1
    assert "lines" not in told
    assert told["refused"] > 100
    assert told["loaded"] > 10


def test_a_folder_and_an_absent_file_are_refused(tmp_path: Path) -> None:
    for file in (tmp_path, tmp_path / "absent.dbc"):
        with pytest.raises(UsageError, match=r"database\.file: .*: cannot be read: "):
            load_database(file, key="car.toml: database")


JAPANESE = GOOD.replace('"none"', '"なし"').replace('"left"', '"左折"')
CHINESE = GOOD.replace('"left"', '"左转"').replace('"right"', '"右转"').replace('"none"', '"关闭"')
KOREAN = GOOD.replace('"left"', '"좌회전"').replace('"right"', '"우회전"').replace('"none"', '"없음"')
GERMAN = GOOD.replace('"none"', '"Türöffner außer °C"').replace('"left"', '"Länge"')


@pytest.mark.parametrize(
    ("text", "encoding", "left", "assumed"),
    [
        (JAPANESE, "shift_jis", "左折", "shift_jis"),
        (JAPANESE, "euc_jp", "左折", "euc_jp"),
        (JAPANESE, "utf-8", "左折", "utf-8"),
        (JAPANESE, "utf-8-sig", "左折", ""),
        (JAPANESE, "utf-16", "左折", ""),
        (CHINESE, "gb2312", "左转", "gb2312"),
        (KOREAN, "euc_kr", "좌회전", "cp949"),
        (GOOD.replace('"left"', '"空关"').replace('"none"', '"关"'), "gb2312", "空关", "gb2312"),
        (GERMAN, "cp1252", "Länge", ""),
        (GERMAN, "utf-8", "Länge", "utf-8"),
    ],
)
def test_the_encoding_is_found_and_told_with_its_line(
    tmp_path: Path, text: str, encoding: str, left: str, assumed: str
) -> None:
    loaded = load(tmp_path, text.encode(encoding))
    assert loaded.database.get_message_by_name("LEVERS").signals[0].choices[1] == left  # type: ignore[index]
    told = f'taken for {assumed} because of line 15; encoding = "{assumed}" confirms it'
    assert warned(loaded) == ([told] if assumed else [])
    if encoding not in ("utf-16", "utf-8-sig"):
        assert load(tmp_path, text.encode(encoding), encoding=encoding).warnings == ()


def test_an_encoding_that_the_map_tells_is_kept_and_its_faults_told(tmp_path: Path) -> None:
    loaded = load(tmp_path, GERMAN.encode("cp1252"), encoding="utf-8")
    assert warned(loaded) == ["line 15 is not in utf-8; what it does not know became \ufffd"]
    line = refusal(tmp_path, GOOD, encoding="utf-9", key="car.toml: database")
    assert line.startswith("car.toml: database.encoding: FILE: encoding 'utf-9' is not known")


def many(count: int) -> str:
    messages = [f'BO_ {2**31 + 4096 + i} M{i}: 8 A\n SG_ X : 0|8@1+ (0.5,0) [0|0] "" A\n' for i in range(count)]
    rest = [f'VAL_ {2**31 + 4096 + i} X 1 "on {i}" ;' for i in range(count)]
    return "\n".join(["BU_: A", "", *messages, *rest, 'CM_ BO_ 2147487744 "of M0', 'in two lines";', ""])


def test_of_a_large_dbc_only_the_messages_that_are_needed_are_parsed(tmp_path: Path) -> None:
    loaded = load(tmp_path, many(LARGE + 1), messages=frozenset({"M7", "M1000", "absent"}))
    assert [message.name for message in loaded.database.messages] == ["M7", "M1000"]
    assert len(loaded.names) == LARGE + 1
    assert loaded.names[-1] == f"M{LARGE}"
    assert str(decoded(loaded, 4096 + 1000, b"\1" + bytes(7))["X"]) == "on 1000"
    small = load(tmp_path, many(10), messages=frozenset({"M7"}))
    assert len(small.database.messages) == 10


def test_a_fault_in_what_is_needed_of_a_large_dbc_keeps_its_line(tmp_path: Path) -> None:
    text = many(LARGE + 1).replace(" M7: 8 A\n SG_ X : 0|8@1+ (0.5", " M7: 8 A\n SG_ X : 0|8@1+ (0;5")
    line = text[: text.index("(0;5")].count("\n") + 1
    assert f"FILE: line {line}: no DBC" in refusal(tmp_path, text, messages=frozenset({"M7"}))


IMPORTING = textwrap.dedent("""\
    CM_ "IMPORT _common.dbc";
    CM_ "IMPORT _lamps.dbc";

    BO_ 180 SPEED: 8 ESC
     SG_ KPH : 7|16@0+ (0.01,0) [0|250] "km/h" BCM
    """)
COMMON = 'BO_ 36 KINEMATICS: 8 XXX\n SG_ YAW : 1|10@0+ (0.244,-125) [0|0] "deg/s" XXX\n'
LAMPS = 'BO_ 37 LAMPS: 8 XXX\n SG_ LEFT : 1|1@0+ (1,0) [0|1] "" XXX\n'


def test_imports_of_a_generator_source_are_put_together(tmp_path: Path) -> None:
    write(tmp_path, COMMON, "_common.dbc")
    write(tmp_path, LAMPS, "_lamps.dbc")
    loaded = load(tmp_path, IMPORTING)
    assert loaded.names == ("KINEMATICS", "LAMPS", "SPEED")
    assert loaded.warnings == ()
    assert decoded(loaded, 180, KPH_40) == {"KPH": 40.0}


def test_faults_of_imported_files_are_told_with_their_file_and_line(tmp_path: Path) -> None:
    assert "FILE: line 1: imports _common.dbc, which is not beside it" in refusal(tmp_path, IMPORTING)
    write(tmp_path, COMMON, "_common.dbc")
    write(tmp_path, LAMPS.replace("1|1@0+", "1|x@0+"), "_lamps.dbc")
    assert "FILE: line 2: _lamps.dbc, which it imports: no DBC at column 15" in refusal(tmp_path, IMPORTING)
    write(tmp_path, LAMPS + 'CM_ SG_ 37 "what";\n', "_lamps.dbc")
    assert warned(load(tmp_path, IMPORTING))[0].startswith("line 3: _lamps.dbc: CM_ statement")
    for escape in ("../_common.dbc", "/etc/passwd", ".."):
        assert "which is not beside it" in refusal(tmp_path, IMPORTING.replace("_common.dbc", escape))


def test_files_that_import_each_other_end(tmp_path: Path) -> None:
    write(tmp_path, 'CM_ "IMPORT car.dbc";\n' + COMMON, "_common.dbc")
    write(tmp_path, LAMPS, "_lamps.dbc")
    assert load(tmp_path, IMPORTING).names == ("KINEMATICS", "LAMPS", "SPEED")


def test_where_a_database_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    the_map = tmp_path / "maps" / "car.toml"
    the_map.parent.mkdir()
    write(the_map.parent, GOOD, "cars.dbc")
    with pytest.raises(
        UsageError, match=r"car\.toml: bus\.body\.file: car\.dbc is in none of .*; did you mean cars\.dbc"
    ):
        find_database(the_map, "car.dbc", [tmp_path / "logs"], key="bus.body")
    with pytest.raises(UsageError, match=r"database\.file: .* it comes with opendbc: pip install --no-deps opendbc"):
        find_database(the_map, "car_generated.dbc")
    monkeypatch.setenv(DBC_PATH, str(tmp_path / "far"))
    for folder in ("far", "dbc", "logs", "maps"):  # each before the one before it
        file = write(tmp_path / folder, GOOD)
        assert find_database(the_map, "car.dbc", [tmp_path / "logs"]).resolve() == file.resolve()
    assert [str(folder) for folder in search_near("drives/can/a.log")] == ["drives/can", "drives/dbc"]


def test_the_source_of_a_generated_database_stands_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source = write(tmp_path / "opendbc" / "generator" / "maker", IMPORTING, "car.dbc")
    write(source.parent, COMMON, "_common.dbc")
    write(source.parent, LAMPS, "_lamps.dbc")
    the_map = tmp_path / "car.toml"
    monkeypatch.setenv(DBC_PATH, str(tmp_path / "opendbc"))
    assert find_database(the_map, "car_generated.dbc") == source
    assert find_database(the_map, "car.dbc") == source
    assert load_database(source).names == ("KINEMATICS", "LAMPS", "SPEED")
    monkeypatch.delenv(DBC_PATH)
    monkeypatch.setattr(opendbc, "folder", lambda: tmp_path / "opendbc")  # the installed package is the last place
    assert find_database(the_map, "car_generated.dbc") == source
    made = write(tmp_path / "dbc", GOOD, "car_generated.dbc")
    assert find_database(the_map, "car_generated.dbc").resolve() == made
    with pytest.raises(UsageError, match=r"other_generated\.dbc is in none of"):
        find_database(the_map, "other_generated.dbc")


def test_the_parser_says_nothing_beside_the_warnings(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    load(tmp_path, GOOD.replace("LEVERS", "SPEED"))
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_a_frame_of_the_shared_car_decodes(shared: Path) -> None:
    """The real database with overlaps loads without being told to, and names them."""
    loaded = load_database(shared / "data" / "dbc" / "toyota_new_mc_pt_generated.dbc")
    assert any(re.search("signals .* overlap", one) for one in loaded.warnings)
    frame = can.Message(arbitration_id=0xB4, data=bytes.fromhex("00000000000fa06b"), is_extended_id=False)
    assert decoded(loaded, frame.arbitration_id, bytes(frame.data))["SPEED"] == 40.0
