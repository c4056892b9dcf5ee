"""From an approved quote to an order that stands in CRM, ERP and warehouse, with shipping booked."""

from process_apis.quote_to_order.earlier_versions import OrderQuoteV1, OrderQuoteV2
from process_apis.quote_to_order.flow import OrderQuote
from process_apis.quote_to_order.service import DurableQuoteToOrder
from shared.host.api import Api

api = Api(service=DurableQuoteToOrder, flows=(OrderQuote, OrderQuoteV2, OrderQuoteV1))
