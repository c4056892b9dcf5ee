"""Marketo on a bad day: refusals in a 200, tokens that end, limits, pages in place of answers."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from sandboxes.company import company
from shared.binding.problems import BackendFault, BackendUnavailable, Problem, QuotaExceeded
from shared.contracts.canonical.engagement import ContactsToSave, ContactsWanted, ContactToSave
from shared.contracts.system.marketing import ContactNotFound
from shared.resilience.outbound_faults import NotReached
from shared.resilience.wire import ReplyHeaders, WireReply
from system_apis.marketo import MarketoMarketing
from system_apis.marketo.faults import problem_of_reply

ASKED = ContactsWanted([company().customers[0].contacts[0].email])
ADA = ContactsToSave([ContactToSave("ada@alster.example", "Ada")])


async def test_a_token_that_has_ended_is_replaced_and_what_was_refused_is_asked_again(
    marketing: MarketoMarketing, control: httpx.AsyncClient
) -> None:
    await marketing.find_contacts(ASKED)
    await control.post("/expire-tokens", json={})
    assert (await marketing.save_contacts(ADA)).contacts[0].outcome == "created"
    asked = (await control.get("/requests", params={"limit": 9})).json()["requests"]
    assert sum(each["path"] == "/identity/oauth/token" for each in asked) == 2


@pytest.mark.parametrize(
    ("code", "kind", "after"),
    [
        ("606", QuotaExceeded, 20.0), ("615", QuotaExceeded, 1.0), ("604", BackendUnavailable, None),
        ("608", BackendUnavailable, None), ("713", BackendUnavailable, None), ("603", BackendFault, None),
        ("600", BackendFault, None), ("610", BackendFault, None), ("1003", BackendFault, None),
        ("not a number", BackendFault, None),
    ],
)  # fmt: skip
async def test_what_a_refused_request_is_called(
    opened: Callable[..., MarketoMarketing], refuse: Any, code: str, kind: type[Problem], after: float | None
) -> None:
    marketing = opened(retry_delays=())
    await marketing.find_contacts(ASKED)
    await refuse(code)
    with pytest.raises(kind) as caught:
        await marketing.find_contacts(ASKED)
    assert caught.value.retry_after == after
    assert "secret" not in str(caught.value.details())
    assert "not a number" not in str(caught.value.details())


def test_a_day_s_calls_come_back_at_midnight_in_its_zone() -> None:
    spent = WireReply(200, ReplyHeaders([]), b'{"success": false, "errors": [{"code": "607", "message": ""}]}')
    noon = 12 * 3600.0  # 06:00 in UTC-6
    problem = problem_of_reply(spent, lambda: noon)
    assert problem is not None
    assert problem.retry_after == 18 * 3600


async def test_a_token_that_is_never_good_ends_after_one_more_try(
    marketing: MarketoMarketing, refuse: Any, control: httpx.AsyncClient
) -> None:
    await refuse("601", times=None)
    with pytest.raises(BackendFault, match="does not accept our credentials"):
        await marketing.find_contacts(ASKED)
    asked = [each["path"] for each in (await control.get("/requests", params={"limit": 9})).json()["requests"]]
    assert asked.count("/rest/v1/leads.json") == 2


async def test_a_wrong_secret_is_our_fault_and_stays_secret(opened: Callable[..., MarketoMarketing]) -> None:
    with pytest.raises(BackendFault, match="compare client_id and client_secret") as caught:
        await opened(secret="wrong-secret").find_contacts(ASKED)
    assert "wrong-secret" not in str(caught.value.details())


async def test_no_secret_and_no_address_stands_in_a_path(
    marketing: MarketoMarketing, control: httpx.AsyncClient
) -> None:
    await marketing.find_contacts(ASKED)
    asked = str((await control.get("/requests", params={"limit": 9})).json())
    assert "client_secret" not in asked
    assert "%40" not in asked


@pytest.mark.parametrize("fault", ["html", "nonsense", "truncate"])
async def test_a_page_in_place_of_an_answer_is_no_answer(marketing: MarketoMarketing, fail: Any, fault: str) -> None:
    await marketing.find_contacts(ASKED)
    await fail("*", "/rest/*", fault, times=None)
    with pytest.raises((BackendFault, BackendUnavailable)):
        await marketing.get_contact("310001")


async def test_many_calls_at_once_never_find_marketo_busy(
    marketing: MarketoMarketing, control: httpx.AsyncClient
) -> None:
    await control.post("/limits", json={})
    await control.post("/work", json={"seconds": 0.02})
    found = await asyncio.gather(*(marketing.find_contacts(ASKED) for _ in range(40)))
    assert all(len(each.contacts) == 1 for each in found)


async def test_a_save_that_marketo_may_still_work_on_keeps_the_next_from_being_sent(
    opened: Callable[..., MarketoMarketing], control: httpx.AsyncClient
) -> None:
    marketing = opened(timeout=1.5, settle_seconds=60.0)
    await marketing.find_contacts(ASKED)
    await control.post("/work", json={"seconds": 3.0})
    with pytest.raises(Problem):
        await marketing.save_contacts(ADA)
    with pytest.raises(NotReached, match="nothing was sent") as caught:
        await marketing.save_contacts(ADA)
    assert caught.value.retry_after == 5.0
    people = (await control.get("/ledger")).json()["leads"]
    assert sum(each["email"] == "ada@alster.example" for each in people) <= 1


@pytest.mark.parametrize("code", ["1004", "702"])
async def test_a_person_reported_missing_is_not_found(marketing: MarketoMarketing, refuse: Any, code: str) -> None:
    await marketing.find_contacts(ASKED)
    await refuse(code)
    with pytest.raises(ContactNotFound):
        await marketing.get_contact("310001")
