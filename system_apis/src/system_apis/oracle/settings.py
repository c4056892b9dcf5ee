"""How Oracle Fusion Cloud ERP is reached, and what an order placed there is made of."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, Literal

import msgspec

from shared.resilience.outbound_settings import BackendSettings
from shared.security.secrets import Secret
from system_apis.oracle.ebs.settings import EbsSettings
from system_apis.oracle.interfaces import Interface, check_interfaces, orders_in_suite

Auth = Literal["basic", "token-relay", "jwt-bearer"]
_RETURN_REASONS: Final = MappingProxyType(
    {
        "damaged": "DAMAGED",
        "defective": "DEFECTIVE",
        "wrong-item": "WRONG_ITEM",
        "wrong-quantity": "WRONG_QUANTITY",
        "not-satisfied": "NOT_SATISFIED",
        "duplicate-order": "DUPLICATE_ORDER",
        "outdated": "OUTDATED",
        "other": "OTHER",
    }
)
_REQUIRED: dict[str, tuple[str, ...]] = {
    "basic": ("password",),
    "token-relay": ("password",),
    "jwt-bearer": ("iam_url", "client_id", "key_id", "scope", "private_key"),
}


class OracleSettings(BackendSettings, frozen=True, kw_only=True):
    """`[backends.oracle]`. Every path has Oracle's own as its default; a pod differs in its host only.

    Attributes:
        url: The pod, e.g. `https://example.fa.em2.oraclecloud.com`.
        username: An integration user with the privileges of the services below.
        auth: `basic`; a token that the pod gives for user and password (`token-relay`), so that the password goes once
            for each; or a token of OCI IAM for an assertion that we sign (`jwt-bearer`).
        password: Where the user's password is (`basic`, `token-relay`).
        iam_url: The identity domain (`jwt-bearer`), e.g. `https://idcs-0123.identity.oraclecloud.com`.
        client_id: The confidential application's client id.
        client_secret: Its secret; without one we prove ourselves with a signed client assertion.
        key_id: Alias under which the application knows our certificate (`kid`).
        private_key: Where the PEM of the RSA key is.
        scope: The Fusion resource's audience.
        relay_path: Where the pod gives tokens (`token-relay`).
        fscm_path: Financials and supply chain, with the version of the resources.
        crm_path: Trading community (parties), the same.
        framework_version: REST-Framework-Version sent with every request. From 3 on children are collections,
            from 4 on errors say what is wrong in detail.
        metadata_context: Metadata-Context sent with every request, such as `sandbox="Trial"`; empty for none.
        business_unit: Business unit that sells, as its name is spelled.
        organization: Code of the inventory organization whose items are sold and promised.
        legal_entity: The selling legal entity; answered as a customer's company code.
        source_system: Our name among Oracle's source systems (Manage Trading Community Source Systems).
        order_system: The same for orders (SourceTransactionSystem).
        created_by: Module written into new records (HZ_CREATED_BY_MODULES).
        account_set: Reference data set of customer sites (SetId); None leaves it to Oracle.
        profile_class: Profile class of new customers.
        payment_terms: Payment terms of new customers; empty leaves them to the profile class.
        currency: Currency of credit where a profile names none.
        hierarchy: Relationship code from a customer to the company above it.
        item_statuses: Item statuses that may be sold.
        quantity_unit: Unit of measure code sent with quantities.
        price_reason: Reason code of prices set by hand.
        net_total: Code of the total before tax, among the totals of an order.
        credit_holds: Holds that Oracle puts an order on for want of credit.
        cancel_reason: Reason code of cancellations.
        return_order_type: Order type of returns, one of your own (lookup ORA_DOO_ORDER_TYPES), used for nothing else.
            Its process receives what comes back and bills nothing: the credit is a memo of its own.
        return_reasons: Oracle's reason code for each of ours; `other` must be there and stands for what is not.
        credit_source: Transaction source of credit memos, one that takes the numbers it is given.
        credit_type: Transaction type of credit memos.
        page_size: Rows asked for at once, at most 500.
        pricing_path: Prices a sales transaction that is not stored.
        promising_path: Global Order Promising.
        account_service: CustomerAccountService.
        profile_service: ReceivablesCustomerProfileService.
        credit_service: CreditCheckingService.
        interfaces: The interface of each operation that is not to go to Fusion: `create_order = "ebs"`.
            See `interfaces.BESIDES_FUSION` for what is possible.
        ebs: The E-Business Suite that such operations go to.

    Raises:
        ValueError: `auth` or `interfaces` needs what is not set, or asks for what is not done.
    """

    username: str
    auth: Auth = "basic"
    password: Secret | None = None
    iam_url: str = ""
    client_id: str = ""
    client_secret: Secret | None = None
    key_id: str = ""
    private_key: Secret | None = None
    scope: str = ""
    relay_path: str = "/fscmRestApi/tokenrelay"
    fscm_path: str = "/fscmRestApi/resources/11.13.18.05"
    crm_path: str = "/crmRestApi/resources/11.13.18.05"
    framework_version: Annotated[int, msgspec.Meta(ge=4, le=9)] = 4
    metadata_context: str = ""
    business_unit: str = "US1 Business Unit"
    organization: str = "001"
    legal_entity: str = "US1 Legal Entity"
    source_system: str = "TRIPTYCH"
    order_system: str = "TRIPTYCH"
    created_by: str = "HZ_WS"
    account_set: int | None = None
    profile_class: str = "DEFAULT"
    payment_terms: str = ""
    currency: str = "USD"
    hierarchy: str = "SUBSIDIARY_OF"
    item_statuses: tuple[str, ...] = ("Active",)
    quantity_unit: str = "Ea"
    price_reason: str = "PRICE_MATCH"
    net_total: str = "QP_TOTAL_NET_PRICE"
    credit_holds: tuple[str, ...] = ("DOO_CREDIT_CHECK_FAILURE",)
    cancel_reason: str = "CUSTOMER_REQUEST"
    return_order_type: str = "RETURN"
    return_reasons: Mapping[str, str] = _RETURN_REASONS
    credit_source: str = "Triptych"
    credit_type: str = "Credit Memo"
    page_size: Annotated[int, msgspec.Meta(ge=1, le=500)] = 100
    pricing_path: str = "/fscmRestApi/priceExecution/documentPrices/priceSalesTransaction"
    promising_path: str = "/fscmRestApi/msp/latest/globalOrderPromises"
    account_service: str = "/crmService/CustomerAccountService"
    profile_service: str = "/fscmService/ReceivablesCustomerProfileService"
    credit_service: str = "/fscmService/CreditCheckingService"
    interfaces: dict[str, Interface] = msgspec.field(default_factory=dict[str, Interface])
    ebs: EbsSettings | None = None

    def __post_init__(self) -> None:
        """Refuse at the start what would fail at the first call."""
        missing = [name for name in _REQUIRED[self.auth] if not getattr(self, name)]
        if missing:
            raise ValueError(f'auth = "{self.auth}" needs {" and ".join(missing)}: set it, or choose another auth')
        check_interfaces(self.interfaces)
        if orders_in_suite(self.interfaces) and self.ebs is None:
            raise ValueError("orders go to an E-Business Suite: say how it is reached in [backends.oracle.ebs]")
