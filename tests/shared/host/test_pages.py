"""The pages over plain HTTP: what they say, under which headers, and what they refuse."""

import re
from urllib.parse import urlsplit

import httpx
import pytest

from shared.binding.problems import every_problem
from shared.host.api import installed_apis
from shared.host.runtime import Runtime

PAGES = ("/", "/docs", "/problems", "/problems/credit-refused", "/health")
ADDRESS = re.compile(r"""(?:href|src|url)\s*[=(]\s*["']?(https?:)?//""")


async def _get(suite: Runtime, path: str, process: str = "edge", **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=suite.processes[process]) as http:
        return await http.get(path, headers={"accept": "text/html", **headers})


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_names_nothing_off_this_machine_and_says_so_in_its_policy(suite: Runtime, path: str) -> None:
    answer = await _get(suite, path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    links: list[str] = re.findall(r'(?:href|src)="(https?://[^"]+)"', answer.text)
    assert {urlsplit(link).hostname for link in links} <= {"127.0.0.1"}
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe-eval" not in policy
    assert "script-src" not in policy  # so default-src holds: no inline scripts
    assert not re.search(r"<script(?! src=)|\son\w+=|javascript:", answer.text)


@pytest.mark.parametrize("name", ["pages.css", "docs.js", "favicon.svg"])
async def test_our_own_assets_load_nothing_themselves(suite: Runtime, name: str) -> None:
    answer = await _get(suite, f"/docs/assets/{name}")
    assert answer.status_code == 200
    assert not ADDRESS.search(answer.text)


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fpages.py", "index.html", "%2Fetc%2Fpasswd"])
async def test_only_listed_assets_are_served(suite: Runtime, name: str) -> None:
    answer = await _get(suite, f"/docs/assets/{name}")
    assert answer.status_code == 404
    assert answer.json()["type"] == "/problems/not-found"


async def test_the_index_shows_each_api_where_it_runs_whom_it_calls_and_every_operation(suite: Runtime) -> None:
    text = (await _get(suite, "/")).text
    for api in installed_apis():
        assert f'id="{api.contract.slug}"' in text
        assert f"/openapi/{api.contract.slug}.json" in text
        process = "edge" if api.tier == "experience" else "core"
        assert suite.processes[process] + api.contract.prefix in text
        for operation in api.contract.operations.values():
            assert operation.summary.replace("'", "&#39;") in text
    assert "<title>FieldSales calls QuoteToOrder</title>" in text
    assert "<title>Crm calls Salesforce</title>" in text


async def test_every_problem_type_has_a_page_that_says_what_to_do(suite: Runtime) -> None:
    overview = (await _get(suite, "/problems")).text
    async with httpx.AsyncClient(base_url=suite.processes["edge"]) as http:
        for slug, kind in every_problem().items():
            if not kind.__module__.startswith("shared."):
                continue
            assert f'href="{kind.type_uri()}"' in overview
            page = await http.get(kind.type_uri())
            assert page.status_code == 200, slug
            assert "What to do" in page.text
            assert kind.title in page.text


@pytest.mark.parametrize("path", ["/", "/docs", "/health", "/livez", "/metrics", "/openapi/crm.json"])
async def test_head_gives_what_get_would_without_the_body(suite: Runtime, path: str) -> None:
    async with httpx.AsyncClient(base_url=suite.processes["edge"]) as http:
        head = await http.head(path)
        got = await http.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == got.headers["content-type"]
    assert int(head.headers["content-length"]) > 0


async def test_an_unknown_problem_type_is_a_problem_itself(suite: Runtime) -> None:
    answer = await _get(suite, "/problems/%3Cscript%3E")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_health_is_a_page_for_people_and_a_document_for_machines(suite: Runtime) -> None:
    assert "<h1>Health" in (await _get(suite, "/health")).text
    for_machines = await _get(suite, "/health", accept="*/*")
    assert for_machines.headers["content-type"].startswith("application/health+json")
    assert for_machines.json()["status"] == "pass"


async def test_a_document_names_the_process_that_serves_the_api_and_where_tokens_come_from(suite: Runtime) -> None:
    crm = (await _get(suite, "/openapi/crm.json")).json()
    assert crm["servers"] == [{"url": suite.processes["core"]}]
    flow = crm["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]
    assert flow["tokenUrl"] == f"{suite.issuer}/oauth2/token"
    field_sales = (await _get(suite, "/openapi/field_sales.json")).json()
    assert field_sales["servers"] == [{"url": suite.processes["edge"]}]
    assert (await _get(suite, "/openapi/nothing.json")).status_code == 404


async def test_a_process_without_issuer_offers_no_token_it_cannot_give(suite: Runtime) -> None:
    assert 'id="token"' in (await _get(suite, "/docs")).text
    assert 'id="token"' not in (await _get(suite, "/docs", process="core")).text


@pytest.mark.parametrize("alias", ["127.0.0.1", "localhost"])
async def test_the_documentation_page_may_ask_another_process(suite: Runtime, alias: str) -> None:
    origin = suite.processes["edge"].replace("127.0.0.1", alias)
    async with httpx.AsyncClient(base_url=suite.processes["core"]) as http:
        asked = {"access-control-request-method": "GET", "access-control-request-headers": "authorization"}
        preflight = await http.options("/system/crm/v1/customers", headers={"origin": origin, **asked})
        assert preflight.status_code == 204
        assert preflight.headers["access-control-allow-origin"] == origin
        assert "authorization" in preflight.headers["access-control-allow-headers"]
        answer = await http.get("/system/crm/v1/customers", headers={"origin": origin})
        assert answer.status_code == 401
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["vary"] == "origin"
        assert "trace-id" in answer.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://127.0.0.1.evil.example"]
)
async def test_no_other_page_may_read_an_answer(suite: Runtime, origin: str) -> None:
    async with httpx.AsyncClient(base_url=suite.processes["core"]) as http:
        headers = {"origin": origin, "access-control-request-method": "GET"}
        for answer in (
            await http.options("/system/crm/v1/customers", headers=headers),
            await http.get("/system/crm/v1/customers", headers=headers),
            await http.get("/traces/4bf92f3577b34da6a3ce929d0e0e4736", headers=headers),
        ):
            assert "access-control-allow-origin" not in answer.headers
