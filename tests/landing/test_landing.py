import bz2
import csv
import gzip
import io
import json
import logging
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from demo.complaints import HEADERS
from jobs.clients import store
from jobs.contracts.source import load_contracts
from jobs.ledger.ledger import Ledger
from jobs.ledger.manifest import Manifest
from jobs.metadata import METADATA_COLUMNS
from jobs.sources import csv as csv_files
from jobs.sources import packed as packed_files
from jobs.sources.extent import PAGE, RANGE, cut_page_ranges
from jobs.sources.recount import UncountableError, count_delivered
from tests.conftest import AGENTS_FROM_A_FILE, DAY, DAYS, World
from tests.runner import Runner

CALLS = HEADERS["call_logs"]
AGENTS = ("iD", "NamE", "experience", "state")


def csv_of(header: tuple[str, ...], rows: int, first: int = 0, mark: str = "x") -> bytes:
    text = io.StringIO()
    records = [[f"{mark}{column}-{row}" for column in range(len(header))] for row in range(first, first + rows)]
    csv.writer(text, lineterminator="\n").writerows([header, *records])
    return text.getvalue().encode()


def states(run: Runner, *days: date, sources: tuple[str, ...], replay: bool = False) -> list[tuple[str, str]]:
    return [(str(o.ingest_date), o.state) for o in run(*days, sources=sources, replay=replay)]


def test_every_row_carries_its_metadata_as_columns_of_the_file(run: Runner) -> None:
    path = run.world.deliver("call_logs", csv_of((*CALLS, "Queue"), 3))
    (outcome,) = run(sources=("call_logs",))
    rows = run.bronze("call_logs")
    assert tuple(rows[0])[-len(METADATA_COLUMNS) :] == METADATA_COLUMNS
    assert {(row["_source_system"], row["_source_uri"], row["_run_id"], row["ingest_date"]) for row in rows} == {
        ("s3", str(path), outcome.run_id, DAY)
    }
    assert sorted(str(row["_rescued"]) for row in rows) == [f'{{"Queue":"x9-{row}"}}' for row in range(3)]
    assert len({row["_ingested_at"] for row in rows}) == 1
    assert sorted(str(row["call_id"]) for row in rows) == ["x1-0", "x1-1", "x1-2"]


def test_a_second_run_lands_nothing_and_a_replay_lands_anew(run: Runner) -> None:
    run.world.deliver("call_logs", csv_of(CALLS, 3))
    run(sources=("call_logs",))
    before = run.world.raw_files()
    (again,) = run(sources=("call_logs",))
    assert run.world.raw_files() == before
    assert again.state == "loaded"
    (replayed,) = run(sources=("call_logs",), replay=True)
    assert before < run.world.raw_files()
    assert (replayed.state, replayed.corrected, replayed.rows_bronze) == ("loaded", False, 3)
    assert replayed.run_id != again.run_id


def test_a_corrected_delivery_is_seen_and_lands_anew_without_replay(run: Runner) -> None:
    for day in DAYS:
        run.world.deliver("call_logs", csv_of(CALLS, 3), day)
    run(*DAYS, sources=("call_logs",))
    run.world.deliver("call_logs", csv_of(CALLS, 5), DAYS[1])
    outcomes = run(*DAYS, sources=("call_logs",))
    assert [(o.corrected, o.rows_bronze) for o in outcomes] == [(False, 3), (True, 5), (False, 3), (False, 3)]
    assert len({o.run_id for o in outcomes}) == 2


def test_a_day_that_has_not_arrived_is_a_state_and_stops_nobody(run: Runner) -> None:
    run.world.deliver("call_logs", csv_of(CALLS, 3))
    outcomes = {o.source: o for o in run(sources=("call_logs", "social_media"))}
    assert (outcomes["call_logs"].state, outcomes["call_logs"].exit_code) == ("loaded", 0)
    assert (outcomes["social_media"].state, outcomes["social_media"].exit_code) == ("not_arrived", 75)
    assert not (run.world.lake / "raw/social_media").exists()


def test_a_static_source_lands_once_per_content(run: Runner) -> None:
    run.world.deliver("agents", csv_of(AGENTS, 3))
    days = [str(day) for day in DAYS]
    first = states(run, DAYS[1], DAYS[2], sources=("agents",))
    assert first == [(days[1], "loaded"), (days[2], "unchanged")]
    files = run.world.raw_files()
    assert states(run, DAYS[3], sources=("agents",)) == [(days[3], "unchanged")]
    assert states(run, DAYS[3], sources=("agents",), replay=True) == [(days[3], "unchanged")]
    assert states(run, DAYS[0], sources=("agents",)) == [(days[0], "unchanged")]
    assert run.world.raw_files() == files
    assert states(run, DAYS[1], sources=("agents",), replay=True) == [(days[1], "loaded")]
    assert len(run.world.raw_files()) == 2 * len(files)


