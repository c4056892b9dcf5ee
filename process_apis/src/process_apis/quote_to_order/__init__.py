"""From an approved quote to an order that stands in CRM, ERP and warehouse, with shipping booked."""

from process_apis.quote_to_order.flow import OrderQuote, OrderQuoteV1
from process_apis.quote_to_order.service import DurableQuoteToOrder
from shared.host.api import Api

api = Api(service=DurableQuoteToOrder, flows=(OrderQuote, OrderQuoteV1))
