"""What Spark does for a landing: it reads and writes, row by row, and nothing goes from one task to another."""

from dataclasses import replace

from demo.faithful import generate
from demo.postgres import Server
from tests.conftest import DAY
from tests.runner import Runner

SOURCES = ("call_logs", "customers", "social_media", "web_forms")


def test_a_landing_is_one_stage_so_nothing_is_shuffled(run: Runner, postgres: Server) -> None:
    generate(run.world.root / "sources", [DAY], calls=300, customers=300)
    postgres.load_web_forms(run.world.root / "sources/web_forms")
    postgres.write_secrets(run.world.root / "secrets")
    tracker = run.session().sparkContext.statusTracker()
    before = set(tracker.getJobIdsForGroup())
    outcomes = replace(run, engine="spark")(sources=SOURCES)
    assert [outcome.state for outcome in outcomes] == ["loaded"] * len(SOURCES)
    jobs = [tracker.getJobInfo(job) for job in set(tracker.getJobIdsForGroup()) - before]
    assert len(jobs) == len(SOURCES)
    assert [len(job.stageIds) for job in jobs if job] == [1] * len(SOURCES)
