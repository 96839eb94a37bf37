"""An environment with one source builds in Snowflake, too: the other models find none of their rows."""

import shutil
from pathlib import Path

from jobs.bronze.choice import make_bronze
from jobs.bronze.snowflake.session import execute
from jobs.config.environment import ROOT
from jobs.contracts.source import load_contracts
from tests.building import building
from tests.conftest import DAYS
from tests.s3.conftest import Cloud
from tests.s3.server import Server
from tests.snowflake.conftest import Platform, Snowflake


def test_an_environment_with_one_source_is_built_and_tested(server: Server, snow: Snowflake, tmp_path: Path) -> None:
    platform = Platform(Cloud(tmp_path, server, "left_out"), snow).make()
    file, name = platform.cloud.file, platform.cloud.prefix
    (tmp_path / "contracts").mkdir()
    shutil.copy(ROOT / "conf/sources/call_logs.toml", tmp_path / "contracts")
    layers = f'silver = "{name}_silver", gold = "{name}_gold", bronze = '
    file.write_text(f'contracts = "{tmp_path}/contracts"\n' + file.read_text().replace("bronze = ", layers))
    environment = platform.cloud.environment
    make_bronze(environment).dbt_variables(load_contracts(environment).values())
    with snow.connect() as connection:
        call = "'1', 'c', 'u', 'Payments', 'a', '2025-11-20 10:00:00', '2025-11-20 10:05:00', 'Resolved', '2025-11-20'"
        execute(
            connection,
            f"insert into {name}.call_logs values ({call}, '2026-01-01 00:00:00', 's3', 'x', 'R1', null, '{DAYS[0]}')",
        )

    with building(file, "snowflake", tmp_path / "dbt") as process:
        for _ in ("a first build", "a later one"):
            code, said = process.build(DAYS[0])
            assert code == 0, said

    left_out = "agents, customers, service_outages, social_media, web_forms"
    assert said.endswith(f"\nleft out: {left_out}: environment 'left_out' has no such source")
    with snow.connect() as connection:
        assert execute(connection, f"select channel, customer_key from {name}_gold.fact_complaints") == [
            ("Call", "unknown")
        ]
