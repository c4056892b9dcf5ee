"""What HTTP asks of every operation, done once for all of them."""

import asyncio

import httpx
import pytest

from shared.telemetry import metrics

AUDIENCE = "urn:triptych:system:library"
PREFIX = "/system/library/v1"
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
LOAN = {"readerName": "Ada"}


async def test_a_read_answers_with_json_an_etag_limits_and_the_trace_id(world) -> None:
    async with world.http() as http:
        answer = await http.get("/books/1")
    assert answer.status_code == 200
    assert answer.json() == {"isbn": "1", "title": "Volume 1"}
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["etag"].startswith('"')
    assert ";r=" in answer.headers["ratelimit"]
    assert len(answer.headers["trace-id"]) == 32
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_known_version_is_answered_304_without_a_body(world) -> None:
    async with world.http() as http:
        etag = (await http.get("/books/1")).headers["etag"]
        again = await http.get("/books/1", headers={"if-none-match": f'"other", W/{etag}'})
        other = await http.get("/books/2", headers={"if-none-match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert other.status_code == 200


async def test_head_answers_what_get_would_without_the_body(world) -> None:
    async with world.http() as http:
        got, head = await http.get("/books/1"), await http.head("/books/1")
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "content-type", "etag"):
        assert head.headers[name] == got.headers[name]


async def test_options_and_405_name_the_methods_that_are_taken(world) -> None:
    async with world.http() as http:
        options, refused = await http.options("/books/1"), await http.put("/books/1", json={})
    assert options.status_code == 204
    assert options.headers["allow"] == refused.headers["allow"] == "GET, HEAD, DELETE, OPTIONS"
    assert refused.status_code == 405
    assert refused.json()["type"] == "/problems/method-not-allowed"


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "application/xml, text/*"])
async def test_an_accept_that_rules_json_out_is_406(world, accept: str) -> None:
    async with world.http() as http:
        answer = await http.get("/books/1", headers={"accept": accept})
    assert (answer.status_code, answer.json()["type"]) == (406, "/problems/not-acceptable")


@pytest.mark.parametrize("accept", ["*/*", "application/*", "text/html, application/json;q=0.1"])
async def test_an_accept_that_allows_json_is_served(world, accept: str) -> None:
    async with world.http() as http:
        assert (await http.get("/books/1", headers={"accept": accept})).status_code == 200


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/json; charset=utf-16"]
)
async def test_a_body_that_is_not_json_is_415(world, content_type: str) -> None:
    async with world.http() as http:
        answer = await http.post("/books/1/loans", content=b"{}", headers={"content-type": content_type})
    assert (answer.status_code, answer.json()["type"]) == (415, "/problems/unsupported-media-type")


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("text/xml", "<a>Ü</a>".encode()),
        ("Text/XML; charset=UTF-8", "<a>Ü</a>".encode()),
        ("text/xml", b"\xef\xbb\xbf" + "<a>Ü</a>".encode()),
        ("application/json", '{"wholeText":"<a>Ü</a>"}'.encode()),
    ],
)
async def test_a_document_is_taken_bare_where_the_operation_says_so(world, content_type: str, content: bytes) -> None:
    async with world.http() as http:
        answer = await http.post("/notes", content=content, headers={"content-type": content_type})
    assert (answer.status_code, answer.json()) == (200, {"wholeText": "<a>Ü</a>"})


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"content-type": "text/xml; charset=iso-8859-1"}, b"<a/>", 415),
        ({"content-type": "text/xml", "content-encoding": "gzip"}, b"<a/>", 415),
        ({"content-type": "text/plain"}, b"<a/>", 415),
        ({"content-type": "text/xml"}, b"\xff", 400),
        ({"content-type": "text/xml"}, b"", 400),
        ({"content-type": "text/xml"}, b"x" * 101, 400),
    ],
)
async def test_a_bare_document_is_held_to_the_same_rules(world, headers, content: bytes, status: int) -> None:
    async with world.http() as http:
        assert (await http.post("/notes", content=content, headers=headers)).status_code == status


