"""Any mix of changes goes in as few calls as serve, and each change has its own result."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from sandboxes.company import company
from shared.binding.problems import Invalid, QuotaExceeded
from shared.contracts.system.salesforce_platform import Change, FieldNotKnown, ObjectNotFound, RowReference, SaveRequest
from system_apis.salesforce.platform.service import OrgPlatform

CUSTOMERS = company().customers
SOBJECTS = ("Contact", "Lead", "Task", "Opportunity")


def account(name: str = "Co", reference: str = "", **fields: Any) -> Change:
    return Change("create", "Account", {"Name": name, **fields}, reference=reference)


def contact(name: str = "Ada", **fields: Any) -> Change:
    return Change("create", "Contact", {"LastName": name, **fields})


def of(reference: str, name: str = "Ada", **fields: Any) -> Change:
    return contact(name, AccountId=RowReference(reference), **fields)


def update(at: int = 0, **fields: Any) -> Change:
    return Change("update", "Account", fields or {"Description": "x"}, row_id=CUSTOMERS[at].salesforce_id)


def upsert(key: str, **fields: Any) -> Change:
    return Change("upsert", "Account", {"Name": key, **fields}, key_field="ERP_Customer_Number__c", key=key)


def linked(sets: int) -> list[Change]:
    """Sets of two that are no tree: a company that is updated by its reference's contact, reporting to another."""
    made = [(account(f"C{at}", f"c{at}"), of(f"c{at}")) for at in range(sets)]
    return [change for each in made for change in each]


def web() -> list[Change]:
    """A contact that refers to two rows, so that there is no tree."""
    boss = Change("create", "Contact", {"LastName": "Boss"}, reference="boss")
    return [account(reference="co"), boss, of("co", ReportsToId=RowReference("boss"))]


ROW, KEY = CUSTOMERS[0].salesforce_id, {"key_field": "ERP_Customer_Number__c", "key": "K"}
MISFITS: list[tuple[list[Change], type[Exception], str]] = [
    ([contact(), Change("create", "Account", {"Name": "x"}, row_id=ROW)], Invalid, "Change 1 .*no rowId"),
    ([Change("update", "Account", {"Name": "x"}, row_id=ROW, **KEY)], Invalid, "no keyField"),
    ([Change("upsert", "Account", {"Name": "x"}, row_id=ROW, **KEY)], Invalid, "no rowId"),
    ([Change("delete", "Account", row_id=ROW, key="K")], Invalid, "no key"),
    ([Change("create", "Account", {"Name": "x"}, version='"1"')], Invalid, "no version"),
    ([account(name="x", NAME="y")], Invalid, "twice"),
    ([Change("upsert", "Account", {}, key_field="Name", key="x")], FieldNotKnown, "Change 0: .*external id"),
    ([Change("create", "Nothing__c", {})], ObjectNotFound, "Change 0: .*Nothing__c"),
]
"""Each names a row in a way that its action does not take, or a name that is none."""
Case = tuple[Callable[[], list[Change]], bool, list[str]]
V = "/services/data/v66.0"
CASES: dict[str, Case] = {
    "one create": (lambda: [account()], False, ["/sobjects/Account"]),
    "one update": (lambda: [update()], False, [f"/sobjects/Account/{CUSTOMERS[0].salesforce_id}"]),
    "one upsert": (lambda: [upsert("U1")], True, ["/sobjects/Account/ERP_Customer_Number__c/U1"]),
    "200 creates of one type": (lambda: [contact(f"C{at}") for at in range(200)], False, ["/composite/sobjects"]),
    "creates of two types, mixed": (lambda: [account(), contact()] * 6, False, ["/composite/sobjects"]),
    "updates, all or none": (lambda: [update(0), update(1)], True, ["/composite/sobjects"]),
    "upserts": (lambda: [upsert("U1"), upsert("U2")], False, ["/composite/sobjects/Account/ERP_Customer_Number__c"]),
    "a tree": (lambda: [account(reference="a"), of("a"), of("a", "Bob")], False, ["/composite/tree/Account"]),
    "trees, all or none": (lambda: linked(30), True, ["/composite/tree/Account"]),
    "a web, all or none": (web, True, ["/composite"]),
    "a web and more, all or none": (lambda: [*web(), *(update(at) for at in range(30))], True, ["/composite/graph"]),
    "sets of their own": (lambda: linked(2), False, ["/composite/graph"]),
    "sets and others": (lambda: [*linked(2), update(), contact()], False, ["/composite/graph"]),
    "a few of several kinds": (lambda: [account(), update(), upsert("U1")], False, ["/composite"]),
    "many of several kinds": (
        lambda: [*(contact(f"C{at}") for at in range(60)), *(update(at) for at in range(60))], False, ["/composite"],
    ),
    "several kinds, all or none": (lambda: [account(), update()], True, ["/composite"]),
    "text that looks like a reference": (
        lambda: [account("@{r1.id}"), update(), upsert("U1")], False, ["/composite/batch"],
    ),
    "201 creates": (lambda: [contact(f"C{at}") for at in range(201)], False, ["/composite"]),
    "201 creates, all or none": (lambda: [contact(f"C{at}") for at in range(201)], True, ["/composite/graph"]),
    "80 sets": (lambda: linked(80), False, ["/composite/graph", "/composite/graph"]),
}  # fmt: skip


