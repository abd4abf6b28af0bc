"""A real ssh server of this machine for tests: on a free port, with keys of its own, gone when the test ends."""

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

_PLACES = ("/usr/sbin", "/usr/local/sbin", "/sbin")


class Server:
    """`host` as the target takes it, `options` of ssh to reach it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.host = f"{getpass.getuser()}@127.0.0.1:{port}"
        self.options = [
            *("-F", "none", "-i", str(folder / "key")),
            *("-o", f"UserKnownHostsFile={folder / 'known'}", "-o", "StrictHostKeyChecking=accept-new"),
        ]
        self.process: subprocess.Popen[bytes] | None = None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def server(folder: Path) -> Iterator[Server]:
    """Listening; skips by the name of what is missing."""
    found = next(filter(None, (shutil.which("sshd", path=place) for place in _PLACES)), None)
    if found is None:
        pytest.skip("needs sshd: the package openssh-server")
    if shutil.which("ssh") is None:
        pytest.skip("needs ssh: the package openssh-client")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("host", "key"):
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    port = _free_port()
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder / 'host'}\nPidFile none\nUsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile {folder / 'key.pub'}\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "PermitRootLogin prohibit-password\nLogLevel ERROR\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    made = Server(folder, port)
    with (folder / "sshd.err").open("wb") as errors:
        made.process = subprocess.Popen([found, "-D", "-e", "-f", str(folder / "config")], stderr=errors)
    try:
        until_s = time.monotonic() + 10
        while True:
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if made.process.poll() is not None or time.monotonic() > until_s:
                said = " ".join((folder / "sshd.err").read_text().split())
                pytest.skip(f"needs an sshd that starts: {said}")
            time.sleep(0.02)
        yield made
    finally:
        made.process.terminate()
        made.process.wait(10)
