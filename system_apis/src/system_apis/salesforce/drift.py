"""Whether an org is still as `Crm` needs it: its describe results against what our statements and translators use."""

from collections.abc import Iterator
from functools import cached_property

from shared.contracts.system.salesforce_platform import ObjectDescription, ObjectSummary
from shared.governance.drift import Finding
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.drift_fields import field_findings
from system_apis.salesforce.drift_needs import ObjectNeed, needs_of
from system_apis.salesforce.platform.describe import Describe

PERMISSIONS = "grant it to the integration user (`triptych permission-set salesforce`)"


class CrmDrift:
    """Compares one org with what `SalesforceCrm` needs of it.

    Args:
        salesforce: The org; its settings name the custom fields.
        describe: Its descriptions, one call per object while they are fresh.
    """

    def __init__(self, salesforce: SalesforceConnector, describe: Describe) -> None:
        self._settings = salesforce.settings
        self._describe = describe

    @cached_property
    def _needs(self) -> dict[str, ObjectNeed]:
        """Derived once somebody looks: many a process has ended by then, and no start waits for it."""
        return needs_of(self._settings)

    async def findings(self) -> list[Finding]:
        """Every difference, breaking ones first.

        Raises:
            Problem: The org cannot be asked; see `faults`.
        """
        known = {each.name: each for each in await self._describe.objects()}
        found: list[Finding] = []
        for name, need in sorted(self._needs.items()):
            if name in known:
                found += differences(need, await self._describe.object(name))
            else:
                found.append(_missing(name, need))
        return sorted(found, key=lambda each: not each.breaking)


def differences(need: ObjectNeed, described: ObjectDescription) -> Iterator[Finding]:
    """How one object differs from what is needed."""
    yield from _not_allowed(need, described)
    fields = {field.name.lower(): field for field in described.fields}
    for name, each in sorted(need.fields.items()):
        yield from field_findings(f"{described.name}.{name}", each, fields.get(name.lower()))
    yield from _newly_required(need, described)


def _missing(name: str, need: ObjectNeed) -> Finding:
    return Finding(
        subject=name,
        drift="missing-object",
        detail="The org has no such object, or its integration user cannot see it.",
        operations=tuple(sorted(need.touching)),
        advice=f"Enable the feature that brings it, and {PERMISSIONS}.",
    )


def _not_allowed(need: ObjectNeed, described: ObjectSummary) -> Iterator[Finding]:
    able = {"read": described.queryable, "create": described.createable, "edit": described.updateable}
    for kind, allowed in able.items():
        operations = need.operations(kind)
        if operations and not allowed:
            yield Finding(
                subject=described.name,
                drift="not-allowed",
                detail=f"The integration user may not {kind} its records.",
                operations=tuple(sorted(operations)),
                advice=f"Allow it: {PERMISSIONS}.",
            )


def _newly_required(need: ObjectNeed, described: ObjectDescription) -> Iterator[Finding]:
    creating = need.operations("create")
    given = {name.lower() for name, each in need.fields.items() if each.create}
    for field in described.fields if creating else ():
        filled = field.nillable or field.defaulted_on_create or field.type == "boolean" or field.name.lower() in given
        if field.createable and not filled:
            yield Finding(
                subject=f"{described.name}.{field.name}",
                drift="newly-required",
                detail="The field is required on create, has no default, and we send nothing for it.",
                operations=tuple(sorted(creating)),
                advice="Give it a default value in the org, or make it optional.",
            )
