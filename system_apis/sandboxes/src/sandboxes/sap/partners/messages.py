"""The messages of business partner maintenance: class, number and wording.

The classes are SAP's (R11 and R1 business partner, AM addresses, CVI_EI customer integration, F2 customer master,
VP partner determination); the numbers are not checked against a live system: clients should act on status, severity
and target.
"""

from sandboxes.sap.odata_v2.errors import Message


def category(given: str) -> Message:
    """Neither person, organization nor group."""
    return Message(
        "R11/124", f"Business partner category {given or '(none)'} is not valid", target="BusinessPartnerCategory"
    )


def grouping(given: str) -> Message:
    """The grouping, which says where numbers come from, does not exist."""
    return Message("R11/404", f"Grouping {given} is not defined", target="BusinessPartnerGrouping")


def external_number(given: str) -> Message:
    """A number was sent although the grouping draws its own."""
    return Message(
        "R11/402", f"Number {given} cannot be assigned externally in this grouping", target="BusinessPartner"
    )


def name_missing() -> Message:
    """An organization has no name."""
    return Message("R11/117", "Enter a name for the organization", target="OrganizationBPName1")


def country(given: str) -> Message:
    """The country does not exist, or none was given."""
    text = f"Country {given} is not defined" if given else "Enter a country"
    return Message("AM/216", text, target="Country")


def region(given: str, of: str) -> Message:
    """The region does not exist in its country."""
    return Message("AM/217", f"Region {given} is not defined for country {of}", target="Region")


def region_missing(of: str) -> Message:
    """Addresses of this country need a region."""
    return Message("AM/218", f"Enter a region for country {of}", target="Region")


def city_missing() -> Message:
    """An address has no city."""
    return Message("AM/235", "Enter a city", target="CityName")


def mailbox(given: str) -> Message:
    """The e-mail address is none."""
    return Message("AM/305", f"E-mail address {given} is not valid", target="EmailAddress")


def role(given: str) -> Message:
    """The role does not exist."""
    return Message("R11/657", f"BP role {given or '(none)'} is not defined", target="BusinessPartnerRole")


def role_twice(given: str) -> Message:
    """The partner has the role already."""
    return Message("R11/658", f"BP role {given} already exists for this business partner", target="BusinessPartnerRole")


def tax_type(given: str) -> Message:
    """The tax number category does not exist."""
    return Message("R1/430", f"Tax number category {given or '(none)'} is not defined", target="BPTaxType")


def tax_type_twice(given: str) -> Message:
    """Two tax numbers of one category."""
    return Message("R1/431", f"Tax number category {given} may be used only once", target="BPTaxType")


def no_customer_role() -> Message:
    """Customer records were sent for a partner that is no customer."""
    return Message("CVI_EI/041", "Customer data requires role FLCU00 or FLCU01", target="to_BusinessPartnerRole")


def role_needed(wanted: str, what: str) -> Message:
    """A part of the customer needs a role that was not sent."""
    return Message("CVI_EI/042", f"{what} requires role {wanted}", target="to_BusinessPartnerRole")


def company_code(given: str) -> Message:
    """The company code does not exist."""
    return Message("F2/153", f"Company code {given or '(none)'} is not defined", target="CompanyCode")


def reconciliation_account(given: str) -> Message:
    """The account is missing or none for customers."""
    what = (
        f"Account {given} is not a reconciliation account for customers" if given else "Enter a reconciliation account"
    )
    return Message("F2/210", what, target="ReconciliationAccount")


def payment_terms(given: str, at: str) -> Message:
    """The terms of payment do not exist."""
    return Message("F2/311", f"Terms of payment {given} are not defined", target=at)


def sales_area(given: str) -> Message:
    """The sales area does not exist."""
    return Message("F2/154", f"Sales area {given} is not defined", target="SalesOrganization")


def twice(what: str, at: str) -> Message:
    """Two records claim one key."""
    return Message("F2/160", f"{what} was sent more than once", target=at)


def currency(given: str) -> Message:
    """The currency does not exist, or none was given."""
    return Message("SV/731", f"Currency {given or '(none)'} is not defined", target="Currency")


def incoterms(given: str) -> Message:
    """The delivery terms do not exist."""
    return Message("VP/221", f"Incoterms {given} are not defined", target="IncotermsClassification")


def partner_function(given: str) -> Message:
    """The partner function is not one that customers have."""
    return Message(
        "VP/201", f"Partner function {given or '(none)'} is not allowed for customers", target="PartnerFunction"
    )


def partner_unknown(number: str, function: str) -> Message:
    """The other customer does not exist."""
    return Message(
        "VP/199", f"Customer {number} for partner function {function} does not exist", target="BPCustomerNumber"
    )


def partner_elsewhere(number: str, area: str) -> Message:
    """The other customer is not kept in the sales area."""
    return Message("VP/204", f"Customer {number} is not defined in sales area {area}", target="BPCustomerNumber")


def partner_only_once(function: str) -> Message:
    """The partner function cannot be given to two customers."""
    return Message("VP/203", f"Partner function {function} is unique and already assigned", target="PartnerFunction")


def area_unknown(customer: str, area: str) -> Message:
    """The customer has no such sales area."""
    return Message("F2/155", f"Customer {customer} is not maintained for sales area {area}", target="Customer")


def partner_missing(number: str) -> Message:
    """The business partner that something is to be added to does not exist."""
    return Message("R11/401", f"Business partner {number or '(none)'} does not exist", target="BusinessPartner")


def order_block(given: str) -> Message:
    """The reason for blocking orders does not exist."""
    return Message("F2/330", f"Order block {given} is not defined", target="OrderIsBlockedForCustomer")
