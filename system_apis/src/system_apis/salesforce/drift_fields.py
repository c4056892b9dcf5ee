"""How one field of an org differs from what we need of it."""

from collections.abc import Iterable, Iterator
from typing import Final

from shared.contracts.system.salesforce_platform import FieldDescription
from shared.governance.drift import Finding
from system_apis.salesforce.drift_needs import FieldNeed

_CURRENCY: Final = "CurrencyIsoCode"


def field_findings(subject: str, need: FieldNeed, described: FieldDescription | None) -> Iterator[Finding]:
    """Every difference of one field.

    Args:
        subject: `Object.Field`.
        need: What it has to be.
        described: What it is; None when the org does not show it.
    """
    if described is None:
        yield _missing(subject, need)
        return
    if need.types and described.type not in need.types:
        yield _wrong_type(subject, need, described)
        return
    yield from _not_writable(subject, need, described)
    yield from _too_weak(subject, need, described)
    if described.type == "picklist":
        active = {each.value.lower() for each in described.picklist_values if each.active}
        yield from _not_offered(subject, need, active, strict=described.restricted_picklist)
        yield from _unreadable(subject, need, active)


def _missing(subject: str, need: FieldNeed) -> Finding:
    if subject.endswith(f".{_CURRENCY}"):
        advice = "An org of one currency has no such field: name its currency, `currency` in [backends.salesforce]."
    elif need.setting in ("legal_name_field", "tax_number_field", "order_block_field"):
        advice = f'{_granting(need)} If the org has none, set `{need.setting} = ""` in [backends.salesforce].'
    else:
        advice = _granting(need)
    return Finding(
        subject=subject,
        drift="missing-field",
        detail="The org has no such field, or its integration user cannot see it.",
        operations=_told(need.operations),
        advice=advice,
    )


def _granting(need: FieldNeed) -> str:
    granting = "grant it to the integration user (`triptych permission-set salesforce`)"
    if not need.setting:
        return f"Bring it back, or {granting}."
    return f"Create it, {granting}, or name another in [backends.salesforce], `{need.setting}`."


def _wrong_type(subject: str, need: FieldNeed, described: FieldDescription) -> Finding:
    another = f", or name another field in [backends.salesforce], `{need.setting}`" if need.setting else ""
    return Finding(
        subject=subject,
        drift="wrong-type",
        detail=f"It is of type {described.type}; we need {_one_of(need.types)}.",
        operations=_told(need.operations),
        advice=f"Change its type back{another}.",
    )


def _not_writable(subject: str, need: FieldNeed, described: FieldDescription) -> Iterator[Finding]:
    for kind, operations, allowed in (
        ("create", need.create, described.createable),
        ("edit", need.edit, described.updateable),
    ):
        if operations and not allowed:
            worked_out = " It is a formula." if described.calculated else ""
            yield Finding(
                subject=subject,
                drift="not-allowed",
                detail=f"The integration user may not {kind} it.{worked_out}",
                operations=_told(operations),
                advice="Give the integration user Edit on it (`triptych permission-set salesforce`).",
            )


def _too_weak(subject: str, need: FieldNeed, described: FieldDescription) -> Iterator[Finding]:
    writing = _told(need.create | need.edit)
    if 0 < described.length < need.length:
        yield Finding(
            subject=subject,
            drift="too-short",
            detail=f"It holds {described.length} characters; what we write has up to {need.length}.",
            operations=writing,
            advice=f"Lengthen it to {need.length} or more.",
        )
    if need.unique and not described.unique:
        yield Finding(
            subject=subject,
            drift="not-unique",
            detail="It is not unique, so two writers at once could record the same thing twice.",
            operations=writing,
            advice="Mark it `Unique` (values that are there twice must go first).",
        )


def _not_offered(subject: str, need: FieldNeed, active: set[str], *, strict: bool) -> Iterator[Finding]:
    for value, operations in sorted(need.sent.items()):
        if value.lower() not in active:
            effect = "and the org refuses it" if strict else "though the org takes it all the same"
            yield Finding(
                subject=subject,
                drift="missing-value",
                detail=f"We send {value!r}, which is not among its active values, {effect}.",
                operations=_told(operations),
                advice=f"Add or activate the value {value!r}.",
                breaking=strict,
            )


def _unreadable(subject: str, need: FieldNeed, active: set[str]) -> Iterator[Finding]:
    for values, operations in sorted(need.expected.items()):
        if not active.intersection(value.lower() for value in values):
            yield Finding(
                subject=subject,
                drift="missing-value",
                detail=f"None of {', '.join(values)} is active, so nothing is ever seen in that state.",
                operations=_told(operations),
                advice=f"Add or activate one of {', '.join(values)}; others count as a draft.",
            )


def _told(operations: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(operations))


def _one_of(types: Iterable[str]) -> str:
    return " or ".join(sorted(types)) if len(names := sorted(types)) < 3 else f"one of {', '.join(names)}"  # noqa: PLR2004 - reads well
