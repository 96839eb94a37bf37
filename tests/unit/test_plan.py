"""What a run would do is data: each action with its reason, made without a lake, a source or a warehouse."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from jobs.bronze.bronze import Published
from jobs.clients.store import Input
from jobs.config.environment import Environment
from jobs.contracts.source import SourceContract
from jobs.errors import ConfigurationError, NotArrivedError, ServiceError
from jobs.ledger.manifest import Manifest
from jobs.ledger.outcome import Outcome
from jobs.pipeline.look_back import list_days_before
from jobs.pipeline.plan import RunRequest, Seen, Unit, choose_landing_day, make_outcomes, plan

DAYS = tuple(date(2025, 11, day) for day in (20, 21, 22))
OLD, NEW = "20251121T000000000000Z-old0", "20251122T000000000000Z-new0"
HERE, CHANGED = (Input(uri="calls.csv", size=100, etag="1"),), (Input(uri="calls.csv", size=90, etag="2"),)


def contract(*, static: bool = False, name: str = "calls") -> SourceContract:
    return SourceContract.model_validate(
        {
            "name": name,
            "description": "Made up.",
            "system": "s3",
            "key": ["id"],
            "static": static,
            "delivery": {"kind": "csv", "paths": ["calls.csv" if static else "{date}.csv"]},
            "columns": {"id": "id"},
        }
    )


def request(step: str = "run", *, replay: bool = False, static: bool = False, **more: object) -> RunRequest:
    known = {"name": "e", "sources": Path("/s"), "lake": Path("/l"), "warehouse": {"kind": "delta", "path": Path("/b")}}
    environment = Environment.model_validate(known)
    return RunRequest(environment, {"calls": contract(static=static)}, DAYS, step, replay, **more)  # type: ignore[arg-type]


def landed(run_id: str = OLD, day: date = DAYS[0], inputs: tuple[Input, ...] = HERE) -> Manifest:
    at = datetime(2025, 11, 21, tzinfo=UTC)
    return Manifest(
        source="calls", ingest_date=day, run_id=run_id, started_at=at, finished_at=at, code_version="1",
        contract_fingerprint="f", inputs=inputs, rows_delivered=1, rows_landed=1, rows_rejected=0, bytes=1, files=(),
        columns_delivered=("id",), columns_landed=("id",),
    )  # fmt: skip


def planned(asked: RunRequest, **seen: object) -> Unit:
    facts = {"known": None, "inputs": HERE, **seen}
    (unit,) = plan(asked, [Seen(contract(), DAYS[0], **facts)]).units  # type: ignore[arg-type]
    return unit


@pytest.mark.parametrize(
    ("step", "replay", "seen", "action", "why"),
    [
        ("run", False, {}, "land", "new"),
        ("run", False, {"inputs": ()}, "skip", "not arrived"),
        ("run", False, {"known": landed(), "published": Published(OLD, 1)}, "skip", f"unchanged since {OLD}"),
        ("run", False, {"known": landed()}, "load", f"landed by {OLD}; not in Bronze"),
        ("run", False, {"known": landed(NEW), "published": Published(OLD, 1)}, "load", f"Bronze holds {OLD}"),
        ("run", False, {"known": landed(OLD), "published": Published(NEW, 1)}, "skip", f"Bronze holds {NEW}, which"),
        ("run", True, {"known": landed(), "published": Published(OLD, 1)}, "land", "replay"),
        ("run", False, {"known": landed(), "inputs": CHANGED}, "land", "100 bytes before, 90 now"),
        ("run", True, {"known": landed(), "inputs": (), "published": Published(OLD, 1)}, "skip", "gone from"),
        ("run", False, {"inputs": None, "unseen": "cannot be looked at: x"}, "land", "cannot be looked at: x"),
        ("ingest", False, {"known": landed()}, "skip", f"unchanged since {OLD}"),
        ("load", False, {"inputs": None}, "skip", "nothing has landed"),
        ("load", False, {"known": landed(), "inputs": None}, "load", "not in Bronze"),
        ("load", False, {"known": landed(), "inputs": None, "published": Published(OLD, 1)}, "skip", "unchanged"),
        ("load", True, {"known": landed(), "inputs": None, "published": Published(OLD, 1)}, "load", "replay"),
        ("run", False, {"known": landed(), "error": ServiceError("down")}, "skip", "cannot be told: down"),
    ],
)  # fmt: skip
def test_each_unit_has_an_action_and_its_reason(
    step: str, replay: bool, seen: dict[str, object], action: str, why: str
) -> None:
    unit = planned(request(step, replay=replay), **seen)
    assert unit.action == action
    assert why in unit.why


def test_what_has_not_arrived_or_landed_ends_with_an_error_that_says_so() -> None:
    assert isinstance(planned(request(), inputs=(), place="no 2025-11-20.csv").error, NotArrivedError)
    assert isinstance(planned(request("load"), inputs=None).error, NotArrivedError)


def test_a_contract_that_cannot_be_read_is_refused_on_each_day_and_stops_no_other() -> None:
    broken = {"forms": ConfigurationError("forms.toml: no key")}
    units = plan(request(broken=broken), [Seen(contract(), DAYS[0], None, HERE)]).units
    assert [(unit.source, unit.action) for unit in units] == [("calls", "land"), *[("forms", "refuse")] * 3]


def test_a_backfill_of_four_hundred_days_looks_back_before_its_first_one_alone() -> None:
    days = tuple(DAYS[0] + timedelta(days=number) for number in range(400))
    before = list_days_before(replace(request(), days=days), contract())
    assert before == [DAYS[0] - timedelta(days=number) for number in range(7, 0, -1)]
    assert list_days_before(replace(request(), days=(DAYS[0], DAYS[2])), contract())[-1] == DAYS[1]
    assert list_days_before(request(static=True), contract(static=True)) == []
    assert list_days_before(request(replay=True), contract()) == []


def test_what_is_asked_of_an_api_is_asked_again_only_where_its_source_contract_says_so() -> None:
    api = {"kind": "rest", "service": "outages", "path": "/{date}", "items": "data"}
    known = contract().model_dump() | {"system": "rest", "delivery": api}
    assert SourceContract.model_validate(known).days_looked_back == 0
    assert SourceContract.model_validate({**known, "look_back": 2}).days_looked_back == 2


def test_only_what_lands_counts_as_bytes_to_be_read() -> None:
    seen = [Seen(contract(), day, known, HERE) for day, known in zip(DAYS, (None, landed(), None), strict=True)]
    assert plan(request(), seen).bytes == 200


def test_a_static_source_lands_on_the_first_day_asked_for_and_never_before_its_newest_landing() -> None:
    feed = contract(static=True)
    assert choose_landing_day(request(), feed, DAYS[0], None) == DAYS[0]
    assert choose_landing_day(request(), feed, DAYS[0], landed(day=DAYS[2])) == DAYS[2]
    assert choose_landing_day(request(replay=True), feed, DAYS[0], landed(day=DAYS[1])) == DAYS[1]
    assert choose_landing_day(request(replay=True), feed, DAYS[0], landed(day=date(2025, 11, 1))) == DAYS[0]


def test_a_static_source_is_unchanged_on_the_days_that_it_did_not_land() -> None:
    unit = Unit("calls", DAYS[0], "land", "new", contract(static=True))
    outcome = Outcome(source="calls", ingest_date=DAYS[0], state="loaded", run_id=NEW, attempt="loaded")
    states = [(one.ingest_date, one.state) for one in make_outcomes(request(static=True), unit, outcome)]
    assert states == [(DAYS[0], "loaded"), (DAYS[1], "unchanged"), (DAYS[2], "unchanged")]


def test_a_static_landing_that_is_loaded_late_is_told_on_its_day() -> None:
    unit = Unit("calls", DAYS[0], "load", "not in Bronze", contract(static=True), landed())
    outcome = Outcome(source="calls", ingest_date=DAYS[0], state="loaded", run_id=OLD, attempt="loaded")
    later = replace(request(static=True), days=DAYS[1:])
    first, *_ = make_outcomes(later, unit, outcome)
    assert (first.ingest_date, first.attempt) == (DAYS[0], "loaded")


def test_a_rebuild_of_all_days_names_the_contracts_that_cannot_be_read() -> None:
    everything = replace(request("load", broken={"forms": ConfigurationError("forms.toml: no key")}), days=())
    with pytest.raises(ConfigurationError, match="no key"):
        plan(everything, [])