async def test_the_fewest_calls_are_chosen(platform: OrgPlatform, org) -> None:
    for case, (changes, all_or_none, paths) in CASES.items():
        before = len(await org.requests(V))
        outcome = await platform.save(SaveRequest(changes(), all_or_none))
        assert not [result.problem for result in outcome.results if result.problem], case
        assert all(len(result.row_id) == 18 for result in outcome.results), case
        called = [each["path"].partition("?")[0].removeprefix(V) for each in (await org.requests(V))[before:]]
        assert [path for path in called if not path.endswith("/describe")] == paths, case


async def test_references_become_the_ids_of_what_was_made(platform: OrgPlatform, org) -> None:
    for changes, all_or_none in ((web(), True), (linked(1), False), (linked(2), False)):
        results = (await platform.save(SaveRequest(changes, all_or_none))).results
        made = await org.rest("GET", f"/sobjects/Contact/{results[-1].row_id}?fields=AccountId")
        at = 0 if len(changes) < 4 else 2
        assert made["AccountId"] == results[at].row_id


async def test_deletes_go_together_and_tell_which_was_gone(platform: OrgPlatform) -> None:
    made = (await platform.save(SaveRequest([contact(), contact()]))).results
    ids = [made[0].row_id, made[1].row_id]
    deletes = [Change("delete", "Contact", row_id=each) for each in (*ids, ids[0])]
    results = (await platform.save(SaveRequest(deletes))).results
    assert [result.code for result in results] == ["", "", "ENTITY_IS_DELETED"]
    assert results[2].problem
    assert results[2].problem.type == "/problems/row-not-found"


REFUSED: list[tuple[Change, str, str]] = [
    (contact("x" * 90), "STRING_TOO_LONG", "invalid"),
    (contact("A", Email="no address"), "INVALID_EMAIL_ADDRESS", "invalid"),
    (Change("create", "Contact", {"FirstName": "A"}), "REQUIRED_FIELD_MISSING", "invalid"),
    (contact("A", AccountId="001000000000000AAA"), "INVALID_CROSS_REFERENCE_KEY", "row-not-found"),
    (contact("A", CreatedDate="2026-01-01"), "INVALID_FIELD_FOR_INSERT_UPDATE", "invalid"),
    (account("A", ERP_Customer_Number__c=CUSTOMERS[0].sap_customer), "DUPLICATE_VALUE", "duplicate-value"),
    (update(0, ParentId="001000000000000AAA"), "INVALID_CROSS_REFERENCE_KEY", "row-not-found"),
]


@pytest.mark.parametrize("shape", ["alone", "collection", "all or none", "mixed", "mixed, all or none", "tree"])
async def test_a_refusal_is_that_of_its_record_whatever_the_call(platform: OrgPlatform, shape: str) -> None:
    whole = "all or none" in shape or shape == "tree"
    for bad, code, kind in REFUSED:
        if shape == "tree" and bad.action != "create":
            continue  # trees are made of creates
        good = {
            "mixed": [upsert("M1"), update(3)],
            "mixed, all or none": [upsert("M1"), update(3)],
            "tree": [account(reference="t"), of("t")],
            "alone": [],
        }.get(shape, [Change(bad.action, bad.sobject, *_good(bad))])
        results = (await platform.save(SaveRequest([*good, bad], all_or_none=whole))).results
        assert results[-1].code == code
        assert results[-1].problem
        assert results[-1].problem.type == f"/problems/{kind}"
        for result in results[:-1]:
            assert (result.problem.type if result.problem else "") == ("/problems/rolled-back" if whole else "")


def _good(bad: Change) -> tuple[dict[str, Any], str]:
    if bad.action == "update":
        return {"Description": "y"}, CUSTOMERS[5].salesforce_id
    return ({"Name": "Fine"} if bad.sobject == "Account" else {"LastName": "Fine"}), ""


