import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.services import ACCOUNT, Services, serving
from demo.web import Reply, json_reply
from jobs.contracts.deliveries import SheetDelivery
from jobs.errors import ConfigurationError, ContractError, PlatformError, ServiceError
from jobs.sources.tally import Tally
from jobs.sources.worksheet import fetch, parse_table
from tests.conftest import DAY, World

CELLS = [["iD", "NamE", "experience", "state"], ["1000", "Ada", "Senior", "Ohio"], ["007", "Bo", "intern", ""]]


@pytest.fixture
def sheet(world: World) -> Iterator[Services]:
    with serving(lambda: CELLS) as services:
        services.write_secrets(world.root / "services")
        yield services


def fetched(world: World, lines: list[bytes] | None = None, worksheet: str = "agents") -> Tally:
    delivery = SheetDelivery(kind="sheet", spreadsheet="agents", worksheet=worksheet, secret="sheets_key")
    return fetch(delivery, world.environment, DAY, (lines if lines is not None else []).append)


def test_cells_arrive_as_the_text_they_show_in_one_request(world: World, sheet: Services) -> None:
    lines: list[bytes] = []
    found = fetched(world, lines)
    assert lines[1] == b'{"iD": "007", "NamE": "Bo", "experience": "intern", "state": ""}\n'
    assert found.rows == len(lines) == 2
    assert [asked.path.partition("/values")[0] for asked in sheet.asked] == ["/token", "/v4/spreadsheets/demo-agents"]
    assert sheet.asked[1].query == {"majorDimension": "ROWS", "valueRenderOption": "FORMATTED_VALUE"}


def test_equal_content_has_an_equal_etag_in_any_order_and_other_content_another(world: World) -> None:
    cells = [list(row) for row in CELLS]
    with serving(lambda: cells) as services:
        services.write_secrets(world.root / "services")
        first = fetched(world).input
        cells[1:] = cells[:0:-1]
        assert fetched(world).input == first
        cells[1][1] = "Eve"
        assert fetched(world).input != first


def test_an_ordinary_sheet_is_known_again_by_what_an_older_version_noted_of_it() -> None:
    tally = Tally("sheet:x")
    for row in ({"iD": "1000", "NamE": "Åda"}, {"iD": "007", "NamE": ""}):
        tally.add(row)
    known = "2-26fc17ce865ad25d79c9e84b9133655053cd23d3c15526171f9437d2e855f1a5-758dd4a7"
    assert (tally.input.etag, tally.input.size) == (known, 55)


def test_half_an_emoji_is_kept_as_an_escape_for_its_row_to_be_rejected() -> None:
    lines: list[bytes] = []
    tally = Tally("sheet:x", lines.append)
    tally.add({"iD": "\ud83d"})
    assert (lines, tally.rows) == ([b'{"iD": "\\ud83d"}\n'], 1)


def test_blank_rows_and_columns_are_none_and_ragged_rows_are_padded() -> None:
    header, rows = parse_table([["", "a", "", "b"], [], ["", "1"], ["", " ", ""], ["", "2", "", "3"]], "here")
    assert header == ("a", "b")
    assert rows == [{"a": "1", "b": ""}, {"a": "2", "b": "3"}]


def test_values_without_a_header_keep_their_columns_letter() -> None:
    header, rows = parse_table([["a"], ["1", "", "x"], [*[""] * 27, "y"]], "here")
    assert header == ("a", "column C", "column AB")
    assert rows[0] == {"a": "1", "column C": "x", "column AB": ""}


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([], "it is empty, not even a header"),
        ([[], ["a"], ["1"]], "row 1 is blank; the header is expected there"),
        ([["a", "b", "a"], ["1"]], r"a name more than once, in columns A, C"),
    ],
)
def test_a_sheet_that_is_no_table_is_refused(values: list[list[str]], why: str) -> None:
    with pytest.raises(ContractError, match=why):
        parse_table(values, "here")


def failing(world: World, sheet: Services, *replies: Reply, path: str = "/v4") -> None:
    sheet.faults = {path: deque(replies)}
    fetched(world)


def test_429_is_waited_for_as_long_as_it_asks(world: World, sheet: Services) -> None:
    started = time.monotonic()
    busy = json_reply({"error": {"code": 429, "message": "quota"}}, 429, Retry_After="1")
    failing(world, sheet, busy)
    assert time.monotonic() - started >= 1


def test_429_for_ever_is_a_service_error(world: World, sheet: Services) -> None:
    with pytest.raises(ServiceError, match="still 429 after all tries") as error:
        failing(world, sheet, *[json_reply({"error": {"code": 429, "message": "quota"}}, 429)] * 9)
    assert error.value.retry_helps
    assert len(sheet.asked) == 1 + 6


def test_an_answer_cut_off_is_asked_for_again(world: World, sheet: Services) -> None:
    whole = b'{"values": [["iD'
    failing(world, sheet, Reply(200, whole, length=5000), Reply(200, whole))
    assert len(sheet.asked) == 4


def test_a_sheet_that_is_not_shared_says_with_whom_to_share_it(world: World, sheet: Services) -> None:
    sheet.is_shared = False
    with pytest.raises(ConfigurationError, match=f"403; share the spreadsheet with {ACCOUNT}"):
        fetched(world)


