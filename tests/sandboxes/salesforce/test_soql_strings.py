"""Whatever stands between quotes is text and nothing else."""

from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sandboxes.company import company
from sandboxes.salesforce.faults import ApiError
from sandboxes.salesforce.org import Org

USER = "005aj00000000G8AAI"
TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=200)


def quoted(value: str) -> str:
    """A SOQL string literal, escaped as clients escape."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


@pytest.fixture(scope="module")
def lead_id(org: Org) -> Iterator[str]:
    body = {"LastName": "x", "Company": "x"}
    yield org.saving.create(org.catalogue.sobjects["lead"], body, USER)
    org.store.execute('DELETE FROM "Lead"')


def found(org: Org, condition: str) -> list[str]:
    plan = org.queries.plan(f"SELECT Id FROM Lead WHERE {condition}")
    return [each["Id"] for each in org.queries.run(plan, "", USER).records]


@settings(deadline=None, max_examples=200)
@given(TEXT)
@example("' OR Name != '")
@example("\\' OR Id != null --")
@example('"; DROP TABLE "Account"; --')
@example("x\\")
@example("%_\\%")
def test_any_text_is_found_again_and_injects_nothing(org: Org, lead_id: str, text: str) -> None:
    org.store.execute('UPDATE "Lead" SET "Company" = ?', (text or None,))
    assert found(org, f"Company = {quoted(text)}") == [lead_id]
    assert found(org, f"Company IN ({quoted(text)}, 'other')") == ([lead_id] if text else [])
    assert found(org, f"Company != {quoted(text)}") == []
    assert found(org, f"Company = {quoted(text + 'x')}") == []
    accounts = org.queries.run(org.queries.plan("SELECT COUNT() FROM Account"), "", USER).total
    assert accounts == len(company().accounts)


@settings(deadline=None, max_examples=200)
@given(st.text(st.sampled_from("aé%_\\'\" \n"), min_size=1, max_size=12))
def test_escaped_wildcards_match_only_themselves(org: Org, lead_id: str, text: str) -> None:
    org.store.execute('UPDATE "Lead" SET "Company" = ?', (text,))
    literal = quoted(text).replace("%", "\\%").replace("_", "\\_")
    assert found(org, f"Company LIKE {literal}") == [lead_id]
    if "%" in text or "_" in text:
        org.store.execute('UPDATE "Lead" SET "Company" = ?', (text.replace("%", "b").replace("_", "b"),))
        assert found(org, f"Company LIKE {literal}") == []


@settings(deadline=None, max_examples=300)
@given(st.text(st.sampled_from("SELCTFROMWH IdNameAccount'\\\"();,.*=-%\n5:"), max_size=60))
def test_rubbish_is_refused_in_the_vendors_way_or_understood(org: Org, text: str) -> None:
    status = 200
    try:
        org.queries.run(org.queries.plan(text), "", USER)
    except ApiError as fault:
        status = fault.status
    assert status in (200, 400)
