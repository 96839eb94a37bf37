import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from demo.web import Reply, Request, answering, json_reply
from jobs.clients.url import add_path, find_next_link, is_same_origin
from jobs.contracts.deliveries import RestDelivery
from jobs.errors import ConfigurationError, ContractError, DeliveryChangedError, NotArrivedError, ServiceError
from jobs.sources import rest_pages
from jobs.sources.rest_pages import UnreadablePageError, fetch, fetch_twice
from jobs.sources.tally import Tally
from tests.conftest import DAY, World

ITEMS = [{"id": str(number)} for number in range(7)]
CURSOR = {"by": "cursor", "field": "next", "parameter": "after"}
NUMBER = {"by": "number", "parameter": "page"}
OFFSET = {"by": "offset", "parameter": "skip"}


@contextmanager
def api(world: World, answer: Callable[[Request], Reply]) -> Iterator[list[Request]]:
    """The environment's outages service, answered by a function; gives what was asked."""
    asked: list[Request] = []

    def noted(request: Request) -> Reply:
        asked.append(request)
        return answer(request)

    folder = world.root / "services"
    folder.mkdir(exist_ok=True)
    (folder / "outages_token").write_text("heron-77-quartz")
    with answering(noted) as address:
        (folder / "outages").write_text(address)
        yield asked


def got(world: World, lines: list[bytes] | None = None, **delivery: Any) -> Tally:
    return fetch(described(**delivery), world.environment, DAY, (lines if lines is not None else []).append)


def described(**delivery: Any) -> RestDelivery:
    facts = {"kind": "rest", "service": "outages", "path": "/v1/outages", "parameters": {"day": "{date}"}}
    facts |= {"items": "data", "auth": {"secret": "outages_token"}, **delivery}
    return RestDelivery.model_validate(facts)


def ids(lines: list[bytes]) -> list[str]:
    return [json.loads(line)["id"] for line in lines]


def by_cursor(request: Request) -> Reply:
    start = int(request.query.get("after", 0))
    following = start + 3 if start + 3 < len(ITEMS) else None
    return json_reply({"data": ITEMS[start : start + 3], "next": following, "meta": {"total": len(ITEMS)}})


def by_number(request: Request) -> Reply:
    start = (int(request.query["page"]) - 1) * 3
    return json_reply({"data": ITEMS[start : start + 3]})


def by_offset(request: Request) -> Reply:
    start = int(request.query["skip"])
    return json_reply({"data": ITEMS[start : start + 3]})


def by_link_header(request: Request) -> Reply:
    start = int(request.query.get("from", 0))
    link = {"Link": f'</v1/outages?day={request.query["day"]}&from={start + 3}>; rel="next"'}
    return json_reply({"data": ITEMS[start : start + 3]}, **(link if start + 3 < len(ITEMS) else {}))


def by_link_in_the_body(request: Request) -> Reply:
    start = int(request.query.get("from", 0))
    following = f"http://{request.headers['host']}{request.path}?from={start + 3}"
    return json_reply(
        {"data": ITEMS[start : start + 3], "links": {"next": following if start + 3 < len(ITEMS) else None}}
    )


@pytest.mark.parametrize(
    ("answer", "pages", "requests"),
    [
        (by_cursor, CURSOR, 3),
        (by_number, NUMBER, 4),
        (by_offset, OFFSET, 4),
        (by_link_header, {"by": "link"}, 3),
        (by_link_in_the_body, {"by": "link", "field": "links.next"}, 3),
    ],
)
def test_all_pages_arrive_whatever_turns_them(
    world: World, answer: Callable[[Request], Reply], pages: dict[str, str], requests: int
) -> None:
    lines: list[bytes] = []
    with api(world, answer) as asked:
        tally = got(world, lines, pages=pages)
    assert ids(lines) == [item["id"] for item in ITEMS]
    assert (tally.rows, len(asked)) == (7, requests)
    assert asked[0].query["day"] == str(DAY)
    assert {request.headers["authorization"] for request in asked} == {"Bearer heron-77-quartz"}


