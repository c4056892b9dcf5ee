"""Duplicate rules: a save that would make a second record of the same firm or person is refused once.

Of the real engine's fuzzy matching only equality without case is here; the answer has its shape.
"""
# ruff: noqa: S608 - names come from the rules below, values travel as parameters

from typing import Any

from msgspec import Struct

from sandboxes.salesforce.faults import ApiError
from sandboxes.salesforce.rules import Change
from sandboxes.salesforce.schema import SObject
from sandboxes.salesforce.storage import Store

_MOST_MATCHES = 100
_MESSAGE = "Use one of these records?"


class DuplicateRule(Struct, frozen=True):
    """Records that share all of these fields are the same; a blank one shares nothing."""

    name: str
    matching: str
    fields: tuple[str, ...]


RULES = {
    "Account": DuplicateRule(
        "Standard_Account_Duplicate_Rule", "Standard_Account_Match_Rule_v1_0", ("Name", "BillingCountry")
    ),
    "Contact": DuplicateRule("Standard_Contact_Duplicate_Rule", "Standard_Contact_Match_Rule_v1_1", ("Email",)),
}


class Duplicates:
    """The duplicate rules of one org.

    Attributes:
        header: `Sforce-Duplicate-Rule-Header` of the call that is served.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.header = ""
        self.prepare()

    def prepare(self) -> None:
        """Make the indexes that keep a save from reading every record."""
        for name, rule in RULES.items():
            columns = ", ".join(f'"{field}"' for field in rule.fields)
            self._store.execute(f'CREATE INDEX IF NOT EXISTS "{name}.duplicates" ON "{name}" ({columns})')

    def check(self, sobject: SObject, change: Change) -> None:
        """ApiError DUPLICATES_DETECTED with the matches, unless the caller saves all the same."""
        rule = RULES.get(sobject.name)
        if rule is None or not any(change.changed(name) for name in rule.fields):
            return
        values = [change.row.get(name) for name in rule.fields]
        if any(value is None for value in values) or self._option("allowsave"):
            return
        conditions = " AND ".join(f'"{name}" = ?' for name in rule.fields)
        sql = f'SELECT "Id" FROM "{sobject.name}" WHERE {conditions} AND "IsDeleted" = 0 AND "Id" <> ? LIMIT ?'
        found = [row[0] for row in self._store.select(sql, (*values, change.row["Id"], _MOST_MATCHES))]
        if found:
            result = self._result(sobject, rule, found)
            raise ApiError(400, "DUPLICATES_DETECTED", _MESSAGE, more={"duplicateResult": result})

    def _option(self, name: str) -> bool:
        return f"{name}=true" in self.header.lower().replace(" ", "")

    def _result(self, sobject: SObject, rule: DuplicateRule, ids: list[str]) -> dict[str, Any]:
        nothing: list[object] = []
        matches = [
            {
                "additionalInformation": nothing,
                "fieldDiffs": nothing,
                "matchConfidence": 100.0,
                "record": self._record(sobject, rule, each),
            }
            for each in ids
        ]
        matched = {
            "entityType": sobject.name,
            "errors": nothing,
            "matchEngine": "ExactMatchEngine",
            "matchRecords": matches,
            "rule": rule.matching,
            "size": len(matches),
            "success": True,
        }
        return {
            "allowSave": True,
            "duplicateRule": rule.name,
            "duplicateRuleEntityType": sobject.name,
            "errorMessage": _MESSAGE,
            "matchResults": [matched],
        }

    def _record(self, sobject: SObject, rule: DuplicateRule, record_id: str) -> dict[str, Any]:
        record: dict[str, Any] = {"attributes": {"type": sobject.name}, "Id": record_id}
        if self._option("includerecorddetails"):
            row = self._store.fetch(sobject, record_id) or {}
            record |= {name: row.get(name) for name in rule.fields}
        return record