def test_a_static_source_never_lands_before_its_newest_landing(run: Runner) -> None:
    run.world.deliver("agents", csv_of(AGENTS, 3))
    states(run, DAYS[2], sources=("agents",))
    run.world.deliver("agents", csv_of(AGENTS, 4))
    assert states(run, DAYS[0], sources=("agents",)) == [(str(DAYS[0]), "unchanged"), (str(DAYS[2]), "loaded")]
    (newest,) = [m for m in [Ledger(run.world.lake).find_newest_of_all("agents")] if m]
    assert (newest.ingest_date, newest.rows_landed, newest.corrected) == (DAYS[2], 4, True)


def test_files_of_one_delivery_with_different_headers_are_read_apart(run: Runner) -> None:
    contracts = run.world.root / "contracts"
    contracts.mkdir()
    (contracts / "calls.toml").write_text(
        'description = "several files"\nsystem = "s3"\nkey = ["a"]\n[delivery]\nkind = "csv"\n'
        'paths = ["many/{date}*.csv"]\n[columns]\n"a" = "a"\n"b" = "b"\n'
    )
    run.world.file.write_text(f'contracts = "{contracts}"\n' + run.world.file.read_text())
    folder = run.world.root / "sources/many"
    folder.mkdir()
    (folder / f"{DAY}-1 [x].csv").write_text("a,b\n1,2\n")
    (folder / f"{DAY}-2.csv").write_text("b,c,a\n4,5,3\n")
    (outcome,) = run()
    assert (outcome.rows_delivered, outcome.rows_bronze, outcome.drift) == (2, 2, {"unknown_columns": ["c"]})
    rows = {(row["a"], row["b"], row["_rescued"]) for row in run.bronze("calls")}
    assert rows == {("1", "2", None), ("3", "4", '{"c":"5"}')}


class OnWritten(logging.Handler):
    """Does something at the moment a run logs that its rows are written, before it commits them."""

    def __init__(self, action: Callable[[], object]) -> None:
        super().__init__()
        self._action = action

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage() == "written":
            self._action()


def test_a_delivery_that_changes_while_it_is_read_voids_the_landing(run: Runner) -> None:
    path = run.world.deliver("call_logs", csv_of(CALLS, 300))
    logger = logging.getLogger("jobs")
    logger.setLevel(logging.INFO)
    overwrite = OnWritten(lambda: path.write_bytes(csv_of(CALLS, 300, mark="y")))
    logger.addHandler(overwrite)
    (outcome,) = run(sources=("call_logs",))
    logger.removeHandler(overwrite)
    assert (outcome.state, outcome.exit_code, outcome.retry_helps) == ("failed", 75, True)
    assert "changed while it was read" in (outcome.error or "")
    assert run.world.raw_files() == set()
    (again,) = run(sources=("call_logs",))
    assert (again.state, {str(row["call_id"])[0] for row in run.bronze("call_logs")}) == ("loaded", {"y"})


def test_an_odd_volume_is_reported_or_refused(run: Runner) -> None:
    contracts = run.world.root / "contracts"
    contracts.mkdir()
    text = 'description = "x"\nsystem = "s3"\nkey = ["a"]\nodd_volume = "report"\n[delivery]\nkind = "csv"\n'
    text += 'paths = ["calls/{date}.csv"]\n[columns]\n"a" = "a"\n'
    (contracts / "calls.toml").write_text(text)
    run.world.file.write_text(f'contracts = "{contracts}"\n' + run.world.file.read_text())
    folder = run.world.root / "sources/calls"
    folder.mkdir()
    for day, rows in zip(DAYS, (10, 10, 21, 4), strict=True):
        (folder / f"{day}.csv").write_text("a\n" + "1\n" * rows)
    run(DAYS[0])
    run(DAYS[1])
    (reported,) = run(DAYS[2])
    assert (reported.state, reported.odd_volume) == ("loaded", "21 rows; the median of the last 2 landings is 10")
    (contracts / "calls.toml").write_text(text.replace('"report"', '"refuse"'))
    (refused,) = run(DAYS[3])
    assert (refused.state, refused.exit_code) == ("refused", 65)
    assert not (run.world.lake / f"raw/calls/ingest_date={DAYS[3]}").exists() or not list(
        (run.world.lake / f"raw/calls/ingest_date={DAYS[3]}").rglob("_manifest.json")
    )


