"""What the analyzer finds in all SQL that goes to BigQuery, and what it makes of each model's columns."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jobs.metadata import METADATA_COLUMNS
from tests.googlesql import kept, project
from tests.googlesql.engine import RefusedError, engine
from tests.googlesql.judge import TABLES, VIEWS
from tests.googlesql.project import PROJECT, ROOT, Node

GOLD = f"`{PROJECT}`.`coretelecoms_gold`"
_SQL = re.compile(r"^```sql\n(.*?)^```", re.MULTILINE | re.DOTALL)
_TYPES = {"_ingested_at": "TIMESTAMP", "ingest_date": "DATE"}
# What dbt adds to a snapshot of dates.
_SNAPSHOT = {"dbt_scd_id": "STRING", "dbt_updated_at": "DATE", "dbt_valid_from": "DATE", "dbt_valid_to": "DATE"}
_BUILD = kept.digest(*((ROOT / path).read_text("utf-8") for path in ("requirements/googlesql.txt",)))

Tables = dict[str, dict[str, str]]
_OF_THE_SERVICE: Tables = {
    f"{PROJECT}.coretelecoms_{layer}.INFORMATION_SCHEMA.{name}": dict(of)
    for layer in ("bronze", "silver", "gold", "gold_private", "gold_build")
    for name, of in VIEWS.items()
}
# models/gold/builds.yml
OF_BUILDS: Tables = {
    f"{PROJECT}.coretelecoms_gold.newest_build": {
        **dict.fromkeys(("build", "version", "building"), "STRING"),
        "building_since": "TIMESTAMP",
    },
    f"{PROJECT}.coretelecoms_gold.build_days": {
        **dict.fromkeys(("feed", "written_by", "build"), "STRING"),
        "ingest_date": "DATE",
    },
    f"{PROJECT}.coretelecoms_gold.builds": {
        **dict.fromkeys(("build", "base", "invocation_id"), "STRING"),
        **dict.fromkeys(("first_day", "last_day"), "DATE"),
        "published_at": "TIMESTAMP",
    },
}
_OF_THE_SERVICE |= {f"{PROJECT}.coretelecoms_gold_build.__TABLES__": TABLES}


@dataclass
class Found:
    """`wrong`: a line each; `tables`: with columns and types as GoogleSQL resolves them; `analysed`: how many."""

    wrong: list[str] = field(default_factory=list)
    tables: Tables = field(default_factory=dict)
    analysed: int = 0

    def look(self, what: str, sql: str) -> dict[str, str]:
        """The columns of its answer; of a statement that is refused none, and then `wrong` says why."""
        self.analysed += 1
        columns, refused = analysis(sql, self.tables)
        if refused:
            self.wrong.append(f"{what}: {refused}")
        return columns


def analysis(sql: str, tables: Mapping[str, Mapping[str, str]]) -> tuple[dict[str, str], str]:
    """Columns, or the refusal: from the cache where statement, tables and analyzer are the same as then."""
    read = {name: dict(columns) for name, columns in tables.items() if name.rpartition(".")[2] in sql}
    key = kept.digest(_BUILD, _language(), sql, repr(sorted(read.items())))
    found = kept.get(key)
    if found is None:
        try:
            found = [engine().analyze(sql, read).columns, ""]
        except RefusedError as error:
            found = [{}, str(error)]
        kept.put(key, found)
    return found[0], found[1]


def _language() -> str:
    return "".join((Path(__file__).parent / f"{name}.py").read_text("utf-8") for name in ("language", "engine", "lint"))


def bronze() -> Tables:
    """As jobs/bronze/bigquery/table.py makes it: text, but for the metadata."""
    found = {}
    for path in sorted((ROOT / "conf/sources").glob("*.toml")):
        contract = tomllib.loads(path.read_text(encoding="utf-8"))
        columns = (*contract["columns"].values(), *METADATA_COLUMNS)
        found[f"{PROJECT}.coretelecoms_bronze.{path.stem}"] = {name: _TYPES.get(name, "STRING") for name in columns}
    return found


def views() -> dict[str, str]:
    """Terraform's of the newest delivery of each source, as an apply fills them in."""
    configuration = (ROOT / "terraform/gcp/datasets.tf").read_text("utf-8")
    (query,) = re.findall(r"<<-SQL\n(.*?)\n\s*SQL\n", configuration, re.DOTALL)
    personal = json.loads((ROOT / "terraform/gcp/personal.json").read_text("utf-8"))
    places = {
        "var.gcp_project_id": PROJECT,
        'google_bigquery_dataset.layer["bronze"].dataset_id': "coretelecoms_bronze",
    }
    filled = {}
    for source, columns in personal.items():
        of_source = {"each.key": source, 'join(", ", keys(local.personal[each.key]))': ", ".join(sorted(columns))}
        filled[source] = query
        for name, value in (places | of_source).items():
            filled[source] = filled[source].replace(f"${{{name}}}", value)
    return filled


def guards() -> Tables:
    """As jobs/bronze/bigquery/table.py makes them."""
    columns = {"ingest_date": "DATE", "run_id": "STRING", "published_at": "TIMESTAMP"}
    return {name.replace("_bronze.", "_bronze._publish_"): columns for name in bronze()}


def look_at(nodes: Sequence[Node], later: Sequence[Node] = ()) -> Found:
    """dbt's nodes in their order; of `later`, what differs in a build that finds its tables there."""
    found = Found(tables=bronze() | _OF_THE_SERVICE | OF_BUILDS)
    for node in nodes:
        if node.readers:  # there before a build, as its contract says
            found.tables[node.readers] = {name: engine_type(of) for name, of in node.columns.items()}
    for node in nodes:
        columns = node.columns if node.kind == "seed" else found.look(node.file, node.sql)
        if node.table:
            for name in filter(None, (node.table, node.rows, node.readers)):
                found.tables[name] = columns | (_SNAPSHOT if node.kind == "snapshot" else {})
        if node.kind == "model" and node.columns and columns:
            found.wrong += _against_the_contract(node, columns)
    first = {node.name: node.sql for node in nodes}
    for node in later:
        if node.sql != first[node.name]:
            columns = found.look(f"{node.file}, a later build", node.sql)
            if node.table and columns != found.tables[node.table]:
                found.wrong.append(f"{node.file}: a later build has other columns than the first")
    return found


def _against_the_contract(node: Node, columns: dict[str, str]) -> Iterator[str]:
    for name in sorted({*node.columns, *columns}):
        wanted = engine_type(node.columns[name]) if name in node.columns else "no such column"
        if columns.get(name, "none") != wanted:
            yield f"{node.file}: {name} is {columns.get(name, 'none')}, its contract says {wanted}"


def engine_type(name: str) -> str:
    key = kept.digest(_BUILD, "type", name)
    return str(kept.get(key) or kept.put(key, engine().type_name(name)))


def documented(text: str) -> list[str]:
    """Statements shown in a document."""
    return [one for block in _SQL.findall(text) for one in block.split(";") if one.strip()]


def everything() -> Found:
    """dbt's SQL, the pages' queries, and what documents show."""
    from pages.gold import QUERIES

    found = look_at(project.nodes(later=False), project.nodes(later=True))
    for name, query in QUERIES.items():
        found.look(f"pages/gold.py, {name}", query.format(gold=GOLD))
    found.tables |= guards()
    for source, sql in views().items():
        found.look(f"terraform/gcp/datasets.tf, view of {source}", sql)
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "dbt").rglob("*.md")):
        for sql in documented(path.read_text(encoding="utf-8")):
            found.look(str(path.relative_to(ROOT)), sql)
    return found
