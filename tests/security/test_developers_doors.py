"""Tokens for the asking and traces are for this machine's own pages and tools, whatever a browser is made to send."""

import pytest

FOREIGN = {
    "another host": [("host", "evil.example")],
    "another host with our port": [("host", "evil.example:{port}")],
    "a name that rebinds to us": [("host", "127.0.0.1.nip.io:{port}")],
    "our address as a user": [("host", "127.0.0.1@evil.example")],
    "an address of this network": [("host", "192.168.1.7:{port}")],
    "every address": [("host", "0.0.0.0:{port}")],
    "mapped": [("host", "[::ffff:127.0.0.1]:{port}")],
    "no host": [("host", "")],
    "no host at all": [("host", "[")],
    "another origin": [("origin", "https://evil.example")],
    "another port of this machine": [("origin", "http://127.0.0.1:1")],
    "the same port in the clear of another": [("origin", "https://127.0.0.1:{port}")],
    "an opaque origin": [("origin", "null")],
    "an empty origin": [("origin", "")],
    "our origin as a prefix": [("origin", "http://127.0.0.1:{port}.evil.example")],
    "cross-site": [("sec-fetch-site", "cross-site")],
    "made up": [("sec-fetch-site", "anything")],
}
DOORS = (("POST", "/docs/token?api=crm"), ("GET", "/traces/" + "a" * 32))


def filled(headers: list[tuple[str, str]], port: int) -> list[tuple[str, str]]:
    return [(name, value.format(port=port)) for name, value in headers]


@pytest.mark.parametrize("case", FOREIGN)
@pytest.mark.parametrize("door", DOORS, ids=["token", "trace"])
async def test_a_foreign_request_is_refused(suite, door: tuple[str, str], case: str) -> None:
    answer = await suite.ask(*door, filled(FOREIGN[case], suite.port))
    assert answer.status == 403, answer.body
    assert answer.problem["type"] == "/problems/forbidden"
    assert b"eyJ" not in answer.body


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "[::1]:{port}"])
@pytest.mark.parametrize("door", DOORS, ids=["token", "trace"])
async def test_our_own_pages_and_tools_are_served(suite, door: tuple[str, str], host: str) -> None:
    for headers in ([], [("sec-fetch-site", "same-origin")], [("sec-fetch-site", "none")]):
        answer = await suite.ask(*door, filled([("host", host), *headers], suite.port))
        assert answer.status == 200, answer.body
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers


async def test_no_page_invites_other_sites(suite, kit) -> None:
    operation = kit.operations["crm.list_customers"]
    for method, path in (
        ("GET", "/"),
        ("GET", "/oauth2/jwks"),
        ("OPTIONS", operation.path),
        ("POST", "/docs/token?api=crm"),
    ):
        origin = [("origin", suite.edge)] if "token" in path else [("origin", "https://evil.example")]
        answer = await suite.ask(method, path, [*origin, ("access-control-request-method", "POST")])
        assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_the_door_gives_no_token_for_what_there_is_not(suite) -> None:
    for api in ("", "nothing", "../crm", "crm%00"):
        answer = await suite.ask("POST", f"/docs/token?api={api}")
        assert answer.status == 404
        assert b"eyJ" not in answer.body
