"""Tables of people, against the Google Sheets sandbox."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sandboxes.company import company
from sandboxes.google_sheets import CLIENT_EMAIL, SPREADSHEET
from shared.binding.paging import encode_cursor
from shared.binding.problems import BackendFault, BackendUnavailable, Invalid, QuotaExceeded
from shared.contracts.system.tables import ColumnNotInTable, KeyedRows, KeyNotUnique, RowBatch, TableNotFound
from shared.host.settings import read_settings
from shared.host.wiring import Wiring
from shared.resilience.outbound import Outbound
from shared.resilience.wire_default import open_wire
from shared.security.secrets import Secret
from system_apis.google_sheets import api
from system_apis.google_sheets.translator import a1, column_letters

WISHES = "Field's wishes"
HEADER = ["customer", "sku", "pieces", "note", "triptych_reference"]


def wish(customer: str, **cells: Any) -> RowBatch:
    return RowBatch([{"customer": customer, **cells}])


async def test_rows_come_page_by_page_by_the_titles_of_the_header(tables) -> None:
    first = await tables.read_rows("prices", None, 15)
    second = await tables.read_rows("prices", first.next_cursor, 15)
    rows = [*first.items, *second.items]
    assert [row.number for row in rows] == list(range(2, 22))
    assert second.next_cursor is None
    product = company().products[0]
    assert rows[0].cells == {
        "sku": product.sku, "name": product.name, "price": float(product.list_price), "currency": "EUR",
        "confirmed": product.number % 2 == 0,
    }  # fmt: skip


async def test_a_page_that_ends_with_the_table_or_the_grid_is_the_last(tables, sandbox: str) -> None:
    assert (await tables.read_rows("prices", None, 20)).next_cursor is None
    await tables.append_rows("wishes", "b-1", RowBatch([{"customer": f"c{n}"} for n in range(5)]))
    grown = await tables.read_rows("wishes", None, 2)
    assert [row.cells["customer"] for row in grown.items] == ["c0", "c1"]

    assert (await tables.read_rows("prices", encode_cursor(5000), 10)).items == []


TEXTS = ['=HYPERLINK("http://evil")', "+1", "-1+2", "@SUM(A1)", "'quoted", "007", "TRUE", "1e5", "\tTab"]


async def test_a_text_stays_a_text_whatever_it_begins_with(tables, sheets) -> None:
    await tables.append_rows("wishes", "b-1", RowBatch([{"customer": f"{n}.", "note": t} for n, t in enumerate(TEXTS)]))
    changed = [{"customer": f"{n}.", "sku": text} for n, text in enumerate(TEXTS)]
    await tables.upsert_rows("wishes", KeyedRows("customer", [*changed, *({"customer": text} for text in TEXTS)]))
    there = [[f"{n}.", text, None, text, "b-1"] for n, text in enumerate(TEXTS)]
    assert (await sheets())[WISHES] == [HEADER, *there, *([text] for text in TEXTS)]
    read = (await tables.read_rows("wishes")).items
    assert [row.cells["note"] for row in read[: len(TEXTS)]] == [row.cells["customer"] for row in read[len(TEXTS) :]]


async def test_what_a_user_enters_would_have_become_a_formula(sandbox: str, tables, sheets) -> None:
    await tables.append_rows("wishes", "b-1", wish("A"))
    token = (await tables._sheets._backend._credentials.headers())["authorization"]
    url = f"{sandbox}/v4/spreadsheets/{SPREADSHEET}/values/{WISHES.replace(chr(39), chr(39) * 2)}"
    async with httpx.AsyncClient(headers={"authorization": token}) as client:
        entered = await client.put(
            f"{sandbox}/v4/spreadsheets/{SPREADSHEET}/values/'Field''s wishes'!D2?valueInputOption=USER_ENTERED",
            json={"values": [["=1+1"]]},
        )
        assert entered.json()["updatedRange"] == "'Field''s wishes'!D2"
        refused = await client.put(f"{url}!D2", json={"values": [["x"]]})
    assert (refused.status_code, refused.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert (await sheets())[WISHES][1][3] == {"formula": "=1+1"}


async def test_a_batch_is_added_once_whoever_repeats_it(tables, opened, sheets) -> None:
    first = await tables.append_rows("wishes", "b-1", wish("A", pieces=2))
    assert (first.first_row, first.rows) == (2, 1)
    assert await tables.append_rows("wishes", "b-1", wish("A", pieces=2)) == first
    assert await opened().append_rows("wishes", "b-1", wish("A", pieces=2)) == first
    await asyncio.gather(*(tables.append_rows("wishes", "b-2", wish("B")) for _ in range(4)))
    assert (await sheets())[WISHES] == [HEADER, ["A", None, 2, None, "b-1"], ["B", None, None, None, "b-2"]]


@pytest.mark.parametrize("fault", ["lost-reply", "truncate", "nonsense"])
async def test_a_batch_whose_reply_is_lost_is_there_once(tables, sheets, fail, fault: str) -> None:
    await fail("POST", "*:append", fault)
    try:
        await tables.append_rows("wishes", "b-1", wish("A"))
    except (BackendUnavailable, BackendFault):
        await tables.append_rows("wishes", "b-1", wish("A"))
    assert [row[0] for row in (await sheets())[WISHES]] == ["customer", "A"]


async def test_an_upsert_changes_what_is_there_and_adds_the_rest(tables, sheets) -> None:
    await tables.append_rows("wishes", "b-1", RowBatch([{"customer": "A", "note": "old"}, {"customer": 5}]))
    rows = [{"customer": "A", "pieces": 7}, {"customer": "5", "note": None}, {"customer": "C"}]
    for told in ((2, 1), (3, 0)):
        put = await tables.upsert_rows("wishes", KeyedRows("customer", rows))
        assert (put.changed, put.added) == told
    assert (await sheets())[WISHES][1:] == [
        ["A", None, 7, "old", "b-1"], ["5", None, None, None, "b-1"], ["C"],
    ]  # fmt: skip


async def test_an_upsert_whose_reply_is_lost_adds_nothing_twice(tables, sheets, fail) -> None:
    await fail("POST", "*:append", "lost-reply")
    put = await tables.upsert_rows("wishes", KeyedRows("customer", [{"customer": "A"}, {"customer": "B"}]))
    assert (put.changed, put.added) == (0, 2)
    assert [row[0] for row in (await sheets())[WISHES]] == ["customer", "A", "B"]


async def test_upserts_at_once_add_each_key_once(tables, sheets) -> None:
    rows = [[{"customer": "A"}, {"customer": str(n % 2)}] for n in range(4)]
    await asyncio.gather(*(tables.upsert_rows("wishes", KeyedRows("customer", each)) for each in rows))
    assert sorted(row[0] for row in (await sheets())[WISHES][1:]) == ["0", "1", "A"]


async def test_a_key_of_several_rows_names_none_of_them(tables, sheets) -> None:
    await tables.append_rows("wishes", "b-1", RowBatch([{"customer": "A"}, {"customer": "A"}]))
    with pytest.raises(KeyNotUnique, match="Rows 2 and 3"):
        await tables.upsert_rows("wishes", KeyedRows("customer", [{"customer": "A", "note": "x"}]))
    assert len((await sheets())[WISHES]) == 3


async def test_what_cannot_be_is_refused_and_nothing_written(tables, sheets) -> None:
    before = await sheets()
    with pytest.raises(TableNotFound, match="No table is called colours"):
        await tables.read_rows("colours")
    with pytest.raises(ColumnNotInTable) as caught:
        await tables.upsert_rows("wishes", KeyedRows("customer", [{"customer": "A", "a/b": 1}]))
    assert [error.pointer for error in caught.value.errors] == ["/rows/0/a~1b"]
    for rows in ([{"note": "x"}], [{"customer": ""}], [{"customer": "A"}, {"customer": "A"}]):
        with pytest.raises(Invalid, match="its own customer"):
            await tables.upsert_rows("wishes", KeyedRows("customer", rows))
    assert await sheets() == before
    with pytest.raises(Invalid, match="references of ours"):
        await tables.append_rows("wishes", "b-1", wish("A", triptych_reference="x"))


async def test_a_sheet_that_is_not_there_is_our_setting(tables) -> None:
    with pytest.raises(BackendFault, match="has the configured sheet"):
        await tables.read_rows("no-sheet")
    with pytest.raises(BackendFault, match="share it"):
        await tables.read_rows("not-shared")


async def test_a_used_up_quota_says_when_to_come_back(opened, control) -> None:
    await control.post("/rate-limit", json={"per_minute": 0})
    with pytest.raises(QuotaExceeded) as caught:
        await opened(retry_delays=()).read_rows("prices")
    assert caught.value.retry_after == 60


async def test_a_token_that_has_ended_is_replaced(tables, control) -> None:
    await tables.read_rows("prices")
    assert (await control.post("/expire-tokens")).json()["ended"] >= 1
    assert (await tables.read_rows("prices")).items


async def test_a_key_that_google_does_not_know_is_our_fault_and_stays_secret(opened, tmp_path: Path) -> None:
    pem = generate_private_key(65_537, 2_048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for content in (pem, b"no key"):
        (tmp_path / "key.pem").write_bytes(content)
        with pytest.raises(BackendFault, match="private") as caught:
            await opened(private_key=Secret(f"file:{tmp_path / 'key.pem'}")).read_rows("prices")
        assert "PRIVATE" not in str(caught.value.details())


@pytest.mark.parametrize(("place", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")])
def test_columns_are_named_as_sheets_names_them(place: int, letters: str) -> None:
    assert column_letters(place) == letters
    assert a1("Field's", f"{letters}1") == f"'Field''s'!{letters}1"


async def test_the_host_builds_it_from_the_topology(sandbox: str, tmp_path: Path, key_file: Path) -> None:
    section = {
        "url": "sandbox:google_sheets", "login_url": "sandbox:google_sheets", "client_email": CLIENT_EMAIL,
        "private_key": f"file:{key_file}", "tables": {"prices": {"spreadsheet": "1x", "sheet": "Prices"}},
    }  # fmt: skip
    wire = open_wire()
    wiring = Wiring({Outbound: Outbound(wire)}, lambda contract: pytest.fail(f"asks for {contract}"),
                    lambda kind: read_settings(kind, {"google_sheets": section}, {"google_sheets": sandbox}, tmp_path))  # fmt: skip  # noqa: E501
    assert wiring.build(api.service)._sheets.settings.tables["prices"].sheet == "Prices"
    assert (api.name, api.tier) == ("tables (google_sheets)", "system")
    await wire.aclose()
