"""The command's entry: an interrupt while its parts are still being loaded ends it quietly as well."""

import sys


def main() -> None:
    """`asvkit`, and `python -m asvtools`."""
    try:
        from asvtools.cli import main as command
    except KeyboardInterrupt:
        sys.exit(130)
    command()


if __name__ == "__main__":
    main()
