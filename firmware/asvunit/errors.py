"""What the user is told: one line saying what, where, and the mend. Raised anywhere, printed by the command."""


class AsvkitError(Exception):
    """It ran and found a failure: exit code 1."""

    exit_code = 1


class UsageError(AsvkitError):
    """Wrong usage, configuration or input file: exit code 2. The text names the file and the key."""

    exit_code = 2
