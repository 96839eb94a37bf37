"""What is asked of one day costs the same requests however many days, runs and landings there were before it."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from jobs.__main__ import main
from jobs.contracts.source import LOOK_BACK
from jobs.ledger.ledger import VOLUME_SPAN
from jobs.ledger.outcome import Outcome, RunReport
from tests.conftest import AGENTS_FROM_A_FILE
from tests.landing.test_landing import AGENTS, CALLS, csv_of
from tests.manifests import manifest_of
from tests.s3.conftest import LAKE_BUCKET, Cloud, cloud_of
from tests.s3.server import Request, Server

DAY = date(2025, 11, 21)
SOURCES = ("call_logs", "agents")
ONLY = ("--date", str(DAY), "--source", SOURCES[0], "--source", SOURCES[1])
Asked = Counter[tuple[str, str]]


def remember(cloud: Cloud, days: int) -> None:
    """A ledger of the days before, as runs leave it; the static source changed daily of late, and monthly long ago."""
    for ago in range(days, 0, -1):
        day = DAY - timedelta(days=ago)
        at = datetime(day.year, day.month, day.day, 23, tzinfo=UTC)
        run_id = f"{at:%Y%m%dT%H%M%S}000000Z-made"
        outcomes = []
        has_changed = ago <= 10 or (day.day == 1 and ago > VOLUME_SPAN.days)
        for source in SOURCES if has_changed else SOURCES[:1]:
            cloud.ledger.put_manifest(manifest_of(run_id, 20, day, CALLS, source))
            known = {"source": source, "ingest_date": day, "state": "loaded", "run_id": run_id, "attempt": "loaded"}
            outcomes.append(Outcome.model_validate({**known, "attempted_at": at, "attempt_run_id": run_id}))
            cloud.ledger.put_attempt(outcomes[-1])
        cloud.ledger.put_report(
            RunReport(
                run_id=run_id, step="run", started_at=at, finished_at=at, exit_code=0, outcomes=tuple(outcomes),
                puts_attempts=True,
            )
        )  # fmt: skip


def asked(cloud: Cloud, *arguments: str) -> Asked:
    """Requests of the lake by kind and folder, Bronze's log apart: it grows with commits, and is checkpointed."""
    first = len(cloud.server.requests)
    main([*arguments, "--env", str(cloud.file)])
    made = [one for one in cloud.server.requests[first:] if one.bucket == LAKE_BUCKET]
    return Counter((_kind(one), _folder(cloud, one)) for one in made if _folder(cloud, one) != "bronze")


def _kind(request: Request) -> str:
    return "LIST" if "list-type" in request.query else request.method


def _folder(cloud: Cloud, request: Request) -> str:
    key = request.query.get("prefix", request.key)
    return key.removeprefix(f"{cloud.prefix}/").partition("/")[0]


def history(server: Server, root: Path, days: int) -> dict[str, Asked]:
    """What a day's `status`, its run, a skip and `status` again asked for, after so many days."""
    root.mkdir()
    cloud = cloud_of(root, server, f"days{days}")
    remember(cloud, days)
    cloud.deliver("agents/agents.csv", csv_of(AGENTS, 20))
    before, look = asked(cloud, "status", *ONLY), asked(cloud, "status", "--check", *ONLY)
    cloud.deliver(f"call logs/call_logs_day_{DAY}.csv", csv_of(CALLS, 20))
    return {
        "status before": before,
        "look": look,
        "run": asked(cloud, "run", *ONLY),
        "run again": asked(cloud, "run", *ONLY),
        "status": asked(cloud, "status", *ONLY),
    }


def test_a_range_is_listed_from_its_first_day_on_not_day_by_day(cloud: Cloud) -> None:
    remember(cloud, 30)
    days = ("--from", str(DAY - timedelta(days=20)), "--to", str(DAY - timedelta(days=1)))
    status = asked(cloud, "status", *days, "--source", "call_logs")
    planned = asked(cloud, "ingest", "--plan", *days, "--source", "call_logs")
    assert status == {("LIST", "raw"): 1, ("GET", "raw"): 20, ("LIST", "attempts"): 1, ("GET", "attempts"): 20}
    back = LOOK_BACK  # and of each day that is looked back at its manifest and its attempt
    assert planned == {
        ("LIST", "raw"): 1, ("GET", "raw"): 20 + back, ("LIST", "attempts"): 1, ("GET", "attempts"): back,
    }  # fmt: skip


@pytest.mark.parametrize("days", [1000])
def test_a_day_costs_the_same_over_ten_days_and_over_many(days: int, server: Server, tmp_path: Path) -> None:
    few, many = history(server, tmp_path / "few", 10), history(server, tmp_path / "many", days)
    assert few == many
    for step, requests in many.items():
        listings = sum(number for (kind, _), number in requests.items() if kind == "LIST")
        assert listings <= 6 * len(SOURCES) + 1, (step, requests)


def test_an_object_of_a_delivery_of_many_costs_seven_requests(cloud: Cloud) -> None:
    """Two to read it, one to write what it became, one for that file's footer; three for Bronze."""
    delivery = 'call_logs = { kind = "csv", paths = ["calls/{date}/*"] }'
    cloud.write(elsewhere=f"{AGENTS_FROM_A_FILE}{delivery}\n")
    made = []
    for day, number in ((DAY, 10), (DAY + timedelta(days=1), 30)):
        for position in range(number):
            cloud.deliver(f"calls/{day}/part-{position:03}.csv", csv_of(CALLS, 2))
        first = len(cloud.server.requests)
        assert main(["run", "--date", str(day), "--source", "call_logs", "--env", str(cloud.file)]) == 0
        made.append(len(cloud.server.requests) - first)
    assert made[1] - made[0] <= 20 * 7 + 10, made
