"""Targets by name, as `--asvkit-target` takes them; what a target needs is imported only for it."""

from pathlib import Path
from typing import Final

from asvrig.targets.target import Target
from asvunit.errors import UsageError, nearest

NAMES: Final = ("local", "local-multicast", "pi3-qemu", "ssh:USER@HOST[:PORT]")


def open_target(name: str, folder: Path) -> Target:
    """Opened; its files come into `folder`. UsageError for no target's name, or one that this machine cannot open."""
    folder.mkdir(parents=True, exist_ok=True)
    if name in ("local", "local-multicast"):
        from asvrig.targets.local import local_target

        return local_target(folder, multicast=name != "local")
    if name == "pi3-qemu":
        from asvrig.targets.pi3_qemu import pi3_target

        return pi3_target(folder)
    kind, colon, host = name.partition(":")
    if kind == "ssh" and colon:
        if not host.strip():
            raise UsageError("target ssh: names no machine; give ssh:USER@HOST, as ssh:pi@192.168.1.20")
        from asvrig.targets.ssh import ssh_target

        return ssh_target(folder, host, None)
    hint = nearest(name, NAMES[:-1]) or ";"
    raise UsageError(f"{name!r}: no such target{hint} give one of {', '.join(NAMES)}")


def missing(name: str) -> str:
    """What this machine lacks for a target, as "needs qemu-system-aarch64: ..."; "" where nothing is missing."""
    if name == "local-multicast":
        from asvrig.targets.drivers_multicast import missing as missing_of_multicast

        return missing_of_multicast()
    if name == "pi3-qemu":
        from asvrig.targets.pi3_qemu import missing as missing_of_pi3

        return missing_of_pi3()
    if name.startswith("ssh:"):
        from asvrig.targets.ssh import missing as missing_of_ssh

        return missing_of_ssh()
    return ""