def forms(rows: int) -> str:
    return csv_of(HEADERS["web_forms"], rows).decode()


def test_a_postgres_table_lands_whole_and_a_grown_one_lands_again(
    run: Runner, web_forms: Callable[[str], None]
) -> None:
    web_forms(forms(500))
    (outcome,) = run(sources=("web_forms",))
    assert (outcome.state, outcome.rows_delivered, outcome.rows_bronze) == ("loaded", 500, 500)
    assert {row["_source_uri"] for row in run.bronze("web_forms")} == {
        "customer_complaints.web_form_request_2025_11_21"
    }
    web_forms(forms(700))
    (corrected,) = run(sources=("web_forms",))
    assert (corrected.corrected, corrected.rows_bronze) == (True, 700)


def test_a_postgres_that_is_down_is_a_service_error_without_the_password(run: Runner, world: World) -> None:
    for name, value in {"db_host": "127.0.0.1", "db_port": "9", "db_username": "u", "db_password": "hunter2"}.items():
        (world.root / "secrets").mkdir(exist_ok=True)
        (world.root / "secrets" / name).write_text(value)
    for name in ("db_name", "table_schema_name"):
        (world.root / "secrets" / name).write_text("x")
    (outcome,) = run(sources=("web_forms",))
    assert (outcome.state, outcome.exit_code, outcome.retry_helps) == ("failed", 69, True)
    assert "cannot be reached" in (outcome.error or "")
    assert "hunter2" not in json.dumps(outcome.model_dump(mode="json"))


@pytest.mark.parametrize(("delimiter", "encoding"), [(";", "windows-1252"), ("|", "iso-8859-15"), ("\t", "utf-16")])
def test_a_delivery_with_another_delimiter_and_encoding_lands_as_text(
    run: Runner, delimiter: str, encoding: str
) -> None:
    dialect = f"delimiter = {json.dumps(delimiter)}, encoding = {json.dumps(encoding)}"
    text = run.world.file.read_text()
    run.world.file.write_text(f'{text}call_logs = {{ kind = "csv", paths = ["calls_{{date}}.csv"], {dialect} }}\n')
    rows = [[f'"{number}, né, 5 €{delimiter} ""x""\n"' for _ in CALLS] for number in range(200)]
    rows[3][1] = "bare, né"
    lines = [delimiter.join(CALLS), *(delimiter.join(row) for row in rows)]
    bad = delimiter.join(["né"] * (len(CALLS) - 1) + ["\0"])
    (run.world.root / f"sources/calls_{DAY}.csv").write_bytes("\r\n".join([*lines, bad]).encode(encoding))
    (outcome,) = run(sources=("call_logs",))
    assert (outcome.state, outcome.rows_landed, outcome.rows_rejected) == ("loaded", 200, 1), outcome.error
    found = {str(row["call_id"]) for row in run.bronze("call_logs")}
    assert found == {"bare, né"} | {f'{number}, né, 5 €{delimiter} "x"\n' for number in range(200) if number != 3}
    (manifest,) = Ledger(run.world.lake).read_manifests("call_logs")
    (rejected,) = run.rejected(manifest)
    assert (rejected["_reason"], rejected["_raw"][:2]) == ("NUL byte", "né")
    assert counted(run, manifest) == 201


def test_what_stands_around_the_records_is_counted_and_no_line_goes_in_silence(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_files, "SPLIT", 3000)
    options = """skip_rows = 1, comment = "#", escape = '\\', footer = ["T,{rows},", "END"]"""
    delivery = f'{{ kind = "csv", paths = ["calls_{{date}}.csv"], {options} }}'
    run.world.file.write_text(run.world.file.read_text() + f"call_logs = {delivery}\n")
    path = run.world.root / f"sources/calls_{DAY}.csv"
    header, *records = csv_of(CALLS, 200).splitlines(keepends=True)
    records[150] = b'"C:\\\\ \\"x\\"\n"' + b",y" * (len(CALLS) - 1) + b"\n"
    head, tail = b'Calls "of a day\n# made by hand\n' + header, b"short,row\nT,%d,,\r\nEND of file\n\n"
    path.write_bytes(head + b"".join(records[:120]) + b'# "\n' + b"".join(records[120:]) + tail % 201)
    (outcome,) = run(sources=("call_logs",))
    assert (outcome.state, outcome.rows_landed, outcome.rows_rejected) == ("loaded", 200, 1), outcome.error
    assert outcome.lines_apart == {"skipped lines": 1, "comment lines": 2, "footer lines": 2}
    assert 'C:\\ "x"\n' in {row[next(iter(row))] for row in run.bronze("call_logs")}
    (manifest,) = Ledger(run.world.lake).read_manifests("call_logs")
    assert [row["_position"] for row in run.rejected(manifest)] == [206]
    assert counted(run, manifest) == 201
    path.write_bytes(head + b"".join(records) + tail % 203)
    (outcome,) = run(sources=("call_logs",))
    assert "203 rows delivered, 200 landed, 1 rejected: 2 are missing" in (outcome.attempt_error or "")


