"""Writes definitions as a package (Metadata API Developer Guide, "CustomObject" and the types after it)."""

import io
import zipfile
from collections.abc import Iterator

from shared.binding.problems import FieldError, Invalid
from shared.contracts.system.salesforce_definitions import (
    ChannelDefinition,
    Definitions,
    FieldDefinition,
    ObjectDefinition,
)
from system_apis.salesforce.metadata.markup import Tree, document

_TEXT_LENGTH, _LONG_LENGTH = 255, 32_768
_PRECISION, _SCALE = 18, 2
_VISIBLE_LINES = {"LongTextArea": 5, "Html": 10, "MultiselectPicklist": 4}
_DIGITS = frozenset({"Number", "Currency", "Percent"})
_LENGTHS = {"Text": _TEXT_LENGTH, "EncryptedText": 175, "LongTextArea": _LONG_LENGTH, "Html": _LONG_LENGTH}
_MOST_MEMBER = 80


def package_of(definitions: Definitions, version: str) -> bytes:
    """The zip that makes all of it: one file for each component, and a package.xml that names them.

    Args:
        definitions: What to make.
        version: API version of the package, e.g. `66.0`.
    """
    files: dict[str, bytes] = {}
    named: dict[str, list[str]] = {}
    for kind, name, file, tree in _components(definitions):
        files[file] = document(kind, tree)
        if name:
            named.setdefault(kind, []).append(name)
    for each in definitions.objects:
        if not is_made(each):
            fields = [f"{each.name}.{field.name}" for field in each.fields]
            named.setdefault("CustomField", []).extend(fields)
    types: list[Tree] = [{"members": sorted(names), "name": kind} for kind, names in sorted(named.items())]
    files["package.xml"] = document("Package", {"types": types, "version": version})
    return zipped(files)


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip with these files; the same files make the same zip."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            package.writestr(entry, content)
    return packed.getvalue()


def pointers_of(definitions: Definitions) -> dict[str, str]:
    """Where each component stands in the definitions, by its full name in small letters, as JSON Pointers.

    Raises:
        Invalid: Two have one name, so one would take the other's place in the package.
    """
    found: dict[str, str] = {}
    for name, pointer in _placed(definitions):
        if name.lower() in found:
            error = FieldError(detail=f"{name} is at {found[name.lower()]} already", pointer=pointer)
            raise Invalid(f"{name} is defined twice; put all of it into one definition.", errors=[error])
        found[name.lower()] = pointer
    return found


def _placed(definitions: Definitions) -> Iterator[tuple[str, str]]:
    for at, each in enumerate(definitions.objects):
        yield each.name, f"/objects/{at}"
        for number, field in enumerate(each.fields):
            yield f"{each.name}.{field.name}", f"/objects/{at}/fields/{number}"
    for at, channel in enumerate(definitions.channels):
        yield channel.name, f"/channels/{at}"
        for number, member in enumerate(channel.members):
            yield _member_name(channel, member), f"/channels/{at}/members/{number}"


def is_made(definition: ObjectDefinition) -> bool:
    """Whether the object itself is made or brought in line; a standard one, or one without a label, gains fields."""
    return definition.name.endswith(("__c", "__e")) and bool(definition.label or not definition.fields)


def _components(definitions: Definitions) -> Iterator[tuple[str, str, str, Tree]]:
    """Kind, name in package.xml (empty: its fields are named instead), file and content."""
    for each in definitions.objects:
        yield "CustomObject", each.name if is_made(each) else "", f"objects/{each.name}.object", _object(each)
    for channel in definitions.channels:
        tree: Tree = {"channelType": channel.kind, "label": channel.label}
        file = f"platformEventChannels/{channel.name}.platformEventChannel"
        yield "PlatformEventChannel", channel.name, file, tree
        for member in channel.members:
            name = _member_name(channel, member)
            file = f"platformEventChannelMembers/{name}.platformEventChannelMember"
            tree = {"eventChannel": channel.name, "selectedEntity": member}
            yield "PlatformEventChannelMember", name, file, tree


def _member_name(channel: ChannelDefinition, member: str) -> str:
    """A name of its own: that of the channel and of the entity, without what names may not have twice in a row."""
    return f"{channel.name}_{member}".replace("__", "_")[:_MOST_MEMBER].rstrip("_")


def _object(definition: ObjectDefinition) -> Tree:
    fields = [_field(field) for field in definition.fields]
    if not is_made(definition):
        return {"fields": fields}
    shown: Tree = {"deploymentStatus": "Deployed", "fields": fields, "label": definition.label}
    plural: Tree = {"pluralLabel": definition.label_plural or f"{definition.label}s"}
    if definition.name.endswith("__e"):
        return {"eventType": "HighVolume", "publishBehavior": "PublishAfterCommit", **shown, **plural}
    naming: Tree = {"label": definition.name_label, "type": "Text"}
    if definition.name_format is not None:
        naming = {"displayFormat": definition.name_format, "label": definition.name_label, "type": "AutoNumber"}
    return {**shown, "nameField": naming, **plural, "sharingModel": definition.sharing}


def _field(field: FieldDefinition) -> Tree:
    digits = field.type in _DIGITS
    points = field.type in ("Lookup", "MasterDetail")
    stem = field.name.removesuffix("__c")
    chosen: Tree | None = None
    if field.values:
        values: list[Tree] = [{"fullName": each, "default": False, "label": each} for each in field.values]
        chosen = {"restricted": field.restricted, "valueSetDefinition": {"sorted": False, "value": values}}
    return {
        "fullName": field.name,
        "defaultValue": "false" if field.type == "Checkbox" else None,
        "displayFormat": field.display_format,
        "externalId": field.external_id or None,
        "label": field.label,
        "length": field.length or _LENGTHS.get(field.type),
        "precision": (field.precision or _PRECISION) if digits else field.precision,
        "referenceTo": field.refers_to,
        "relationshipName": (field.relationship_name or stem) if points else None,
        "required": field.required or None,
        "scale": field.scale if field.scale is not None or not digits else _SCALE,
        "type": field.type,
        "unique": field.unique or None,
        "valueSet": chosen,
        "visibleLines": _VISIBLE_LINES.get(field.type),
    }
