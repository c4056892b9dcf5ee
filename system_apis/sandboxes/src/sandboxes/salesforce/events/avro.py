"""The Avro schemas of events, and the ids under which clients ask for them."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from typing import Any

import msgspec

from sandboxes.salesforce.events.shape import Told, change_entity, top_level, worked_out_once
from sandboxes.salesforce.schema import SObject

Schema = dict[str, Any]
_NAMESPACE = "com.sforce.eventbus"
_AVRO = {
    "boolean": "boolean", "int": "int", "long": "long", "double": "double", "currency": "double",
    "percent": "double", "date": "long", "datetime": "long",
}  # fmt: skip
_DOC = {
    "boolean": "Boolean", "int": "Integer", "long": "Long", "double": "Double", "currency": "Currency",
    "percent": "Percent", "date": "DateOnly", "datetime": "DateTime", "reference": "EntityId", "id": "EntityId",
    "picklist": "DynamicEnum", "phone": "Phone", "email": "Email", "url": "URL",
}  # fmt: skip
CHANGE_TYPES = [
    "CREATE", "UPDATE", "DELETE", "UNDELETE", "GAP_CREATE", "GAP_UPDATE", "GAP_DELETE", "GAP_UNDELETE",
    "GAP_OVERFLOW", "SNAPSHOT",
]  # fmt: skip
_TEXTS = {"type": "array", "items": "string"}
_HEADER: Schema = {
    "name": "ChangeEventHeader",
    "type": {
        "type": "record",
        "name": "ChangeEventHeader",
        "fields": [
            {"name": "entityName", "type": "string"},
            {"name": "recordIds", "type": _TEXTS},
            {"name": "changeType", "type": {"type": "enum", "name": "ChangeType", "symbols": CHANGE_TYPES}},
            {"name": "changeOrigin", "type": "string"},
            {"name": "transactionKey", "type": "string"},
            {"name": "sequenceNumber", "type": "int"},
            {"name": "commitTimestamp", "type": "long"},
            {"name": "commitNumber", "type": "long"},
            {"name": "commitUser", "type": "string"},
            {"name": "nulledFields", "type": _TEXTS},
            {"name": "diffFields", "type": _TEXTS},
            {"name": "changedFields", "type": _TEXTS},
        ],
    },
}


@worked_out_once
def event_schema(sobject: SObject) -> Schema:
    """The schema of a platform event, or of an object's change events; `uuid` is its id."""
    if sobject.event:
        fields = [
            _event_field(field, required=sobject.fields[field.name.lower()].required) for field in top_level(sobject)
        ]
        name = sobject.name
    else:
        fields = [_HEADER, *(_change_field(field) for field in top_level(sobject))]
        name = change_entity(sobject)
    schema: Schema = {"type": "record", "name": name, "namespace": _NAMESPACE, "fields": fields}
    return schema | {"uuid": _id(schema)}


def schema_of_id(sobjects: Iterable[SObject], schema_id: str) -> Schema | None:
    """The schema under this id of one of these objects, as it is now."""
    schemas = (event_schema(sobject) for sobject in sobjects)
    return next((schema for schema in schemas if schema["uuid"] == schema_id), None)


def expanded(schema: Schema, sobject: SObject) -> Schema:
    """The schema of what the streaming door wraps around an event."""
    payload = {key: schema[key] for key in ("type", "name", "namespace", "fields")}
    inner = {"type": "record", "name": "Event", "fields": [{"name": "replayId", "type": "long"}]}
    return {
        "name": sobject.name,
        "namespace": _NAMESPACE,
        "type": "expanded-record",
        "fields": [
            {
                "name": "data",
                "type": {
                    "type": "record",
                    "name": "Data",
                    "namespace": "",
                    "fields": [
                        {"name": "schema", "type": "string"},
                        {"name": "payload", "type": payload | {"doc": ""}},
                        {"name": "event", "type": inner},
                    ],
                },
            },
            {"name": "channel", "type": "string"},
        ],
        "uuid": schema["uuid"],
    }


def _event_field(field: Told, *, required: bool) -> Schema:
    kind, doc = (
        _AVRO.get(field.type, "string"),
        _described("CreatedBy" if field.name == "CreatedById" else field.name, field.type),
    )
    if required:
        return {"name": field.name, "type": kind, "doc": doc}
    return {"name": field.name, "type": ["null", kind], "doc": doc, "default": None}


def _change_field(field: Told) -> Schema:
    kind: Any = _AVRO.get(field.type, "string")
    if field.parts:
        inner = [
            {"name": part, "type": ["null", _AVRO.get(each, "string")], "doc": _described(part, each), "default": None}
            for part, _, each in field.parts
        ]
        record = "PersonName" if field.type == "name" else "Address"
        kind = {"type": "record", "name": f"{record}_{field.name}", "fields": inner}
    return {"name": field.name, "type": ["null", kind], "doc": _described("Data", field.type), "default": None}


def _described(name: str, kind: str) -> str:
    return f"{name}:{_DOC.get(kind, 'Text')}"


def _id(schema: Schema) -> str:
    digest = hashlib.sha256(msgspec.json.encode(schema, order="sorted")).digest()
    return urlsafe_b64encode(digest[:16]).decode().rstrip("=")
