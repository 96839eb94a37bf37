"""The kinds of deliveries: where each is and how it is read; a new one is a class here and a module in jobs/sources."""

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from jobs.config.model import SNAKE_CASE, Name, Strict


def _check_template(template: str) -> str:
    """A path or table with `{date}` or `{date:%Y_%m_%d}` in it; anything else in braces is a mistake."""
    try:
        template.format(date=date(2025, 11, 20))
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError("only {date} or {date:%Y_%m_%d} may stand in braces") from error
    return template


def _checked_path(template: str) -> str:
    """A path that stays below the environment's `sources` and means the same in a folder and on S3."""
    path = _check_template(template).format(date=date(2025, 11, 20))  # of which a format can be a part
    if wrong := {"", ".", ".."} & {*path.split("/")}:
        raise ValueError(f"{sorted(wrong)} as a part of a path: allowed are paths below `sources`, without . and ..")
    if re.search(r"[*]{2}|[?\[\]\\\0]", path):
        raise ValueError("** ? [ ] or a backslash in a path: * within a name is the only pattern, in folders and on S3")
    return template


Compression = Literal["gzip", "bz2", "zstd", "zip"]
Template = Annotated[str, Field(min_length=1)]
Delimiter = Literal[",", ";", "\t", "|"]
DELIMITERS: tuple[Delimiter, ...] = get_args(Delimiter)


class PathsDelivery(Strict):
    """A file, or several by `*`, below the environment's `sources` only; of `paths` the first that is there counts."""

    paths: tuple[Template, ...] = Field(min_length=1)

    _templates = field_validator("paths")(lambda paths: tuple(_checked_path(path) for path in paths))

    @property
    def templates(self) -> tuple[str, ...]:
        """What a day is told by."""
        return self.paths


class FileDelivery(PathsDelivery):
    """Text, packed or not.

    `compression`: of each of the files, whatever they are called. `max_ratio`: as many times its own size as a packed
    file may become, from a GiB on.
    """

    compression: Compression | None = None
    max_ratio: int = Field(default=200, ge=1)


class CsvDelivery(FileDelivery):
    """RFC 4180 with a header line and double quotes; the other fields say where a supplier departs from it.

    `header` false: the columns are those of the source contract, in its order. `footer`: how the last lines begin.
    `multiline` is taken and means nothing any more: whether values hold line ends is found from the data.
    """

    kind: Literal["csv"]
    multiline: bool = False
    delimiter: Delimiter = ","
    quote: Literal['"', "'", ""] = '"'
    escape: Literal["\\", ""] = ""
    comment: Annotated[str, Field(pattern=r"^[!#$%&*+./:<=>?@^_~-]{0,3}$")] = ""
    header: bool = True
    skip_rows: int = Field(default=0, ge=0, le=1000)
    footer: tuple[Annotated[str, Field(min_length=1, pattern=r"^[^\r\n]*$")], ...] = Field(default=(), max_length=20)
    # UTF-16 becomes UTF-8 first. The first 128 bytes of all others are ASCII's: records are cut, then decoded.
    encoding: Annotated[
        str, Field(pattern=r"^(utf-8|utf-16|utf-16-[lb]e|windows-125[0-8]|iso-8859-([1-9]|1[0-13-6]))$")
    ] = "utf-8"

    @model_validator(mode="after")
    def _check_options(self) -> Self:
        if self.escape and not self.quote:
            raise ValueError("escape: a quote is escaped, but quote is ''")
        if self.skip_rows and not self.header:
            raise ValueError("skip_rows: without a header nothing tells what is skipped from the first record")
        if (told := "".join(self.footer)).count("{rows}") > 1:
            raise ValueError("footer: {rows} stands in it more than once")
        try:
            told.encode(self.encoding)
        except UnicodeEncodeError:
            raise ValueError(f"footer: it cannot be written in {self.encoding}") from None
        return self


class JsonDelivery(FileDelivery):
    """An object of columns (pandas `orient="columns"`), an array of records, or JSON lines: told apart by content."""

    kind: Literal["json"]
    # A file that is one object is read by one task as a whole; raise this together with its memory, ten times as much.
    max_value_mb: int = Field(default=64, gt=0, lt=2048)  # a column of Arrow's text holds 2 GiB


class XlsxDelivery(PathsDelivery):
    """A sheet of Excel files: the one of that name, which may hold the day, or the only one there is.

    `header_row`: counted from 1; what is above it is none of the table.
    """

    kind: Literal["xlsx"]
    sheet: Template | None = None
    header_row: int = Field(default=1, ge=1, le=1000)
    max_ratio: int = Field(default=200, ge=1)

    _sheet = field_validator("sheet")(lambda text: text and _check_template(text))


class ParquetDelivery(PathsDelivery):
    """Parquet files, with a column of any type."""

    kind: Literal["parquet"]