def test_an_unknown_spreadsheet_says_where_its_id_stands(world: World, sheet: Services) -> None:
    world.file.write_text(world.file.read_text().replace("demo-agents", "1AbC"))
    with pytest.raises(ConfigurationError, match=r"1AbC.*404, .*\[spreadsheets\] in conf/env"):
        fetched(world)


def test_a_worksheet_that_is_gone_is_a_broken_contract(world: World, sheet: Services) -> None:
    with pytest.raises(ContractError, match="'agenten': 400, there is no such worksheet"):
        fetched(world, worksheet="agenten")


def test_an_office_file_in_drive_is_named_and_no_worksheet_missed(world: World, sheet: Services) -> None:
    office = {"error": {"code": 400, "message": "not supported for this document", "status": "FAILED_PRECONDITION"}}
    with pytest.raises(ConfigurationError, match=r"400, a file in Drive that is no Google Sheet \(.xlsx\?\)"):
        failing(world, sheet, json_reply(office, 400))


@pytest.mark.parametrize(
    "content",
    [[["iD"]], "iD", None, {"values": None}, {"values": "iD"}, {"values": [["iD"], None]}, {"values": [["iD", {}]]}],
)
def test_an_answer_that_is_not_the_apis_is_a_service_error(world: World, sheet: Services, content: object) -> None:
    with pytest.raises(ServiceError, match="what stands in between"):
        failing(world, sheet, json_reply(content))


@pytest.mark.parametrize("content", [[], "why", {"error": "why"}, {"error": {}}, {"error": {"status": None}}])
def test_a_refusal_in_any_words_is_told_by_its_status(world: World, sheet: Services, content: object) -> None:
    with pytest.raises(ConfigurationError, match="403; share the spreadsheet"):
        failing(world, sheet, json_reply(content, 403))
    with pytest.raises(ContractError, match="400, there is no such worksheet"):
        failing(world, sheet, json_reply(content, 400))


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_token_endpoint_that_is_busy_is_waited_for_and_no_refusal_of_the_key(
    world: World, sheet: Services, status: int
) -> None:
    failing(world, sheet, *[json_reply({"error": "busy"}, status)] * 2, path="/token")
    assert [asked.path for asked in sheet.asked[:3]] == ["/token"] * 3
    with pytest.raises(ServiceError, match="/token cannot be reached") as error:
        failing(world, sheet, *[Reply(status, b"<p>busy")] * 20, path="/token")
    assert error.value.retry_helps


def test_a_refusal_that_google_says_may_pass_does(world: World, sheet: Services) -> None:
    with pytest.raises(ServiceError, match="/token gives no token now"):
        failing(world, sheet, *[json_reply({"error": "internal_failure"}, 400)] * 9, path="/token")


def test_a_revoked_key_says_whose_it_is_and_what_to_do(world: World, sheet: Services) -> None:
    with serving(lambda: CELLS) as other:  # its key does not sign for this one
        other.address = sheet.address
        other.write_secrets(world.root / "services")
        with pytest.raises(
            ConfigurationError, match=f"the key of {ACCOUNT} is refused .*make a new key|Make a new key"
        ) as e:
            fetched(world)
    assert "PRIVATE KEY" not in str(e.value)


def test_a_key_that_signs_nothing_is_named_and_not_shown(world: World, sheet: Services) -> None:
    (world.root / "services/sheets_key.json").write_text(
        f'{{"client_email": "{ACCOUNT}", "private_key": "heron-77-quartz", "token_uri": "{sheet.address}/token"}}'
    )
    with pytest.raises(PlatformError, match="no private_key that can be used") as error:
        fetched(world)
    assert "heron" not in str(error.value)


def test_a_token_endpoint_that_is_down_is_a_service_error(world: World, sheet: Services, tmp_path: Path) -> None:
    key = world.root / "services/sheets_key.json"
    key.write_text(key.read_text().replace(sheet.address, "http://127.0.0.1:9"))
    with pytest.raises(ServiceError, match=r"127.0.0.1:9/token cannot be reached"):
        fetched(world)


@pytest.mark.parametrize("path", ["/v4", "/token"])
def test_x10_a_redirect_of_the_sheet_or_its_token_is_not_followed(world: World, sheet: Services, path: str) -> None:
    with serving(lambda: CELLS) as other:
        there = Reply(307, b"", {"Location": f"{other.address}/v4/spreadsheets/demo-agents/values/x"})
        with pytest.raises(PlatformError, match=r"moved to 127.0.0.1; no token is sent there|/token cannot be reached"):
            failing(world, sheet, *[there] * 20, path=path)
        assert other.asked == []


def test_x10_a_netrc_takes_no_tokens_place(
    world: World, sheet: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login heron password quartz\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert fetched(world).rows == 2
    assert [asked.headers.get("authorization", "Bearer ")[:7] for asked in sheet.asked] == ["Bearer "] * 2


@pytest.mark.parametrize(
    "uri",
    [
        "http://Canary.example/token",
        "https://user:Canary@google.example",  # pragma: allowlist secret
        "Canary",
    ],
)
def test_x10_a_token_endpoint_in_clear_is_refused(world: World, sheet: Services, uri: str) -> None:
    key = world.root / "services/sheets_key.json"
    key.write_text(key.read_text().replace(f"{sheet.address}/token", uri))
    with pytest.raises(ConfigurationError, match=r"sheets_key.json: token_uri: an address") as error:
        fetched(world)
    assert "Canary" not in str(error.value)
    assert sheet.asked == []