def test_items_are_kept_as_they_were_written_a_line_each(world: World) -> None:
    items = [
        b'{"a": 1.10, "b": 12345678901234567890, "c": null, "d": {"e": [ true, 1e400 ]}, "f": "\\u00e5"}',
        b'{"a":19.90,\n  "a": -0,\r\n\t"long": ' + b"7" * 5000 + b"}",
        b'{"id": "\\ud800"}',
        b"7",
        b"{}",
    ]
    body = b'\n{"other": {"data": [1]}, "data": [1], "data" : [ ' + b" ,\n ".join(items) + b" ]} "
    lines: list[bytes] = []
    with api(world, lambda _: Reply(200, body)):
        tally = got(world, lines)
    assert lines == [item.replace(b"\n", b" ") + b"\n" for item in items]
    assert (tally.rows, list(tally.columns)) == (5, ["a", "b", "c", "d", "f", "long"])


@pytest.mark.parametrize("path", ["", "a.b"])
def test_items_are_found_at_a_dotted_path_or_are_the_answer(world: World, path: str) -> None:
    whole = {"": b"[%s]", "a.b": b'{"b": [1], "a": {"x": {"b": 2}, "b": [%s], "\\u0041": []}}'}[path]
    lines: list[bytes] = []
    with api(world, lambda _: Reply(200, whole % b'{"id": 1.0}, []')):
        got(world, lines, items=path)
    assert lines == [b'{"id": 1.0}\n', b"[]\n"]


def test_an_ordinary_delivery_is_known_again_by_what_an_older_version_noted_of_it(world: World) -> None:
    body = (
        '{"data": [{"id": "1", "n": 12, "price": 19.90, "on": true, "none": null, "tags": ["a", {"b": 1.50}], '
        '"s": "\\u00e5 \\"x\\""}, {"id": "2", "n": -3, "price": 1e3, "on": false, "none": "", "tags": [], "s": "åß"}]}'
    )
    with api(world, lambda _: Reply(200, body.encode())):
        found = got(world).input
    known = "2-e565fa21a18734e260586ab1f4ab596760aaf1e7751c691bcd9229cdd7924458-cfe02d61"
    assert (found.etag, found.size) == (known, 215)


def test_items_whose_keys_come_in_another_order_are_the_same_delivery(world: World) -> None:
    found = []
    for body in (
        b'[{"id": "1", "n": 2}, {"n": 3, "id": "2"}]',
        b'[{"id": "2", "n": 3}, {"n": 2, "id": "1"}]',
        b'[{"id": "1", "n": 3}, {"n": 2, "id": "2"}]',
    ):
        with api(world, lambda _, body=body: Reply(200, body)):
            found.append(got(world, items="").input)
    first, turned, other = found
    assert first == turned != other
    of_older_version = first.model_copy(update={"content": None})
    assert (first == of_older_version, turned == of_older_version) == (True, False)  # it knows no better


@pytest.mark.parametrize("fault", [b"NaN", b"-Infinity", b"01", b'"a\nb"', b'"\xff"', b"[" * 200_000])
def test_a_page_that_is_json_to_nobody_but_python_is_none(world: World, fault: bytes) -> None:
    with api(world, lambda _: Reply(200, b'{"data": [{"id": "1"}, {"id": ' + fault + b"}]}")) as asked:
        with pytest.raises(UnreadablePageError):
            got(world)
        assert len(asked) == 6


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", None),
        ("</2>; rel=next", "/2"),
        ('</2>;rel="Next"', "/2"),
        ('</2>; REL="next"', "/2"),
        ('</2>; rel="last next"', "/2"),
        ('</2> ; rel = "prev\tNEXT"', "/2"),
        ('</0>; rel="prev", </2>; rel="next", </9>; rel="last"', "/2"),
        ('</0>; title="a, <x>; rel=next"; rel=prev, </2?a=1,2;b=3>; rel=next', "/2?a=1,2;b=3"),
        (r'</0>; title="say \"next\", </x>; rel=next"; rel=first, </2>; rel=next', "/2"),
        ('</1>; rel="prev"; rel="next"', None),
        ('</1>; rel="nextpage", </1>; rel="next-archive"; title="next"', None),
        ('</1>; rel="next"; anchor="/other", </2>; rel="next"', "/2"),
        ("</2>; rel=\"next\"; title*=UTF-8''n%C3%A4chste; hreflang", "/2"),
        (", </2>; rel=next,", "/2"),
        ("</2>;; rel=next", "/2"),
    ],
)
def test_the_next_page_is_found_in_a_link_header_as_rfc_8288_has_it(header: str, found: str | None) -> None:
    assert find_next_link(header) == found


