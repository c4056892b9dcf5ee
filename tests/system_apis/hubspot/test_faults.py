"""HubSpot on a bad day."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from shared.binding.problems import BackendFault, BackendUnavailable, Problem, QuotaExceeded
from shared.contracts.canonical.engagement import ContactsWanted, MarketingContact
from shared.resilience.outbound_faults import BrokenReply
from system_apis.hubspot import HubSpotMarketing

Fail = Callable[..., Awaitable[None]]
Opened = Callable[..., HubSpotMarketing]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("status", BackendUnavailable),
        ("close", BackendUnavailable),
        ("truncate", BrokenReply),
        ("nonsense", BackendFault),
        ("html", BackendFault),
    ],
)
async def test_what_lasting_trouble_is_called(
    marketing: HubSpotMarketing, person: MarketingContact, fail: Fail, fault: str, kind: type[Problem]
) -> None:
    await fail("GET", "*", fault, times=None)
    with pytest.raises(kind):
        await marketing.get_contact(person.contact_id)


async def test_a_wrong_token_is_our_fault_and_stays_secret(opened: Opened, emails: list[str]) -> None:
    with pytest.raises(BackendFault, match="does not accept our credentials") as caught:
        await opened(token="pat-wrong-secret").find_contacts(ContactsWanted(emails))
    assert "pat-wrong" not in str(caught.value.details())


@pytest.mark.parametrize(
    ("limit", "seconds"), [({"per_ten_seconds": 0}, 10.0), ({"per_day": 0}, 3600.0)], ids=["rolling", "daily"]
)
async def test_spent_calls_say_when_to_come_back(
    opened: Opened, control: httpx.AsyncClient, emails: list[str], limit: dict[str, int], seconds: float
) -> None:
    marketing = opened(timeout=2.0)
    await control.post("/rate-limit", json=limit)
    with pytest.raises(QuotaExceeded) as caught:
        await marketing.find_contacts(ContactsWanted(emails))
    assert caught.value.retry_after == seconds


async def test_a_missing_scope_says_what_to_do(
    marketing: HubSpotMarketing, person: MarketingContact, fail: Fail
) -> None:
    await fail("GET", "*", "status", status=403)
    with pytest.raises(BackendFault, match="scopes"):
        await marketing.get_contact(person.contact_id)
