"""What may be told of an error that a library raised, and of a value that may tell of a person.

A library's text may quote a cell, a key, a literal of a statement or an address with a secret in it. So it is told only
where it is known not to: by its type, by its SQLSTATE, or by its own fixed words. Else it is told what was raised, and
where. Imports nothing of the project's: dbt's environment, which has no such package, loads this file by itself.
"""

import re
import traceback
from pathlib import Path
from typing import Any

HIDDEN = "its text may quote what was read and is not shown"
MOST = 500  # characters of a library's text
_ROOT = Path(__file__).resolve().parents[1]

# Types whose texts name places, rights and codes, those derived from them included.
_TELLING = {
    "botocore.exceptions.ClientError",
    "botocore.exceptions.ConfigNotFound",
    "botocore.exceptions.ConfigParseError",
    "botocore.exceptions.HTTPClientError",
    "botocore.exceptions.InvalidRegionError",
    "botocore.exceptions.NoCredentialsError",
    "botocore.exceptions.NoRegionError",
    "botocore.exceptions.PartialCredentialsError",
    "botocore.exceptions.ProfileNotFound",
    "builtins.ImportError",
    "_internal.CommitFailedError",  # of delta-rs
    "_internal.TableNotFoundError",
    "google.api_core.exceptions.Conflict",
    "google.api_core.exceptions.Forbidden",
    "google.api_core.exceptions.NotFound",
    "google.api_core.exceptions.ServerError",
    "google.api_core.exceptions.TooManyRequests",
    "google.api_core.exceptions.Unauthorized",
    "py4j.protocol.Py4JError",
}
# Snowflake's classes of SQLSTATE about connections, rights, objects, resources and the statement itself; not data (22),
# constraints (23), what scripts raise (P0). Postgres' prove nothing: a function raises any, with any text.
_TELLING_STATES = ["00", "01", "02", "08", "0A", "25", "26", "28", "3D", "3F", "40", "42", "53", "54", "55", "57", "58"]
# What stands before a sentence, and quotes nothing: classes of errors, Spark's story of a task, a request's address.
_HEAD = re.compile(
    r"(?:[A-Za-z_$][\w$]*(?:\.[\w$]+)*(?:Exception|Error): +"
    r"|Job aborted due to stage failure: .*?\(\S+ executor \S+\): +"
    r"|\[[A-Z_.0-9]+\] +"
    r"|(?:Conversion|Constraint|Internal|Invalid Input|Invalid Type|Mismatch Type|Out of Range) Error: +"
    r"|\d{6} \(\w{5}\): +(?:[0-9a-f-]{36}: +)?"
    r"|(?:ERROR|FATAL): +|(?:\d{3} )?(?:GET|POST|PUT|DELETE) https?://\S+: +|400 )*"
)
_FIXED = re.compile(
    # DuckDB: about names, files and rights
    r"(?:Binder|Catalog|Connection|Dependency|HTTP|IO|INTERRUPT|Not implemented|Out of Memory|Parser|Permission"
    r"|Settings|Syntax|TransactionContext) Error: "
    # Postgres, libpq and the JDBC driver, where no code comes with it
    r"|canceling statement due to |terminating connection due to |server closed the connection unexpectedly"
    r"|the (?:database system|connection) (?:is|was) |no connection to the server|lost synchronization with server"
    r"|could not (?:receive|send) |(?:SSL|TLS) |remaining connection slots|sorry, too many clients"
    r"|permission denied for (?:[a-z]+ ){1,3}\S+\Z"
    r"|password authentication failed|(?:could not import|invalid|a snapshot).*snapshot"
    r"|snapshot \S+ does not exist|query would be affected by row-level security policy for \w+ \S+\Z"
    r"|(?:column|operator|schema|relation|type) \S+ (?:\S+ )?does not exist\Z|syntax error at "
    r"|An I/O error occurred while |This connection has been closed|The connection attempt failed"
    r"|Connection (?:to \S+ )?(?:refused|reset|timed out)|Read timed out"
    # BigQuery
    r"|Access Denied|Not found: |Already Exists: |Syntax error: |Unrecognized name: |No matching signature"
    r"|(?:Transaction is aborted|Could not serialize access) .*due to concurrent update|Resources exceeded"
    r"|Quota exceeded|Exceeded rate limits|Query exceeded|Response too large"
    # Snowflake; gRPC's codes; Spark
    r"|SQL execution internal error"
    r"|(?:UNAVAILABLE|NOT_FOUND|PERMISSION_DENIED|UNAUTHENTICATED|RESOURCE_EXHAUSTED|DEADLINE_EXCEEDED|ALREADY_EXISTS)\b"
    # dbt
    r"|compiled code at |Database error while |Credentials in profile |Could not find profile |Env var required but "
    r"|Generic (?:S3|delta kernel) error: |ExecutorLostFailure |Job \d+ cancelled|SparkContext was shut down"
    r"|No space left on device|Java heap space"
)
_TELLING_JAVA = re.compile(r"(?:java\.net|java\.nio\.file|com\.amazonaws|org\.apache\.http|org\.apache\.hadoop)\.")
_TASK = re.compile(r"jobs\.[\w.]+\.TaskError: +")  # has been described already, where it failed
_OF_DBT = re.compile(r"(?:Compilation|Contract|Dependency|Parsing) Error|Got \d+ result|(?:OK|[A-Z ]+)\b[\w .,()]*\Z")
_IN_ADDRESSES = re.compile(r"(?<=://)[^\s/@]*@|(?<=[\w/])\?[\w.~%-]+=[^\s:]*")
_SNOWFLAKE = re.compile(r"\d{6} \((\w{5})\): ")


