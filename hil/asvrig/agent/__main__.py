"""`python3 -m asvrig.agent`: the agent on standard input and output, or on a serial line with `--device`."""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from asvrig.agent.device import open_device, write_all
from asvrig.agent.server import Agent


def main() -> int:
    """Until the line ends, or SIGTERM, SIGINT or SIGHUP; then what it started is ended."""
    parser = argparse.ArgumentParser(prog="python3 -m asvrig.agent", description=__doc__)
    parser.add_argument("--device", help="serial line to the bench, put in raw mode; none: standard input and output")
    parser.add_argument("--baud", type=int, default=115200, help="of the serial line")
    parser.add_argument("--folder", type=Path, default=Path(), help="that relative paths stand in; made if need be")
    arguments = parser.parse_args()
    try:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        folder = arguments.folder.resolve(strict=True)
        reader = writer = open_device(arguments.device, arguments.baud) if arguments.device else -1
    except (OSError, ValueError) as error:
        print(f"agent: {error}", file=sys.stderr)  # noqa: T201
        return 2
    if reader < 0:
        # What anybody prints must not come between the lines
        reader, writer = os.dup(0), os.dup(1)
        os.dup2(2, 1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.set_blocking(reader, True)
    agent = Agent(lambda size: os.read(reader, size), lambda data: write_all(writer, data), folder)

    def end() -> None:
        agent.close()
        os._exit(0)

    def ended(_number: int, _frame: object) -> None:
        # In a thread: the loop may hold what is needed for an orderly end
        threading.Thread(target=end, daemon=True).start()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, ended)
    agent.serve(forever=bool(arguments.device))
    return 0


if __name__ == "__main__":
    sys.exit(main())
