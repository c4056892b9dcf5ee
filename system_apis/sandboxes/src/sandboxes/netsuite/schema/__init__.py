"""The record types of the account."""

from sandboxes.netsuite.schema.entities import ENTITIES
from sandboxes.netsuite.schema.items import ITEMS
from sandboxes.netsuite.schema.lists import LISTS
from sandboxes.netsuite.schema.model import Field, RecordType
from sandboxes.netsuite.schema.transactions import TRANSACTIONS

RECORD_TYPES = {one.name: one for one in (*ENTITIES, *ITEMS, *TRANSACTIONS, *LISTS)}
BY_LOWER_CASE = {name.lower(): one for name, one in RECORD_TYPES.items()}

__all__ = ["BY_LOWER_CASE", "RECORD_TYPES", "Field", "RecordType"]
