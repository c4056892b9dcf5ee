"""Calls that succeed, for the conformance of every operation."""

from shared.contracts.canonical.identity import KeyClaim, KeyCorrection, KeyInSystem, KeysOfThing, KeysToNote

THING = ("customer", "001conformance")

EXAMPLES = {
    "cross_references.resolve": lambda _: (KeyClaim(*THING, "crm", {"erp": "conformance-1"}),),
    "cross_references.note_key": lambda _: (*THING, "erp", KeyInSystem("conformance-1")),
    "cross_references.note_keys": lambda _: (KeysToNote([KeysOfThing(*THING, {"erp": "conformance-1"})]),),
    "cross_references.correct_key": lambda _: (*THING, "erp.other", KeyCorrection("conformance", None, "1")),
    "cross_references.list_identities": lambda known: (known["cross_references.note_key"].canonical_id,),
    "cross_references.get_identity": lambda known: (known["cross_references.note_key"].kind, THING[1]),
    "cross_references.find_identity": lambda known: (
        "erp", known["cross_references.note_key"].kind, known["cross_references.note_key"].keys["erp"],
    ),
    "cross_references.remove_key": lambda known: (
        known["cross_references.note_key"].kind, known["cross_references.note_key"].canonical_id, "nothing",
    ),
}  # fmt: skip
