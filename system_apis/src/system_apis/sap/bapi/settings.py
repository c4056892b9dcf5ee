"""What calling BAPIs needs besides the settings of the system."""

from typing import Annotated

import msgspec


class BapiSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[backends.sap.bapi]`. Names and codes are SAP's own; those of the credit structure differ by release.

    Attributes:
        path: Where functions are called; also the address of a binding of the newer runtime
            (`/sap/bc/srt/rfc/sap/…`) that has all functions used.
        soap_action: `SOAPAction`; `{function}` stands for the function called.
        order_type: Sales document type of new orders, as SAP stores it (TA is shown as OR).
        quantity_unit: Unit of quantities, as SAP stores it (ST is shown as PC); empty leaves it to SAP.
        sold_to_role: Partner role of the sold-to party, as SAP stores it.
        ship_to_role: Partner role of the ship-to party, as SAP stores it.
        look_back_days: How old an order may be that a repeat under another purchase order number still finds.
        none_found: Errors by which the release says that a customer has no orders, as class and number: `V1/503`.
        credit_control_area: The control area whose limit counts.
        credit_limit_field: Of CREDIT_ACCOUNT_DETAIL: the limit.
        credit_exposure_field: What counts against the limit.
        credit_risk_field: The risk class.
        credit_block_field: Set when the account is blocked.
    """

    path: str = "/sap/bc/soap/rfc"
    soap_action: str = "urn:sap-com:document:sap:rfc:functions"
    order_type: str = "TA"
    quantity_unit: str = "ST"
    sold_to_role: str = "AG"
    ship_to_role: str = "WE"
    look_back_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 30
    none_found: tuple[str, ...] = ()
    credit_control_area: str = "1000"
    credit_limit_field: str = "CRED_LIMIT"
    credit_exposure_field: str = "CRED_EXPOS"
    credit_risk_field: str = "RISK_CATEG"
    credit_block_field: str = "CRED_BLOCK"
