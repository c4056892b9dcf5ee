"""Calls that succeed, for the conformance of every operation."""

from shared.contracts.canonical.identity import KeyInSystem

EXAMPLES = {
    "cross_references.note_key": lambda _: ("customer", "001conformance", "erp", KeyInSystem("10100001")),
    "cross_references.get_identity": lambda known: (
        known["cross_references.note_key"].kind, known["cross_references.note_key"].canonical_id,
    ),
    "cross_references.find_identity": lambda known: (
        "erp", known["cross_references.note_key"].kind, known["cross_references.note_key"].keys["erp"],
    ),
    "cross_references.remove_key": lambda known: (
        known["cross_references.note_key"].kind, known["cross_references.note_key"].canonical_id, "nothing",
    ),
}  # fmt: skip
