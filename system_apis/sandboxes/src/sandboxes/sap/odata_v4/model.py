"""The entity model of a version 4 service, drawn from the version 2 service whose rows it shows.

Names follow SAP's released V4 services: no `A_`, navigations begin with an underscore.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from sandboxes.sap.odata_v2.behaviour import Payload
from sandboxes.sap.odata_v2.edm import EntitySet, Property, Service

ROOT = "/sap/opu/odata4/"
ALIAS = "SAP__self"
_PAGE = 100


@dataclass(frozen=True, slots=True)
class Action:
    """An action that is bound to the entities of a set, and answers with the entity."""

    name: str
    parameters: tuple[Property, ...] = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ServiceV4(Service):
    """A version 4 service: `path` below the root of all, and the version 2 service behind it, set by set.

    `searched` names what `$search` looks through, `actions` what is bound to entities, both by set.
    """

    path: str
    older: Service
    behind: Mapping[str, str]
    searched: Mapping[str, tuple[str, ...]]
    actions: Mapping[str, tuple[Action, ...]]

    @property
    def root(self) -> str:
        """The path under which the service answers."""
        return ROOT + self.path

    @property
    def schema(self) -> str:
        """The namespace of its types."""
        return f"com.sap.gateway.srvd_a2x.{self.name.lower()}.v{self.version:04d}"

    def table(self, entity_set: str) -> str:
        """The table of the version 2 set behind a set."""
        return self.older.table(self.behind[entity_set])

    def action(self, entity_set: EntitySet, name: str) -> Action | None:
        """The action of a qualified name (`SAP__self.Release`), if it is bound to this set."""
        schema, _, last = name.rpartition(".")
        known = self.actions.get(entity_set.name, ()) if schema in {ALIAS, self.schema} else ()
        return next((one for one in known if one.name == last), None)

    def older_set(self, entity_set: EntitySet) -> EntitySet:
        """The version 2 set behind a set."""
        return self.older.sets[self.behind[entity_set.name]]


def newer(
    older: Service,
    path: str,
    names: Mapping[str, str],
    *,
    searched: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    actions: Mapping[str, tuple[Action, ...]] = MappingProxyType({}),
) -> ServiceV4:
    """The version 4 service over an older one; `names` tells the new name of each set that it shows."""
    sets = {name: _shown(older.sets[old], name, names) for old, name in names.items()}
    return ServiceV4(
        name=path.rsplit("/", 2)[-2],
        title=older.title,
        sets=sets,
        functions=older.functions if not sets else {},
        complex_types=older.complex_types if not sets else {},
        component=older.component,
        path=path,
        older=older,
        behind={name: old for old, name in names.items()},
        searched=searched,
        actions=actions,
    )


def navigation_name(older: str) -> str:
    """`_Item` for `to_Item`."""
    return "_" + older.removeprefix("to_")


def as_older(payload: Payload) -> Payload:
    """A payload with its nested entities under their version 2 names."""
    children = {f"to{name}": [as_older(one) for one in below] for name, below in payload.children.items()}
    return Payload(payload.values, children)


def _shown(older: EntitySet, name: str, names: Mapping[str, str]) -> EntitySet:
    navigations = {
        navigation_name(one.name): replace(one, name=navigation_name(one.name), target=names[one.target])
        for one in older.navigations.values()
        if one.target in names
    }
    return replace(older, name=name, navigations=navigations, page_size=_PAGE)
