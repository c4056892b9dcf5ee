"""How SAP is reached, and what an order placed there is made of."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from shared.resilience.outbound import BackendSettings
from shared.security.secrets import Secret
from system_apis.sap.bapi.settings import BapiSettings
from system_apis.sap.idoc.settings import IdocSettings
from system_apis.sap.interfaces import Interface, check_interfaces

_ODATA = "/sap/opu/odata/sap"
_ODATA_V4 = "/sap/opu/odata4/sap"
_RETURN_REASONS: Final = MappingProxyType(
    {
        "damaged": "001",
        "defective": "002",
        "wrong-item": "003",
        "wrong-quantity": "004",
        "not-satisfied": "005",
        "duplicate-order": "006",
        "outdated": "007",
        "other": "008",
    }
)


class SapSettings(BackendSettings, frozen=True, kw_only=True):
    """`[backends.sap]`. Every path has the released service's own as its default.

    Attributes:
        auth: How we log on: `basic` (a technical user) or `oauth2` (tokens by the client credentials grant).
        username: A technical user that may call the services below, for `basic`.
        password: Where its password is.
        client_id: Our OAuth client, for `oauth2`.
        client_secret: Where its secret is.
        scopes: What tokens are for, where SAP is to be asked for less than all that the client may do.
        token_url: Where tokens are issued, where it is not SAP's own `/sap/bc/sec/oauth2/token`.
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
        partner_grouping: Grouping of new business partners, one that draws its numbers itself (customizing, TB001).
        reconciliation_account: General ledger account of new customers.
        payment_terms: Terms of payment of new customers (customizing, T052).
        incoterms: Delivery terms of new customers; empty to leave them out.
        shipping_condition: Shipping condition of new customers; a sales area needs one.
        pricing_procedure: Customer pricing procedure of new customers; pricing needs one.
        tax_types: Category of the tax number by country (customizing, TFKTAXNUMTYPE) where it is not the country's
            code and 0, the category of VAT registration numbers.
        order_block: Reason that blocks orders of a customer taken out of use (customizing, TVAST).
        rejection_reason: Reason code that cancels an item (customizing, table TVAG).
        return_type: Sales document type of customer returns.
        return_order_reason: Order reason (SDDocumentReason) of returns and their credits; empty for none.
        return_reasons: SAP's return reason for each of ours (customizing of returns management); `other` must be
            there and stands for what is not.
        credit_request_type: Sales document type of credit memo requests. Its copying control must allow a customer
            return as the reference; one with a billing block waits for somebody to lift it.
        blocked_statuses: Material statuses that forbid selling (customizing, table T141).
        business_partner_service: API_BUSINESS_PARTNER.
        credit_service: API_CRDTMBUSINESSPARTNER.
        sales_order_service: API_SALES_ORDER_SRV.
        sales_order_service_v4: API_SALESORDER, of OData V4, for orders that go by `odata4`.
        simulation_service: API_SALES_ORDER_SIMULATION_SRV.
        product_service: API_PRODUCT_SRV.
        customer_return_service: API_CUSTOMER_RETURN_SRV.
        credit_memo_request_service: API_CREDIT_MEMO_REQUEST_SRV.
        billing_service: API_BILLING_DOCUMENT_SRV.
        interfaces: The interface of each operation that is not to go by OData V2: `create_order = "bapi"`.
            See `interfaces.BESIDES_ODATA` for what is possible.
        bapi: What BAPIs need besides, where an operation goes by them.
        idoc: How IDocs travel.
    """

    auth: Literal["basic", "oauth2"] = "basic"
    username: str = ""
    password: Secret | None = None
    client_id: str = ""
    client_secret: Secret | None = None
    scopes: tuple[str, ...] = ()
    token_url: str = ""
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
    partner_grouping: str = "BP02"
    reconciliation_account: str = "12100000"
    payment_terms: str = "NT30"
    incoterms: str = "EXW"
    shipping_condition: str = "01"
    pricing_procedure: str = "01"
    tax_types: dict[str, str] = msgspec.field(default_factory=lambda: {"US": "US01"})
    order_block: str = "01"
    rejection_reason: str = "50"
    return_type: str = "CBRE"
    return_order_reason: str = ""
    return_reasons: Mapping[str, str] = _RETURN_REASONS
    credit_request_type: str = "CR"
    blocked_statuses: tuple[str, ...] = ("01", "02")
    business_partner_service: str = f"{_ODATA}/API_BUSINESS_PARTNER"
    credit_service: str = f"{_ODATA}/API_CRDTMBUSINESSPARTNER"
    sales_order_service: str = f"{_ODATA}/API_SALES_ORDER_SRV"
    sales_order_service_v4: str = f"{_ODATA_V4}/api_salesorder/srvd_a2x/sap/salesorder/0001"
    simulation_service: str = f"{_ODATA}/API_SALES_ORDER_SIMULATION_SRV"
    product_service: str = f"{_ODATA}/API_PRODUCT_SRV"
    customer_return_service: str = f"{_ODATA}/API_CUSTOMER_RETURN_SRV"
    credit_memo_request_service: str = f"{_ODATA}/API_CREDIT_MEMO_REQUEST_SRV"
    billing_service: str = f"{_ODATA}/API_BILLING_DOCUMENT_SRV"
    interfaces: dict[str, Interface] = msgspec.field(default_factory=dict[str, Interface])
    bapi: BapiSettings = BapiSettings()
    idoc: IdocSettings = IdocSettings()

    def __post_init__(self) -> None:
        """Refuse at the start what would fail at the first call."""
        needed = ("username", "password") if self.auth == "basic" else ("client_id", "client_secret")
        if missing := [name for name in needed if not getattr(self, name)]:
            raise ValueError(f"auth = {self.auth!r} needs {' and '.join(missing)}")
        check_interfaces(self.interfaces)
        placing = self.interfaces.get("create_order", "odata")
        if placing in ("bapi", "idoc") and self.reference_field != "PurchaseOrderByShipToParty":
            raise ValueError(
                f"{placing.upper()} carries an order's reference as the ship-to party's order number; "
                'orders that go by it need reference_field = "PurchaseOrderByShipToParty"'
            )
        if placing == "idoc" and self.idoc.store is None:
            raise ValueError("orders go by IDoc, so a database must keep what was sent: name it as idoc.store")
