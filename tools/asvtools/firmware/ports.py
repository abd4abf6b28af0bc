"""The MicroPythons that the firmware is tried on: a native one, and the WebAssembly port with 31-bit small integers.

A script runs on each with the same arguments: files and whole folders that these name, as a Path or with their absolute
path, are there under the same path. Neither port lets a script import what is frozen into it and a bare board lacks
(functools, datetime, unittest ...). A script that fails - an exception, an ImportError, `SystemExit(n)` - is a
`ScriptFailed`.

Memory: `Port.measure` runs a script, then the functions that it lists in `STAGES`, and tells the bytes of heap in use
after each, everything unused collected. It is exact on the WebAssembly port (which collects between calls alone: so a
script that allocates much must do so in several stages there); the native one looks at its stack too and may keep a
little more. Differences between two stages count, not the sums.

    import gc
    def imports(): from asvcore.core import Core
    def core(): global unit; unit = Core(Settings())
    STAGES = (imports, core)

ASVKIT_MICROPYTHON=/path/to/micropython adds a third port of the native kind, such as a 32-bit one of one's own.
`python -m asvtools.firmware.ports` tells which are there, and why not.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from asvunit.errors import AsvkitError

NATIVE = "native"
WASM = "wasm"
OWN = "own"
OWN_VARIABLE = "ASVKIT_MICROPYTHON"
PACKAGE = "@micropython/micropython-webassembly-pyscript"
# Where `npm ci` has put it: beside the environment, as the native one is
MODULES = Path(sys.prefix) / "wasm" / "node_modules"

_HERE = Path(__file__).parent
_MARK = "\x01used "  # begins the lines of the stages


class ScriptFailed(AsvkitError):
    """A script ended with an exit code that is not 0."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Port:
    """A MicroPython; `reason` in one line why it is not there, or nothing."""

    name: str
    program: Path | None
    reason: str = ""

    def available(self) -> bool:
        """It can run scripts."""
        return not self.reason

    def run(
        self,
        script: Path,
        args: Sequence[object] = (),
        *,
        files: Mapping[str, Path] | None = None,
        heap_kb: int | None = None,
        timeout_s: float = 120,
    ) -> str:
        """What a script prints. `files`: names in its working folder, which is new and empty, and what they are.

        `heap_kb`: it may use no more; without it, it has enough.
        """
        return self._run(script, args, files or {}, heap_kb, timeout_s, staged=False)

    def measure(
        self,
        script: Path,
        args: Sequence[object] = (),
        *,
        files: Mapping[str, Path] | None = None,
        heap_kb: int | None = None,
        timeout_s: float = 120,
    ) -> dict[str, int]:
        """Bytes of heap in use after each of a script's STAGES by their names, and before all of them as ""."""
        out = self._run(script, args, files or {}, heap_kb, timeout_s, staged=True)
        lines = [line[len(_MARK) :].split(" ") for line in out.splitlines() if line.startswith(_MARK)]
        return {name: int(number) for name, number in lines}

    def _run(
        self,
        script: Path,
        args: Sequence[object],
        files: Mapping[str, Path],
        heap_kb: int | None,
        timeout_s: float,
        *,
        staged: bool,
    ) -> str:
        if self.reason or self.program is None:
            raise AsvkitError(f"MicroPython ({self.name}): {self.reason}")
        script = script.absolute()
        words = [str(arg.absolute() if isinstance(arg, Path) else arg) for arg in args]
        with tempfile.TemporaryDirectory(prefix="asvkit-port-") as folder:
            if self.name == WASM:
                command, given, environment = _wasm(self.program, script, words, files, heap_kb, staged)
            else:
                command, given, environment = _native(self.program, script, words, files, heap_kb, staged, Path(folder))
            try:
                done = subprocess.run(  # noqa: S603 - a script of the caller's
                    command,
                    input=given,
                    cwd=folder,
                    env=environment,
                    capture_output=True,
                    check=False,
                    timeout=timeout_s,
                )
            except subprocess.TimeoutExpired:
                raise AsvkitError(f"{script.name} on {self.name}: no end after {timeout_s:g} s") from None
            except OSError as error:
                raise AsvkitError(f"{self.program}: {error.strerror}") from None
        out = done.stdout.decode(errors="replace")
        if done.returncode:
            told = done.stderr.decode(errors="replace").strip() or out[-1000:].strip() or "it says nothing"
            raise ScriptFailed(f"{script.name} on {self.name}, exit {done.returncode}: {told}", done.returncode)
        return out


def find_ports() -> list[Port]:
    """The native port, the WebAssembly port, and one's own where the environment names it; absent ones with why."""
    ports = [_find_native(), _find_wasm()]
    own = os.environ.get(OWN_VARIABLE)
    if own:
        path = Path(own).absolute()
        ports.append(Port(OWN, path, "" if path.is_file() else f"{OWN_VARIABLE}: no file {own}"))
    return ports


def _find_native() -> Port:
    beside = Path(sys.executable).parent / "micropython"
    found = str(beside) if beside.exists() else shutil.which("micropython")
    if found:
        return Port(NATIVE, Path(found))
    return Port(NATIVE, None, "no micropython in the PATH (the packaged one is for x86-64 Linux)")


def _find_wasm() -> Port:
    node = shutil.which("node")
    if not node:
        return Port(WASM, None, "no node in the PATH")
    if not (MODULES / PACKAGE / "micropython.mjs").is_file():
        return Port(WASM, Path(node), "its npm package is not installed (make gate does it)")
    return Port(WASM, Path(node))


def _native(
    program: Path,
    script: Path,
    words: list[str],
    files: Mapping[str, Path],
    heap_kb: int | None,
    staged: bool,
    folder: Path,
) -> tuple[list[str], bytes | None, dict[str, str]]:
    for name, path in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(path.absolute())
    heap = ["-X", f"heapsize={heap_kb}k"] if heap_kb else []
    stages = [str(_HERE / "native_stages.py")] if staged else []
    # No frozen modules: the search path is the script's folder alone
    environment = dict(os.environ, MICROPYPATH="/nonexistent")
    return [str(program), *heap, *stages, str(script), *words], None, environment


def _wasm(
    program: Path, script: Path, words: list[str], files: Mapping[str, Path], heap_kb: int | None, staged: bool
) -> tuple[list[str], bytes | None, dict[str, str]]:
    copied = [[str(path), str(path)] for path in _beside(script)]
    copied += [[word, word] for word in words if word.startswith("/") and Path(word).exists()]
    copied += [[name, str(path.absolute())] for name, path in files.items()]
    request = {
        "module": (MODULES / PACKAGE / "micropython.mjs").as_uri(),
        "script": str(script),
        "args": words,
        "files": copied,
        "cwd": "/unit",
        "heap": heap_kb and heap_kb * 1024,
        "staged": staged,
        "mark": _MARK,
    }
    return [str(program), str(_HERE / "wasm.mjs")], json.dumps(request).encode(), dict(os.environ)


def _beside(script: Path) -> Iterable[Path]:
    """A script, and what it can import: modules and packages of its folder."""
    yield script
    for path in sorted(script.parent.iterdir()):
        if (path.suffix in (".py", ".mpy") and path != script) or (path / "__init__.py").is_file():
            yield path


def main() -> int:
    """Tell the ports; 1 where one is absent."""
    ports = find_ports()
    for port in ports:
        sys.stdout.write(f"{port.name}: {port.reason or port.program}\n")
    return 0 if all(port.available() for port in ports) else 1


if __name__ == "__main__":
    sys.exit(main())
