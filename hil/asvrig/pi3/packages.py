"""Debian's packages for the Pi's processor, fetched into a private root of apt: this machine's own is left alone.

No root is needed: apt only downloads, and its state, lists and archives lie in the cache. What was fetched before,
also half of a file, is not fetched again.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from asvrig.pi3.host import KEYRING, run
from asvunit.errors import AsvkitError

SUITE: Final = "bookworm"
MIRROR: Final = "http://deb.debian.org/debian"
MIRROR_NAME: Final = "ASVKIT_DEBIAN_MIRROR"  # of the environment
PACKAGES: Final = (
    "python3", "busybox-static", "iproute2", "iw", "kmod", "can-utils", "wireless-regdb",
)  # fmt: skip
# What maintainers' scripts would need, and nothing here runs
_NOT: Final = ("dpkg", "tar", "debconf", "media-types", "perl-base", "readline-common", "mount", "passwd", "adduser")
_KERNEL: Final = "linux-image-arm64"
_FOLDERS: Final = (
    "etc/apt.conf.d", "etc/preferences.d", "etc/sources.list.d", "state/lists/partial", "cache/archives/partial",
)  # fmt: skip
_DOWNLOAD_S: Final = 1800


@dataclass(frozen=True, slots=True)
class Packages:
    """What was fetched."""

    kernel: Path
    kernel_version: str
    others: tuple[Path, ...]


def mirror() -> str:
    """Of Debian: the environment's, this machine's own if it is a Debian, or the one that everyone has."""
    given = os.environ.get(MIRROR_NAME)
    if given:
        return given.rstrip("/")
    for path in (*sorted(Path("/etc/apt/sources.list.d").glob("*.sources")), Path("/etc/apt/sources.list")):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        found = re.search(r"^(?:URIs:|deb(?: \[[^]]*])?)\s*(\S+/debian)/?(?:\s|$)", text, re.MULTILINE)
        if found:
            return found[1]
    return MIRROR


def fetch(folder: Path) -> Packages:
    """Downloads what lacks; AsvkitError with apt's reason."""
    options = _private_root(folder)
    what = "packages of the emulated Pi"
    apt = ["apt-get", *options, "-q", "-o", "Acquire::Retries=3"]
    run([*apt, "update"], what, timeout_s=_DOWNLOAD_S)
    told = run(["apt-cache", *options, "depends", _KERNEL], what).decode()
    found = re.search(r"Depends: (linux-image-(\S+))", told)
    if found is None:
        raise AsvkitError(f"{what}: {mirror()} has no {_KERNEL} in {SUITE}")
    simulated = run([*apt, "install", "--no-install-recommends", "-s", *PACKAGES], what).decode()
    versions = dict(re.findall(r"^Inst (\S+) \((\S+)", simulated, re.MULTILINE))
    wanted = {name: version for name, version in versions.items() if name not in _NOT}
    wanted[found[1]] = _candidate(options, found[1])
    archives = folder / "cache" / "archives"
    absent = [f"{name}={version}" for name, version in wanted.items() if not _archive(archives, name, version)]
    if absent:
        run([*apt, "download", *absent], what, cwd=archives, timeout_s=_DOWNLOAD_S)
    paths: dict[str, Path] = {}
    for name, version in wanted.items():
        path = _archive(archives, name, version)
        if path is None:
            raise AsvkitError(f"{what}: {name} {version} was not downloaded to {archives}")
        paths[name] = path
    return Packages(paths.pop(found[1]), found[2], tuple(paths.values()))


def _private_root(folder: Path) -> list[str]:
    for name in _FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "state" / "status").touch()
    source = f"deb [arch=arm64 signed-by={KEYRING}] {mirror()} {SUITE} main\n"
    (folder / "etc" / "sources.list").write_text(source, encoding="utf-8")
    settings = {
        "Dir::Etc": folder / "etc",
        "Dir::State": folder / "state",
        "Dir::State::status": folder / "state" / "status",
        "Dir::Cache": folder / "cache",
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "APT::Sandbox::User": "",
        "APT::Update::Post-Invoke": "",
        "Acquire::Languages": "none",
    }
    return [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]


def _candidate(options: list[str], name: str) -> str:
    """The kernel's newest version: it is unpacked, never installed, with none of the tools that start a real one."""
    told = run(["apt-cache", *options, "policy", name], "packages of the emulated Pi").decode()
    found = re.search(r"Candidate: (\S+)", told)
    return found[1] if found else ""


def _archive(archives: Path, name: str, version: str) -> Path | None:
    """That version's file, if it is there; while apt still fetches it, it lies elsewhere."""
    return next(archives.glob(f"{name}_{version.replace(':', '%3a')}_*.deb"), None)
