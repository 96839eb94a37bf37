"""Two runs of one day at once, in every order that chance finds: Bronze ends with the newer one's landing, whole."""

import logging
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from jobs.ledger.ledger import Ledger
from jobs.ledger.outcome import Outcome
from tests.clocks import ONLY, planned
from tests.conftest import DAY
from tests.landing.test_landing import CALLS, csv_of
from tests.runner import Runner

RUNS, SUPPLIER = ("one", "two"), "supplier"


class Turns(logging.Handler):
    """Lets one actor go on at a time, from one line of its log to the next; chance says whose turn it is."""

    def __init__(self, seed: int, actors: tuple[str, ...]) -> None:
        super().__init__()
        self._actors = actors
        self._random, self._changed = random.Random(seed), threading.Condition()
        self._waiting: set[str] = set()
        self._ended: set[str] = set()
        self._turn = ""
        self.taken: list[str] = []

    def createLock(self) -> None:  # noqa: N802 - as logging names it
        """None: others log while one waits."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        if (actor := _find_actor()) in RUNS:
            self.wait(actor, record.getMessage())

    def wait(self, actor: str, event: str) -> None:
        """Until it is this actor's turn; chance decides once all who have not ended wait."""
        with self._changed:
            self._waiting.add(actor)
            self._choose()
            assert self._changed.wait_for(lambda: self._turn == actor, 60), (actor, event, self.taken)
            self._turn = ""
            self._waiting.discard(actor)
            self.taken.append(f"{actor} {event}")

    def end(self, actor: str) -> None:
        with self._changed:
            self._ended.add(actor)
            self._choose()

    def _choose(self) -> None:
        if not self._turn and self._waiting and {*self._actors} == self._waiting | self._ended:
            self._turn = self._random.choice(sorted(self._waiting))
            self._changed.notify_all()


_actors = threading.local()


def _find_actor() -> str:
    """A run's own threads bear its name."""
    return getattr(_actors, "name", "") or threading.current_thread().name.partition(":")[0]


@contextmanager
def in_turns(seed: int, actors: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> Iterator[Turns]:
    turns, logger = Turns(seed, actors), logging.getLogger("jobs")
    level, start = logger.level, threading.Thread.start

    def named(thread: threading.Thread) -> None:
        """Threads of a pool are an actor's, whose thread starts them."""
        if (actor := _find_actor()) in RUNS:
            thread.name = f"{actor}:{thread.name}"
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", named)
    logger.addHandler(turns)
    logger.setLevel(logging.INFO)
    try:
        yield turns
    finally:
        logger.removeHandler(turns)
        logger.setLevel(level)


def overlap(
    run: Runner, seed: int, actors: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> tuple[list[Outcome], list[str]]:
    """Two replays, and a supplier who corrects the delivery meanwhile; their outcomes, and the turns they took."""
    run.world.deliver("call_logs", csv_of(CALLS, 20))
    outcomes: list[Outcome] = []
    with in_turns(seed, actors, monkeypatch) as turns:

        def act(actor: str, what: Callable[[], object]) -> None:
            _actors.name = actor
            try:
                turns.wait(actor, "begins")
                what()
            finally:
                turns.end(actor)

        def replay() -> None:
            go = planned(run)
            turns.wait(_find_actor(), "planned")
            outcomes.append(go())

        deeds = {SUPPLIER: lambda: run.world.deliver("call_logs", csv_of(CALLS, 21))}
        threads = [threading.Thread(target=act, args=(actor, deeds.get(actor, replay))) for actor in actors]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    return outcomes, turns.taken


FEW = (0, 6, 9, 18, 19)  # two of them find a publish that does not look at what Bronze holds
SEEDS = [pytest.param(seed, marks=() if seed in FEW else pytest.mark.slow) for seed in range(25)]


@pytest.mark.parametrize("seed", SEEDS)
def test_of_two_runs_at_once_the_newer_one_ends_in_bronze_whole(
    seed: int, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes, turns = overlap(run, seed, RUNS, monkeypatch)
    assert {one.attempt for one in outcomes} <= {"loaded", "superseded"}, (outcomes, turns)
    assert is_of_the_newest(run, outcomes, turns) == 20


@pytest.mark.parametrize("seed", SEEDS)
def test_so_it_does_where_the_delivery_is_corrected_meanwhile(
    seed: int, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes, turns = overlap(run, seed, (*RUNS, SUPPLIER), monkeypatch)
    assert {one.attempt for one in outcomes} <= {"loaded", "superseded", "failed"}, (outcomes, turns)
    assert {one.error_kind for one in outcomes if one.attempt == "failed"} <= {"DeliveryChangedError"}, turns
    if any(one.attempt == "loaded" for one in outcomes):
        assert is_of_the_newest(run, outcomes, turns) in (20, 21)
    (after,) = run(sources=ONLY)
    assert (after.state, after.rows_bronze) == ("loaded", 21), turns


def is_of_the_newest(run: Runner, outcomes: list[Outcome], turns: list[str]) -> int:
    """The rows that Bronze holds, all of the newest landing, whose run is the one that says so last."""
    newest, rows = Ledger(run.world.lake).find_newest("call_logs", DAY), run.bronze("call_logs")
    assert newest
    assert len(outcomes) == 2, turns
    assert ({row["_run_id"] for row in rows}, len(rows)) == ({newest.run_id}, newest.rows_landed), turns
    (winner,) = (one for one in outcomes if one.attempt_run_id == newest.run_id)
    assert (winner.attempt, winner.rows_bronze) == ("loaded", len(rows)), turns
    for other in (one for one in outcomes if one.attempt == "loaded"):
        assert str(other.attempt_run_id) <= newest.run_id, turns
    return len(rows)
