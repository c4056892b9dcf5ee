"""The kinds of components this org keeps: where they lie in a package, and what each must say."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from sandboxes.salesforce.events.shape import change_entity
from sandboxes.salesforce.formulas import FormulaError, compile_formula
from sandboxes.salesforce.metadata.fields import facts_of
from sandboxes.salesforce.metadata.markup import Tree, inner, members, text
from sandboxes.salesforce.metadata.refusals import ComponentError, bad_value, missing, unknown

if TYPE_CHECKING:
    from sandboxes.salesforce.metadata.definitions import Definitions

DEFAULT_CHANNEL = "ChangeEvents"
_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*")
_LONGEST_NAME = 40
_NAME_RULE = (
    "The {label} can only contain underscores and alphanumeric characters. It must be unique, begin with a letter, "
    "not include spaces, not end with an underscore, and not contain two consecutive underscores."
)
Check = Callable[["Definitions", str, Tree], None]


class Kind(Struct, frozen=True):
    """A kind of component.

    Attributes:
        name: `CustomObject`.
        directory: Its folder in a package; empty for what lies inside another component's file.
        suffix: The ending of its files.
        prefix: Key prefix of its ids.
        check: Raises ComponentError for what the org does not take.
        within: The member of CustomObject that holds it.
    """

    name: str
    directory: str
    suffix: str
    prefix: str
    check: Check
    within: str = ""


def _check_name(name: str, suffixes: tuple[str, ...], label: str) -> None:
    stem = next((name.removesuffix(each) for each in suffixes if name.endswith(each)), "")
    if not _NAME.fullmatch(stem) or len(stem) > _LONGEST_NAME:
        message = _NAME_RULE.format(label=label)
        if not stem:
            message = f"{label} must end with {' or '.join(suffixes)}: {name}"
        raise ComponentError("FIELD_INTEGRITY_EXCEPTION", message, "fullName")


def _check_one_of(body: Tree, name: str, values: tuple[str, ...], *, needed: bool = False) -> None:
    given = text(body, name)
    if not given and needed:
        raise missing(name)
    if given and given not in values:
        raise bad_value(name, given)


def _object(definitions: "Definitions", name: str, body: Tree) -> None:
    standard = definitions.catalogue.get(name)
    if standard is not None and not standard.custom and not standard.event:
        return  # only its fields and rules are the administrator's
    _check_name(name, ("__c", "__e"), "Object Name")
    for needed in ("label", "pluralLabel"):
        if not text(body, needed):
            raise missing(needed)
    _check_one_of(body, "deploymentStatus", ("Deployed", "InDevelopment"))
    if name.endswith("__e"):
        _check_one_of(body, "eventType", ("HighVolume", "StandardVolume"), needed=True)
        _check_one_of(body, "publishBehavior", ("PublishAfterCommit", "PublishImmediately"))
        return
    _check_one_of(body, "sharingModel", ("ReadWrite", "Read", "Private", "ControlledByParent"))
    if not inner(body, "nameField"):
        raise missing("nameField")
    _check_one_of(inner(body, "nameField"), "type", ("Text", "AutoNumber"), needed=True)


def _field(definitions: "Definitions", name: str, body: Tree) -> None:
    owner, _, field = name.partition(".")
    sobject = definitions.catalogue.get(owner)
    if sobject is None:
        raise unknown("CustomObject", owner, "fullName")
    _check_name(field, ("__c",), "Field Name")
    facts = facts_of(body, lambda wanted: definitions.catalogue.get(wanted) is not None)
    in_events = ("string", "textarea", "boolean", "datetime", "date", "double")
    if sobject.event and facts["type"] not in in_events:
        message = f"Fields of type {text(body, 'type')} cannot be added to a platform event"
        raise ComponentError("FIELD_INTEGRITY_EXCEPTION", message, "type")


def _rule(definitions: "Definitions", name: str, body: Tree) -> None:
    owner, _, rule = name.partition(".")
    sobject = definitions.catalogue.get(owner)
    if sobject is None:
        raise unknown("CustomObject", owner, "fullName")
    _check_name(rule, ("",), "Rule Name")
    for needed in ("active", "errorConditionFormula", "errorMessage"):
        if not text(body, needed):
            raise missing(needed)
    _check_one_of(body, "active", ("true", "false"))
    try:
        compile_formula(text(body, "errorConditionFormula"), sobject)
    except FormulaError as error:
        raise ComponentError("FIELD_INTEGRITY_EXCEPTION", str(error), "errorConditionFormula") from None


def _permissions(definitions: "Definitions", name: str, body: Tree) -> None:
    _check_name(name, ("",), "API Name")
    if not text(body, "label"):
        raise missing("label")
    for each in members(body, "fieldPermissions"):
        owner, _, field = text(each, "field").partition(".")
        sobject = definitions.catalogue.get(owner)
        known = sobject.fields.get(field.lower()) if sobject else None
        if sobject is None or known is None:
            raise unknown("CustomField", text(each, "field"), "field")
        if known.required:
            message = f"You cannot deploy to a required field: {sobject.name}.{known.name}"
            raise ComponentError("FIELD_INTEGRITY_EXCEPTION", message, "field")
    for each in members(body, "objectPermissions"):
        if definitions.catalogue.get(text(each, "object")) is None:
            raise unknown("CustomObject", text(each, "object"), "object")


def _channel(definitions: "Definitions", name: str, body: Tree) -> None:
    del definitions
    _check_name(name, ("__chn",), "Channel Name")
    if not text(body, "label"):
        raise missing("label")
    _check_one_of(body, "channelType", ("data", "event"), needed=True)


def _member(definitions: "Definitions", name: str, body: Tree) -> None:
    _check_name(name, ("",), "Member Name")
    for needed in ("eventChannel", "selectedEntity"):
        if not text(body, needed):
            raise missing(needed)
    channel, entity = text(body, "eventChannel"), text(body, "selectedEntity")
    found = definitions.find("PlatformEventChannel", channel)
    if found is None and channel != DEFAULT_CHANNEL:
        raise unknown("PlatformEventChannel", channel, "eventChannel")
    wants_events = found is not None and text(found.body, "channelType") == "event"
    named = (
        each.name if each.event else change_entity(each) for each in definitions.catalogue if each.event == wants_events
    )
    if entity not in named:
        raise unknown("event entity", entity, "selectedEntity")


KINDS = {
    kind.name: kind
    for kind in (
        Kind("CustomObject", "objects", "object", "01I", _object),
        Kind("CustomField", "", "", "00N", _field, "fields"),
        Kind("ValidationRule", "", "", "03d", _rule, "validationRules"),
        Kind("PlatformEventChannel", "platformEventChannels", "platformEventChannel", "0YL", _channel),
        Kind("PlatformEventChannelMember", "platformEventChannelMembers", "platformEventChannelMember", "0v8", _member),
        Kind("PermissionSet", "permissionsets", "permissionset", "0PS", _permissions),
    )
}
"""By name, in the order in which a deployment makes them: what others refer to comes first."""
