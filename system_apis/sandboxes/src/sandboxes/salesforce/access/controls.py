"""Levers over rights, rules and duplicates."""

from typing import Any

from sandboxes.kit import Control
from sandboxes.salesforce.metadata.markup import Tree, parse, tree_of
from sandboxes.salesforce.metadata.refusals import ComponentError
from sandboxes.salesforce.org import Org


def access_controls(org: Org) -> dict[str, Control]:
    """The control routes of what users may do and records must be."""

    def permission_set(body: dict[str, Any]) -> object:
        """Load a permission set and give it to users, or take it from them.

        Takes xml (Metadata XML) or nothing to keep the one of this name, name (the label without blanks by default),
        assign and withdraw (usernames).
        """
        tree = tree_of(parse(str(body["xml"]).encode())) if "xml" in body else {}
        name = str(body.get("name") or str(tree.get("label", "")).replace(" ", "_"))
        if tree:
            _deploy(org, "PermissionSet", name, tree)
        elif org.definitions.find("PermissionSet", name) is None:
            raise ValueError(f"there is no permission set {name}")
        for username in body.get("assign", []):
            org.access.assign(_user_id(org, username), name)
        for username in body.get("withdraw", []):
            org.access.withdraw(_user_id(org, username), name)
        return {"name": name}

    def validation_rule(body: dict[str, Any]) -> object:
        """Make or replace a validation rule: object, name, formula, message, and field and active if need be."""
        name = f"{body['object']}.{body['name']}"
        tree = {"active": str(body.get("active", True)).lower(), "errorConditionFormula": str(body["formula"])}
        tree |= {"errorMessage": str(body["message"])}
        tree |= {"errorDisplayField": str(body["field"])} if body.get("field") else {}
        _deploy(org, "ValidationRule", name, tree)
        return {"name": name}

    return {"permission-set": permission_set, "validation-rule": validation_rule}


def _deploy(org: Org, kind: str, name: str, tree: Tree) -> None:
    try:
        org.definitions.upsert(kind, name, tree, org.integration_user_id)
    except ComponentError as refused:
        raise ValueError(str(refused)) from None


def _user_id(org: Org, username: str) -> str:
    user = org.user_named(username)
    if user is None:
        raise ValueError(f"there is no user {username}")
    return str(user["Id"])
