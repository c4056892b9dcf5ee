"""Bitmaps, names, moments and transactions, without an org."""

import io
import json
from typing import Any

import fastavro
import pytest

from shared.binding.problems import BackendFault
from shared.contracts.system.salesforce_events import ChangeEvent
from shared.messaging.event_source import PositionExpired
from system_apis.salesforce.events.changes import HEADER, change_of, changed_records, is_made_by, names_of, transactions
from system_apis.salesforce.events.position import moment_of, position_of, replay_id_of
from system_apis.salesforce.events.received import Received
from system_apis.salesforce.events.schemas import EventSchema, schema_of
from system_apis.salesforce.events.translation import PASSED, event_of, type_of

PERSON = {
    "type": "record", "name": "PersonName", "fields": [
        {"name": "Salutation", "type": ["null", "string"]}, {"name": "FirstName", "type": ["null", "string"]},
        {"name": "LastName", "type": ["null", "string"]},
    ],
}  # fmt: skip
ADDRESS = {
    "type": "record", "name": "Address",
    "fields": [
        {"name": "City", "type": ["null", "string"]},
        {"name": "Seen", "type": ["null", "long"], "doc": "Seen:DateTime"},
    ],
}  # fmt: skip
FIELDS: list[Any] = [
    {"name": HEADER, "type": "string"},
    {"name": "Name", "type": ["null", PERSON]},
    {"name": "Birthdate", "type": ["null", "long"], "doc": "Data:DateOnly"},
    {"name": "MailingAddress", "type": ["null", ADDRESS]},
    {"name": "LastModifiedDate", "type": ["null", "long"], "doc": "Data:DateTime"},
]
SCHEMA = {"type": "record", "name": "ContactChangeEvent", "namespace": "com.sforce.eventbus", "fields": FIELDS}
HEADERS = {
    "entityName": "Contact", "recordIds": ["003"], "changeType": "UPDATE", "transactionKey": "t1", "sequenceNumber": 1,
    "commitTimestamp": 1_780_000_000_000, "commitNumber": 7, "commitUser": "005",
}  # fmt: skip


@pytest.fixture
def schema() -> EventSchema:
    return schema_of("s1", json.dumps(SCHEMA))


def change(**header: Any) -> ChangeEvent:
    return change_of({HEADER: HEADERS | header})


@pytest.mark.parametrize(
    ("bitmaps", "names"),
    [
        ([], []),
        (["0x14"], ["Birthdate", "LastModifiedDate"]),
        (["0x04", "1-0x06", "3-0x1"], ["Birthdate", "Name.FirstName", "Name.LastName", "MailingAddress.City"]),
        (["0x0"], []),
    ],
)
def test_bitmaps_become_names_also_nested_ones(schema: EventSchema, bitmaps: list[str], names: list[str]) -> None:
    assert names_of(schema, bitmaps) == names


@pytest.mark.parametrize("bitmap", ["0x40", "7-0x1", "2-0x1", "1-0x8", "green", "", "1-"])
def test_what_is_no_bitmap_of_the_schema_is_refused(schema: EventSchema, bitmap: str) -> None:
    with pytest.raises(ValueError, match="is no bitmap of ContactChangeEvent"):
        names_of(schema, [bitmap])


def test_moments_are_text_wherever_they_stand(schema: EventSchema) -> None:
    out = io.BytesIO()
    body = {
        HEADER: "h", "Name": {"FirstName": "Ada"}, "Birthdate": 0, "MailingAddress": {"Seen": 1_780_000_000_123},
        "LastModifiedDate": 1_780_000_000_123,
    }  # fmt: skip
    fastavro.schemaless_writer(out, fastavro.parse_schema(SCHEMA), body)
    told = schema.decode(out.getvalue())
    assert (told["Birthdate"], told["LastModifiedDate"]) == ("1970-01-01", "2026-05-28T20:26:40.123Z")
    assert told["MailingAddress"]["Seen"] == "2026-05-28T20:26:40.123Z"
    for payload in (out.getvalue()[:-1], out.getvalue() + b"x", b""):
        with pytest.raises(ValueError, match="schema"):
            schema.decode(payload)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"type":"record","name":"X","namespace":"","fields":[{"name":"a"}]}']
)
def test_a_schema_that_is_none_is_a_fault_of_the_backend(text: str) -> None:
    with pytest.raises(BackendFault, match="s1"):
        schema_of("s1", text)


def test_a_change_is_ours_only_by_its_client() -> None:
    origin = "com/salesforce/api/rest/66.0;client="
    assert is_made_by(change(changeOrigin=origin + "triptych"), "triptych")
    for other in ("", "com/salesforce/api/rest/66.0", origin + "triptych2", origin, "client=triptych"):
        assert not is_made_by(change(changeOrigin=other), "triptych")


def test_changes_are_grouped_by_transaction_in_their_order() -> None:
    told = [
        change(transactionKey=key, sequenceNumber=number) for key, number in [("a", 2), ("a", 1), ("b", 1), ("a", 1)]
    ]
    found = [(each.key, [one.sequence_number for one in each.changes]) for each in transactions(told)]
    assert found == [("a", [1, 2]), ("b", [1]), ("a", [1])]


def test_gaps_name_the_records_to_read_again_each_once() -> None:
    told = [
        change(changeType="GAP_UPDATE", recordIds=["1", "2"]), change(recordIds=["3"]),
        change(changeType="GAP_DELETE", recordIds=["2"]), change(changeType="GAP_OVERFLOW", recordIds=["000"]),
    ]  # fmt: skip
    assert changed_records(told) == ["1", "2"]
    assert [each.reread for each in told] == ["records", "nothing", "records", "object"]


def test_a_header_that_cannot_be_read_is_told_and_not_passed_over() -> None:
    event = event_of(Received("e", "AccountChangeEvent", {HEADER: {"entityName": "Account"}}, "r-AA"), "triptych")
    assert (event.type, event.payload) == ("account-change-event", b"null")
    assert "header" in event.unreadable


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("AccountChangeEvent", "account-change-event"), ("Order_Status__e", "order-status"),
        ("Meter_Reading__ChangeEvent", "meter-reading-change-event"), ("tg__Pump_Event__e", "tg-pump-event"),
    ],
)  # fmt: skip
def test_types_are_kebab_case(name: str, type_: str) -> None:
    assert type_of(name) == type_
    assert type_of(name) != PASSED


def test_positions_carry_any_replay_id_and_refuse_what_they_did_not_make() -> None:
    for replay in (b"\0" * 8, b"\xff" * 8, b"7", b"any length at all"):
        assert replay_id_of(position_of(replay)) == replay
        assert moment_of(position_of(replay)) is None
    for text in ("", "7", "since-12", "r-%%%", "r-A"):
        with pytest.raises(PositionExpired):
            replay_id_of(text)
