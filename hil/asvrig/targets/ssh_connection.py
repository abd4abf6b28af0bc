"""To a machine by the system's own ssh: this bench's asvkit sent there, and an agent started that runs from it."""

import gzip
import hashlib
import importlib.util
import io
import shlex
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

from asvrig.agent.client import AgentClient
from asvrig.agent.streams import process_stream
from asvrig.agent.supervisor import last_line
from asvrig.targets.ssh_bench import Host, MachineTable
from asvunit.errors import AsvkitError
from asvunit.resources import data_folder

_PACKAGES: Final = ("asvcore", "asvunit", "asvrig", "asvtools")
_DATA: Final = ("dbc", "scenarios", "hardware")
_OPTIONS: Final = (
    *("-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"),
    *("-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3"),
)
_SEND_S: Final = 120.0
_HELLO_S: Final = 60.0


def missing() -> str:
    """What this machine lacks, as "needs ssh: ..."; "" where nothing is missing."""
    return "" if shutil.which("ssh") else "needs ssh: the package openssh-client"


def connect(host: Host, machine: MachineTable, folder: Path) -> tuple[AgentClient, list[str]]:
    """An agent there that has said hello, and how Python is started there. AsvkitError: what ssh or Python said.

    What ssh says goes to ssh.err in `folder`.
    """
    lacks = missing()
    if lacks:
        raise AsvkitError(f"ssh: {lacks}")
    code = ""
    if machine.install == "checkout":
        packed = pack_code()
        code = f"code-{hashlib.sha256(packed).hexdigest()[:16]}"
        _send(host, machine, code, packed)
    python = [machine.python, "-P", "-m"]
    where = f'PYTHONPATH="$PWD/{code}"' if code else ""
    root = "sudo -n " if machine.sudo else ""
    command = (
        f"mkdir -p {shlex.quote(machine.folder)} && cd {shlex.quote(machine.folder)} && "
        f"exec {root}env {where} {shlex.join([*python, 'asvrig.agent', '--folder', 'unit'])}"
    )
    errors = folder / "ssh.err"
    with errors.open("wb") as said:
        process = subprocess.Popen(  # noqa: S603
            _argv(host, machine, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, bufsize=0,
            start_new_session=True,
        )  # fmt: skip
    client = AgentClient(process_stream(process), host.destination)
    try:
        client.hello(_HELLO_S)
    except AsvkitError as error:
        client.close()
        told = last_line(errors)
        raise AsvkitError(f"ssh:{host.destination}: {told or error}{_mend(told)}") from error
    if machine.install == "installed":
        try:
            check_version(client, machine.python)
        except AsvkitError:
            client.close()
            raise
    return client, python


def check_version(client: AgentClient, python: str) -> None:
    """AsvkitError where the asvkit there is not this bench's."""
    asked = "import importlib.metadata as m; print(m.version('asvkit'))"
    done = client.run([python, "-P", "-c", asked])
    there, ours = done.out.strip(), version("asvkit")
    if done.code or there != ours:
        raise AsvkitError(
            f"{client.name}: {python} there has asvkit {there or 'not at all'}, this bench {ours}; install the same "
            'there, or set machine.install = "checkout"'
        )


def pack_code() -> bytes:
    """This bench's asvkit as one archive, the same bytes for the same files: packages, their data, the version."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        for name, path in _files():
            entry = tarfile.TarInfo(name)
            data = path.read_bytes()
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
        told = f"Metadata-Version: 2.1\nName: asvkit\nVersion: {version('asvkit')}\n".encode()
        entry = tarfile.TarInfo(f"asvkit-{version('asvkit')}.dist-info/METADATA")
        entry.size = len(told)
        archive.addfile(entry, io.BytesIO(told))
    return held.getvalue()


def _files() -> Iterator[tuple[str, Path]]:
    """As a wheel has them: name there, file here."""
    for package in _PACKAGES:
        found = importlib.util.find_spec(package)
        if found is None or not found.submodule_search_locations:
            raise AsvkitError(f"{package}: is not installed here, so it cannot be sent")
        yield from _below(Path(found.submodule_search_locations[0]), package)
    for kind in _DATA:
        yield from _below(data_folder(kind), f"asvunit/data/{kind}")


def _below(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        kept = path.is_file() and "__pycache__" not in inside.parts and inside.parts[0] != "data"
        if kept:
            yield f"{name}/{inside}", path


def _send(host: Host, machine: MachineTable, code: str, packed: bytes) -> None:
    """The archive unpacked in a folder of its own there, unless it is there; older ones go."""
    place = shlex.quote(machine.folder)
    done = _ssh(host, machine, f"mkdir -p {place} && cd {place} && test -e {code}/whole || echo send", b"")
    if b"send" not in done.split():
        return
    command = (
        f"cd {place} && rm -rf code-* && mkdir {code} && gzip -dc | tar -xf - -C {code} && touch {code}/whole && "
        "echo whole"
    )
    if b"whole" not in _ssh(host, machine, command, gzip.compress(packed, 6, mtime=0)).split():
        raise AsvkitError(f"ssh:{host.destination}: asvkit could not be sent to {machine.folder} there; is it full?")


def _ssh(host: Host, machine: MachineTable, command: str, given: bytes) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603
            _argv(host, machine, command), input=given, capture_output=True, timeout=_SEND_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise AsvkitError(f"ssh:{host.destination}: took longer than {_SEND_S:g} s; look at the network") from error
    if done.returncode:
        lines = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
        told = " ".join(lines[-1].split()) if lines else f"ended with code {done.returncode}"
        raise AsvkitError(f"ssh:{host.destination}: {told}{_mend(told)}")
    return done.stdout


def _argv(host: Host, machine: MachineTable, command: str) -> list[str]:
    port = ["-p", str(host.port)] if host.port else []
    return ["ssh", *machine.ssh, *_OPTIONS, *port, "--", host.destination, command]


def _mend(told: str) -> str:
    mends = {
        "Permission denied": "; a key without a password is needed: ssh-copy-id",
        "Host key verification failed": "; connect once by hand: ssh",
        "No module named": "; name a Python with what asvkit needs: machine.python",
        "sudo": "; allow it without a password, or set machine.sudo = false",
    }
    return next((mend for word, mend in mends.items() if word in told), "")
