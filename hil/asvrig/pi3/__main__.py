"""`python -m asvrig.pi3 build`: the emulated Pi's image, built or found; `boot`: one that runs until Ctrl-C."""

import argparse
import sys
import time
from pathlib import Path

from asvrig.pi3.image import build
from asvunit.errors import AsvkitError


def main() -> int:
    """Exit code 1 or 2 with one line where it cannot be."""
    parser = argparse.ArgumentParser(prog="python -m asvrig.pi3", description=__doc__)
    parser.add_argument("what", choices=("build", "boot"))
    parser.add_argument("--folder", type=Path, default=Path("build/pi3"), help="for card and logs (default: build/pi3)")
    arguments = parser.parse_args()
    begun_s = time.monotonic()

    def said(line: str) -> None:
        print(f"{time.monotonic() - begun_s:6.1f} s  {line}", file=sys.stderr, flush=True)  # noqa: T201

    try:
        image = build(said)
        said(f"image: {image.folder}")
        if arguments.what == "boot":
            from asvrig.targets.pi3_qemu import Pi3Target

            target = Pi3Target(arguments.folder, image)
            try:
                said(f"booted in {target.boot_s:.1f} s; Ctrl-C ends it")
                while target.machine.on:
                    time.sleep(0.5)
            finally:
                target.close()
    except AsvkitError as error:
        said(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