async def test_a_compressed_body_is_415_so_that_no_bomb_is_unpacked(world) -> None:
    async with world.http() as http:
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        assert (await http.post("/books/1/loans", content=b"\x1f\x8b", headers=headers)).status_code == 415


async def test_a_body_over_the_limit_is_413_declared_or_streamed(world) -> None:
    async def parts():
        for _ in range(20):
            yield b'"' + b"x" * 65_536

    headers = {"content-type": "application/json"}
    async with world.http() as http:
        declared = await http.post("/books/1/loans", content=b" " * 1_048_577, headers=headers)
    async with world.http() as http:  # a connection of its own: who is refused while it sends may find the other closed
        streamed = await http.post("/books/1/loans", content=parts(), headers=headers)
    assert declared.status_code == streamed.status_code == 413
    assert world.library.lent == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"readerName": ""}', "/readerName"),
        (b'{"readerName": "Ada", "colour": 1}', "/colour"),
        (b'{"readerName": "Ada", "books": [{"isbn": "1", "title": "t", "extra": 1}]}', "/books/0/extra"),
        (b'{"readerName": "Ada", "books": [{"isbn": "no!", "title": "t"}]}', "/books/0/isbn"),
        (b"{}", ""),
        (b"[]", ""),
    ],
)
async def test_a_refused_field_is_named_by_its_json_pointer(world, body: bytes, pointer: str) -> None:
    async with world.http() as http:
        answer = await http.post("/books/1/loans", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert world.library.lent == []


@pytest.mark.parametrize("body", [b"", b"{", b"nonsense", b'{"a":', b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000])
async def test_what_is_not_json_or_too_deep_is_400_and_never_a_defect(world, body: bytes) -> None:
    async with world.http() as http:
        answer = await http.post("/books/1/loans", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("colour=red", "colour"),
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("limit=1&limit=2", "limit"),
        ("cursor=%21", "cursor"),
    ],
)
async def test_a_refused_query_parameter_is_named(world, query: str, parameter: str) -> None:
    async with world.http() as http:
        answer = await http.get(f"/books?{query}")
    assert answer.status_code == 400
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


async def test_a_query_that_is_not_utf8_or_too_long_is_400(world) -> None:
    async with world.http() as http:
        assert (await http.get("/books?tag=%ff")).status_code == 400
        assert (await http.get("/books?" + "&".join(f"tag={n}" for n in range(65)))).status_code == 400


async def test_a_list_pages_with_an_opaque_cursor_and_a_link(world) -> None:
    async with world.http() as http:
        seen, cursor = [], None
        while True:
            answer = await http.get("/books", params={"cursor": cursor} if cursor else {})
            seen += [book["isbn"] for book in answer.json()["items"]]
            cursor = answer.json().get("nextCursor")
            assert ("link" in answer.headers) == (cursor is not None)
            if cursor is None:
                break
    assert seen == ["1", "2", "3", "4", "5"]


async def test_a_cursor_of_another_list_is_refused(world) -> None:
    async with world.http() as http:
        assert (await http.get("/books", params={"cursor": "gaFhAQ"})).status_code == 400


async def test_a_removal_answers_204_without_a_body(world) -> None:
    async with world.http() as http:
        answer = await http.delete("/books/5")
    assert (answer.status_code, answer.content) == (204, b"")


async def test_long_work_honours_respond_async_with_202_and_a_location(world) -> None:
    book = {"isbn": "1", "title": "t"}
    async with world.http() as http:
        later = await http.post("/bindings", json=book, headers={"prefer": "respond-async"})
        now = await http.post("/bindings", json=book, headers={"prefer": "wait=5"})
        plain = await http.post("/bindings", json=book)
    assert (later.status_code, now.status_code, plain.status_code) == (202, 201, 201)
    assert later.headers["location"] == "/system/library/v1/bindings/b%201"
    assert later.headers["preference-applied"] == "respond-async"
    assert now.headers["preference-applied"] == "wait=5"
    assert "preference-applied" not in plain.headers


