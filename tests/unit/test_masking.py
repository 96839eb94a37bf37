"""What an error of a library's may tell: of real ones that quote what they met, and in the code that tells them."""

import ast
import errno
import io
import json
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import adbc_driver_manager
import botocore.exceptions
import botocore.session
import botocore.validate
import duckdb
import google.api_core.exceptions
import google.auth.exceptions
import gspread.exceptions
import msgspec
import psycopg2
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pydantic
import pytest
import requests
import snowflake.connector.errors
from deltalake import DeltaTable
from pyspark.errors import PySparkValueError

import jobs.__main__ as way_in
from jobs.config.environment import ROOT
from jobs.engines.session import explain_error
from jobs.errors import ContractError
from jobs.masking import HIDDEN, describe, describe_java, describe_trace, mask, tell, tell_dbt
from tests.conftest import World

CANARY = "Xanthippe-4711"


class Customer(pydantic.BaseModel):
    born: int


def ask_duckdb(sql: str) -> Callable[[], object]:
    return lambda: duckdb.connect().execute(sql).fetchall()


def fail(error: BaseException, cause: BaseException | None = None) -> Callable[[], object]:
    def act() -> object:
        raise error from cause

    return act


def raised(act: Callable[[], object]) -> Exception:
    try:
        act()
    except Exception as error:  # noqa: BLE001 - of any library
        return error
    raise AssertionError("nothing was raised")


def made(kind: type[BaseException], **fields: object) -> BaseException:
    """An error as its library makes it, whose own constructor wants a server's answer."""
    error = kind(f"it says {CANARY}")
    error.__dict__.update(fields)
    return error


def answer_of(status: int) -> requests.Response:
    answer = requests.Response()
    answer.status_code, answer.url = status, f"https://api.example/v1?token={CANARY}"
    answer._content = json.dumps({"error": {"code": status, "message": CANARY, "status": "X"}}).encode()
    return answer


QUOTING: dict[str, Callable[[], object]] = {
    "duckdb, a cast": ask_duckdb(f"select cast('{CANARY}' as int)"),
    "duckdb, a key": ask_duckdb(
        f"create table t (k text primary key); insert into t values ('{CANARY}'), ('{CANARY}')"
    ),
    "duckdb, what SQL raises": ask_duckdb(f"select error('{CANARY}')"),
    "duckdb, a date": ask_duckdb(f"select strptime('{CANARY}', '%d')"),
    "arrow, csv": lambda: pyarrow.csv.read_csv(io.BytesIO(f"a,b\n{CANARY}\n".encode())),
    "arrow, a cast": lambda: pyarrow.compute.cast(pa.array([CANARY]), pa.int32()),
    "arrow, a type": lambda: pa.array([1, CANARY]),
    "msgspec": lambda: msgspec.json.decode(f'{{"a": {CANARY}}}'.encode()),
    "msgspec, a type": lambda: msgspec.convert({CANARY: 1}, dict[str, str]),
    "json": lambda: json.loads(CANARY),
    "pydantic": lambda: Customer.model_validate({"born": CANARY}),
    "int": lambda: int(CANARY),
    "a key": lambda: dict[str, str]()[CANARY],
    "an attribute": lambda: getattr(object(), CANARY),
    "unicode": lambda: f"{CANARY}\udc80".encode(),
    "requests, a parameter": lambda: requests.get(f"http://127.0.0.1:9/v1?token={CANARY}", timeout=1),
    "requests, a status": lambda: answer_of(500).raise_for_status(),
    "gspread": lambda: fail(gspread.exceptions.APIError(answer_of(400)))(),
    "google, a value": fail(google.api_core.exceptions.BadRequest(f"Bad int64 value: {CANARY}")),
    "google, a token": fail(google.auth.exceptions.RefreshError("invalid_grant", {"assertion": CANARY})),
    "boto, a parameter": lambda: botocore.session.get_session().create_client("s3", "eu-north-1").get_object(Bucket=1),
    "snowflake": fail(snowflake.connector.errors.ProgrammingError(f"Numeric value '{CANARY}'", 100038, "22018")),
    "postgres": fail(made(psycopg2.DataError)),
    "postgres, between two batches": fail(OSError(f"[libpq] Fetch failed: ERROR: invalid input: {CANARY}")),
    "adbc": fail(
        adbc_driver_manager.DataError(
            f"ERROR: invalid input: {CANARY}", status_code=adbc_driver_manager.AdbcStatusCode.INVALID_ARGUMENT
        )
    ),
    "pyspark": fail(PySparkValueError(error_class="CANNOT_BE_NONE", message_parameters={"arg_name": CANARY})),
}


@pytest.mark.parametrize("name", QUOTING)
def test_what_a_library_quotes_is_not_told(name: str) -> None:
    """Nor by the error that it becomes, nor in a log or on a terminal, causes included."""
    inner = raised(QUOTING[name])
    outer = raised(fail(RuntimeError(CANARY), inner))
    told = [describe(inner), str(explain_error(inner)), describe_trace(outer)]
    assert [text for text in told if CANARY in text] == []
    assert type(inner).__name__ in told[0]
    assert "test_masking.py" in told[2]


