"""A customer that only the CRM knows is entered in the ERP once and can order; what cannot be leaves nothing behind."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from eventually import eventually

from sandboxes.company import Customer, company
from shared.host.tokens import app_token

COMPANY = company()
PLAIN = COMPANY.prospects_for("plain")
REFUSED_NOTE = [{"errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "Not today.", "fields": []}]


def desk(suite: Any, **headers: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"{suite.edge}/process/customer-onboarding/v1",
        headers={"authorization": f"Bearer {suite.token('customer_onboarding')}", "prefer": "wait=25", **headers},
        timeout=60.0,
    )


async def onboard(suite: Any, customer: Customer, **request: Any) -> httpx.Response:
    async with desk(suite) as http:
        return await http.post("/onboardings", json={"customerId": customer.salesforce_id, **request})


async def onboarded(suite: Any, customer: Customer, **request: Any) -> dict[str, Any]:
    answer = await onboard(suite, customer, **request)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert told["state"] == "completed"
    return told


async def in_the_erp(suite: Any, customer: Customer) -> list[dict[str, Any]]:
    """The partners made for a customer and its delivery places, by SAP's own books."""
    partners = (await suite.sandbox("sap", "GET", "ledger"))["partners"]
    return [one for one in partners if one["BusinessPartnerIDByExtSystem"].startswith(customer.salesforce_id)]


