"""How an E-Business Suite is reached, and in whose name it acts."""

from typing import Literal

from shared.resilience.outbound_settings import BackendSettings
from shared.security.secrets import Secret


class EbsSettings(BackendSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[backends.oracle.ebs]`: one E-Business Suite.

    Attributes:
        username: An FND user that may call the deployed interfaces.
        password: Where the user's password is.
        auth: Basic with every request, or the token of a login.
        order_alias: Alias under which OE_ORDER_PUB was deployed as a REST service.
        responsibility: Key of the responsibility that acts (RESTHeader).
        application: Short name of its application.
        security_group: Key of its security group.
        language: NLS language of messages.
        org_id: Operating unit.
        order_source_id: Id of the order source that is ours; with the reference it names an order.
        order_type_id: Order type of new orders; None takes the defaulting rules' one.
        price_list_id: Price list of new orders; None as above.
        cancel_reason: Reason code of cancellations (lookup CANCEL_CODE).
        no_such_order: Words of the messages, in `language`, by which PROCESS_ORDER says that no order has a reference.
            Any other refusal of the look before an order is made stops it, so that none is made twice.
        settle_seconds: How long the suite may work on an order after we stopped waiting for it.
    """

    username: str
    password: Secret
    auth: Literal["basic", "token"] = "basic"
    order_alias: str = "order"
    responsibility: str = "ORDER_MGMT_SUPER_USER"
    application: str = "ONT"
    security_group: str = "STANDARD"
    language: str = "AMERICAN"
    org_id: str = "204"
    order_source_id: int = 0
    order_type_id: int | None = None
    price_list_id: int | None = None
    cancel_reason: str = "Not provided"
    no_such_order: tuple[str, ...] = ("OE_INVALID_HEADER", "invalid header", "no order exists")
    settle_seconds: float = 60.0
