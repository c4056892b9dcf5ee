# ruff: noqa: N815 - the fields are SAP's, spelled as SAP spells them
"""What SAP sends, in SAP's spelling. Unset characters are empty or null, decimals strings, dates `/Date(…)/`.

Source: the published metadata of the services named in `connector.SapSettings`.
"""

from decimal import Decimal
from typing import Generic, TypeVar

import msgspec

_T = TypeVar("_T")

Text = str | None


class Results(msgspec.Struct, Generic[_T], frozen=True):
    """A collection, also where a navigation was expanded; one that was not has no results."""

    results: list[_T] = []


class Single(msgspec.Struct, Generic[_T], frozen=True):
    """One entity as the answer to a request."""

    d: _T


class Many(msgspec.Struct, Generic[_T], frozen=True):
    """A collection as the answer to a request; `results` must be there, or it is another answer."""

    d: "Found[_T]"


class Found(msgspec.Struct, Generic[_T], frozen=True):
    """The entities of a collection; `following` leads on where SAP chose to send fewer than were asked for."""

    results: list[_T]
    following: Text = msgspec.field(default=None, name="__next")


class Metadata(msgspec.Struct, frozen=True):
    """What an entity says about itself."""

    etag: Text = None


class AddressUsage(msgspec.Struct, frozen=True):
    """What an address is used for; `XXDEFAULT` is the standard one."""

    AddressUsage: Text = ""


class BusinessPartnerAddress(msgspec.Struct, frozen=True):
    """An address."""

    StreetName: Text = ""
    StreetSuffixName: Text = ""
    AdditionalStreetSuffixName: Text = ""
    HouseNumber: Text = ""
    CityName: Text = ""
    Region: Text = ""
    PostalCode: Text = ""
    Country: Text = ""
    to_AddressUsage: Results[AddressUsage] = Results()


class PartnerFunctionRow(msgspec.Struct, frozen=True):
    """Another customer's part in a sales area; English (`SH`) or German (`WE`) code."""

    PartnerFunction: Text = ""
    BPCustomerNumber: Text = ""
    DefaultPartner: bool = False


class SalesAreaRow(msgspec.Struct, frozen=True):
    """A customer in one sales area."""

    SalesOrganization: str
    DistributionChannel: str
    Division: str
    Currency: Text = ""
    CustomerPaymentTerms: Text = ""
    IncotermsClassification: Text = ""
    CustomerPriceGroup: Text = ""
    SupplyingPlant: Text = ""
    OrderIsBlockedForCustomer: Text = ""
    to_PartnerFunction: Results[PartnerFunctionRow] = Results()


class CompanyRow(msgspec.Struct, frozen=True):
    """A customer in one company code."""

    CompanyCode: str
    ReconciliationAccount: Text = ""
    PaymentTerms: Text = ""


class CustomerRow(msgspec.Struct, frozen=True):
    """A business partner's role as a customer."""

    Customer: str
    CustomerName: Text = ""
    OrderIsBlockedForCustomer: Text = ""
    DeliveryIsBlocked: Text = ""
    BillingIsBlockedForCustomer: Text = ""
    DeletionIndicator: bool = False
    VATRegistration: Text = ""
    TaxNumber1: Text = ""
    to_CustomerCompany: Results[CompanyRow] = Results()
    to_CustomerSalesArea: Results[SalesAreaRow] = Results()


class BusinessPartner(msgspec.Struct, frozen=True):
    """A business partner."""

    BusinessPartner: str
    OrganizationBPName1: Text = ""
    OrganizationBPName2: Text = ""
    OrganizationBPName3: Text = ""
    OrganizationBPName4: Text = ""
    FirstName: Text = ""
    LastName: Text = ""
    IsMarkedForArchiving: bool = False
    to_BusinessPartnerAddress: Results[BusinessPartnerAddress] = Results()
    to_Customer: CustomerRow | None = None


class PartnerNumber(msgspec.Struct, frozen=True):
    """Which business partner a customer is."""

    BusinessPartner: str


class CreditAccount(msgspec.Struct, frozen=True):
    """A business partner's credit account in one segment."""

    CreditSegment: str
    CreditLimitAmount: Decimal
    CreditSegmentCurrency: str
    CreditAccountIsBlocked: bool = False


class CreditPartner(msgspec.Struct, frozen=True):
    """A business partner's credit profile."""

    CreditRiskClass: Text = ""
    to_CreditMgmtAccountTP: Results[CreditAccount] = Results()


class ProductDescription(msgspec.Struct, frozen=True):
    """A material's text in one language."""

    Language: Text = ""
    ProductDescription: Text = ""


class ProductRow(msgspec.Struct, frozen=True):
    """A material."""

    Product: str
    BaseUnit: Text = ""
    ProductGroup: Text = ""
    GrossWeight: Decimal | None = None
    WeightUnit: Text = ""
    IsMarkedForDeletion: bool = False
    CrossPlantStatus: Text = ""
    to_Description: Results[ProductDescription] = Results()
