"""Calls of the platform contract that succeed; see tests/conformance."""

from sandboxes.company import company
from shared.contracts.system.salesforce_platform import (
    Change,
    ChildQuery,
    Condition,
    QueryRequest,
    SaveRequest,
    SearchedObject,
    SearchRequest,
)

CUSTOMER = company().customer_by_number[1]

EXAMPLES = {
    "salesforce_events.list_events": lambda _: ("/event/Order_Status__e", None, "oldest", 5),
    "salesforce_platform.list_objects": lambda _: (None, 5),
    "salesforce_platform.describe_object": lambda _: ("Account",),
    "salesforce_platform.get_row": lambda _: ("Account", CUSTOMER.salesforce_id, None, ["Name", "Owner.Username"]),
    "salesforce_platform.list_changes": lambda _: ("Lead",),
    "salesforce_platform.query": lambda _: (
        QueryRequest(
            "Account", ["Name"], where=[Condition("Name", "=", CUSTOMER.name)],
            children=[ChildQuery("Contacts", ["LastName"])],
        ),
    ),
    "salesforce_platform.search": lambda _: (SearchRequest(CUSTOMER.name, [SearchedObject("Account", ["Name"])]),),
    "salesforce_platform.save": lambda _: (
        SaveRequest(
            [
                Change("create", "Lead", {"LastName": "Conformance", "Company": "Conformance Ltd"}),
                Change("update", "Account", {"Description": "conformance"}, row_id=CUSTOMER.salesforce_id),
            ]
        ),
    ),
}  # fmt: skip