def test_without_a_header_columns_are_those_of_the_source_contract_by_their_position(run: Runner) -> None:
    delivery = '{ kind = "csv", header = false, paths = ["calls_{date}.csv"] }'
    run.world.file.write_text(run.world.file.read_text() + f"call_logs = {delivery}\n")
    path, row = run.world.root / f"sources/calls_{DAY}.csv", b",".join(b"%d" % at for at in range(len(CALLS)))
    path.write_bytes(b"\xef\xbb\xbf" + row + b"\n" + row)
    (outcome,) = run(sources=("call_logs",))
    assert (outcome.state, outcome.rows_landed, outcome.drift) == ("loaded", 2, {}), outcome.error
    landed = load_contracts(run.world.environment)["call_logs"].columns.values()
    assert [[row[name] for name in landed] for row in run.bronze("call_logs")] == [[*map(str, range(len(CALLS)))]] * 2
    path.write_bytes(row + b",more\n")
    (outcome,) = run(sources=("call_logs",))
    assert "1 of 1 rows cannot land" in (outcome.attempt_error or "")


def packed(run: Runner, source: str, content: bytes, kind: str = "csv", compression: str = "gzip") -> Path:
    if "compression" not in (text := run.world.file.read_text()):
        delivery = f'{{ kind = "{kind}", paths = ["packed_{{date}}*"], compression = "{compression}" }}'
        run.world.file.write_text(f"{text}{source} = {delivery}\n")
    path = run.world.root / f"sources/packed_{DAY}.gz"
    path.write_bytes(content)
    return path


def counted(run: Runner, manifest: Manifest) -> int:
    """By Python's own readers."""
    environment = run.world.environment
    contract = load_contracts(environment, (manifest.source,))[manifest.source]
    return count_delivered(contract, environment, DAY, manifest.inputs)


def test_a_gzip_delivery_lands_as_its_plain_bytes_do(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_files, "SPLIT", 3000)
    plain = csv_of(CALLS, 300) + b"short,row\n"
    half = len(plain) // 2
    members = gzip.compress(plain[:half]) + b"\0" * 70 + gzip.compress(b"") + gzip.compress(plain[half:]) + b"\0"
    path = packed(run, "call_logs", members)
    (outcome,) = run(sources=("call_logs",))
    assert (outcome.state, outcome.rows_landed, outcome.rows_rejected) == ("loaded", 300, 1), outcome.error
    (manifest,) = Ledger(run.world.lake).read_manifests("call_logs")
    assert [(found.uri, found.size) for found in manifest.inputs] == [(str(path), len(members))]
    rows = run.bronze("call_logs")
    assert {row["_source_uri"] for row in rows} == {str(path)}
    assert len({row["call_id"] for row in rows}) == 300
    (rejected,) = run.rejected(manifest)
    assert (rejected["_position"], rejected["_raw"]) == (302, "short,row\n")
    assert run(sources=("call_logs",))[0].attempt == "unchanged"
    assert counted(run, manifest) == 301
    path.write_bytes(gzip.compress(plain)[:-1])
    cut = store.look(run.world.root / "sources", path.name)
    with pytest.raises(UncountableError, match="EOFError"):
        counted(run, manifest.model_copy(update={"inputs": cut}))
    assert [*run.world.lake.joinpath("scratch").rglob("*")] == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (gzip.compress(csv_of(CALLS, 300))[:-9], "its gzip data end too soon"),
        (gzip.compress(csv_of(CALLS, 300))[:-5] + b"\1" * 5, "its gzip data cannot be read"),
        (gzip.compress(csv_of(CALLS, 300)) + b"more", "its gzip data cannot be read"),
        (csv_of(CALLS, 300), "its gzip data cannot be read"),
        (b"", "its gzip data end too soon"),
        (gzip.compress(b""), "the file is empty"),
        (gzip.compress(gzip.compress(csv_of(CALLS, 3))), "gzip data under another name"),
    ],
    ids=["cut off", "sums differ", "something behind it", "plain", "empty", "of nothing", "twice"],
)
def test_gzip_that_is_not_whole_is_refused(run: Runner, content: bytes, why: str) -> None:
    path = packed(run, "call_logs", content)
    (outcome,) = run(sources=("call_logs",))
    assert (outcome.state, outcome.exit_code) == ("refused", 65)
    assert f"{path}: {why}" in (outcome.error or "")
    assert [*run.world.lake.joinpath("scratch").rglob("*")] == []