def test_the_errors_above_do_quote() -> None:
    """What hides nothing finds nothing: those of the clients' that were made here hold the canary too."""
    quoted = set()
    for name, act in QUOTING.items():
        error = raised(act)
        quoted |= {name} if CANARY in f"{error}{error!r}{error.args}" else set()
    assert len(quoted) > 18, set(QUOTING) - quoted


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/lake/x"), "OSError: No space left on device: /lake/x"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]"), "SSLError: [SSL: WRONG_VERSION_NUMBER]"),
        (socket.gaierror(-2, "Name or service not known"), "gaierror: Name or service not known"),
        (ModuleNotFoundError("No module named 'x'"), "ModuleNotFoundError: No module named 'x'"),
        (botocore.exceptions.NoCredentialsError(), "NoCredentialsError: Unable to locate credentials"),
        (google.api_core.exceptions.NotFound("Not found: Table a.b"), "NotFound: 404 Not found: Table a.b"),
        (google.api_core.exceptions.BadRequest("Syntax error: at [1:2]"), "BadRequest: 400 Syntax error: at [1:2]"),
        (duckdb.CatalogException("Catalog Error: no t!\nLINE 1"), "CatalogException: Catalog Error: no t!"),
        (ContractError("row 7: it is blank"), "row 7: it is blank"),
    ],
)
def test_what_helps_and_quotes_nothing_is_told(error: Exception, told: str) -> None:
    assert describe(error) == told


def test_a_table_that_is_none_is_named(tmp_path: Path) -> None:
    assert HIDDEN not in describe(raised(lambda: DeltaTable(tmp_path)))


def test_what_an_address_carries_is_cut_off() -> None:
    told = tell(f"404 GET https://u:{CANARY}@x.example/v1?token={CANARY}&b=1: Not found: Dataset a")
    assert told == "404 GET https://x.example/v1: Not found: Dataset a"


class Java:
    """As py4j shows an exception."""

    def __init__(self, text: str, cause: "Java | None" = None) -> None:
        self.toString, self.getCause = lambda: text, lambda: cause


STAGE = (
    "org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 1.0 failed 4 times, most "
    "recent failure: Lost task 0.3 in stage 1.0 (TID 3) (10.0.0.1 executor 1): "
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f'org.postgresql.util.PSQLException: ERROR: invalid input syntax: "{CANARY}"', "PSQLException: ERROR: its"),
        (f"{STAGE}java.lang.NumberFormatException: {CANARY}", "executor 1): java.lang.NumberFormatException: its"),
        (f"{STAGE}ExecutorLostFailure (executor 1 exited", "ExecutorLostFailure (executor 1 exited"),
        (
            f"org.apache.spark.SparkRuntimeException: [CAST_INVALID_INPUT] The value '{CANARY}'",
            "[CAST_INVALID_INPUT] its",
        ),
        ("org.postgresql.util.PSQLException: ERROR: canceling statement due to lock timeout", "due to lock timeout"),
        ("java.net.ConnectException: Connection refused", "ConnectException: Connection refused"),
        (
            f"x PythonException: Traceback\n  y\njobs.engines.spark.TaskError: ArrowInvalid: {HIDDEN}",
            "ArrowInvalid: its",
        ),
        (f"x PythonException: Traceback\n  y\nValueError: {CANARY}", "ValueError: its"),
    ],
)
def test_a_java_exception_is_told_by_its_class_and_fixed_words(text: str, told: str) -> None:
    assert told in describe_java(Java("org.apache.spark.SparkException: Job aborted", Java(text)))
    assert CANARY not in describe_java(Java(text))


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("Got 3 results, configured to fail if != 0", "Got 3 results, configured to fail if != 0"),
        ("CREATE VIEW (0 processed)", "CREATE VIEW (0 processed)"),
        (
            "Compilation Error in model x (x.sql)\n  no such column",
            "Compilation Error in model x (x.sql)\n  no such column",
        ),
        (
            f"Runtime Error in model x (x.sql)\n  Conversion Error: Could not convert '{CANARY}'\n\n  LINE 9: {CANARY}",
            f"Runtime Error in model x (x.sql)\n  Conversion Error: {HIDDEN}",
        ),
        (
            f"Database Error in model x (x.sql)\n  Bad int64 value: {CANARY}\n  compiled code at x/x.sql",
            f"Database Error in model x (x.sql)\n  {HIDDEN}\n  compiled code at x/x.sql",
        ),
        (
            "Database Error in model x\n  Not found: Table a:b.c\n",
            "Database Error in model x\n  Not found: Table a:b.c",
        ),
        (CANARY, HIDDEN),
    ],
)
def test_what_dbt_says_of_a_node_is_told_without_rows(message: str, told: str) -> None:
    assert tell_dbt(message) == told


def test_masking_leaves_no_letter_and_no_digit_of_any_alphabet() -> None:
    assert mask("Zoë 李 ٣ a_b\t\\xff") == "Xxx x 9 x_x\t\\xxx"
    assert mask("ab" * 200, 160) == "x" * 160 + "…"


