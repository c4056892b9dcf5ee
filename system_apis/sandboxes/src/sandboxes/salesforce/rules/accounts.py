"""Accounts: one validation rule an administrator wrote."""

from sandboxes.salesforce.faults import bad_field
from sandboxes.salesforce.rules.ruling import Change, Rules


def _validate(change: Change) -> None:
    if (change.row.get("Credit_Limit__c") or 0) < 0:
        raise bad_field("FIELD_CUSTOM_VALIDATION_EXCEPTION", "The credit limit cannot be negative.", "Credit_Limit__c")


ACCOUNT = Rules(before=_validate)
