"""Customers by BAPIs, as far as BAPI_CUSTOMER_GETDETAIL2 knows them."""

import re

from shared.binding.problems import BackendFault, BackendUnavailable
from shared.contracts.canonical.party import CompanyCodeData, ErpCustomer
from shared.contracts.canonical.values import Address
from shared.contracts.system.erp import ErpCustomerNotFound
from system_apis.sap.bapi.answer import Answer, Fields
from system_apis.sap.bapi.messages import failure
from system_apis.sap.bapi.order_call import padded
from system_apis.sap.bapi.transport import RfcTransport
from system_apis.sap.lines import joined
from system_apis.sap.order_body import customer_number
from system_apis.sap.settings import SapSettings

_NAMES = ("NAME", "NAME_2", "NAME_3", "NAME_4")
_NAME_WIDTHS = (35, 35, 35, 35)
_BLOCKS = ("ORDR_BLK_G", "DELI_BLK_G", "BILL_BLK_G")
_COUNTRY = re.compile(r"[A-Z]{2}")


class BapiCustomers:
    """Implements `interfaces.CustomerReading`.

    The function knows neither sales areas with their partners nor the hierarchy, and no business partner: a customer
    is its own there.

    Args:
        settings: `[backends.sap]`.
        rfc: Calls functions.
    """

    def __init__(self, settings: SapSettings, rfc: RfcTransport) -> None:
        self._company = settings.company_code
        self._rfc = rfc

    async def get_customer(self, erp_number: str) -> ErpCustomer:
        """One call."""
        number = customer_number(erp_number)
        answer = await self._rfc.call(
            "BAPI_CUSTOMER_GETDETAIL2",
            {"CUSTOMERNO": padded(number), "COMPANYCODE": self._company},
            operation="get_customer",
        )
        refused = failure(answer)
        if isinstance(refused, BackendFault | BackendUnavailable):
            raise refused
        if refused is not None:
            raise ErpCustomerNotFound(f"SAP has no customer {erp_number}.")
        return _customer(number, answer)


def _customer(number: str, answer: Answer) -> ErpCustomer:
    address, general = answer.structure("CUSTOMERADDRESS"), answer.structure("CUSTOMERGENERALDETAIL")
    if not all(map(general.has, _BLOCKS)):
        raise BackendFault("SAP does not say whether the customer is blocked; read customers by OData.")
    order_block, delivery_block, billing_block = (bool(general.text(name)) for name in _BLOCKS)
    return ErpCustomer(
        erp_number=number,
        business_partner=number,
        name=joined([address.text(name) for name in _NAMES], _NAME_WIDTHS),
        address=_address(address),
        tax_number=general.text("VAT_REG_NO") or general.text("TAX_NO_1"),
        order_blocked=order_block,
        delivery_blocked=delivery_block,
        billing_blocked=billing_block,
        marked_for_deletion=bool(general.text("DEL_FLAG_G")),
        company_codes=_companies(answer.structure("CUSTOMERCOMPANYDETAIL")),
    )


def _address(row: Fields) -> Address:
    country = row.text("COUNTRYISO") or row.text("COUNTRY")
    return Address(
        street=row.text("STREET"),
        city=row.text("CITY"),
        region=row.text("REGION"),
        postal_code=row.text("POSTL_CODE"),
        country=country if _COUNTRY.fullmatch(country) else None,
    )


def _companies(row: Fields) -> list[CompanyCodeData]:
    code = row.text("COMP_CODE")
    return [CompanyCodeData(code, row.text("REC_ACC"), row.text("PMNTTRMS"))] if code else []
