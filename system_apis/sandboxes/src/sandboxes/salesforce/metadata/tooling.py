"""The Tooling API's view of the org: components, objects and fields as rows that SOQL can ask for."""

from collections.abc import Iterator

from sandboxes.kit import Clock
from sandboxes.salesforce.ids import new_id
from sandboxes.salesforce.metadata.definitions import Component, Definitions
from sandboxes.salesforce.metadata.kinds import KINDS
from sandboxes.salesforce.metadata.markup import text
from sandboxes.salesforce.schema import Catalogue, Field, SObject, load_catalogue
from sandboxes.salesforce.soql.execution import Queries
from sandboxes.salesforce.storage import Insert, Row, Store
from sandboxes.salesforce.touched import Touched


class Tooling:
    """Components of one org as rows, written anew for each query: a few hundred.

    Args:
        definitions: The components.
        clock: What TODAY means in a query.
    """

    def __init__(self, definitions: Definitions, clock: Clock) -> None:
        self._definitions = definitions
        self.catalogue = load_catalogue("tooling")
        self._store = Store(None, self.catalogue, _empty)
        self.queries = Queries(self._store, self.catalogue, clock, Touched())

    def refresh(self, seen: Catalogue) -> None:
        """Make the rows what the components are now, and the objects and fields those that are seen."""
        with self._store.savepoint():
            for sobject in self.catalogue:
                self._store.execute(f'DELETE FROM "{sobject.name}"')  # noqa: S608 - a name of the catalogue
                for row in self._rows(sobject, seen):
                    columns = {field.name: None for field in sobject.columns}
                    self._store.insert(sobject, columns | {"IsDeleted": 0} | row)

    def _rows(self, sobject: SObject, seen: Catalogue) -> Iterator[Row]:
        if sobject.name in KINDS:
            for each in self._definitions.made(sobject.name):
                yield _audit(each) | row_of(each)
            return
        ids = {each.name: new_id("4ie", at) for at, each in enumerate(self._definitions.catalogue, 1)}
        number = 0
        for each in seen:
            if sobject.name == "EntityDefinition":
                yield {"Id": ids[each.name], **_entity(each)}
                continue
            for field in each.fields.values():
                number += 1
                yield {"Id": new_id("4fd", number), "EntityDefinitionId": ids[each.name], **_field(each, field)}


def _empty(insert: Insert) -> None:
    """There is nothing to begin with."""
    del insert


def row_of(component: Component) -> Row:
    """The columns of a component's row besides its id and its history."""
    owner, _, inner_name = component.name.partition(".")
    name = (inner_name or owner).removesuffix("__c").removesuffix("__e").removesuffix("__chn")
    body = component.body
    rows: dict[str, Row] = {
        "CustomField": {"TableEnumOrId": owner},
        "ValidationRule": {
            "ValidationName": name, "Active": int(text(body, "active") == "true"),
            "ErrorMessage": text(body, "errorMessage"), "EntityDefinitionId": owner,
        },
        "PlatformEventChannel": {"MasterLabel": text(body, "label"), "ChannelType": text(body, "channelType")},
        "PlatformEventChannelMember": {
            "EventChannel": text(body, "eventChannel"), "SelectedEntity": text(body, "selectedEntity"),
        },
        "PermissionSet": {"Name": name, "Label": text(body, "label")},
    }  # fmt: skip
    named = {} if component.kind in ("ValidationRule", "PermissionSet") else {"DeveloperName": name}
    return named | rows.get(component.kind, {})


def _audit(component: Component) -> Row:
    stamps = {"CreatedDate": component.created, "LastModifiedDate": component.modified}
    who = {"CreatedById": component.user_id, "LastModifiedById": component.user_id}
    return {"Id": component.id, **stamps, **who, "SystemModstamp": component.modified}


def _entity(sobject: SObject) -> Row:
    return {
        "DurableId": sobject.name, "QualifiedApiName": sobject.name, "Label": sobject.label,
        "DeveloperName": sobject.name.removesuffix("__c").removesuffix("__e"), "PluralLabel": sobject.plural,
        "KeyPrefix": sobject.prefix, "IsCustomizable": 1, "IsQueryable": int(not sobject.event),
    }  # fmt: skip


def _field(sobject: SObject, field: Field) -> Row:
    return {
        "DurableId": f"{sobject.name}.{field.name}", "QualifiedApiName": field.name, "Label": field.label,
        "DeveloperName": field.name.removesuffix("__c"), "DataType": field.type, "Length": field.length,
        "Precision": field.precision, "Scale": field.scale, "IsNillable": int(not field.required),
        "IsIndexed": int(field.external_id or field.unique or field.type in ("id", "reference")),
    }  # fmt: skip