def zipped(content: bytes) -> bytes:
    with zipfile.ZipFile(file := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("day.csv", content)
    return file.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "zstd": lambda content: bytes(pa.Codec("zstd").compress(content, asbytes=True)),
    "zip": zipped,
}


@pytest.mark.parametrize("compression", PACKERS)
def test_csv_and_json_come_packed_in_four_ways_and_are_counted_again(run: Runner, compression: str) -> None:
    lines = [json.dumps(dict.fromkeys(HEADERS["social_media"], str(number))) for number in range(50)]
    packed(run, "social_media", PACKERS[compression]("\n".join(lines).encode()), "json", compression)
    (outcome,) = run(sources=("social_media",))
    assert (outcome.state, outcome.rows_bronze) == ("loaded", 50), outcome.error
    run.world.file.write_text(
        run.world.file.read_text().replace("social_media", "call_logs").replace('"json"', '"csv"')
    )
    path = packed(run, "call_logs", PACKERS[compression](csv_of(CALLS, 300)))
    (outcome,) = run(sources=("call_logs",))
    assert (outcome.state, outcome.rows_bronze) == ("loaded", 300), outcome.error
    (manifest,) = Ledger(run.world.lake).read_manifests("call_logs")
    assert counted(run, manifest) == 300
    path.write_bytes(path.read_bytes()[:-30])
    (outcome,) = run(sources=("call_logs",))
    assert (outcome.attempt, outcome.exit_code) == ("refused", 65)
    assert [*run.world.lake.joinpath("scratch").rglob("*")] == []


def test_a_file_that_becomes_more_than_its_size_allows_is_refused_and_leaves_nothing(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed_files, "ROOM", 2**20)
    content = gzip.compress(csv_of(CALLS, 3) + b"," * 2**24)
    path = packed(run, "call_logs", content)
    (outcome,) = run(sources=("call_logs",))
    assert (outcome.state, outcome.exit_code) == ("refused", 65)
    assert f"{path}: unpacked it has more than {200 * len(content)} bytes" in (outcome.error or "")
    assert [*run.world.lake.joinpath("scratch").rglob("*")] == []


def test_keys_of_json_have_aliases_and_may_be_absent_too(run: Runner) -> None:
    shipped = run.world.environment.contracts / "social_media.toml"
    (folder := run.world.root / "contracts").mkdir()
    text = f'optional = ["media_channel"]\n{shipped.read_text()}[aliases]\ncomplaint_id = ["complaintId!"]\n'
    (folder / shipped.name).write_text(text)
    run.world.file.write_text(f'contracts = "{folder}"\n' + run.world.file.read_text().replace(AGENTS_FROM_A_FILE, ""))
    record = dict.fromkeys(HEADERS["social_media"], "x") | {"complaintId!": "y"}
    del record["media_channel"], record["complaint_id"]
    run.world.deliver("social_media", b"\n".join([json.dumps(record).encode()] * 3))
    (outcome,) = run(sources=("social_media",))
    assert (outcome.state, outcome.drift) == ("loaded", {"absent_columns": ["media_channel"]}), outcome.error
    assert [row["complaint_id"] for row in run.bronze("social_media")] == ["y"] * 3


def test_page_ranges_cover_a_table_once() -> None:
    pages = RANGE // PAGE
    assert cut_page_ranges(range(0), 0) == cut_page_ranges(range(pages), RANGE) == ("ctid >= '(0,0)'::tid",)
    assert cut_page_ranges(range(2 * pages + 1), 2 * RANGE + 1) == (
        f"ctid >= '(0,0)'::tid and ctid < '({pages},0)'::tid",
        f"ctid >= '({pages},0)'::tid and ctid < '({2 * pages},0)'::tid",
        f"ctid >= '({2 * pages},0)'::tid",
    )
