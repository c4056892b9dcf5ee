"""The pricing contract over a pricing service."""

from shared.contracts.canonical.price import PriceAgreements, PriceRequest, Prices
from shared.contracts.system.pricing import Pricing
from system_apis.pricing.connector import PricingConnector
from system_apis.pricing.records import RefusalRecord
from system_apis.pricing.translator import (
    problem_of_agreements,
    problem_of_prices,
    to_agreements,
    to_prices,
    to_query,
)


class RestPricing(Pricing):
    """Prices as the pricing service makes them."""

    def __init__(self, pricing: PricingConnector) -> None:
        self._pricing = pricing

    async def price_lines(self, request: PriceRequest) -> Prices:
        """As promised by `Pricing`."""
        answer = await self._pricing.prices(to_query(request))
        if isinstance(answer, RefusalRecord):
            raise problem_of_prices(answer, request)
        return to_prices(answer, request)

    async def get_agreements(self, erp_number: str) -> PriceAgreements:
        """As promised by `Pricing`."""
        answer = await self._pricing.agreements(erp_number)
        if isinstance(answer, RefusalRecord):
            raise problem_of_agreements(answer, erp_number)
        return to_agreements(answer)
