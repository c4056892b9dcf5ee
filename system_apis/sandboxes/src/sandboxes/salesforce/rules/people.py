"""Contacts, leads and users: the full name."""

from sandboxes.salesforce.rules.ruling import Change, Rules


def _name(change: Change) -> None:
    parts = (change.row.get("FirstName"), change.row.get("LastName"))
    change.row["Name"] = " ".join(part for part in parts if part)


PERSON = Rules(before=_name)
