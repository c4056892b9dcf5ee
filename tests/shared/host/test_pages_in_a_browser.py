"""The pages as a browser sees them: nothing leaves the machine, nothing complains, an API can be tried."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from shared.host.runtime import Runtime

PAGES = ("/", "/docs", "/problems", "/problems/credit-refused", "/health")


def _edge(suite: Runtime) -> str:
    return suite.processes["edge"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("width", [1280, 360])
async def test_a_page_loads_without_a_complaint_a_request_elsewhere_or_a_sideways_scroll(
    browser: Any, suite: Runtime, path: str, width: int
) -> None:
    tab = await browser.tab(width=width)
    await tab.open(_edge(suite) + path)
    if path == "/docs":
        await tab.until("document.querySelector('.opblock')")
    requested: list[str] = tab.requested
    hosts = {urlsplit(url).netloc for url in requested if not url.startswith("data:")}
    assert hosts == {urlsplit(_edge(suite)).netloc}
    assert tab.complaints == []
    assert await tab.run("document.documentElement.scrollWidth <= innerWidth"), f"{path} scrolls sideways at {width}"
    assert await tab.run("document.title.includes('Triptych')")


@pytest.mark.parametrize(("api", "operation"), [("field_sales", "list_customers"), ("crm", "list_customers")])
async def test_an_api_is_tried_with_a_token_from_the_page_even_in_another_process(
    browser: Any, suite: Runtime, api: str, operation: str
) -> None:
    tab = await browser.tab()
    await tab.open(f"{_edge(suite)}/docs?api={api}")
    await tab.until("document.querySelector('.opblock')")
    await tab.run("document.getElementById('token').click()")
    await tab.until("document.getElementById('note').textContent.startsWith('Authorized')")
    block = f"document.querySelector('[id$=\"{api}_{operation}\"]')"
    await tab.run(f"{block}.querySelector('.opblock-summary-control').click()")
    await tab.until(f"{block}.querySelector('.parameters input')")
    await tab.run(f"{block}.querySelector('.execute').click()")
    status = await tab.until(
        f"{block}.querySelector('.live-responses-table tr.response .response-col_status')?.textContent"
    )
    assert status.startswith("200")
    assert "customerId" in await tab.run(f"{block}.querySelector('.live-responses-table').textContent")
    assert tab.complaints == []


async def test_without_a_token_a_try_shows_the_problem(browser: Any, suite: Runtime) -> None:
    tab = await browser.tab()
    await tab.open(f"{_edge(suite)}/docs?api=crm")
    block = "document.querySelector('[id$=\"crm_list_customers\"]')"
    await tab.until(block)
    await tab.run(f"{block}.querySelector('.opblock-summary-control').click()")
    await tab.until(f"{block}.querySelector('.parameters input')")
    await tab.run(f"{block}.querySelector('.execute').click()")
    told = await tab.until(f"{block}.querySelector('.live-responses-table')?.textContent")
    assert "401" in told
    assert "/problems/unauthenticated" in told


async def test_every_page_can_be_read_without_scripts(browser: Any, suite: Runtime) -> None:
    tab = await browser.tab()
    await tab.send("Emulation.setScriptExecutionDisabled", value=True)
    for path in PAGES:
        await tab.open(_edge(suite) + path)
        assert await tab.run("document.querySelector('main h1').textContent.length > 3"), path
        assert await tab.run("document.querySelector('nav [aria-current]') !== null"), path
    assert tab.complaints == []
