"""Calls that succeed, for the conformance of every operation."""

from datetime import date

from shared.contracts.system.data_warehouse import Aggregate, Column, FactBatch, FactQuery

BATCH = FactBatch(
    date(2026, 1, 31),
    [Column("sku", "text"), Column("amount", "decimal")],
    [["TG-00001", "12.50"], ["TG-00002", "0.10"]],
)
TOTAL = FactQuery(columns=["sku"], aggregates=[Aggregate("sum", "total", "amount")])

EXAMPLES = {
    "data_warehouse.append_facts": lambda _: ("conformance", "conformance-1", BATCH),
    "data_warehouse.query_facts": lambda known: (known["data_warehouse.append_facts"].dataset, TOTAL),
    "data_warehouse.compact_facts": lambda known: (known["data_warehouse.append_facts"].dataset,),
    "data_warehouse.list_datasets": lambda known: (None, 5) if known["data_warehouse.append_facts"] else (),
}
