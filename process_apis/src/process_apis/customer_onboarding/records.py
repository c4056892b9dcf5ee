"""A customer of the CRM as the ERP is to hold it; pure functions."""

from collections.abc import Iterable

from shared.binding.problems import FieldError
from shared.contracts.canonical.party import Contact, Customer, CustomerDescription, NewDeliveryPlace, NewErpCustomer
from shared.contracts.canonical.values import Address
from shared.contracts.process.customer_onboarding import CustomerNotOnboardable, OnboardingRequest, ShippingPlace

_LETTERS = "123456789abcdefghijklmnopqrstuvwxyz"


def require_known_company(customer: Customer, request: OnboardingRequest) -> None:
    """Raises CustomerNotOnboardable naming everything the ERP needs that neither CRM nor request has.

    Pointers lead into the CRM's customer, those under `/shippingPlaces` into the request.
    """
    errors = [*_missing(customer)]
    for at, place in enumerate(request.shipping_places):
        errors += _missing_place(place, f"/shippingPlaces/{at}")
    if errors:
        raise CustomerNotOnboardable(
            f"{customer.name or customer.customer_id} lacks what the ERP needs, see `errors`; complete the customer in "
            "the CRM and ask again.",
            errors=errors,
            extensions={"customerId": customer.customer_id},
        )


def as_described(customer: Customer) -> CustomerDescription:
    """What the ERP is searched for."""
    return CustomerDescription(customer.customer_id, _legal_name(customer), _billing(customer), customer.tax_number)


def as_entered(customer: Customer, request: OnboardingRequest, parent: str | None, email: str) -> NewErpCustomer:
    """The customer for the ERP, in the name it has in the commercial register."""
    return NewErpCustomer(
        reference=customer.customer_id,
        name=_legal_name(customer),
        currency=customer.currency or "",
        address=_billing(customer),
        tax_number=customer.tax_number,
        email=email,
        phone=customer.phone,
        parent_erp_number=parent,
        sales_areas=request.sales_areas,
        company_code=request.company_code,
        payment_terms=request.payment_terms,
    )


def delivery_places(customer: Customer, request: OnboardingRequest) -> list[NewDeliveryPlace]:
    """Where goods go besides the billing address: as requested, else the CRM's shipping address."""
    places = request.shipping_places
    shipping = customer.shipping_address
    if not places and shipping not in (None, Address(), customer.billing_address):
        places = [ShippingPlace(customer.name, shipping)]
    references = (f"{customer.customer_id}-{letter}" for letter in _LETTERS)
    return [
        NewDeliveryPlace(reference, one.name, one.address) for reference, one in zip(references, places, strict=False)
    ]


def shared_email(contacts: Iterable[Contact]) -> str:
    """Where the company is written to: the first contact's mailbox; empty if nobody has one."""
    return next((one.email for one in contacts if one.email), "")


def _missing(customer: Customer) -> Iterable[FieldError]:
    if not customer.name.strip():
        yield FieldError(detail="Give the customer a name.", pointer="/name")
    if customer.currency is None:
        yield FieldError(detail="Say in which currency the customer is sold to.", pointer="/currency")
    if customer.billing_address is None or customer.billing_address == Address():
        yield FieldError(detail="Give the customer a billing address.", pointer="/billingAddress")
    else:
        yield from _missing_in(customer.billing_address, "/billingAddress")
    if customer.shipping_address not in (None, Address()):
        yield from _missing_in(customer.shipping_address, "/shippingAddress")


def _missing_place(place: ShippingPlace, pointer: str) -> Iterable[FieldError]:
    if not place.name.strip():
        yield FieldError(detail="Give the place a name.", pointer=f"{pointer}/name")
    yield from _missing_in(place.address, f"{pointer}/address")


def _missing_in(address: Address, pointer: str) -> Iterable[FieldError]:
    if address.country is None:
        yield FieldError(detail="Give the country, as its ISO 3166 code of two letters.", pointer=f"{pointer}/country")
    if not address.city.strip():
        yield FieldError(detail="Give the city.", pointer=f"{pointer}/city")


def _legal_name(customer: Customer) -> str:
    return customer.legal_name or customer.name


def _billing(customer: Customer) -> Address:
    return customer.billing_address or Address()