class PanicError(BaseException):
    """As Rust's panics come."""


@pytest.mark.parametrize("error", [ValueError(CANARY), PanicError(CANARY)])
def test_what_nobody_foresaw_ends_with_70_and_shows_where_not_what(
    error: BaseException, world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(way_in, "_find_command", lambda _: lambda _: fail(error)())
    assert way_in.main(["check", "--env", str(world.file)]) == 70
    shown = capsys.readouterr().err
    assert f"error: {type(error).__name__}: {HIDDEN}" in shown
    assert "jobs/__main__.py" in shown
    assert CANARY not in shown


# Where another's error is used: why its text quotes nothing.
KNOWN = {
    ("jobs/config/environment.py", "ValueError"): "of checked_url",
    ("jobs/clients/credentials.py", "ValueError"): "of checked_url",
    ("jobs/clients/s3_session.py", "ValueError"): "of checked_url",
    ("jobs/sources/rest_pages.py", "ValueError"): "of json and of json_text, whose words are fixed",
    ("jobs/config/toml.py", "tomllib.TOMLDecodeError"): "without its key",
    ("jobs/config/toml.py", "ValidationError"): "by describe_mistakes",
    ("jobs/adopt/apis.py", "ValueError"): "of checked_url",
    ("jobs/clients/postgres.py", "psycopg2.OperationalError"): "of libpq, before there are any rows",
    ("jobs/sources/table.py", "adbc.Error"): "of libpq, before there are any rows",
    ("jobs/sources/table.py", "(adbc.Error, OSError, pa.ArrowException)"): "by its SQLSTATE",
    ("jobs/clients/credentials.py", "ValidationError"): "the names of fields",
    ("jobs/sources/json_record.py", "FAULTS"): "which of them it is",
    ("jobs/sources/worksheet.py", "google.auth.exceptions.RefreshError"): "whether it may pass",
    ("jobs/clients/postgres.py", "psycopg2.Error"): "by explain_error, without the word that a notice begins with",
    ("jobs/clients/http.py", "HTTPError"): "as requests' own, which _find_cause tells of",
    ("jobs/pipeline/ingest.py", "Exception"): "whether it was explained",
    (
        "jobs/sources/recount.py",
        "(csv.Error, ValueError, RecursionError, EOFError, gzip.BadGzipFile, zlib.error)",
    ): "places and fixed words",
    ("dbt/export.py", "(OSError, duckdb.IOException)"): "the system's words for its number",
    ("dbt/query.py", "duckdb.Error"): "of the query's words and tables' names: no row was read",
    ("jobs/clients/http.py", "requests.RequestException"): "by _find_cause",
}
FILTERS = (
    "describe",
    "describe_trace",
    "describe_error",
    "describe_refusal",
    "explain_error",
    "tell",
    "tell_exception",
)
TESTS = (ast.In, ast.NotIn)


def uses(handler: ast.ExceptHandler) -> Iterator[str]:
    """What a handler does with the error that it caught, but for handing it on, asking what it is, and filtering it."""
    free = set()
    for node in ast.walk(handler):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2].lstrip("_")
            if name in (*FILTERS, "isinstance", "type", "passing", "halve", "not_opened"):
                free |= {id(one) for one in ast.walk(node)}
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], TESTS):
            free |= {id(one) for one in ast.walk(node)}
        elif isinstance(node, ast.Raise) and node.cause is not None:
            free.add(id(node.cause))
        elif isinstance(node, ast.Attribute) and node.attr in (
            "errno",
            "strerror",
            "pos",
            "start",
            "response",
            "error_count",
        ):
            free |= {id(one) for one in ast.walk(node)}
    for node in ast.walk(handler):
        if isinstance(node, ast.Name) and node.id == handler.name and id(node) not in free:
            yield ast.unparse(handler.type) if handler.type else "all"


def list_ours(modules: dict[Path, ast.Module]) -> set[str]:
    """Errors that the project itself defines."""
    classes = (node for module in modules.values() for node in ast.walk(module) if isinstance(node, ast.ClassDef))
    return {node.name for node in classes if node.name.endswith("Error")}


def test_every_error_of_a_library_goes_through_the_filter() -> None:
    found: dict[tuple[str, str], int] = {}
    paths = [path for folder in ("jobs", "dags", "pages", "dbt") for path in (ROOT / folder).rglob("*.py")]
    modules = {path: ast.parse(path.read_text()) for path in paths}
    ours = list_ours(modules)
    assert {"PlatformError", "BuildError"} < ours
    for path, module in modules.items():
        for node in ast.walk(module):
            if isinstance(node, ast.ExceptHandler) and node.name:
                for kind in uses(node):
                    if kind.rpartition(".")[2] not in ours:
                        found[(str(path.relative_to(ROOT)), kind)] = node.lineno
    assert {place: line for place, line in found.items() if place not in KNOWN} == {}
    assert set(KNOWN) == set(found)
    assert "jobs.masking" in sys.modules
