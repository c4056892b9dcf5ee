"""The pricing capability."""

from shared.binding.declare import Contract, get, post
from shared.binding.problems import NotFound, Refused
from shared.contracts.canonical.price import PriceAgreements, PriceRequest, Prices
from shared.contracts.canonical.values import Id


class CustomerNotPriced(Refused):
    """The pricing system knows no customer of this number."""


class PricedCustomerNotFound(NotFound):
    """The pricing system knows no customer of this number."""


class SkuNotPriced(Refused):
    """Some products have no price; `errors` names their lines."""


class QuantityNotPriced(Refused):
    """Some quantities are not above zero, or are more than anybody sells; `errors` names their lines."""


class CurrencyNotPriced(Refused):
    """There are no prices in this currency."""


class Pricing(Contract, tier="system", version="v1"):
    """What customers pay: list prices, quantity scales and agreements."""

    @post(
        "/prices",
        scope="pricing:read",
        safe=True,
        raises=[CustomerNotPriced, SkuNotPriced, QuantityNotPriced, CurrencyNotPriced],
    )
    async def price_lines(self, request: PriceRequest) -> Prices:
        """Price lines for a customer on a day, all or none.

        An answer may be as old as the pricing system allows (`Cache-Control: max-age`).
        """
        ...

    @get("/customers/{erp_number}/agreements", scope="pricing:read", raises=[PricedCustomerNotFound])
    async def get_agreements(self, erp_number: Id) -> PriceAgreements:
        """Return what was agreed with a customer; never from memory."""
        ...
