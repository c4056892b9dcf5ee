"""The `$metadata` document of a version 4 service.

Source: CSDL 4.0 (XML).
"""

from sandboxes.sap.odata_v2.edm import EntitySet, FunctionImport, Property
from sandboxes.sap.odata_v4.model import ALIAS, Action, ServiceV4

_TYPES = {"Edm.DateTime": "Edm.Date", "Edm.Time": "Edm.TimeOfDay"}


def metadata_document(service: ServiceV4) -> bytes:
    """The EDMX of a service, UTF-8."""
    types = "".join(_entity_type(service, one) for one in service.sets.values())
    complexes = "".join(
        f'<ComplexType Name="{name}">{"".join(map(_property, properties))}</ComplexType>'
        for name, properties in service.complex_types.items()
    )
    actions = "".join(_action(service, one, action) for one, bound in service.actions.items() for action in bound)
    functions = "".join(_function(service, one) for one in service.functions.values())
    imports = "".join(
        f'<FunctionImport Name="{name}" Function="{service.schema}.{name}"/>' for name in service.functions
    )
    sets = "".join(_set(service, one) for one in service.sets.values())
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>'
        f'<Schema Namespace="{service.schema}" Alias="{ALIAS}" xmlns="http://docs.oasis-open.org/odata/ns/edm">'
        f'{types}{complexes}{actions}{functions}<EntityContainer Name="Container">{sets}{imports}</EntityContainer>'
        "</Schema></edmx:DataServices></edmx:Edmx>"
    ).encode()


def _entity_type(service: ServiceV4, one: EntitySet) -> str:
    keys = "".join(f'<PropertyRef Name="{key}"/>' for key in one.keys)
    properties = "".join(
        _property(prop, nullable=prop.initial is None and prop.name not in one.keys) for prop in one.properties.values()
    )
    navigations = ""
    for navigation in one.navigations.values():
        target = f"{service.schema}.{service.sets[navigation.target].type_name}"
        kind = f"Collection({target})" if navigation.many else target
        navigations += f'<NavigationProperty Name="{navigation.name}" Type="{kind}"/>'
    return f'<EntityType Name="{one.type_name}"><Key>{keys}</Key>{properties}{navigations}</EntityType>'


def _property(prop: Property, *, nullable: bool = False) -> str:
    required = "" if nullable else ' Nullable="false"'
    return f'<Property Name="{prop.name}" {_facets(prop)}{required}/>'


def _facets(prop: Property) -> str:
    facets = f'Type="{_TYPES.get(prop.type, prop.type)}"'
    if prop.max_length:
        facets += f' MaxLength="{prop.max_length}"'
    if prop.precision is not None:
        facets += f' Precision="{prop.precision}" Scale="{prop.scale}"'
    return facets


def _set(service: ServiceV4, one: EntitySet) -> str:
    bindings = "".join(
        f'<NavigationPropertyBinding Path="{navigation.name}" Target="{navigation.target}"/>'
        for navigation in one.navigations.values()
    )
    return f'<EntitySet Name="{one.name}" EntityType="{service.schema}.{one.type_name}">{bindings}</EntitySet>'


def _function(service: ServiceV4, one: FunctionImport) -> str:
    parameters = "".join(f'<Parameter Name="{prop.name}" {_facets(prop)} Nullable="false"/>' for prop in one.parameters)
    kind = f"{service.schema}.{one.returns}"
    returns = f"Collection({kind})" if one.many else kind
    return f'<Function Name="{one.name}">{parameters}<ReturnType Type="{returns}" Nullable="false"/></Function>'


def _action(service: ServiceV4, entity_set: str, action: Action) -> str:
    kind = f"{service.schema}.{service.sets[entity_set].type_name}"
    parameters = "".join(f'<Parameter Name="{one.name}" {_facets(one)}/>' for one in action.parameters)
    return (
        f'<Action Name="{action.name}" EntitySetPath="_it" IsBound="true"><Parameter Name="_it" Type="{kind}" '
        f'Nullable="false"/>{parameters}<ReturnType Type="{kind}" Nullable="false"/></Action>'
    )
