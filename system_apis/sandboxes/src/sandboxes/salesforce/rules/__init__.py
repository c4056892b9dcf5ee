"""What the org does to records of its own accord: derived fields, standard checks, validation rules, roll-ups.

One module for each family of objects; `RULES` names the rules of each object.
"""

from sandboxes.salesforce.rules.analytics import UPLOAD, UPLOAD_PART
from sandboxes.salesforce.rules.files import FILE
from sandboxes.salesforce.rules.orders import ORDER, ORDER_ITEM
from sandboxes.salesforce.rules.people import PERSON
from sandboxes.salesforce.rules.quotes import OPPORTUNITY, OPPORTUNITY_LINE, PRICEBOOK_ENTRY, QUOTE, QUOTE_LINE
from sandboxes.salesforce.rules.returns import RETURN_ORDER, RETURN_ORDER_LINE
from sandboxes.salesforce.rules.ruling import Change, Rules
from sandboxes.salesforce.rules.streaming import PUSH_TOPIC, STREAMING_CHANNEL

RULES: dict[str, Rules] = {
    "Contact": PERSON,
    "InsightsExternalData": UPLOAD,
    "InsightsExternalDataPart": UPLOAD_PART,
    "Lead": PERSON,
    "User": PERSON,
    "ContentVersion": FILE,
    "Opportunity": OPPORTUNITY,
    "OpportunityLineItem": OPPORTUNITY_LINE,
    "PricebookEntry": PRICEBOOK_ENTRY,
    "Quote": QUOTE,
    "QuoteLineItem": QUOTE_LINE,
    "Order": ORDER,
    "OrderItem": ORDER_ITEM,
    "ReturnOrder": RETURN_ORDER,
    "ReturnOrderLineItem": RETURN_ORDER_LINE,
    "PushTopic": PUSH_TOPIC,
    "StreamingChannel": STREAMING_CHANNEL,
}

__all__ = ["RULES", "Change", "Rules"]
