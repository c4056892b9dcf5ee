"""Questions about an org's definitions in SOQL (Tooling API Reference, "FieldDefinition", "CustomField")."""

import msgspec

from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.soql import Statement


class DefinedField(msgspec.Struct, frozen=True, rename="pascal"):
    """A field as the org defines it."""

    qualified_api_name: str
    label: str | None = None
    data_type: str | None = None
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    is_indexed: bool = False


class MadeField(msgspec.Struct, frozen=True, rename="pascal"):
    """A custom field that an administrator made; `id` is what the Tooling API deletes it by."""

    id: str
    developer_name: str
    table_enum_or_id: str | None = None


class Tooling:
    """The Tooling API of one org.

    Args:
        salesforce: The org.
    """

    def __init__(self, salesforce: SalesforceConnector) -> None:
        self._salesforce = salesforce
        root = f"{salesforce.root}/tooling"
        self._fields = Statement(
            root,
            "SELECT QualifiedApiName, Label, DataType, Length, Precision, Scale, IsIndexed FROM FieldDefinition "
            "WHERE EntityDefinition.QualifiedApiName = :sobject",
            DefinedField,
        )
        self._made = Statement(root, "SELECT Id, DeveloperName, TableEnumOrId FROM CustomField", MadeField)

    async def fields(self, sobject: str) -> list[DefinedField]:
        """The fields of an object by API name; none if there is no such object."""
        found = await self._salesforce.query(self._fields, "salesforce_platform.fields", sobject=sobject)
        return sorted(found, key=lambda each: each.qualified_api_name)

    async def made_fields(self) -> list[MadeField]:
        """Every custom field that an administrator made."""
        return await self._salesforce.query(self._made, "salesforce_platform.made_fields")