@pytest.mark.parametrize("header", ["/2; rel=next", "<2", '</2>; rel="next', "</2> rel=next", "</1>; rel=prev /2"])
def test_a_link_header_that_cannot_be_read_is_not_the_end_of_the_pages(world: World, header: str) -> None:
    with (
        api(world, lambda _: json_reply({"data": ITEMS}, Link=header)) as asked,
        pytest.raises(ContractError, match="page 1: a Link header that cannot be read"),
    ):
        got(world, pages={"by": "link"})
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://api.example/a", "HTTPS://API.Example:443/b?c", True),
        ("http://api.example", "http://api.example:80/", True),
        ("https://api.example", "https://api.example:8443", False),
        ("https://api.example", "http://api.example", False),
        ("https://api.example", "https://api.example.org", False),
        ("https://api.example", "https://api.example@other.example", False),
        ("https://api.example", "https://user:word@api.example", False),  # pragma: allowlist secret
        ("https://api.example", "https://api.example:x", False),
        ("https://api.example", "mailto:a", False),
    ],
)
def test_a_token_is_sent_to_the_same_origin_only(one: str, other: str, same: bool) -> None:
    assert is_same_origin(one, other) is same


def test_the_next_page_may_be_named_by_the_same_host_in_other_words(world: World) -> None:
    def elsewhere(request: Request) -> Reply:
        reply = by_link_in_the_body(request)
        return Reply(reply.status, reply.body.replace(b"http://", b"HTTP://"), reply.headers)

    with api(world, elsewhere) as asked:
        assert got(world, pages={"by": "link", "field": "links.next"}).rows == 7
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("base", "path", "url"),
    [
        ("https://api.example", "/v1", "https://api.example/v1"),
        ("https://api.example/noc/", "/v1", "https://api.example/noc/v1"),
        ("https://api.example/noc?tenant=7", "/v1", "https://api.example/noc/v1?tenant=7"),
        ("https://api.example/?tenant=7", "/v1?all=1", "https://api.example/v1?tenant=7&all=1"),
    ],
)
def test_a_path_is_added_to_an_address_and_its_query_kept(base: str, path: str, url: str) -> None:
    assert add_path(base, path) == url


def test_the_query_of_a_services_address_is_sent_with_each_page(world: World) -> None:
    with api(world, by_cursor) as asked:
        place = world.root / "services/outages"
        place.write_text(f"{place.read_text()}/noc?tenant=7")
        assert got(world, pages=CURSOR).rows == 7
    assert {(request.path, request.query["tenant"]) for request in asked} == {("/noc/v1/outages", "7")}


def shrinking(pages: dict[str, str], *, total: bool, refilled: bool = False) -> Callable[[Request], Reply]:
    """Seven items, of which the first goes once it was given; `refilled`: another comes at the end then."""
    items = [*ITEMS]

    def answer(request: Request) -> Reply:
        start = int(request.query.get("skip", 0)) or (int(request.query.get("page", 1)) - 1) * 3
        told = {"total": len(items)} if total else {}
        reply = json_reply({"data": items[start : start + 3], **told})
        if len(items) == 7 and start == 0 and items[0] == ITEMS[0]:
            items.pop(0)
            items.extend([{"id": "new"}] if refilled else [])
        return reply

    return answer


@pytest.mark.parametrize("pages", [NUMBER, OFFSET], ids=["number", "offset"])
def test_a_total_that_moves_while_the_pages_are_read_voids_the_landing(world: World, pages: dict[str, str]) -> None:
    with (
        api(world, shrinking(pages, total=True)),
        pytest.raises(DeliveryChangedError, match=r"'total' says 7, then 6 items, 6 came") as error,
    ):
        got(world, pages=pages, total="total")
    assert error.value.retry_helps


@pytest.mark.parametrize("pages", [NUMBER, OFFSET], ids=["number", "offset"])
@pytest.mark.parametrize("total", [False, True])
def test_counted_pages_that_shifted_are_found_out_by_reading_them_again(
    world: World, pages: dict[str, str], total: bool
) -> None:
    """Where another item came, neither total nor ids tell that one was never seen."""
    delivery = described(pages=pages, total="total" if total else None)
    with (
        api(world, shrinking(pages, total=total, refilled=total)),
        pytest.raises(DeliveryChangedError, match="when they were read again, are not the same"),
    ):
        fetch_twice(delivery, world.environment, DAY, [].append)
    lines: list[bytes] = []
    with api(world, by_number if pages is NUMBER else by_offset) as asked:
        assert fetch_twice(described(pages=pages), world.environment, DAY, lines.append).rows == len(lines) == 7
    assert len(asked) == 8


