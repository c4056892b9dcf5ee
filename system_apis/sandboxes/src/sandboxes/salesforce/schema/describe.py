"""Describes objects and fields with every key clients look for."""

from typing import Any

from sandboxes.salesforce.schema.catalogue import parent_name
from sandboxes.salesforce.schema.expressible import filterable, groupable
from sandboxes.salesforce.schema.model import Field, SObject

_SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "long": "xsd:long",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "address": "urn:address",
    "base64": "xsd:base64Binary",
}
_UNUSED: dict[str, Any] = {
    "calculatedFormula": None,
    "controllerName": None,
    "defaultValueFormula": None,
    "dependentPicklist": False,
    "deprecatedAndHidden": False,
    "displayLocationInDecimal": False,
    "encrypted": False,
    "extraTypeInfo": None,
    "filteredLookupInfo": None,
    "formulaTreatNullNumberAsZero": False,
    "highScaleNumber": False,
    "htmlFormatted": False,
    "inlineHelpText": None,
    "mask": None,
    "maskType": None,
    "queryByDistance": False,
    "referenceTargetField": None,
    "searchPrefilterable": False,
    "writeRequiresMasterRead": False,
}
_BYTES_PER_CHARACTER = 3
_WITH_THE_OBJECT = frozenset({"CurrencyIsoCode", "FirstName", "OwnerId"})
"""Optional fields that whoever sees the object sees."""


def summary(sobject: SObject, path: str) -> dict[str, Any]:
    """An object as the list of objects shows it; `path` is the path of the API version."""
    url = f"{path}/sobjects/{sobject.name}"
    writable = sobject.name not in ("Organization", "User")
    able = ("deletable", "undeletable", "mruEnabled", "feedEnabled")
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": writable and "Create" not in sobject.denied,
        "custom": sobject.custom,
        "customSetting": False,
        "deepCloneable": False,
        "deprecatedAndHidden": False,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": sobject.prefix,
        "label": sobject.label,
        "labelPlural": sobject.plural,
        "layoutable": True,
        "mergeable": sobject.name in ("Account", "Contact", "Lead"),
        "name": sobject.name,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": True,
        "triggerable": True,
        "updateable": "Edit" not in sobject.denied,
        **dict.fromkeys(able, writable),
        "deletable": writable and "Delete" not in sobject.denied,
        "urls": {
            "sobject": url,
            "describe": f"{url}/describe",
            "rowTemplate": f"{url}/{{ID}}",
        },
    }


def describe(sobject: SObject, path: str) -> dict[str, Any]:
    """An object in full."""
    return {
        **summary(sobject, path),
        "actionOverrides": [],
        "childRelationships": _children(sobject),
        "compactLayoutable": True,
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [_field(field, sobject) for field in sobject.fields.values()],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": [_master_record_type()],
        "searchLayoutable": True,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [
            {"label": f"All {sobject.plural.lower()}", "name": "everything"},
            {"label": f"My {sobject.plural.lower()}", "name": "mine"},
        ],
    }


def _master_record_type() -> dict[str, Any]:
    return {
        "active": True,
        "available": True,
        "defaultRecordTypeMapping": True,
        "developerName": "Master",
        "master": True,
        "name": "Master",
        "recordTypeId": "012000000000000AAA",
        "urls": {},
    }


def _children(sobject: SObject) -> list[dict[str, Any]]:
    return [
        {
            "cascadeDelete": child.field.cascade,
            "childSObject": child.sobject,
            "deprecatedAndHidden": False,
            "field": child.field.name,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": child.field.children or None,
            "restrictedDelete": False,
        }
        for child in sobject.references
    ]


def _field(field: Field, sobject: SObject) -> dict[str, Any]:
    text = field.length and field.type not in ("int", "double", "boolean")
    number = field.type in ("double", "currency", "percent")
    writable = field.createable and field.type != "id"
    return {
        **_UNUSED,
        "aggregatable": field.stored and field.type != "boolean",
        "aiPredictionField": False,
        "autoNumber": bool(field.auto_number),
        "byteLength": field.length * _BYTES_PER_CHARACTER if text else 0,
        "calculated": field.calculated,
        "cascadeDelete": field.cascade,
        "caseSensitive": field.case_sensitive,
        "compoundFieldName": field.compound or None,
        "createable": writable,
        "custom": field.custom,
        "defaultValue": field.default if field.type == "boolean" else None,
        "defaultedOnCreate": field.default is not None or not field.createable,
        "digits": field.precision if field.type == "int" else 0,
        "externalId": field.external_id,
        "filterable": filterable(field),
        "groupable": groupable(field),
        "idLookup": field.id_lookup,
        "label": field.label,
        "length": field.length if text else 0,
        "name": field.name,
        "nameField": field.name_field,
        "namePointing": len(field.to) > 1,
        "nillable": not field.required and field.type != "boolean",
        "permissionable": _permissionable(field),
        "picklistValues": _picklist(field),
        "polymorphicForeignKey": len(field.to) > 1,
        "precision": field.precision if number else 0,
        "referenceTo": list(field.to),
        "relationshipName": parent_name(field) or None,
        "relationshipOrder": 0 if field.cascade and sobject.custom else None,
        "restrictedDelete": False,
        "restrictedPicklist": field.restricted,
        "scale": field.scale if number else 0,
        "soapType": _SOAP_TYPES.get(field.type, "xsd:string"),
        "sortable": filterable(field),
        "type": field.type,
        "unique": field.unique,
        "updateable": field.updateable and field.type != "id",
    }


def _permissionable(field: Field) -> bool:
    """Whether a permission set may name it: a compound field as a whole, nothing required or worked out."""
    if field.components:
        return True
    return field.createable and not (field.required or field.compound or field.name in _WITH_THE_OBJECT)


def _picklist(field: Field) -> list[dict[str, Any]]:
    return [
        {
            "active": value not in field.inactive,
            "defaultValue": value == field.default,
            "label": value,
            "validFor": None,
            "value": value,
        }
        for value in field.values
    ]
