"""Permission sets as Metadata XML has them (Metadata API Developer Guide, "PermissionSet")."""

from typing import Any

from msgspec import Struct

from sandboxes.salesforce.metadata.markup import Tree, members, parse, text, tree_of

VERBS = ("Create", "Read", "Edit", "Delete")
METADATA = ("ModifyMetadata", "ModifyAllData")
"""What the Metadata API asks for: one of these."""
SETUP = ("CustomizeApplication", "ModifyAllData")
"""What changing a definition through the Tooling API asks for."""
VIEW_SETUP = ("ViewSetup", *SETUP)
APEX = ("AuthorApex", "ModifyAllData")
VIEW_ALL, VIEW_ALL_USERS, MODIFY_ALL = "ViewAllData", "ViewAllUsers", "ModifyAllData"
_INHERITED = {
    "opportunitylineitem": "opportunity",
    "orderitem": "order",
    "pricebookentry": "pricebook2",
    "quotelineitem": "quote",
    "returnorderlineitem": "returnorder",
}
"""Objects that follow another one when no set names them: to change a line is to change its document."""


class PermissionSet(Struct, frozen=True):
    """What some users may do; names are in lower case.

    Attributes:
        objects: Of each object those of `VERBS` that are granted.
        fields: Of each field (`account.name`) that may be read, whether it may be edited.
        all_records: Objects of which every record may be read (View All Records), whoever owns it.
        system: Permissions that are of no object: ModifyMetadata, ViewAllData, …
    """

    objects: dict[str, frozenset[str]]
    fields: dict[str, bool]
    all_records: frozenset[str] = frozenset()
    system: frozenset[str] = frozenset()

    def verbs(self, sobject: str) -> frozenset[str]:
        """What is granted on an object."""
        everywhere = frozenset(VERBS) if MODIFY_ALL in self.system else frozenset[str]()
        if VIEW_ALL in self.system:
            everywhere |= {"Read"}
        if sobject in self.objects or sobject not in _INHERITED:
            return self.objects.get(sobject, frozenset()) | everywhere
        above = self.objects.get(_INHERITED[sobject], frozenset())
        return (frozenset(VERBS) if "Edit" in above else above & {"Read"}) | everywhere

    def sees_all_records(self, sobject: str) -> bool:
        """Whether every record of an object may be read: what its change events ask for."""
        if sobject == "user":
            return VIEW_ALL_USERS in self.system
        return sobject in self.all_records or bool({VIEW_ALL, MODIFY_ALL} & self.system)


def permission_set(xml: str | bytes) -> PermissionSet:
    """The permission set in a Metadata XML document; MarkupError (a ValueError) if it is none."""
    return of_tree(tree_of(parse(xml.encode() if isinstance(xml, str) else xml)))


def of_tree(body: Tree) -> PermissionSet:
    """The permission set of a component's body."""
    objects = {text(each, "object").lower(): _granted(each) for each in members(body, "objectPermissions")}
    fields = {
        text(each, "field").lower(): _true(each, "editable")
        for each in members(body, "fieldPermissions")
        if _true(each, "readable") or _true(each, "editable")
    }
    all_records = frozenset(
        text(each, "object").lower()
        for each in members(body, "objectPermissions")
        if _true(each, "viewAllRecords") or _true(each, "modifyAllRecords")
    )
    system = frozenset(text(each, "name") for each in members(body, "userPermissions") if _true(each, "enabled"))
    return PermissionSet(objects, fields, all_records, system)


def together(sets: list[PermissionSet]) -> PermissionSet:
    """What several sets grant to one user."""
    objects: dict[str, frozenset[str]] = {}
    fields: dict[str, bool] = {}
    for each in sets:
        for name, verbs in each.objects.items():
            objects[name] = objects.get(name, frozenset()) | verbs
        for name, editable in each.fields.items():
            fields[name] = fields.get(name, False) or editable
    all_records = frozenset[str]().union(*(each.all_records for each in sets))
    return PermissionSet(objects, fields, all_records, frozenset[str]().union(*(each.system for each in sets)))


def _granted(each: dict[str, Any]) -> frozenset[str]:
    verbs = {verb for verb in VERBS if _true(each, f"allow{verb}")}
    if _true(each, "modifyAllRecords"):
        verbs |= {"Read", "Edit", "Delete"}
    if verbs or _true(each, "viewAllRecords"):
        verbs.add("Read")  # every other right includes it
    return frozenset(verbs)


def _true(each: dict[str, Any], name: str) -> bool:
    return text(each, name).lower() == "true"