async def test_a_locked_row_is_waited_for(platform: OrgPlatform, org) -> None:
    for shape in ([contact()], [contact(), contact("B")], [contact(), upsert("L1")], linked(2)):
        await org.control("lock-rows", object="Contact", times=2)
        results = (await platform.save(SaveRequest(shape))).results
        assert not [result.problem for result in results if result.problem]


async def test_a_row_that_stays_locked_is_a_transient_problem(platform: OrgPlatform, org) -> None:
    await org.control("lock-rows", object="Contact", times=50)
    for changes in ([contact()], [contact(), contact("B")]):
        results = (await platform.save(SaveRequest(changes))).results
        assert {(result.code, result.problem and result.problem.status) for result in results} == {
            ("UNABLE_TO_LOCK_ROW", 503)
        }
    await org.control("reset")


async def test_a_change_of_an_old_version_is_refused_and_others_are_made(platform: OrgPlatform, org) -> None:
    row = await platform.get_row("Account", CUSTOMERS[0].salesforce_id, fields=["Name"])
    await org.rest("PATCH", f"/sobjects/Account/{row.row_id}", json={"Description": "somebody else's"})
    stale = Change("update", "Account", {"Description": "ours"}, row_id=row.row_id, version='"1"')
    results = (await platform.save(SaveRequest([stale, contact()]))).results
    assert [result.code for result in results] == ["PRECONDITION_FAILED", ""]
    assert results[0].problem
    assert results[0].problem.type == "/problems/precondition-failed"


async def test_the_key_of_several_rows_is_refused(platform: OrgPlatform, org) -> None:
    for name in ("A", "B"):
        await org.rest("POST", "/sobjects/Contact", json={"LastName": name, "ERP_Contact_Number__c": "TWO"})
    change = Change("upsert", "Contact", {"LastName": "C"}, key_field="ERP_Contact_Number__c", key="TWO")
    for changes in ([change], [change, update()]):
        results = (await platform.save(SaveRequest(changes))).results
        assert results[0].problem
        assert results[0].problem.type == "/problems/several-rows"


async def test_what_cannot_be_sent_is_refused_before_anything_is_written(platform: OrgPlatform, org) -> None:
    refused: list[tuple[list[Change], type[Exception], str]] = [
        ([Change("update", "Account", {"Name": "x"})], Invalid, "needs rowId"),
        *MISFITS,
        ([Change("update", "Account", {"Name": "x"}, row_id="nothing-9999")], Invalid, "record id"),
        ([contact(Nothing__c="x")], FieldNotKnown, "Nothing__c"),
        ([of("nobody")], Invalid, "no earlier change"),
        ([account(reference="a"), account(reference="a")], Invalid, "this reference"),
        ([Change("create", "Contact", {"LastName": "A", "Account.Owner.Id": "x"})], Invalid, "cannot be written"),
        ([account("@{x}", "a"), *web()[1:], of("a")], Invalid, "reference"),
    ]
    for changes, problem, where in refused:
        with pytest.raises(problem, match=where):
            await platform.save(SaveRequest(changes, all_or_none=True))
    assert not [each for each in await org.requests(V) if each["method"] != "GET"]


async def test_what_belongs_together_is_found_in_time_that_grows_with_its_number(platform: OrgPlatform) -> None:
    changes = [account(reference="co"), Change("create", "Contact", {"LastName": "0"}, reference="c0")]
    for at in range(1, 1_999):
        fields = {"LastName": "x", "AccountId": RowReference("co"), "ReportsToId": RowReference(f"c{at - 1}")}
        changes.append(Change("create", "Contact", fields, reference=f"c{at}"))
    begun = time.process_time()
    with pytest.raises(Invalid, match="2000 of 2"):
        await platform.save(SaveRequest(changes))
    assert time.process_time() - begun < 5  # the cube of their number was 20 s and more


async def test_more_than_a_graph_holds_is_refused_all_or_none(platform: OrgPlatform) -> None:
    with pytest.raises(Invalid, match="bulk job"):
        await platform.save(SaveRequest([*(contact(f"C{at}") for at in range(501)), update()], all_or_none=True))


async def test_a_session_that_has_expired_is_renewed_and_the_write_made_once(platform: OrgPlatform, org) -> None:
    await platform.describe_object("Contact")
    await org.control("expire-tokens")
    results = (await platform.save(SaveRequest([contact("Once"), contact("Twice")]))).results
    assert all(result.row_id for result in results)
    assert [each["status"] for each in await org.requests("/composite/sobjects")] == [401, 200]


async def test_an_allowance_that_is_used_up_is_transient_and_nothing_is_written(platform: OrgPlatform, org) -> None:
    await platform.describe_object("Contact")
    await org.control("limits", DailyApiRequests=1, used=1)
    with pytest.raises(QuotaExceeded):
        await platform.save(SaveRequest([contact()]))
