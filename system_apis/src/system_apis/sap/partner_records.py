# ruff: noqa: N815 - the fields are SAP's, spelled as SAP spells them
"""What SAP takes when a business partner is created, extended or taken out of use, in SAP's spelling.

Source: the published metadata of API_BUSINESS_PARTNER.
"""

import msgspec

from system_apis.sap.records import BusinessPartnerAddress, Metadata, Results, Text


class NewUsage(msgspec.Struct, frozen=True):
    """What a new address is used for."""

    AddressUsage: str = "XXDEFAULT"


class NewMailbox(msgspec.Struct, frozen=True):
    """An e-mail address."""

    EmailAddress: str
    IsDefaultEmailAddress: bool = True


class NewPhone(msgspec.Struct, frozen=True, omit_defaults=True):
    """A telephone; type 1 is a landline."""

    PhoneNumber: str
    DestinationLocationCountry: str = ""
    IsDefaultPhoneNumber: bool = True
    PhoneNumberType: str = "1"


class NewAddress(msgspec.Struct, frozen=True, omit_defaults=True):
    """An address."""

    Country: str
    CityName: str
    StreetName: str = ""
    StreetSuffixName: str = ""
    AdditionalStreetSuffixName: str = ""
    HouseNumber: str = ""
    PostalCode: str = ""
    Region: str = ""
    to_AddressUsage: list[NewUsage] = []
    to_EmailAddress: list[NewMailbox] = []
    to_PhoneNumber: list[NewPhone] = []


class NewRole(msgspec.Struct, frozen=True):
    """FLCU00: customer in accounting; FLCU01: customer in sales."""

    BusinessPartnerRole: str


class NewTax(msgspec.Struct, frozen=True):
    """A tax number of a category."""

    BPTaxType: str
    BPTaxNumber: str


class NewFunction(msgspec.Struct, frozen=True, omit_defaults=True):
    """Another customer's part in a sales area; the key only where it is added to one that is there."""

    PartnerFunction: str
    BPCustomerNumber: str
    Customer: str = ""
    SalesOrganization: str = ""
    DistributionChannel: str = ""
    Division: str = ""


class NewCompany(msgspec.Struct, frozen=True, omit_defaults=True):
    """A customer to be in a company code."""

    CompanyCode: str
    ReconciliationAccount: str
    PaymentTerms: str = ""


class NewSalesArea(msgspec.Struct, frozen=True, omit_defaults=True):
    """A customer to be in a sales area."""

    SalesOrganization: str
    DistributionChannel: str
    Division: str
    Currency: str
    CustomerPaymentTerms: str = ""
    CustomerPricingProcedure: str = ""
    IncotermsClassification: str = ""
    IncotermsLocation1: str = ""
    ShippingCondition: str = ""
    to_PartnerFunction: list[NewFunction] = []


class NewCustomerRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """The customer that a partner to be is."""

    to_CustomerCompany: list[NewCompany] = []
    to_CustomerSalesArea: list[NewSalesArea] = []


class NewBusinessPartner(msgspec.Struct, frozen=True, omit_defaults=True):
    """A partner to be, with everything an order needs."""

    BusinessPartnerCategory: str
    BusinessPartnerGrouping: str
    BusinessPartnerIDByExtSystem: str
    OrganizationBPName1: str
    to_BusinessPartnerAddress: list[NewAddress]
    to_BusinessPartnerRole: list[NewRole]
    to_Customer: NewCustomerRow
    OrganizationBPName2: str = ""
    OrganizationBPName3: str = ""
    OrganizationBPName4: str = ""
    SearchTerm1: str = ""
    to_BusinessPartnerTax: list[NewTax] = []


class OrderBlock(msgspec.Struct, frozen=True):
    """The change that lets a customer order no more."""

    OrderIsBlockedForCustomer: str


class OutOfUse(msgspec.Struct, frozen=True):
    """The change that takes a partner out of use and frees its external key."""

    BusinessPartnerIDByExtSystem: str = ""
    BusinessPartnerIsBlocked: bool = True
    IsMarkedForArchiving: bool = True


class KnownPartner(msgspec.Struct, frozen=True):
    """A partner as far as it takes to recognise it."""

    BusinessPartner: str
    Customer: Text = ""
    OrganizationBPName1: Text = ""
    OrganizationBPName2: Text = ""
    OrganizationBPName3: Text = ""
    OrganizationBPName4: Text = ""
    BusinessPartnerIDByExtSystem: Text = ""
    IsMarkedForArchiving: bool = False
    metadata: Metadata = msgspec.field(default=Metadata(), name="__metadata")
    to_BusinessPartnerAddress: Results[BusinessPartnerAddress] = Results()


class TaxedCustomer(msgspec.Struct, frozen=True):
    """A customer found by its tax number."""

    Customer: str
