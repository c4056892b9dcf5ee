"""Validation rules of the org, run on every save."""

from typing import Any

import msgspec
from msgspec import Struct

from sandboxes.salesforce.faults import ApiError
from sandboxes.salesforce.formulas.parser import Formula, compile_formula
from sandboxes.salesforce.rules import Change
from sandboxes.salesforce.schema import SObject
from sandboxes.salesforce.storage import Store

_BORN = {
    "Account": {
        "errorConditionFormula": "Credit_Limit__c < 0",
        "errorMessage": "The credit limit cannot be negative.",
        "errorDisplayField": "Credit_Limit__c",
    }
}
"""The rule that the org's administrator wrote before anybody came."""


class _Rule(Struct):
    formula: Formula
    message: str
    fields: list[str]


class Validations:
    """The active validation rules.

    Args:
        store: Keeps them, as components.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rules: dict[str, list[_Rule]] = {}

    def check(self, sobject: SObject, change: Change) -> None:
        """ApiError FIELD_CUSTOM_VALIDATION_EXCEPTION from the first rule whose condition the record meets."""
        rules = self._rules.get(sobject.name)
        if rules is None:
            rules = self._rules[sobject.name] = [_rule(body, sobject) for body in self._bodies(sobject)]
        for rule in rules:
            if rule.formula(change):
                raise ApiError(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, rule.fields)

    def forget(self) -> None:
        """Rules or objects may have changed."""
        self._rules.clear()

    def _bodies(self, sobject: SObject) -> list[dict[str, Any]]:
        sql = "SELECT component FROM _component WHERE type = 'ValidationRule' AND name LIKE ? ORDER BY name"
        rows = self._store.select(sql, (f"{sobject.name}.%",))
        components = [msgspec.json.decode(row[0]) for row in rows]
        made = [each["body"] for each in components if each["name"].partition(".")[0] == sobject.name]
        active = [body for body in made if str(body.get("active", "")).lower() == "true"]
        return ([_BORN[sobject.name]] if sobject.name in _BORN else []) + active


def _rule(body: dict[str, Any], sobject: SObject) -> _Rule:
    field = str(body.get("errorDisplayField") or "")
    formula = compile_formula(str(body["errorConditionFormula"]), sobject)
    return _Rule(formula, str(body["errorMessage"]), [field] if field else [])