def test_a_total_may_be_told_by_one_page_only(world: World) -> None:
    def first_tells(request: Request) -> Reply:
        start = int(request.query.get("after", 0))
        told = {} if start else {"total": 7}
        return json_reply({"data": ITEMS[start : start + 3], "next": start + 3 if start < 6 else None, **told})

    with api(world, first_tells):
        assert got(world, pages=CURSOR, total="total").rows == 7
    with api(world, by_cursor), pytest.raises(DeliveryChangedError, match="says no number of items"):
        got(world, pages=CURSOR, total="total")


def once(fault: Reply, then: Callable[[Request], Reply]) -> Callable[[Request], Reply]:
    due = [fault]
    return lambda request: due.pop() if due else then(request)


def test_503_is_waited_for_as_long_as_retry_after_says(world: World) -> None:
    started = time.monotonic()
    with api(world, once(json_reply({}, 503, Retry_After="1"), by_cursor)) as asked:
        assert got(world, pages=CURSOR).rows == 7
    assert (len(asked), time.monotonic() - started >= 1) == (4, True)


def test_a_retry_after_of_six_hours_is_not_obeyed(world: World) -> None:
    world.file.write_text(world.file.read_text().replace("retries = {", "retries = { retry_after_max = 1,"))
    started = time.monotonic()
    with api(world, once(json_reply({}, 429, Retry_After="21600"), by_cursor)):
        assert got(world, pages=CURSOR).rows == 7
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 507, 520, 530])
def test_a_fault_that_stays_is_a_service_error(world: World, status: int) -> None:
    with (
        api(world, lambda _: json_reply({}, status)) as asked,
        pytest.raises(ServiceError, match=f"still {status} after 6"),
    ):
        got(world)
    assert len(asked) == 6


@pytest.mark.parametrize("status", [403, 413])
def test_a_refusal_that_says_when_to_come_back_is_waited_for(world: World, status: int) -> None:
    limited = json_reply({}, status, Retry_After="0")
    with api(world, once(limited, by_cursor)) as asked:
        assert got(world, pages=CURSOR).rows == 7
    assert len(asked) == 4
    with api(world, lambda _: limited), pytest.raises(ServiceError, match=f"still {status} after 6 tries"):
        got(world)


@pytest.mark.parametrize("status", [400, 403, 405, 410, 422, 451, 501, 505, 511])
def test_a_refusal_that_stays_one_is_not_asked_for_again(world: World, status: int) -> None:
    with (
        api(world, lambda _: json_reply({}, status)) as asked,
        pytest.raises((ConfigurationError, ContractError), match=str(status)),
    ):
        got(world)
    assert len(asked) == 1


def test_a_page_that_trickles_is_given_up_at_its_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest_pages, "_SLOWEST", 0.2)
    started = time.monotonic()
    with (
        api(world, lambda _: Reply(200, b" " * 4000, pause=0.01)),
        pytest.raises(ServiceError, match=r"page 1: not complete after 0\.2 s"),
    ):
        got(world)
    assert time.monotonic() - started < 20  # of the 40 that it takes


@pytest.mark.parametrize(
    "cut",
    [
        Reply(200, b'{"data": [{"id": "0"}, {"i'),
        Reply(200, b'{"data": [{"id": "0"}, {"i', length=4000),
        Reply(200, b""),
    ],
    ids=["truncated JSON", "cut connection", "empty"],
)
def test_a_page_cut_off_is_asked_for_again(world: World, cut: Reply) -> None:
    lines: list[bytes] = []
    with api(world, once(cut, by_cursor)) as asked:
        got(world, lines, pages=CURSOR)
    assert (len(lines), len(asked)) == (7, 4)


def test_a_connection_that_is_always_cut_off_is_a_service_error(world: World) -> None:
    with (
        api(world, lambda _: Reply(200, b'{"data"', length=4000)),
        pytest.raises(ServiceError, match="page 1: 6 tries, the last one: ChunkedEncodingError"),
    ):
        got(world)


