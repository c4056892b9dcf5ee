"""Calls that succeed, for the conformance of every operation."""

from shared.contracts.system.tables import KeyedRows, RowBatch

EXAMPLES = {
    "tables.read_rows": lambda _: ("price-agreements", None, 5),
    "tables.append_rows": lambda _: (
        "wishes", "conformance-1", RowBatch([{"customer": "Conformance Ltd", "pieces": 2, "note": "=1+1"}]),
    ),
    "tables.upsert_rows": lambda known: (
        known["tables.append_rows"].table, KeyedRows("customer", [{"customer": "Conformance Ltd", "pieces": 3}]),
    ),
}  # fmt: skip
