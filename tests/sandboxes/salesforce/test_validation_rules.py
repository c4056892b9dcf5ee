"""Validation and duplicate rules at every door."""

from typing import Any

import httpx
import pytest

from sandboxes.salesforce.formulas import FormulaError, compile_formula
from sandboxes.salesforce.org import Org
from sandboxes.salesforce.rules import Change

V = "/services/data/v66.0"
NEW: dict[str, Any] = {
    "Name": "Acme",
    "Phone": None,
    "Industry": "Energy",
    "Credit_Limit__c": 10.0,
    "Order_Block__c": 0,
}
OLD: dict[str, Any] = NEW | {"Industry": "Retail", "Phone": "1"}


def holds(org: Org, formula: str, before: dict[str, Any] | None = None) -> Any:
    account = org.catalogue.sobjects["account"]
    return compile_formula(formula, account)(Change(org.store, NEW, before, "005", "2026-05-28T20:26:40.000+0000"))


@pytest.mark.parametrize(
    "formula",
    [
        "Credit_Limit__c >= 10",
        "AND(Credit_Limit__c > 9.5, NOT(Order_Block__c), Credit_Limit__c <> 11)",
        'OR(ISBLANK(Phone), Name = "Nobody")',
        'ISPICKVAL(Industry, "Energy") && TEXT(Industry) = "Energy"',
        'LEN(Name) = 4 /* letters */ && !REGEX(Name, "[0-9]+") && REGEX(Name, "A.*")',
        '"Ac" & "me" == Name',
        "-Credit_Limit__c + 2 * (3 + 2) / 1 = 0",
        'IF(ISNEW(), BEGINS(Name, "A"), FALSE)',
        'CONTAINS(UPPER(Name), "CM") && TRIM("  x ") = \'x\'',
        "ISBLANK(AnnualRevenue) || AnnualRevenue < 0",
        'VALUE("7") + 3 = Credit_Limit__c && ABS(-7) = 7',
        'TODAY() = "2026-05-28"',
        "NULL = Phone",
    ],
)
def test_formulas_mean_what_they_say(org: Org, formula: str) -> None:
    assert holds(org, formula) is True


def test_formulas_look_back(org: Org) -> None:
    assert holds(org, 'ISCHANGED(Phone) && PRIORVALUE(Phone) = "1" && NOT(ISCHANGED(Name))', OLD) is True
    assert holds(org, 'ISPICKVAL(PRIORVALUE(Industry), "Retail") && NOT(ISNEW())', OLD) is True
    assert holds(org, "ISCHANGED(Phone)") is False  # nothing was there before
    assert holds(org, "Phone > Name") is False  # a blank is neither more nor less


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("VLOOKUP(Name)", "Unknown function VLOOKUP"),
        ("Nowhere__c = 1", "Field Nowhere__c does not exist"),
        ('Industry = "Energy"', "Industry is a picklist field"),
        ("AND(Name", "Missing ')'"),
        ("LEN(Name, 2)", "Incorrect number of parameters for function 'LEN"),
        ("Name = ", "Found end of formula"),
        ("Name = 1 1", "Extra 1"),
        ("Name # 1", "Found '#'"),
        ('ISPICKVAL("x", "y")', "Expected a field"),
    ],
)
def test_what_the_subset_lacks_is_refused_when_the_rule_is_saved(org: Org, formula: str, words: str) -> None:
    with pytest.raises(FormulaError) as refused:
        compile_formula(formula, org.catalogue.sobjects["account"])
    assert words in str(refused.value)


@pytest.fixture
async def ruled(client: httpx.AsyncClient) -> Any:
    """An org whose phones begin with +, until the test is over."""
    rule = {"object": "Contact", "name": "Phone_Plus", "message": "Phones begin with +.", "field": "Phone"}
    rule["formula"] = 'AND(NOT(ISBLANK(Phone)), NOT(BEGINS(Phone, "+")))'
    assert (await client.post("/__sandbox__/validation-rule", json=rule)).status_code == 200
    yield client
    await client.post("/__sandbox__/validation-rule", json=rule | {"active": False})