def mask(text: str, most: int = MOST) -> str:
    """Letters become x, digits 9, in any alphabet; what separates fields stays, so that a defect can be seen."""
    shape = "".join(_mask(character) for character in text[:most])
    return shape + "…" if len(text) > most else shape


def _mask(character: str) -> str:
    if character.isdigit():
        return "9"
    if character.isalpha() or not character.isascii():
        return "X" if character.isupper() else "x"
    return character


def describe(error: BaseException) -> str:
    """An error in one line: our own by its words, a library's by what of it may be told, and where it was raised."""
    kind, types = type(error).__name__, {f"{one.__module__}.{one.__qualname__}" for one in type(error).__mro__}
    java = find_java(error)
    if "jobs.errors.PlatformError" in types:
        return str(error)
    if java is not None:
        return describe_java(java)
    if isinstance(error, OSError) and error.errno is not None and error.strerror:
        where = f": {error.filename}" if isinstance(error.filename, str) else ""
        return f"{kind}: {_first_line(error.strerror)}{where}"
    if types & _TELLING:
        return f"{kind}: {_first_line(str(error))}"
    told = tell(str(error), getattr(error, "pgcode", None) or getattr(error, "sqlstate", None))
    return f"{kind}: {told}{'' if HIDDEN not in told else _find_place(error)}"


def find_java(error: BaseException) -> Any:
    """The Java exception behind an error of py4j's or PySpark's; else None."""
    return getattr(error, "java_exception", None) or getattr(error, "_origin", None)


def describe_java(exception: Any) -> str:
    """The innermost cause of a Java exception; behind the database's own error, where there is one."""
    causes = find_java_causes(exception)
    of_database = [cause for cause in causes[:-1] if cause.startswith("org.postgresql.")]
    return ": ".join(map(tell, [*of_database[-1:], *causes[-1:]]))


def find_java_causes(exception: Any) -> list[str]:
    """A line for it and each of its causes, as they are: not to be shown."""
    causes = []
    while exception is not None:
        lines = str(exception.toString()).strip().split("\n")
        causes.append(lines[-1 if "PythonException" in lines[0] else 0])  # a task's traceback ends with its error
        exception = exception.getCause()
    return causes


def describe_trace(error: BaseException) -> str:
    """As Python prints it, the causes first, with what `describe` tells in the place of each text."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = f"{describe_trace(cause)}\n\nthen\n\n" if cause else ""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{before}{frames}{type(error).__module__}.{describe(error)}"


def tell(text: str, sqlstate: str | None = None) -> str:
    """A server's or library's sentence, its first line, where it quotes nothing; else what kind of error it is."""
    line = _first_line(text)
    if task := _TASK.search(line):
        return line[task.end() :]
    head = (_HEAD.match(line) or [""])[0]
    of_snowflake = ((code := _SNOWFLAKE.match(line)) and code[1]) or ""
    if of_snowflake[:2] in _TELLING_STATES or _FIXED.match(line, len(head)) or _TELLING_JAVA.match(line):
        return line
    found = sqlstate or of_snowflake
    return f"SQLSTATE {found}; {HIDDEN}" if found else f"{head}{HIDDEN}"


def tell_dbt(message: str) -> str:
    """What dbt says of a node: its own words, and of the warehouse's those that quote nothing."""
    head, _, rest = message.strip().partition("\n")
    if not re.match("(?:Runtime|Database) Error", head):
        return message if _OF_DBT.match(head) else tell(message)
    told = list(dict.fromkeys(tell(line) for line in rest.splitlines() if line.strip()))
    is_named = any(line.endswith(f" {HIDDEN}") for line in told)  # what the hidden text is of
    return "\n  ".join([head, *(line for line in told if line != HIDDEN or not is_named)])


def _first_line(text: str) -> str:
    """Without what an address carries besides host and path."""
    return _IN_ADDRESSES.sub("", text.strip().partition("\n")[0][:MOST])


def _find_place(error: BaseException) -> str:
    """The innermost line of the project's own that it came by."""
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(f"{_ROOT}/")]
    return f", {ours[-1].filename.removeprefix(f'{_ROOT}/')}:{ours[-1].lineno}" if ours else ""
