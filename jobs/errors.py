"""What can go wrong, as types: exit code, how the attempt ended, and whether a retry helps are part of each."""


def inert(text: str, kept: str = "") -> str:
    """Text that may be a supplier's, for a terminal: what cannot be seen, or would move its cursor, as its escape."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in kept else ascii(one)[1:-1] for one in text)


class PlatformError(Exception):
    """Base of all errors a user is meant to read; `exit_code` follows sysexits(3)."""

    exit_code = 70
    retry_helps = False
    attempt = "failed"

    def __str__(self) -> str:
        return inert(super().__str__(), kept="\n\t")


class ContractError(PlatformError):
    """A delivery breaks its source contract: the same bytes will break it again."""

    exit_code = 65
    attempt = "refused"


class ServiceError(PlatformError):
    """A service is down, or answered with a fault that may pass."""

    exit_code = 69
    retry_helps = True


class BalanceError(PlatformError):
    """Rows delivered, landed, rejected and loaded do not add up."""

    exit_code = 65


class DeliveryChangedError(PlatformError):
    """A delivery changed while it was read; the landing is void, a new one reads the new bytes."""

    exit_code = 75
    retry_helps = True


class SupersededError(PlatformError):
    """A newer run of the same day came first: its landing counts."""

    exit_code = 75
    retry_helps = True
    attempt = "superseded"


class HeldError(PlatformError):
    """A correction landed that its source contract holds until somebody approves of it."""

    exit_code = 75
    attempt = "held"


class NotArrivedError(PlatformError):
    """The delivery is not there yet: normal, try later."""

    exit_code = 75
    retry_helps = True
    attempt = "not_arrived"


class ConfigurationError(PlatformError):
    """A file under `conf/`, a secret reference or an argument is wrong."""

    exit_code = 78


class RunError(PlatformError):
    """A run did not land everything it was asked for; names each source and day."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code