async def test_a_key_used_twice_is_carried_out_once_and_never_for_another_body(world) -> None:
    async with world.http() as http:
        headers = {"idempotency-key": '"k-1"'}
        first = await http.post("/books/1/loans", json=LOAN, headers=headers)
        again = await http.post("/books/1/loans", json=LOAN, headers=headers)
        other = await http.post("/books/1/loans", json={"readerName": "Eve"}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert world.library.lent == ["Ada"]
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")


async def test_a_hundred_equal_writes_at_once_are_one(world) -> None:
    async with world.http() as http:
        headers = {"idempotency-key": "same"}
        answers = await asyncio.gather(*(http.post("/books/1/loans", json=LOAN, headers=headers) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert world.library.lent == ["Ada"]


async def test_the_deadline_ends_an_operation_that_does_not_answer(world) -> None:
    async with world.http() as http:
        answer = await http.get("/slow")
    assert (answer.status_code, answer.json()["type"]) == (504, "/problems/deadline-exceeded")


async def test_a_shorter_deadline_of_the_caller_counts_and_a_longer_one_does_not(world) -> None:
    async with world.http() as http:
        now = await http.get("/books/1", headers={"triptych-deadline-ms": "0"})
        long = await http.get("/slow", headers={"triptych-deadline-ms": "60000"})
    assert now.status_code == long.status_code == 504


async def test_a_defect_is_a_500_with_a_trace_id_and_nothing_else(world) -> None:
    async with world.http() as http:
        answer = await http.get("/broken")
    assert answer.status_code == 500
    assert answer.json()["traceId"] == answer.headers["trace-id"]
    assert "secret" not in answer.text
    assert "Zero" not in answer.text


async def test_the_callers_trace_and_correlation_reach_the_service(world) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    async with world.http() as http:
        answer = await http.get(
            "/books/1", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01", "correlation-id": "order-7"}
        )
    context = world.library.seen[-1]
    assert answer.headers["trace-id"] == context.trace_id == trace
    assert context.correlation_id == "order-7"
    assert context.priority == "interactive"


async def test_no_token_a_token_for_another_api_and_a_missing_scope_are_refused(world) -> None:
    async with world.http(audience="urn:triptych:system:other") as http:
        bare = await http.get("/books/1", headers={"authorization": ""})
        other = await http.get("/books/1")
    async with world.http("library:read") as http:
        scope = await http.delete("/books/1")
    assert bare.status_code == other.status_code == 401
    assert bare.headers["www-authenticate"].startswith("Bearer ")
    assert 'error="invalid_token"' in other.headers["www-authenticate"]
    assert scope.status_code == 403
    assert scope.json()["type"] == "/problems/missing-scope"
    assert 'scope="library:write"' in scope.headers["www-authenticate"]


async def test_a_used_up_allowance_is_refused_with_when_to_repeat_and_counted(world) -> None:
    token = world.issuer.issue("visitor", "visiting-app", AUDIENCE, {"library:read"}, tier="bronze")
    counted = {"group": "library:read", "tier": "bronze"}
    before = metrics.REGISTRY.get_sample_value("triptych_rate_limited_total", counted) or 0
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=world.url + PREFIX, headers=headers) as http:
        answers = [await http.get("/books/1") for _ in range(25)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert [answer.status_code for answer in answers[:20]] == [200] * 20
    assert refused
    assert int(refused[0].headers["retry-after"]) >= 1
    assert metrics.REGISTRY.get_sample_value("triptych_rate_limited_total", counted) == before + len(refused)


@pytest.mark.parametrize(
    ("parent", "state", "kept"),
    [
        (PARENT, "rojo=1, congo=2", "rojo=1, congo=2"),
        (PARENT, "Rojo=1", ""),
        (PARENT, "a=" + "x" * 600, ""),
        ("nonsense", "rojo=1", ""),
    ],
)
async def test_vendor_trace_state_goes_on_only_beside_a_valid_parent_and_within_its_grammar(
    world, parent: str, state: str, kept: str
) -> None:
    async with world.http() as http:
        await http.get("/books/1", headers={"traceparent": parent, "tracestate": state})
    assert world.library.seen[-1].tracestate == kept
