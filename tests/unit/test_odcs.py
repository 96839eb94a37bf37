"""Source contracts as documents of the Open Data Contract Standard: valid by its schema, and back unchanged."""

import json
import subprocess
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft201909Validator

from jobs.__main__ import main
from jobs.adopt.contract import write_contract
from jobs.config.environment import ROOT, load_environment
from jobs.contracts.odcs import make_document, parse_document
from jobs.contracts.source import SourceContract, load_contracts
from jobs.errors import ConfigurationError
from tests.conftest import NIGHTLY

SCHEMA = json.loads((files("open_data_contract_standard") / "schema.json").read_text())
CONTRACTS = load_contracts(load_environment("local"))
# Whatever a source contract can say.
FULL = SourceContract.model_validate(
    {
        "name": "refunds",
        "description": 'Refunds: "paid", a file a day.',
        "system": "s3",
        "since": "2025-11-01",
        "until": "2026-03-31",
        "due": "06:00 Africa/Lagos +2",
        "look_back": 3,
        "key": ["refund_id", "day"],
        "max_rejected": 0.5,
        "odd_volume": "refuse",
        "on_correction": "hold",
        "hold_above": 2.5,
        "delivery": {"kind": "csv", "paths": ["r_{date}.csv"], "header": False, "escape": "\\", "footer": ["{rows}"]},
        "columns": {"": "row", "Day": "day", "Refund  ID": "refund_id", 'Paid "To"': "holder"},
        "aliases": {"holder": ["payee"], "refund_id": ["id"]},
        "optional": ["holder"],
        "subject": "refund_id",
        "personal": {"holder": "identity"},
        "complaint": {"channel": "Refund", "opened": "day", "statuses": {"closed": "Resolved"}},
    }
)
ALL = [*CONTRACTS.values(), FULL]


@pytest.mark.parametrize("contract", ALL, ids=lambda contract: contract.name)
def test_a_source_contract_is_a_valid_document_and_comes_back_as_it_was(contract: SourceContract) -> None:
    document = make_document(contract)
    Draft201909Validator(SCHEMA).validate(document)
    again, untaken = parse_document(yaml.safe_load(yaml.safe_dump(document, sort_keys=False)))
    assert (again, untaken) == (contract, [])
    assert [*again.columns.items()] == [*contract.columns.items()]


@pytest.mark.parametrize("contract", ALL, ids=lambda contract: contract.name)
def test_a_source_contract_is_written_as_toml_that_says_the_same(contract: SourceContract) -> None:
    written = tomllib.loads(write_contract(contract, {}))
    assert SourceContract.model_validate({"name": contract.name, **written}) == contract


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_command_exports_what_it_imports(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", "export", "--odcs", name]) == 0
    (document := tmp_path / "contract.yaml").write_text(capsys.readouterr().out)
    assert main(["contract", "import", str(document)]) == 0
    out, err = capsys.readouterr()
    shipped = tomllib.loads((ROOT / f"conf/sources/{name}.toml").read_text())
    assert err == ""
    contract = SourceContract.model_validate({"name": name, **tomllib.loads(out)})
    assert contract == SourceContract.model_validate({"name": name, **shipped})


OTHERS: dict[str, Any] = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "53581432-6c55-4ba2-a65f-72344a91553a",
    "version": "1.0.0",
    "status": "active",
    "name": "Orders",
    "tenant": "Shop",
    "servers": [{"server": "prod", "type": "s3", "location": "s3://x/y.csv"}],
    "schema": [
        {
            "name": "orders",
            "properties": [
                {"name": "Order Number", "physicalName": "ord_no", "primaryKey": True, "logicalType": "string"},
                {"name": "email", "classification": "restricted", "quality": [{"type": "text", "description": "x"}]},
            ],
        },
        {"name": "lines", "properties": [{"name": "line", "primaryKey": True}]},
    ],
    "slaProperties": [{"property": "generalAvailability", "value": "2025-11-20"}, {"property": "latency", "value": 4}],
    "customProperties": [
        {"property": "delivery", "value": {"kind": "json", "paths": ["orders_{date}.json"]}},
        {"property": "costCentre", "value": 7},
    ],
}


def test_of_a_document_that_others_wrote_what_has_no_place_is_told() -> None:
    Draft201909Validator(SCHEMA).validate(OTHERS)
    contract, untaken = parse_document(OTHERS, "orders")
    assert (contract.columns, contract.key) == ({"ord_no": "order_number", "email": "email"}, ("order_number",))
    assert (contract.system, contract.description, str(contract.since)) == ("s3", "Orders", "2025-11-20")
    assert untaken == [
        "customProperties: cost_centre",
        "email: classification restricted; there are identity, contact, birth, attribute, free_text",
        "email: quality",
        "servers",
        "slaProperties: latency",
        "tenant",
    ]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"kind": "DataProduct"}, "no data contract of v3"),
        ({"apiVersion": "v2.2.2"}, "no data contract of v3"),
        ({"customProperties": []}, "nothing says how it is delivered"),
        ({"schema": []}, "schema: 0 objects in it"),
        ({"schema": OTHERS["schema"][:1] * 2}, "schema: 2 objects in it; --name says which"),
        ({"schema": [{"name": "orders", "properties": [{"name": "a"}]}]}, "as a source contract:\n  key"),
        ({"schema": 7}, "not as the standard has it"),
        ({"slaProperties": [{"property": "timeOfAvailability", "value": "soon"}]}, "due: "),
    ],
)
def test_a_document_that_makes_no_source_contract_says_why(change: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        parse_document(OTHERS | change, "orders")


@pytest.mark.parametrize("text", ["- a\n", "7", "", "{", "a: !!python/object/apply:os.getcwd []"])
def test_what_is_no_document_is_told_in_a_line(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (at := tmp_path / "x.yaml").write_text(text)
    assert main(["contract", "import", str(at)]) == 78
    assert capsys.readouterr().err.startswith(f"error: {at}: not ")
    assert main(["contract", "import", str(tmp_path / "none.yaml")]) == 78
    assert main(["contract", "export", "--odcs", "nothing"]) == 78


@pytest.mark.skipif(not NIGHTLY, reason="an environment of datacontract-cli's own to install: make test-nightly")
@pytest.mark.parametrize("contract", ALL, ids=lambda contract: contract.name)
def test_datacontract_cli_finds_nothing(contract: SourceContract, tmp_path: Path) -> None:
    setup = subprocess.run(
        ["./setup.sh", "requirements/odcs.txt"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    (at := tmp_path / "contract.yaml").write_text(yaml.safe_dump(make_document(contract), sort_keys=False))
    command = [str(Path(setup.stdout.strip()).with_name("datacontract")), "lint", str(at)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, "Data contract is valid. Ran 1 checks" in done.stdout) == (0, True), done.stdout
