"""How SAP is reached, and what an order placed there is made of."""

from typing import Literal

from shared.resilience.outbound import BackendSettings
from shared.security.secrets import Secret

_ODATA = "/sap/opu/odata/sap"


class SapSettings(BackendSettings, frozen=True, kw_only=True):
    """`[backends.sap]`. Every path has the released service's own as its default.

    Attributes:
        username: A technical user that may call the services below.
        password: Where its password is.
        client: SAP client, three digits.
        language: Logon language; product names come in it.
        sales_organization: With channel and division the sales area that orders are placed in.
        distribution_channel: See `sales_organization`.
        division: See `sales_organization`.
        order_type: Sales document type of new orders.
        company_code: Our legal entity; listed first among a customer's accounts.
        credit_segment: The credit segment whose limit counts.
        reference_field: Where the reference of an order is kept and looked for: a header field that the
            release lets a caller set, 35 characters or longer, used for nothing else.
        settle_seconds: How long SAP may work on an order after we stopped waiting for it; until then a repeat
            only looks for it.
        price_condition: Condition type of a price set by hand.
        quantity_unit: Unit sent with quantities, the base unit of what is sold; empty leaves it to SAP.
        ship_to_function: Partner function of the ship-to party, as the logon language spells it.
        hierarchy_function: Partner function of the customer above in the hierarchy.
        rejection_reason: Reason code that cancels an item (customizing, table TVAG).
        blocked_statuses: Material statuses that forbid selling (customizing, table T141).
        business_partner_service: API_BUSINESS_PARTNER.
        credit_service: API_CRDTMBUSINESSPARTNER.
        sales_order_service: API_SALES_ORDER_SRV.
        simulation_service: API_SALES_ORDER_SIMULATION_SRV.
        product_service: API_PRODUCT_SRV.
    """

    username: str
    password: Secret
    client: str = "100"
    language: str = "EN"
    sales_organization: str = "1010"
    distribution_channel: str = "10"
    division: str = "00"
    order_type: str = "OR"
    company_code: str = "1010"
    credit_segment: str = "1000"
    reference_field: Literal["PurchaseOrderByShipToParty", "ExternalDocumentID"] = "PurchaseOrderByShipToParty"
    settle_seconds: float = 60.0
    price_condition: str = "PMP0"
    quantity_unit: str = "PC"
    ship_to_function: str = "SH"
    hierarchy_function: str = "1A"
    rejection_reason: str = "50"
    blocked_statuses: tuple[str, ...] = ("01", "02")
    business_partner_service: str = f"{_ODATA}/API_BUSINESS_PARTNER"
    credit_service: str = f"{_ODATA}/API_CRDTMBUSINESSPARTNER"
    sales_order_service: str = f"{_ODATA}/API_SALES_ORDER_SRV"
    simulation_service: str = f"{_ODATA}/API_SALES_ORDER_SIMULATION_SRV"
    product_service: str = f"{_ODATA}/API_PRODUCT_SRV"
