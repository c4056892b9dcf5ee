"""From goods that a customer sends back to the money for them."""

from process_apis.customer_returns.flow import RefundReturn, RefundReturnV1
from process_apis.customer_returns.service import DurableCustomerReturns
from shared.host.api import Api

api = Api(service=DurableCustomerReturns, flows=(RefundReturn, RefundReturnV1))
