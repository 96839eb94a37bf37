import pytest

from tests.snowflake import verify
from tests.snowflake.conftest import Platform

# The stand-in aborts the second of two writers at once, and keeps no history of statements.
ONLY_SNOWFLAKE = {"a second publisher waits for the first", "statements bear the query tag"}


def test_make_verify_snowflake_tells_the_stand_in_from_snowflake(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify.main(["--env", str(platform.cloud.file)]) == 1
    said = dict(line.split("  ", 1)[::-1] for line in capsys.readouterr().out.splitlines() if line[:2] in ("ok", "FA"))
    found = {name.strip(): word.strip() for name, word in said.items()}
    assert {name for name, word in found.items() if word == "FAILED"} == ONLY_SNOWFLAKE
    assert len(found) == len(verify.CHECKS)
    schemas = platform.snowflake.ask("select schema_name from information_schema.schemata")
    assert not [name for (name,) in schemas if "VERIFY" in name]
    assert not platform.cloud.server.keys("core-telecoms-capstone-data-lake", f"{platform.cloud.prefix}/scratch/")
