"""Calls of the IDoc contract that succeed; see tests/conformance."""

from shared.binding.openapi_examples import example_of
from shared.contracts.system.sap_idocs import IdocsPosted

POSTED = IdocsPosted(example_of(IdocsPosted)["content"])

EXAMPLES = {
    "sap_idocs.receive_idocs": lambda _: (POSTED,),
    "sap_idocs.list_idocs": lambda known: (None, None, None, 5) if known["sap_idocs.receive_idocs"] else (),
    "sap_idocs.get_idoc": lambda known: (known["sap_idocs.receive_idocs"].idocs[0].idoc_id,),
    "sap_idocs.list_events": lambda known: ("DEBMAS", None, "oldest", 5) if known["sap_idocs.receive_idocs"] else (),
}
