"""Which system leads which field of a customer, and what of the ERP's the CRM is to be told; pure functions.

The ERP leads what bills and contracts rest on: the legal name, the tax number, and whether orders are taken. The CRM
leads everything else (name, addresses, telephone, industry, hierarchy, people), so nothing else is written there.
"""

from collections.abc import Mapping

import msgspec

from shared.contracts.canonical.party import Customer, ErpCustomer
from shared.contracts.system.crm import ErpRecord

SHORTEST_CUT = 30
"""ERPs cut names to 35 or 40 characters: one at least so long with which the CRM's begins is the same name."""


def corrections(customer: Customer, entered: ErpCustomer) -> ErpRecord:
    """What the CRM is to be told; nothing of what it says in other words."""
    blocked = entered.order_blocked or entered.marked_for_deletion
    known_name = customer.legal_name or customer.name
    return ErpRecord(
        legal_name=None if is_same_name(known_name, entered.name) else entered.name,
        tax_number=None if is_same_number(customer.tax_number, entered.tax_number) else entered.tax_number,
        order_blocked=None if blocked == customer.order_blocked else blocked,
    )


def fields_of(record: ErpRecord) -> list[str]:
    """The names of the fields that are told."""
    told: Mapping[str, object] = msgspec.to_builtins(record)
    return list(told)


def is_same_name(known: str, entered: str) -> bool:
    """Whether the ERP's name says nothing new: the same but for blanks, cut off, or missing."""
    ours, theirs = "".join(known.split()), "".join(entered.split())
    return ours == theirs or not theirs or (len(theirs) >= SHORTEST_CUT and ours.startswith(theirs))


def is_same_number(known: str, entered: str) -> bool:
    """Whether the ERP's tax number says nothing new: the same but for blanks and punctuation, or missing."""
    ours, theirs = _bare(known), _bare(entered)
    return ours == theirs or not theirs


def _bare(number: str) -> str:
    return "".join(each for each in number.upper() if each.isalnum())
