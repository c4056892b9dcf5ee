"""How a NetSuite account is reached, and what is entered there is made of."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from shared.resilience.outbound import BackendSettings
from shared.security.secrets import Secret

_ACCOUNT = re.compile(r"[A-Za-z0-9]+(_[A-Za-z0-9]+)*")
_FIELD = re.compile(r"[a-z_][a-z0-9_]*")
_TBA = ("consumer_key", "consumer_secret", "token_id", "token_secret")
_M2M = ("client_id", "certificate_id", "private_key")
_RETURN_REASONS: Final[Mapping[str, str]] = MappingProxyType({})


class NetSuiteSettings(BackendSettings, frozen=True, kw_only=True):
    """`[backends.netsuite]`. What is a number is an internal id (Setup → Accounting, or the record's own page).

    Attributes:
        account: Account id as NetSuite shows it, e.g. `1234567` or `1234567_SB1`.
        url: Of REST, SuiteQL and SOAP; by default the account's own host.
        restlet_url: Of RESTlets; likewise.
        auth: How REST and RESTlets are signed in to: `tba` (OAuth 1.0a tokens) or `m2m` (OAuth 2.0 certificate).
            SOAP takes tokens only.
        consumer_key: Of the integration record, for tokens.
        consumer_secret: Where its secret is.
        token_id: Of the access token.
        token_secret: Where its secret is.
        client_id: Of the integration record, for certificates.
        certificate_id: Of the certificate mapping (`kid`).
        private_key: Where the certificate's key is, in PEM.
        algorithm: Of the assertion that it signs.
        scopes: What the certificate's token is for.
        token_url: Address of the token endpoint where it is not the account's; the assertion's audience.
        soap_version: SuiteTalk endpoint; 2025_2 is the last there is.
        concurrency: Requests the account takes of us at once, by REST, SOAP and RESTlets together (Setup → Integration
            → Integration Governance): 5 without a tier, 15 in tier 1, 10 more for each SuiteCloud Plus licence.
            `"account"` asks the account (`limits`), which tells administrators only.
        slot_wait: Seconds that a call waits for one of them.
        query_page: Rows a page of SuiteQL, up to 1000.
        settle_seconds: How long NetSuite may work on a request after we stopped waiting for it; until then a repeat
            only looks for what it makes.
        subsidiary: Of new customers that name none; None in accounts without OneWorld.
        shared_customers: Whether customers may belong to several subsidiaries (feature Multi-Subsidiary Customer).
        location: That orders ship from, and whose stock simulations look at; None leaves it to the item.
        price_level: Whose prices are list prices, and those of customers without a level; 1 is the base price.
        price_currency: Of list prices; 1 is the account's base currency.
        base_unit: Unit that items are sold in.
        product_group_field: Column of SuiteQL's `item` that groups them; empty where classes are not in use.
        custom_price_level: Of a line with a price of its own; -1 is NetSuite's "Custom".
        external_id_prefix: In front of each reference that becomes an external id.
        order_form: Custom form of new orders; None for the preferred one.
        ship_method: Shipping item of new orders; None leaves it to the customer.
        order_status: Of new orders, where the role may choose: `A` pending approval, `B` pending fulfillment; empty
            leaves it to the accounting preferences.
        return_status: Of new returns: `A` pending approval, `B` pending receipt; empty leaves it to the preferences.
        receive_returns: Whether crediting a return that is yet to be received books it in first. The caller of
            `credit_return` knows that its goods are back.
        return_reason_field: Custom body field of returns for the reasons; empty for none.
        return_reasons: NetSuite's value of that field for each of ours; what is missing is sent as it is.
        cancel_reason_field: Body field of orders and returns for why they were cancelled; empty for none.
        payment_terms: Internal id of the terms of new customers; None leaves it to the preferences.
        enforces_credit: Whether a simulation refuses what is above the limit, as orders do where the accounting
            preference "Customer Credit Limit Handling" is "Enforce Holds".
        has_tax_codes: Whether customers have tax codes; False under SuiteTax, where a simulation names no tax.
        includes_tax: Whether orders count with tax against the limit.
    """

    account: str
    url: str = ""
    restlet_url: str = ""
    timeout: float = 30.0
    retry_delays: tuple[float, ...] = (0.25, 0.75, 1.5)
    auth: Literal["tba", "m2m"] = "tba"
    consumer_key: str = ""
    consumer_secret: Secret | None = None
    token_id: str = ""
    token_secret: Secret | None = None
    client_id: str = ""
    certificate_id: str = ""
    private_key: Secret | None = None
    algorithm: Literal["PS256", "PS384", "PS512", "ES256", "ES384", "ES512"] = "PS256"
    scopes: tuple[str, ...] = ("rest_webservices", "restlets")
    token_url: str = ""
    soap_version: str = "2025_2"
    concurrency: int | Literal["account"] = 5
    slot_wait: float = 5.0
    query_page: int = 1000
    settle_seconds: float = 60.0
    subsidiary: int | None = 1
    shared_customers: bool = False
    location: int | None = None
    price_level: int = 1
    price_currency: int = 1
    base_unit: str = "PC"
    product_group_field: str = "class"
    custom_price_level: int = -1
    external_id_prefix: str = ""
    order_form: int | None = None
    ship_method: int | None = None
    order_status: Literal["", "A", "B"] = ""
    return_status: Literal["", "A", "B"] = "B"
    receive_returns: bool = True
    return_reason_field: str = ""
    return_reasons: Mapping[str, str] = _RETURN_REASONS
    cancel_reason_field: str = "memo"
    payment_terms: int | None = None
    enforces_credit: bool = True
    has_tax_codes: bool = True
    includes_tax: bool = True

    def __post_init__(self) -> None:
        if not _ACCOUNT.fullmatch(self.account):
            raise ValueError("`account` is the account id, such as 1234567 or 1234567_SB1")
        needed = _TBA if self.auth == "tba" else _M2M
        if missing := [name for name in needed if not getattr(self, name)]:
            raise ValueError(f"auth = {self.auth!r} needs {', '.join(missing)}")
        if self.product_group_field and not _FIELD.fullmatch(self.product_group_field):
            raise ValueError("`product_group_field` is the name of a column, such as class or custitem_group")
        if not 0 < self.query_page <= 1000:  # noqa: PLR2004 - NetSuite's largest page
            raise ValueError("`query_page` is 1 to 1000")
        if self.concurrency != "account" and self.concurrency < 1:
            raise ValueError('`concurrency` is at least 1, or "account" to ask the account')

    @property
    def rest(self) -> BackendSettings:
        """Where REST, SuiteQL and SOAP are."""
        return self._reached(self.url or f"https://{self._label}.suitetalk.api.netsuite.com")

    @property
    def restlets(self) -> BackendSettings:
        """Where RESTlets are."""
        return self._reached(self.restlet_url or f"https://{self._label}.restlets.api.netsuite.com")

    @property
    def _label(self) -> str:
        """The account id as a host label: `1234567-sb1`."""
        return self.account.lower().replace("_", "-")

    def _reached(self, url: str) -> BackendSettings:
        return msgspec.structs.replace(self, url=url)
