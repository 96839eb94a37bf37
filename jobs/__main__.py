"""`python -m jobs STEP ...`: the way in, also for Spark's own spark-submit, which starts this file by its path."""

import contextlib
import gc
import os
import stat
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

gc.disable()  # while modules are loaded: nothing of them is garbage, and looking for it costs a small day a twentieth

# There are none; to look for them reads the metadata of every package that is installed.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from jobs.cli import Arguments, parse  # noqa: E402
from jobs.errors import PlatformError  # noqa: E402
from jobs.masking import describe, describe_trace  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (sysexits)."""
    _take_back_stderr()
    try:
        given = parse(arguments)
        run = _find_command(given)
        gc.freeze()  # nor will it be: looked at again and again during a run, it costs a small day a tenth
        gc.set_threshold(50_000)  # what a run makes is seldom garbage that only this finds
        gc.enable()
        return run(given)
    except PlatformError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - Rust's panics too: what Python would print quotes what was read
        if not (isinstance(error, OSError) and error.errno):  # no space, no file: its words say it all
            print(describe_trace(error), file=sys.stderr)
        print(f"error: {describe(error)}", file=sys.stderr)
        return PlatformError.exit_code


def _find_command(given: Arguments) -> Callable[[Arguments], int]:
    """Only the command that is asked for is imported: what needs no Spark must answer at once."""
    match given.command:
        case "ingest" | "load" | "run" if given.master and "PYSPARK_GATEWAY_PORT" not in os.environ:
            from jobs.commands import submit

            return submit.run
        case "ingest" | "load" | "run":
            from jobs.commands import run

            return run.run
        case "status":
            from jobs.commands import status

            return status.run
        case "check":
            from jobs.commands import check

            return check.run
        case "diff":
            from jobs.commands import diff

            return diff.run
        case "approve" | "discard":
            from jobs.commands import decide

            return decide.run
        case "contract":
            from jobs.commands import contract

            return contract.run
        case "adopt":
            from jobs.commands import adopt

            return adopt.run
        case _:
            from jobs.commands import dbt

            return dbt.run


def _take_back_stderr() -> None:
    """spark-submit pours a Python driver's stderr into its own stdout; take back the stderr it was started with."""
    if "PYSPARK_GATEWAY_PORT" in os.environ:
        with contextlib.suppress(OSError):  # no /proc, or a socket: then both stay one
            out, err = (Path(f"/proc/{os.getppid()}/fd/{number}") for number in (1, 2))
            if stat.S_ISREG(err.stat().st_mode) and out.samefile(err):
                return  # one file for both: opened twice, they would write over each other
            theirs = os.open(err, os.O_WRONLY | os.O_APPEND)
            os.dup2(theirs, sys.stderr.fileno())
            os.close(theirs)


if __name__ == "__main__":
    if "dbt" not in sys.argv[1:2]:  # which becomes another program, with rules of its own
        os.umask(0o077 | os.umask(0o077))  # lake, Bronze, logs and scratch hold persons
    sys.exit(main())