class TableDelivery(Strict):
    """A table or view a day; `secret` names the environment's entry that holds the six connection parameters.

    `where`: of one that grows, SQL that is true for the day's rows; `{date}` in it is a literal in quotes. Fields stand
    with each kind: their order is a part of what manifests know a source contract by.
    """

    if TYPE_CHECKING:
        table: Template
        secret: Name
        where: Template | None

    _templates = field_validator("table", "where", check_fields=False)(lambda text: text and _check_template(text))

    @field_validator("table", check_fields=False)
    @classmethod
    def _check_identifier(cls, table: str) -> str:
        if not re.fullmatch(SNAKE_CASE, table.format(date=date(2025, 11, 20)).lower()):
            raise ValueError("only letters, digits and _ outside the braces")
        if len(table.format(date=date(2025, 11, 20))) > 63:
            raise ValueError("longer than the 63 characters that Postgres keeps of a name")
        return table

    @field_validator("where", check_fields=False)
    @classmethod
    def _check_condition(cls, where: str | None) -> str | None:
        if where and re.search(r"[;?]|--|/[*]", where):  # ? is a parameter to JDBC
            raise ValueError("; ? or a comment in it; allowed is one condition on columns, as behind WHERE")
        return where

    @property
    def templates(self) -> tuple[str, ...]:
        """What a day is told by: one of them names it."""
        return (f"{self.table} {self.where or ''}",)

    def select(self, day: date) -> str:
        """The condition for a day's rows; "": all of the table's are."""
        return self.where.format(date=_SqlDate(day)) if self.where else ""


class PostgresDelivery(TableDelivery):
    """Of Postgres.

    `settle`: seconds that the table must stand still before it is read, waited for up to `settle_limit` seconds;
    with 0 a table that grows meanwhile is only reported.
    """

    kind: Literal["postgres"]
    table: Template
    secret: Name
    settle: float = Field(default=0, ge=0)
    settle_limit: float = Field(default=600, ge=0)
    where: Template | None = None


class MysqlDelivery(TableDelivery):
    """Of MySQL or MariaDB."""

    kind: Literal["mysql"]
    table: Template
    secret: Name
    where: Template | None = None


@dataclass(frozen=True)
class _SqlDate:
    """A day that formats as a literal of SQL."""

    day: date

    def __format__(self, form: str) -> str:
        return "'{}'".format(format(self.day, form).replace("'", "''"))


class SheetDelivery(Strict):
    """A worksheet of a Google spreadsheet, its header in row 1.

    `spreadsheet` names the environment's entry with the spreadsheet's id, `secret` that of a service account's key.
    """

    kind: Literal["sheet"]
    spreadsheet: Name
    worksheet: Template
    secret: Name

    _templates = field_validator("worksheet")(_check_template)

    @property
    def templates(self) -> tuple[str, ...]:
        """What a day is told by."""
        return (self.worksheet,)


class LinkPages(Strict):
    """The next page's address comes in the Link header (RFC 8288), or in the answer at `field`."""

    by: Literal["link"]
    field: str | None = None


class CursorPages(Strict):
    """The answer holds at `field` what the next request sends as `parameter`; null, "" or nothing: the last page."""

    by: Literal["cursor"]
    field: str
    parameter: str


class NumberPages(Strict):
    """`parameter` counts the pages from `first`; a page without items is behind the last."""

    by: Literal["number"]
    parameter: str
    first: int = 1


class OffsetPages(Strict):
    """`parameter` counts the items before the page; a page without items is behind the last."""

    by: Literal["offset"]
    parameter: str


Pages = LinkPages | CursorPages | NumberPages | OffsetPages


class HeaderAuth(Strict):
    """`header: prefix + value`, the value of the environment's entry `secret`."""

    secret: Name
    header: str = "Authorization"
    prefix: str = "Bearer "


class RestDelivery(Strict):
    """A REST API's items, page by page as JSON.

    `service` names the environment's entry with the address that `path` is added to; `items` and `total` are dotted
    paths into an answer: its list of items ("": the answer is the list), and how many items all pages have.
    """

    kind: Literal["rest"]
    service: Name
    path: Annotated[str, Field(pattern="^/")]
    parameters: dict[str, str] = {}
    items: str = ""
    total: str | None = None
    auth: HeaderAuth | None = None
    pages: Pages | None = Field(default=None, discriminator="by")
    max_pages: int = Field(default=10_000, ge=1)
    max_page_bytes: int = Field(default=64 * 2**20, ge=1)
    timeout: float = Field(default=60, gt=0)  # seconds without a byte

    _templates = field_validator("path")(_check_template)
    _parameters = field_validator("parameters")(
        lambda parameters: {name: _check_template(value) for name, value in parameters.items()}
    )

    @property
    def templates(self) -> tuple[str, ...]:
        """What a day is told by: one of them names it."""
        return (" ".join([self.path, *self.parameters.values()]),)


Tables = PostgresDelivery | MysqlDelivery
Delivery = CsvDelivery | JsonDelivery | XlsxDelivery | ParquetDelivery | Tables | SheetDelivery | RestDelivery
KINDS = ("csv", "json", "xlsx", "parquet", "postgres", "mysql", "sheet", "rest")
