"""The codec as machine code: taken where it can be, done without where it cannot."""

import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from asvcore import codec
from asvtools import codec_viper_source
from asvtools.codec_source import layout
from asvtools.firmware.measure import BOARD_ARCH
from asvtools.firmware.mpy import compile_package
from asvtools.firmware.ports import NATIVE, Port
from gatetools import FIRMWARE, HERE, cpython

pytestmark = pytest.mark.micropython
SCRIPT = HERE / "run_viper.py"
VIPER = "viper" if platform.machine() in ("x86_64", "AMD64") else "bytecode"


def test_the_committed_file_is_what_the_table_gives() -> None:
    assert (FIRMWARE / "asvcore" / "codec_viper.py").read_text() == codec_viper_source.source(layout())


def test_cpython_never_tries_it() -> None:
    assert cpython(SCRIPT, FIRMWARE).split() == ["bytecode", "kept"]
    code = (
        "import asvcore.codec, sys; print([name for name in sys.modules if 'viper' in name or name == 'micropython'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=FIRMWARE)
    assert done.stdout.strip() == "[]"
    assert isinstance(codec.new_raw(), list)


def test_ports_take_what_they_have(port: Port) -> None:
    chosen = VIPER if port.name == NATIVE else "bytecode"
    assert port.run(SCRIPT, [FIRMWARE]).split() == [chosen, "kept"]


@pytest.mark.parametrize(
    ("march", "chosen"),
    [
        pytest.param(None, "bytecode", marks=pytest.mark.long),
        ("x64", VIPER),
        pytest.param(BOARD_ARCH, "bytecode", marks=pytest.mark.long),
        pytest.param("xtensawin", "bytecode", marks=pytest.mark.long),
    ],
    ids=str,
)
def test_compiled_for_a_processor(port: Port, tmp_path: Path, march: str | None, chosen: str) -> None:
    lib = tmp_path / "lib"
    sizes = compile_package(FIRMWARE / "asvcore", lib / "asvcore", march=march, users=[SCRIPT])
    assert ("codec_viper" in sizes) == (march is not None)
    wanted = chosen if port.name == NATIVE else "bytecode"
    assert port.run(SCRIPT, [lib]).split() == [wanted, "kept"]


def test_refusals_have_the_same_words_on_64_bits(port: Port, tmp_path: Path) -> None:
    script = tmp_path / "refused.py"
    script.write_text(
        "import json, sys\nsys.path.insert(0, sys.argv[1])\nfrom asvcore import codec\n"
        "for index in range(43):\n"
        "    for code in (-1, -257, -(1 << 31), 256, 16384, (1 << 31) - 1):\n"
        "        raw = codec.new_raw()\n        raw[index] = code\n        buffer = bytearray(100)\n"
        "        try:\n            codec.encode_into(raw, buffer)\n            print('done', sum(buffer))\n"
        "        except ValueError as error:\n            print(error, sum(buffer))\n"
    )
    wanted = cpython(script, FIRMWARE)
    assert len(re.findall("is outside", wanted)) > 43 * 3
    assert port.run(script, [FIRMWARE]) == wanted
