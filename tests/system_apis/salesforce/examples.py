"""Calls of the contracts that open the org whole, and succeed; see tests/conformance."""

from sandboxes.company import company
from shared.contracts.system.salesforce_bulk import NewExtract, NewLoad
from shared.contracts.system.salesforce_definitions import (
    Definitions,
    FieldDefinition,
    ObjectDefinition,
    Package,
    SaqlQuestion,
)
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
LOADED = company().customer_by_number[200]
"""Another, since a load that ends sooner or later would show in the version of a row that is read."""

EXAMPLES = {
    "salesforce_bulk.start_load": lambda _: (
        NewLoad("Account", "update", [{"Id": LOADED.salesforce_id, "Description": "conformance"}]),
    ),
    "salesforce_bulk.get_load": lambda known: (known["salesforce_bulk.start_load"].load_id,),
    "salesforce_bulk.start_extract": lambda _: (
        NewExtract("Account", ["Name", "NumberOfEmployees"], [Condition("Name", "=", CUSTOMER.name)]),
    ),
    "salesforce_bulk.get_extract": lambda known: (known["salesforce_bulk.start_extract"].extract_id,),
    "salesforce_events.list_events": lambda known: (  # what was published is there, so nobody waits
        ("/event/Order_Status__e", None, "oldest", 5) if known["salesforce_events.publish_event"] else ()
    ),
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
    "salesforce_platform.define": lambda _: (
        Definitions(
            [ObjectDefinition("Conformance__c", "Conformance", fields=[FieldDefinition("Code__c", "Code", "Date")])]
        ),
    ),
    "salesforce_platform.deploy": lambda _: (Package("UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="),),
    "salesforce_platform.get_deployment": lambda known: (known["salesforce_platform.define"].deployment_id,),
    "salesforce_platform.query_datasets": lambda _: (
        SaqlQuestion(
            "q = load :customers; q = filter q by 'Country' == :country; q = group q by 'Industry'; "
            "q = foreach q generate 'Industry' as 'industry', count() as 'customers', sum('CreditLimit') as 'limit';",
            {"customers": "Customers"},
            {"country": CUSTOMER.billing.country},
        ),
    ),
}  # fmt: skip
