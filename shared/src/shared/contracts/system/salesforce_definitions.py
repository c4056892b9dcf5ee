"""What an administrator makes of a Salesforce org: objects, fields, events, channels; and SAQL."""

from typing import Annotated, Literal

import msgspec

from shared.binding.problems import NotFound, Refused

_STEM = "[A-Za-z](?:_?[A-Za-z0-9]){0,39}"
FieldName = Annotated[str, msgspec.Meta(pattern=f"^{_STEM}__c$", max_length=43, examples=["Meter_Code__c"])]
DefinedName = Annotated[
    str,
    msgspec.Meta(
        pattern=f"^{_STEM}(?:__[ce])?$",
        max_length=43,
        examples=["Meter_Reading__c"],
        description="Of a new object (…__c) or platform event (…__e), or of a standard object that gains fields",
    ),
]
ChannelName = Annotated[str, msgspec.Meta(pattern=f"^{_STEM}__chn$", max_length=45, examples=["Meters__chn"])]
Label = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
FieldType = Literal[
    "AutoNumber", "Checkbox", "Currency", "Date", "DateTime", "Email", "EncryptedText", "Html", "LongTextArea",
    "Lookup", "MasterDetail", "MultiselectPicklist", "Number", "Percent", "Phone", "Picklist", "Text", "TextArea",
    "Time", "Url",
]  # fmt: skip
DeploymentId = Annotated[
    str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9\-]*$", max_length=40, examples=["0AfHs0000000001MAA"])
]


class DefinitionsRefused(Refused):
    """The org takes none of the definitions; `errors` says which it refuses and why."""


class DeploymentNotFound(NotFound):
    """The org knows no deployment of this id."""


class DatasetNotFound(NotFound):
    """The org has no dataset of this name, or its integration user may not see it."""


class FieldDefinition(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A custom field, in Salesforce's words; what is left out is what the type usually has.

    Attributes:
        length: Characters; texts only.
        precision: Digits in all; numbers only.
        scale: Digits after the point.
        values: Of a picklist; the first is not chosen by itself.
        refers_to: The object that a Lookup or MasterDetail points to.
        relationship_name: The way down from there, without `__r`; made from the field's name when empty.
        display_format: Of an AutoNumber, e.g. `M-{0000}`.
    """

    name: FieldName
    label: Label
    type: FieldType
    length: Annotated[int, msgspec.Meta(ge=1, le=131_072)] | None = None
    precision: Annotated[int, msgspec.Meta(ge=1, le=18)] | None = None
    scale: Annotated[int, msgspec.Meta(ge=0, le=17)] | None = None
    required: bool = False
    unique: bool = False
    external_id: bool = False
    values: list[Annotated[str, msgspec.Meta(min_length=1, max_length=255)]] = []
    restricted: bool = True
    refers_to: Annotated[str, msgspec.Meta(pattern=f"^{_STEM}(?:__c)?$", examples=["Account"])] | None = None
    relationship_name: Annotated[str, msgspec.Meta(pattern=f"^{_STEM}$", examples=["Meters"])] | None = None
    display_format: Annotated[str, msgspec.Meta(max_length=30, examples=["M-{0000}"])] | None = None


class ObjectDefinition(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A custom object or platform event with its fields, or further fields of a standard object.

    Attributes:
        label: What people see; a new object needs one. Without it an object of the org only gains fields.
        name_format: Numbers the records instead of naming them, e.g. `M-{0000}`.
        sharing: Who sees its records without further rules.
    """

    name: DefinedName
    label: Annotated[str, msgspec.Meta(max_length=40)] = ""
    label_plural: Annotated[str, msgspec.Meta(max_length=40)] = ""
    name_label: Label = "Name"
    name_format: Annotated[str, msgspec.Meta(max_length=30, examples=["M-{0000}"])] | None = None
    sharing: Literal["ReadWrite", "Read", "Private", "ControlledByParent"] = "ReadWrite"
    fields: Annotated[list[FieldDefinition], msgspec.Meta(max_length=200)] = []


class ChannelDefinition(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A channel of change events or platform events; members are named as events: `AccountChangeEvent`, `Moved__e`."""

    name: ChannelName
    label: Label
    kind: Literal["data", "event"]
    members: Annotated[
        list[Annotated[str, msgspec.Meta(pattern="^[A-Za-z][A-Za-z0-9_]{0,79}$", examples=["AccountChangeEvent"])]],
        msgspec.Meta(max_length=50),
    ] = []


class Definitions(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What the org shall have; what is there already is brought in line."""

    objects: Annotated[list[ObjectDefinition], msgspec.Meta(max_length=50)] = []
    channels: Annotated[list[ChannelDefinition], msgspec.Meta(max_length=20)] = []


class Package(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A Metadata API package.

    Attributes:
        content: The zip with its package.xml, base64.
        check_only: Try it and leave the org as it is.
        rollback_on_error: All of it or nothing; production orgs know nothing else.
    """

    content: Annotated[
        str,
        msgspec.Meta(
            pattern="^[A-Za-z0-9+/]+={0,2}$", max_length=1_000_000, examples=["UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="]
        ),
    ]
    check_only: bool = False
    rollback_on_error: bool = True


class ComponentOutcome(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What became of one component; `problem` is what the org has against it."""

    kind: str
    name: str
    file: str = ""
    created: bool = False
    deleted: bool = False
    problem: str = ""


class Deployment(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A deployment as far as it is; `components` are complete when it has ended."""

    deployment_id: str
    state: Literal["running", "succeeded", "partly", "failed", "cancelled"]
    components: list[ComponentOutcome] = []
    detail: str = ""


class SaqlQuestion(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A SAQL query; every `:name` outside quotes stands for the value of that name and can be nothing else.

    Attributes:
        datasets: API names of datasets by the name of their place, for `load`.
        values: Values by the name of their place; a list goes with `in`.
    """

    saql: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            max_length=20_000,
            examples=["q = load :data; q = group q by 'Region'; q = foreach q generate count() as 'n';"],
        ),
    ]
    datasets: dict[str, str] = {}
    values: dict[str, str | bool | float | list[str]] = {}


class SaqlAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The records of a SAQL query; a value that is missing is left out of its record."""

    records: list[dict[str, str | float | int | bool | None]]
