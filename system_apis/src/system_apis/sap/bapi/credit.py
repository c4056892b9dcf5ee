"""Credit by BAPIs, which tell what OData does not: how much of the limit is used."""

from shared.binding.problems import BackendFault, BackendUnavailable
from shared.contracts.canonical.party import CreditStanding
from shared.contracts.system.erp import ErpCustomerNotFound
from system_apis.sap.bapi.answer import Fields
from system_apis.sap.bapi.messages import failure
from system_apis.sap.bapi.order_call import padded
from system_apis.sap.bapi.transport import RfcTransport
from system_apis.sap.money import money
from system_apis.sap.order_body import customer_number
from system_apis.sap.settings import SapSettings


class BapiCredit:
    """Implements `interfaces.CreditReading` by BAPI_CREDIT_ACCOUNT_GET_STATUS.

    Args:
        settings: `[backends.sap]`.
        rfc: Calls functions.
    """

    def __init__(self, settings: SapSettings, rfc: RfcTransport) -> None:
        self._bapi = settings.bapi
        self._rfc = rfc

    async def get_credit(self, erp_number: str) -> CreditStanding:
        """One call."""
        number, area = customer_number(erp_number), self._bapi.credit_control_area
        answer = await self._rfc.call(
            "BAPI_CREDIT_ACCOUNT_GET_STATUS",
            {"CREDITCONTROLAREA": area, "CUSTOMER": padded(number), "CREDIT_ACCOUNT_DETAIL": []},
            operation="get_credit",
        )
        refused = failure(answer)
        if isinstance(refused, BackendFault | BackendUnavailable):
            raise refused
        account = next(iter(answer.table("CREDIT_ACCOUNT_DETAIL")), None)
        if refused is not None or account is None:
            raise ErpCustomerNotFound(f"Customer {number} has no credit account in SAP's credit control area {area}.")
        return self._standing(number, account)

    def _standing(self, number: str, account: Fields) -> CreditStanding:
        names = (self._bapi.credit_limit_field, self._bapi.credit_exposure_field)
        if missing := [name for name in names if not account.has(name)]:
            raise BackendFault(
                f"SAP's credit account has no {' and no '.join(missing)}; set the names of its fields in "
                "[backends.sap.bapi]."
            )
        currency = account.text("CURRENCY")
        limit, used = account.number(names[0]), account.number(names[1])
        return CreditStanding(
            erp_number=number,
            limit=money(limit, currency),
            exposure=money(used, currency),
            available=money(max(limit - used, limit * 0), currency),
            blocked=bool(account.text(self._bapi.credit_block_field)),
            risk_class=account.text(self._bapi.credit_risk_field),
        )
