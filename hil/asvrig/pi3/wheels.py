"""Python packages for the Pi's processor, at the versions installed here: only those that `asvkit run` imports.

Wheels are only unpacked, so pip of any Python fetches them; nothing of them runs on this machine.
"""

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from asvrig.pi3.host import run
from asvunit.errors import AsvkitError

PYTHON: Final = "3.11"  # of the suite
LGPIO: Final = "lgpio==0.2.2.0"  # the unit's extra "pi"; a stub of a lower version exists
NEEDED: Final = (
    "annotated-doc", "annotated-types", "anyio", "argparse-addons", "bitstruct", "cantools", "cffi", "click",
    "colorzero", "crccheck", "cryptography", "gpiozero", "h11", "idna", "markdown-it-py", "mdurl", "msgpack",
    "packaging", "pycparser", "pydantic", "pydantic-core", "pygments", "pynmea2", "pynmeagps", "pyrtcm",
    "pyserial", "python-can", "pyubx2", "rich", "shellingham", "starlette", "textparser", "typer",
    "typing-extensions", "typing-inspection", "uvicorn", "websockets", "wrapt",
)  # fmt: skip
_FROM_SOURCE: Final = frozenset({"textparser"})  # has no wheel, and nothing to compile
_PLATFORMS: Final = (*(f"manylinux_2_{minor}_aarch64" for minor in range(36, 16, -1)), "manylinux2014_aarch64")


def pins() -> list[str]:
    """As they are installed beside this program, and lgpio, which only a Pi has."""
    try:
        return [f"{name}=={version(name)}" for name in NEEDED] + [LGPIO]
    except PackageNotFoundError as error:
        raise AsvkitError(
            f"{error.name} is not installed here, and the emulated Pi takes this Python's versions"
        ) from error


def fetch(folder: Path, wanted: list[str]) -> list[Path]:
    """Downloads the wheels of these pins to a folder of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    what = "Python packages of the emulated Pi"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    wheels = [pin for pin in wanted if pin.partition("==")[0] not in _FROM_SOURCE]
    platforms = [part for name in _PLATFORMS for part in ("--platform", name)]
    tags = ["--python-version", PYTHON, "--implementation", "cp", "--abi", "cp311", "--abi", "abi3", "--abi", "none"]
    run([*pip, "download", "--no-deps", "--only-binary=:all:", *platforms, *tags, "-d", folder, *wheels], what)
    sources = [pin for pin in wanted if pin not in wheels]
    if sources:
        run([*pip, "wheel", "--no-deps", "-w", folder, *sources], what)
    return sorted(folder.glob("*.whl"))
