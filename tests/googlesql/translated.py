"""Snowflake's statements in DuckDB's words, by sqlglot: JSON in, JSON out, name to SQL.

Run by the Python of requirements/fakesnow.txt, whose stand-in for Snowflake translates by it too (and drops the second
argument of TRIM, which is why it is not asked here).
"""

import json
import sys

import sqlglot  # type: ignore[import-not-found]  # of another environment


def main() -> None:
    asked: dict[str, str] = json.load(sys.stdin)
    made = {name: sqlglot.parse_one(sql, read="snowflake").sql("duckdb") for name, sql in asked.items()}
    json.dump(made, sys.stdout)


if __name__ == "__main__":
    main()