def test_a_page_that_is_never_json_is_handed_on_as_it_came(world: World) -> None:
    with api(world, lambda _: Reply(200, b"<html>maintenance")) as asked, pytest.raises(UnreadablePageError) as error:
        got(world)
    assert (error.value.number, error.value.body, len(asked)) == (1, b"<html>maintenance", 6)
    assert "; 17 bytes" in str(error.value)
    assert "maintenance" not in str(error.value)


def test_a_cursor_that_comes_twice_is_refused(world: World) -> None:
    def circle(request: Request) -> Reply:
        return json_reply({"data": ITEMS[:1], "next": "b" if request.query.get("after") == "a" else "a"})

    with api(world, circle) as asked, pytest.raises(ContractError, match="a cursor comes twice"):
        got(world, pages=CURSOR)
    assert len(asked) == 3


def test_pages_without_end_are_refused_at_a_limit(world: World) -> None:
    def endless(request: Request) -> Reply:
        return json_reply({"data": ITEMS[:1], "next": int(request.query.get("after", 0)) + 1})

    with api(world, endless) as asked, pytest.raises(ContractError, match=r"more than 20 pages \(max_pages\)"):
        got(world, pages=CURSOR, max_pages=20)
    assert len(asked) == 20


@pytest.mark.parametrize("pages", [NUMBER, OFFSET])
def test_a_service_that_does_not_turn_its_pages_is_found_out(world: World, pages: dict[str, str]) -> None:
    with (
        api(world, lambda _: json_reply({"data": ITEMS})),
        pytest.raises(ContractError, match="page 2 is page 1 again"),
    ):
        got(world, pages=pages)


def test_a_page_of_two_gigabytes_is_given_up_at_the_limit(world: World) -> None:
    reply = Reply(200, b'{"data": [', length=2 * 2**30, endless=True)
    with (
        api(world, lambda _: reply),
        pytest.raises(ContractError, match=r"longer than 1000000 bytes \(max_page_bytes\)"),
    ):
        got(world, max_page_bytes=1_000_000)


def test_fewer_items_than_the_total_says_void_the_landing(world: World) -> None:
    with api(world, lambda _: json_reply({"data": ITEMS, "meta": {"total": 9}})):
        with pytest.raises(DeliveryChangedError, match=r"'meta.total' says 9 items, 7 came") as error:
            got(world, total="meta.total")
        assert error.value.retry_helps


def test_a_total_that_fits_is_fine(world: World) -> None:
    with api(world, by_cursor):
        assert got(world, pages=CURSOR, total="meta.total").rows == 7


def test_404_on_the_first_page_means_not_arrived(world: World) -> None:
    with api(world, lambda _: json_reply({}, 404)), pytest.raises(NotArrivedError):
        got(world)


def test_a_refused_token_names_its_reference_and_not_itself(world: World) -> None:
    with (
        api(world, lambda _: json_reply({"you sent": "heron-77-quartz"}, 401)) as asked,
        pytest.raises(ConfigurationError, match=r"401, the token \(secrets.outages_token\) is refused") as error,
    ):
        got(world)
    assert "heron" not in str(error.value)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda _: Reply(302, b"", {"Location": "https://elsewhere.example/v2?x=1"}), "moved to elsewhere.example;"),
        (
            lambda _: json_reply({"data": [], "next": "https://elsewhere.example/2"}),
            "the next page is at elsewhere.exa",
        ),
        (lambda _: json_reply({"items": []}), r"no list of items at 'data'; found an object of 1 keys"),
        (lambda _: json_reply({"why": "bad day"}, 400), "400 Bad Request"),
    ],
)
def test_what_would_send_the_token_elsewhere_or_breaks_the_contract_is_refused(
    world: World, answer: Callable[[Request], Reply], why: str
) -> None:
    with api(world, answer) as asked, pytest.raises((ConfigurationError, ContractError), match=why):
        got(world, pages={"by": "link", "field": "next"})
    assert len(asked) == 1


def test_a_service_that_is_down_is_a_service_error(world: World) -> None:
    with api(world, by_cursor):
        (world.root / "services/outages").write_text("http://127.0.0.1:9")
        with pytest.raises(ServiceError, match="Connection refused"):
            got(world)
