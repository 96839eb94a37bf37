"""What ends a command of ./dbt.sh, and the exit codes, which follow sysexits."""

USAGE, DATA_ERROR, SERVICE, SOFTWARE, TRY_LATER, CONFIGURATION = 64, 65, 69, 70, 75, 78


class BuildError(Exception):
    """What went wrong, as one message for the user, and the exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code
