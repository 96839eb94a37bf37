"""The folder that a run works in, and what killed runs left: theirs goes with the next run, never one still running."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from time import time

from jobs import logs
from jobs.clients import store
from jobs.clients.location import Location
from jobs.ledger.manifest import MANIFEST, REFUSED
from jobs.ledger.outcome import parse_moment

LOCK = ".running"
ABANDONED = timedelta(days=1)  # after which what no lock tells of is a killed run's; a job run ends after four hours


@contextmanager
def held(work: Path, is_shared: bool) -> Iterator[None]:
    """The folder of a run, with a lock that ends with its process; nobody sees the one without the other.

    `is_shared`: tasks on other machines read there, else nobody but this user may.
    """
    starting = work.with_name(f".{work.name}")
    starting.mkdir(parents=True, mode=0o777 if is_shared else 0o700)
    with (starting / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        starting.rename(work)
        try:
            yield
        finally:
            shutil.rmtree(work, ignore_errors=True)


def sweep(lake: Location, work: Path, run_id: str) -> None:
    """Remove what killed runs left: beside `work`, void landings in a folder's raw zone, scratch on S3.

    Below raw/ on S3 nobody but upkeep may delete. What cannot be removed stays; the run goes on.
    """
    for folder in work.parent.glob("*Z-*"):
        if folder.name != run_id and parse_moment(folder.name):
            with suppress(OSError), _if_dead(folder) as is_dead:
                if is_dead:
                    voids = _sweep_raw(lake, folder.name) if isinstance(lake, Path) else 0
                    shutil.rmtree(folder)
                    logs.log_run_fact("swept", run_id, killed=folder.name, void_landings=voids)
    if not isinstance(lake, Path):
        for name in store.list_folders(lake / "scratch"):
            if name != run_id and parse_moment(name) and store.is_older(lake / "scratch" / name, ABANDONED):
                store.discard(lake / "scratch" / name)
                logs.log_run_fact("swept", run_id, killed=name)


@contextmanager
def _if_dead(folder: Path) -> Iterator[bool]:
    """Whether its run was killed; the lock is ours meanwhile. A version without locks is given a day."""
    try:
        lock = (folder / LOCK).open("r+")
    except FileNotFoundError:
        yield time() - folder.stat().st_mtime > ABANDONED.total_seconds()
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield os.path.samestat(os.fstat(lock.fileno()), (folder / LOCK).stat())


def _sweep_raw(lake: Path, run_id: str) -> int:
    """How many landings of a run had no manifest, and went."""
    landings = lake.glob(f"raw/*/ingest_date=*/run_id={run_id}")
    void = [at for at in landings if not any((at / name).exists() for name in (MANIFEST, REFUSED))]
    for landing in void:
        shutil.rmtree(landing)
    return len(void)
