"""Which calls save a set of changes: one where one suffices (REST API Developer Guide, "Composite Resources").

| changes | call | atomic |
|---|---|---|
| one | the row's own | |
| of one kind | collections, 200 records, 10 types | each record, or all |
| creates that form one tree, or trees all or none | tree, 200 records, 5 levels, 5 types | all |
| any, all or none | composite up to 25, else one graph up to 500 | all |
| any that refer to one another | graph for each set of them, 75 in 500 nodes | each set |
| any others | composite of rows up to 25, else of collections | each record |
| any others with text that composite would read as a reference | batch up to 25, else collections | each record |

Batch is the last resort, because each of its parts counts against the org's allowance.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import msgspec

from shared.binding.problems import Invalid
from system_apis.salesforce.platform.drafts import Draft

_Item = TypeVar("_Item")

COLLECTION, TYPES = 200, 10
PARTS, COLLECTION_PARTS = 25, 5
TREE_LEVELS, TREE_TYPES = 5, 5
NODES, GRAPHS, DEPTH, KINDS = 500, 75, 15, 15


class RowCall(msgspec.Struct, frozen=True):
    """One change as a call of its own."""

    draft: Draft


class CollectionCall(msgspec.Struct, frozen=True):
    """Changes of one kind."""

    drafts: list[Draft]
    all_or_none: bool = False


class TreeCall(msgspec.Struct, frozen=True):
    """Creates that form trees."""

    drafts: list[Draft]


class CompositeCall(msgspec.Struct, frozen=True):
    """Changes and collections in their order."""

    parts: list[Draft | CollectionCall]
    all_or_none: bool = False


class BatchCall(msgspec.Struct, frozen=True):
    """Changes that have nothing to do with one another."""

    drafts: list[Draft]


class GraphCall(msgspec.Struct, frozen=True):
    """Sets of changes, each all or none."""

    graphs: list[list[Draft]]


Call = RowCall | CollectionCall | TreeCall | CompositeCall | BatchCall | GraphCall


def plan(drafts: Sequence[Draft], *, all_or_none: bool) -> list[Call]:
    """The calls that save these, in order.

    Raises:
        Invalid: What belongs together does not fit one call.
    """
    changes = list(drafts)
    if len(changes) == 1:
        return [RowCall(changes[0])]
    groups = groups_of(changes)
    if all(len(group) == 1 for group in groups):
        return _together(changes) if all_or_none else _apart(changes)
    if (all_or_none or len(groups) == 1) and _is_tree(changes):
        return [TreeCall(changes)]
    if all_or_none:
        return _together(changes)
    return _linked(groups)


def groups_of(drafts: Sequence[Draft]) -> list[list[Draft]]:
    """Sets of changes that refer to one another, directly or not, each in its order."""
    first_at = {draft.at: draft.at for draft in drafts}  # leads to the first of its set, by way of others in it
    for draft in drafts:
        firsts = {_first(first_at, at) for at in (draft.at, *draft.links.values()) if at in first_at}
        first_at |= dict.fromkeys(firsts, min(firsts))
    groups: dict[int, list[Draft]] = {}
    for draft in drafts:
        groups.setdefault(_first(first_at, draft.at), []).append(draft)
    return list(groups.values())


def _first(first_at: dict[int, int], at: int) -> int:
    while first_at[at] != at:
        first_at[at] = at = first_at[first_at[at]]  # halves the way for the next one
    return at


def _together(changes: list[Draft]) -> list[Call]:
    if _fits_collection(changes):
        return [CollectionCall(_by_type(changes), all_or_none=True)]
    _refuse_literals(changes)
    if len(changes) <= PARTS:
        return [CompositeCall([*changes], all_or_none=True)]
    _check_graph(changes)
    return [GraphCall([changes])]


def _fits_collection(changes: Sequence[Draft]) -> bool:
    return (
        len({draft.kind for draft in changes}) == 1
        and len(changes) <= COLLECTION
        and len({draft.sobject for draft in changes}) <= TYPES
        and not any(draft.change.version or draft.links for draft in changes)
    )


def _linked(groups: list[list[Draft]]) -> list[Call]:
    """Graphs for the sets; the rest with them if it fits, for then one call does."""
    sets = [group for group in groups if len(group) > 1]
    loose = [group[0] for group in groups if len(group) == 1]
    for group in sets:
        _refuse_literals(group)
        _check_graph(group)
    everything = [*sets, *([draft] for draft in loose)]
    if len(everything) <= GRAPHS and sum(map(len, everything)) <= NODES and not any(d.literal for d in loose):
        return [GraphCall(everything)]
    graphs: list[Call] = [GraphCall(packed) for packed in _packed(sets)]
    return graphs + (plan(loose, all_or_none=False) if loose else [])


def _packed(sets: Iterable[list[Draft]]) -> Iterator[list[list[Draft]]]:
    payload: list[list[Draft]] = []
    for group in sets:
        if payload and (len(payload) == GRAPHS or sum(map(len, payload)) + len(group) > NODES):
            yield payload
            payload = []
        payload.append(group)
    yield payload


def _apart(changes: list[Draft]) -> list[Call]:
    """Changes that have nothing to do with one another, each for itself."""
    if _fits_collection(changes):
        return [CollectionCall(_by_type(changes))]
    literal = any(draft.literal for draft in changes)
    if len(changes) <= PARTS and not literal:
        return [CompositeCall([*changes])]
    if len(changes) <= PARTS and not any(draft.change.version for draft in changes):
        return [BatchCall(changes)]
    alone = [draft for draft in changes if draft.change.version]
    collections = list(_collections([draft for draft in changes if not draft.change.version]))
    rows: list[Call] = [RowCall(draft) for draft in alone if draft.literal]
    whole: list[Call] = [each for each in collections if any(draft.literal for draft in each.drafts)]
    parts = [each for each in collections if each not in whole]
    return rows + whole + _composites(parts, [draft for draft in alone if not draft.literal])


def _composites(collections: list[CollectionCall], rows: list[Draft]) -> list[Call]:
    calls: list[Call] = []
    while collections or rows:
        heavy, collections = collections[:COLLECTION_PARTS], collections[COLLECTION_PARTS:]
        light, rows = rows[: PARTS - len(heavy)], rows[PARTS - len(heavy) :]
        one = len(heavy) + len(light) == 1
        calls.append((heavy[0] if heavy else RowCall(light[0])) if one else CompositeCall([*heavy, *light]))
    return calls


def _collections(changes: Sequence[Draft]) -> Iterator[CollectionCall]:
    kinds: dict[tuple[str, ...], list[Draft]] = {}
    for draft in changes:
        kinds.setdefault((*draft.kind, "literal" if draft.literal else ""), []).append(draft)
    for alike in kinds.values():
        types = list(dict.fromkeys(draft.sobject for draft in alike))
        for some in _chunks(types, TYPES):
            for chunk in _chunks(_by_type([draft for draft in alike if draft.sobject in some]), COLLECTION):
                yield CollectionCall(chunk)


def _chunks(items: Sequence[_Item], size: int) -> Iterator[list[_Item]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def _by_type(changes: Iterable[Draft]) -> list[Draft]:
    """Types side by side, for a collection may change its type ten times only."""
    return sorted(changes, key=lambda draft: draft.sobject)


def _is_tree(changes: Sequence[Draft]) -> bool:
    levels: dict[int, int] = {}
    for draft in changes:
        if draft.change.action != "create" or len(draft.links) > 1 or (draft.links and not draft.relationship):
            return False
        levels[draft.at] = 1 + max((levels[target] for target in draft.links.values()), default=0)
    roots = {draft.sobject for draft in changes if not draft.links}
    types = {draft.sobject for draft in changes}
    return (
        len(changes) <= COLLECTION
        and len(roots) == 1
        and len(types) <= TREE_TYPES
        and max(levels.values()) <= TREE_LEVELS
    )


def _check_graph(changes: Sequence[Draft]) -> None:
    depth: dict[int, int] = {}
    for draft in changes:
        depth[draft.at] = 1 + max((depth[target] for target in draft.links.values()), default=0)
    kinds = {(draft.change.action, draft.sobject) for draft in changes}
    if len(changes) > NODES or max(depth.values()) > DEPTH or len(kinds) > KINDS:
        raise Invalid(
            f"Changes that belong together may be {NODES} of {KINDS} kinds, {DEPTH} references deep, and these are "
            f"{len(changes)} of {len(kinds)}, {max(depth.values())} deep; send fewer at once, or use a bulk job."
        )


def _refuse_literals(changes: Sequence[Draft]) -> None:
    for draft in changes:
        if draft.literal:
            raise Invalid(
                f"Change {draft.at} holds the signs @{{, which Salesforce would read as a reference; "
                "save it without all-or-none and without references."
            )