async def read(suite: Any, api: str, path: str) -> dict[str, Any]:
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {suite.token(api)}"}, timeout=60.0) as http:
        answer = await http.get(f"{suite.edge}/system/{api}/v1/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def number_in_the_crm(suite: Any, customer: Customer) -> str | None:
    return (await read(suite, "crm", f"customers/{customer.salesforce_id}")).get("erpNumber")


def refused(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (status, f"/problems/{kind}"), problem
    assert problem["detail"].endswith(".")
    return problem


async def test_a_customer_that_could_not_order_can_once_it_is_onboarded(calm_suite) -> None:
    customer = PLAIN[0]
    quote = next(one for one in COMPANY.quotes if one.customer == customer.number)
    async with calm_suite.phone(prefer="wait=25") as phone:
        refused(await phone.post("/orders", json={"quoteId": quote.salesforce_id}), 422, "customer-not-in-erp")

    told = await onboarded(calm_suite, customer)
    number = told["onboarded"]["erpNumber"]
    assert told["onboardingId"] == f"onboarding-{customer.salesforce_id}"
    assert told["onboarded"]["created"] is True
    assert await number_in_the_crm(calm_suite, customer) == number
    partners = await in_the_erp(calm_suite, customer)
    assert [one["BusinessPartnerIDByExtSystem"][18:] for one in partners] == ["", "-1"]
    [place] = told["onboarded"]["deliveryPlaces"]
    assert (place["function"], place["erpNumber"]) == ("ship-to", partners[1]["Customer"])
    kept = await read(calm_suite, "erp", f"customers/{number}")
    assert (kept["name"], kept["taxNumber"]) == (customer.legal_name, customer.tax_number)

    async with calm_suite.phone(prefer="wait=25") as phone:
        ordered = await phone.post("/orders", json={"quoteId": quote.salesforce_id})
        assert ordered.status_code == 201, ordered.text
        view = (await phone.get(f"/customers/{customer.salesforce_id}")).json()
    assert (view["name"], [one["erpOrderId"] for one in view["orders"]]) == (
        customer.name,
        [view["orders"][0]["erpOrderId"]],
    )
    assert {part["part"] for part in view["missing"]} == {"credit"}  # nobody has granted it a limit yet

    async with desk(calm_suite) as http:
        shown = (await http.get(f"/onboardings/{told['onboardingId']}")).json()
    assert (shown["onboarded"], shown["customerId"]) == (told["onboarded"], customer.salesforce_id)


async def test_asking_again_however_often_makes_one_partner(calm_suite) -> None:
    customer = PLAIN[1]
    requests = [{}, {}, {"paymentTerms": "NT60"}, {}]
    answers = await asyncio.gather(*(onboard(calm_suite, customer, **one) for one in requests))
    assert {one.status_code for one in answers} == {201}
    assert len({one.json()["onboarded"]["erpNumber"] for one in answers}) == 1
    assert len(await in_the_erp(calm_suite, customer)) == 2


async def test_it_can_be_asked_for_and_looked_at_later(calm_suite) -> None:
    token = await app_token(calm_suite.runtime, "master-data")
    async with desk(calm_suite, prefer="respond-async", authorization=f"Bearer {token}") as http:
        answer = await http.post("/onboardings", json={"customerId": PLAIN[2].salesforce_id})
        assert answer.status_code == 202, answer.text

        async def done() -> dict[str, Any] | None:
            told = (await http.get(f"{calm_suite.edge}{answer.headers['location']}")).json()
            return told if told["state"] == "completed" else None

        told = await eventually(done, every=0.05)
    assert told["onboarded"]["erpNumber"] == await number_in_the_crm(calm_suite, PLAIN[2])


async def test_the_companies_above_come_first_and_each_stands_in_both_systems(calm_suite) -> None:
    [top], [middle], [low] = (COMPANY.prospects_for(f"new-{kind}") for kind in ("parent", "child", "grandchild"))
    told = await onboarded(calm_suite, low)
    numbers = [await number_in_the_crm(calm_suite, one) for one in (top, middle, low)]
    assert sorted(filter(None, numbers)) == numbers  # SAP counts upwards: the uppermost was first
    assert (told["onboarded"]["parentErpNumber"], told["onboarded"]["erpNumber"]) == (numbers[1], numbers[2])
    for above, below in ((numbers[0], numbers[1]), (numbers[1], numbers[2])):
        assert (await read(calm_suite, "erp", f"customers/{below}"))["parentErpNumber"] == above
    child = f"onboarding-{low.salesforce_id}:{middle.salesforce_id}"
    async with desk(calm_suite) as http:
        shown = (await http.get(f"/onboardings/{child}")).json()
    assert (shown["customerId"], shown["onboarded"]["erpNumber"]) == (middle.salesforce_id, numbers[1])
    again = (await onboarded(calm_suite, middle))["onboarded"]
    assert (again["erpNumber"], again["created"]) == (numbers[1], False)


async def test_who_may_be_there_already_is_named_and_onboarded_only_on_request(calm_suite) -> None:
    [twin], known = COMPANY.prospects_for("twin"), COMPANY.customers[0]
    problem = refused(await onboard(calm_suite, twin), 422, "similar-customers-in-erp")
    assert problem["similar"] == [known.sap_customer]
    assert "tax-number and name-and-postal-code" in problem["detail"]
    assert await in_the_erp(calm_suite, twin) == []
    told = await onboarded(calm_suite, twin, evenIfSimilar=True)
    assert told["onboardingId"] == f"onboarding-{twin.salesforce_id}.2"


async def test_everything_that_is_missing_is_told_at_once(calm_suite) -> None:
    [lacking] = COMPANY.prospects_for("lacking")
    places = [{"name": " ", "address": {"street": "Hafen 1"}}]
    problem = refused(await onboard(calm_suite, lacking, shippingPlaces=places), 422, "customer-not-onboardable")
    assert {one["pointer"] for one in problem["errors"]} == {
        "/billingAddress", "/shippingPlaces/0/name", "/shippingPlaces/0/address/country",
        "/shippingPlaces/0/address/city",
    }  # fmt: skip
    assert await number_in_the_crm(calm_suite, lacking) is None


@pytest.mark.parametrize("kind", ["longest-name", "japanese", "arabic"])
async def test_names_arrive_whole_in_any_script(calm_suite, kind: str) -> None:
    [customer] = COMPANY.prospects_for(kind)
    told = await onboarded(calm_suite, customer)
    kept = await read(calm_suite, "erp", f"customers/{told['onboarded']['erpNumber']}")
    assert kept["name"] == customer.legal_name


async def test_what_the_erp_cannot_hold_is_refused_with_where_and_nothing_is_made(calm_suite) -> None:
    [customer] = COMPANY.prospects_for("too-long-name")
    problem = refused(await onboard(calm_suite, customer), 422, "erp-customer-rejected")
    assert [one["pointer"] for one in problem["errors"]] == ["/name"]
    area = {"organization": "9999", "channel": "10", "division": "00"}
    problem = refused(await onboard(calm_suite, PLAIN[3], salesAreas=[area]), 422, "erp-customer-rejected")
    assert [one["pointer"] for one in problem["errors"]] == ["/salesAreas"]
    assert await in_the_erp(calm_suite, customer) == await in_the_erp(calm_suite, PLAIN[3]) == []


@pytest.mark.parametrize("path", ["*A_BusinessPartner", "*A_CustSalesPartnerFunc"])
async def test_a_lost_answer_makes_no_second_partner(calm_suite, path: str) -> None:
    customer = PLAIN[4 if path.endswith("Partner") else 5]
    await calm_suite.fault("sap", fault="lost-reply", method="POST", path=path, times=1)
    told = await onboarded(calm_suite, customer)
    partners = await in_the_erp(calm_suite, customer)
    assert [one["BusinessPartnerIDByExtSystem"][18:] for one in partners] == ["", "-1"]
    assert partners[0]["Customer"] == told["onboarded"]["erpNumber"]


async def test_a_late_refusal_takes_out_of_use_what_was_entered_and_a_new_attempt_may_follow(calm_suite) -> None:
    customer = PLAIN[6]
    await calm_suite.fault(
        "salesforce", fault="status", method="POST", path="*/composite*", status=400, body=REFUSED_NOTE
    )
    answer = await onboard(calm_suite, customer)
    assert 400 <= answer.status_code < 500, answer.text
    made = (await calm_suite.sandbox("sap", "GET", "ledger"))["partners"][-2:]
    assert all(one["IsMarkedForArchiving"] and one["BusinessPartnerIsBlocked"] for one in made), made
    assert await in_the_erp(calm_suite, customer) == []
    await calm_suite.calm()
    told = await onboarded(calm_suite, customer)
    assert told["onboarded"]["erpNumber"] not in {one["Customer"] for one in made}
    assert await number_in_the_crm(calm_suite, customer) == told["onboarded"]["erpNumber"]


async def test_nothing_personal_can_be_read_in_the_journal(calm_suite) -> None:
    customer = PLAIN[7]
    told = await onboarded(calm_suite, customer)
    kept = b"".join(path.read_bytes() for path in Path(calm_suite.runtime.state).glob("journal*"))  # noqa: ASYNC240 - a test may wait
    assert told["onboardingId"].encode() in kept
    for secret in (
        customer.tax_number,
        customer.name,
        customer.contacts[0].email,
        customer.phone,
        customer.billing.street,
    ):
        assert secret.encode() not in kept


async def test_one_that_has_a_number_keeps_it_and_one_that_is_not_there_is_not_found(calm_suite) -> None:
    known = COMPANY.customers[5]
    told = (await onboarded(calm_suite, known))["onboarded"]
    assert told == {"customerId": known.salesforce_id, "erpNumber": known.sap_customer, "created": False}
    async with desk(calm_suite) as http:
        refused(await http.post("/onboardings", json={"customerId": "001aj00000ZZZZZ"}), 404, "customer-not-found")
        refused(await http.get("/onboardings/onboarding-nobody"), 404, "onboarding-not-found")