async def test_a_rule_holds_at_every_door(ruled: httpx.AsyncClient, unique: Any) -> None:
    body = {"LastName": next(unique), "Phone": "7"}
    refused = (await ruled.post(f"{V}/sobjects/Contact", json=body)).json()[0]
    code = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert refused == {"message": "Phones begin with +.", "errorCode": code, "fields": ["Phone"]}
    made = (await ruled.post(f"{V}/sobjects/Contact", json=body | {"Phone": "+7"})).json()["id"]
    changed = await ruled.patch(f"{V}/sobjects/Contact/{made}", json={"Phone": "8"})
    assert changed.json()[0]["errorCode"] == code
    records = [{"attributes": {"type": "Contact"}, **body}]
    collection = (await ruled.post(f"{V}/composite/sobjects", json={"records": records})).json()
    assert collection[0]["errors"][0]["statusCode"] == code
    part = {"method": "POST", "url": f"{V}/sobjects/Contact", "referenceId": "a", "body": body}
    composite = (await ruled.post(f"{V}/composite", json={"compositeRequest": [part]})).json()
    assert composite["compositeResponse"][0]["body"][0]["errorCode"] == code
    failed = await loaded(ruled, f"LastName,Phone\n{body['LastName']},7\n")
    assert f"{code}:Phones begin with +.:Phone --" in failed


async def loaded(client: httpx.AsyncClient, lines: str) -> str:
    job = (await client.post(f"{V}/jobs/ingest", json={"object": "Contact", "operation": "insert"})).json()
    path = f"{V}/jobs/ingest/{job['id']}"
    await client.put(f"{path}/batches", content=lines, headers={"content-type": "text/csv"})
    await client.patch(path, json={"state": "UploadComplete"})
    while (await client.get(path)).json()["state"] != "JobComplete":
        continue
    return (await client.get(f"{path}/failedResults")).text


async def test_a_formula_that_cannot_be_is_not_saved(client: httpx.AsyncClient) -> None:
    rule = {"object": "Account", "name": "Wrong", "formula": "Nowhere__c = 1", "message": "x"}
    answer = await client.post("/__sandbox__/validation-rule", json=rule)
    assert (answer.status_code, "Nowhere__c does not exist" in answer.json()["error"]) == (400, True)


async def test_a_second_record_of_the_same_person_is_refused_until_asked_for(
    client: httpx.AsyncClient, unique: Any
) -> None:
    email = f"{next(unique).lower()}@acme.example"
    first = (await client.post(f"{V}/sobjects/Contact", json={"LastName": "One", "Email": email})).json()["id"]
    body = {"LastName": "Two", "Email": email.upper()}
    refused = await client.post(f"{V}/sobjects/Contact", json=body)
    error = refused.json()[0]
    assert (refused.status_code, error["errorCode"]) == (400, "DUPLICATES_DETECTED")
    result = error["duplicateResult"]
    assert (result["allowSave"], result["duplicateRule"]) == (True, "Standard_Contact_Duplicate_Rule")
    [match] = result["matchResults"][0]["matchRecords"]
    assert match["record"] == {"attributes": {"type": "Contact"}, "Id": first}
    told = {"Sforce-Duplicate-Rule-Header": "allowSave=false; includeRecordDetails=true"}
    details = (await client.post(f"{V}/sobjects/Contact", json=body, headers=told)).json()[0]["duplicateResult"]
    assert details["matchResults"][0]["matchRecords"][0]["record"]["Email"] == email
    records = {"records": [{"attributes": {"type": "Contact"}, **body}]}
    one = (await client.post(f"{V}/composite/sobjects", json=records)).json()[0]["errors"][0]
    assert (one["statusCode"], one["duplicateResult"]["allowSave"]) == ("DUPLICATES_DETECTED", True)
    assert "DUPLICATES_DETECTED:" in await loaded(client, f"LastName,Email\nThree,{email}\n")
    allowed = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    assert (await client.post(f"{V}/sobjects/Contact", json=body, headers=allowed)).status_code == 201
    # Editing something else of a record that has a double is nobody's business.
    assert (await client.patch(f"{V}/sobjects/Contact/{first}", json={"Title": "Dr"})).status_code == 204


async def test_firms_are_the_same_by_name_and_country(client: httpx.AsyncClient, unique: Any) -> None:
    firm = {"Name": next(unique), "BillingCountry": "DE"}
    assert (await client.post(f"{V}/sobjects/Account", json=firm)).status_code == 201
    refused = await client.post(f"{V}/sobjects/Account", json=firm)
    assert refused.json()[0]["errorCode"] == "DUPLICATES_DETECTED"
    for other in ({"BillingCountry": "AT"}, {"BillingCountry": None}):
        assert (await client.post(f"{V}/sobjects/Account", json=firm | other)).status_code == 201
