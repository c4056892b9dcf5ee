"""Customers: found by number, entered once for each reference, given delivery places, taken out of use."""

import asyncio
from typing import Any

from shared.binding.problems import BackendFault, Conflict, FieldError
from shared.contracts.canonical.likeness import comparable_code, similar
from shared.contracts.canonical.party import (
    CreditStanding,
    CustomerDescription,
    ErpCustomer,
    NewDeliveryPlace,
    NewErpCustomer,
    Partner,
    SimilarCustomer,
)
from shared.contracts.system.erp import ErpCustomerNotFound, ErpCustomerRejected, OrderRejected
from shared.resilience.once import Once
from system_apis.netsuite import translator
from system_apis.netsuite.connector import NetSuiteConnector, by_external_id
from system_apis.netsuite.lists import Lists, SetUpList
from system_apis.netsuite.records import AlikeRow, BookEntry, CustomerRecord, CustomerRow, KeyRow, Ref

_BY_NUMBER = "SELECT c.id, c.entityid FROM customer c WHERE c.entityid = {number}"
_BY_ID = "SELECT c.id, c.entityid FROM customer c WHERE c.id = {id}"
_ALIKE = """
SELECT c.id, c.entityid, c.companyname, c.externalid, c.vatregnumber, a.zip, a.country
FROM customer c
LEFT JOIN customeraddressbook b ON b.entity = c.id
LEFT JOIN customeraddressbookentityaddress a ON a.nkey = b.addressbookaddress
WHERE c.isinactive = 'F'
AND ((a.country = {country} AND REPLACE(LOWER(a.zip), ' ', '') = {zip})
OR REPLACE(LOWER(c.vatregnumber), ' ', '') = {tax_number})
ORDER BY c.id
"""
_NO_TAX_NUMBER = "-"  # no tax number is that; SuiteQL takes the empty text for null, which equals nothing
_SUBSIDIARIES = """
SELECT s.subsidiary AS id FROM customersubsidiaryrelationship s WHERE s.entity = {customer}
ORDER BY s.isprimarysub DESC, s.subsidiary
"""
_KEPT = 20_000
_RETIRED = "~retired-"


class Customers:
    """The customers of one account.

    Args:
        netsuite: Where.
        lists: Its currencies, subsidiaries and terms.
    """

    def __init__(self, netsuite: NetSuiteConnector, lists: Lists) -> None:
        self._netsuite, self._lists = netsuite, lists
        self._places: Once[BookEntry] = netsuite.once("delivery place")
        self._numbers: dict[str, str] = {}

    async def get(self, number: str) -> ErpCustomer:
        """A customer by number: its key, then the record.

        Raises:
            ErpCustomerNotFound: There is none.
        """
        return await self._shown(await self.record(number))

    async def credit(self, number: str) -> CreditStanding:
        """Its limit, balance and unbilled orders, in its own currency.

        Raises:
            ErpCustomerNotFound: There is none, or it has no limit.
        """
        record = await self.record(number)
        standing = translator.credit_standing(record, await self._currency(record))
        if standing is None:
            raise ErpCustomerNotFound(f"Customer {number} has no credit limit in NetSuite.")
        return standing

    async def key(self, number: str) -> int:
        """A customer's internal id.

        Raises:
            ErpCustomerNotFound: There is none.
        """
        rows = await self._netsuite.query(_BY_NUMBER, CustomerRow, "find_customer", number=number)
        if not rows:
            raise ErpCustomerNotFound(f"NetSuite has no customer {number}.")
        self._learn(rows[0])
        return rows[0].id

    async def record(self, number: str) -> CustomerRecord:
        """A customer's record, with its address book.

        Raises:
            ErpCustomerNotFound: There is none.
        """
        return await self._record(str(await self.key(number)), number)

    async def number_of(self, key: str) -> str:
        """The number of a customer that a document refers to; asked once, as numbers stay."""
        if (known := self._numbers.get(key)) is not None:
            return known
        rows = await self._netsuite.query(_BY_ID, CustomerRow, "find_customer", id=int(key))
        if not rows:
            raise BackendFault(f"NetSuite does not let us see customer {key}, whose documents it shows us.")
        return self._learn(rows[0])

    async def similar(self, description: CustomerDescription) -> list[SimilarCustomer]:
        """One query for the tax number and the postal code; names are compared here."""
        rows = await self._netsuite.query(
            _ALIKE,
            AlikeRow,
            "find_similar_customers",
            country=description.address.country or "",
            zip=comparable_code(description.address.postal_code),
            tax_number=comparable_code(description.tax_number) or _NO_TAX_NUMBER,
        )
        return similar(description, translator.candidates(rows, self._netsuite.external_id(description.reference)))

    async def enter(self, customer: NewErpCustomer) -> ErpCustomer:
        """The customer of this reference: the one there is, or a new one.

        The external id is unique, so NetSuite itself refuses the second of two that come at once. It is not upserted:
        that would undo what people changed since.

        Raises:
            ErpCustomerRejected: NetSuite refused it, or would.
        """
        external_id = self._netsuite.external_id(customer.reference)
        found = await self._known(external_id)
        if found is None:
            body = await self._body(customer, external_id)
            try:
                key = await self._netsuite.create("/customer", body, "create_customer")
                found = await self._record(key, customer.reference)
            except (Conflict, OrderRejected) as refused:
                found = await self._known(external_id)
                if found is None:
                    raise _rejected(refused) from None
        return await self._shown(found)

    async def add_place(self, number: str, place: NewDeliveryPlace) -> Partner:
        """The entry of the address book whose label is this reference: the one there is, or a new one.

        Raises:
            ErpCustomerNotFound: No customer has this number.
            ErpCustomerRejected: NetSuite refused the address.
            OutcomeUnknown: No answer came and the entry is not to be found; a repeat looks again first.
        """
        key = str(await self.key(number))

        async def add() -> BookEntry:
            await self._add_entry(key, place)
            made = await self._entry(key, number, place.reference)
            if made is None:
                raise BackendFault(f"NetSuite took an address for customer {number} and does not show it.")
            return made

        return translator.partner(
            await self._places.make(
                f"{number}/{place.reference}", lambda: self._entry(key, number, place.reference), add
            )
        )

    async def take_out(self, number: str, reason: str) -> ErpCustomer:
        """Inactive, on hold, and without the external id it was found by.

        Raises:
            ErpCustomerNotFound: There is none.
        """
        record = await self.record(number)
        changes: dict[str, Any] = {}
        if not record.is_inactive:
            changes = {"isInactive": True, "comments": "\n".join(filter(None, (record.comments, reason)))[:4000]}
        if record.external_id and _RETIRED not in record.external_id:
            changes["externalId"] = f"{record.external_id}{_RETIRED}{record.id}"
        if record.credit_hold_override.id.upper() != "ON":
            changes["creditHoldOverride"] = {"id": "ON"}
        if changes:
            try:
                await self._netsuite.write("PATCH", f"/customer/{record.id}", changes, "block_customer")
            except OrderRejected as refused:
                raise BackendFault(
                    f"NetSuite does not let customer {number} be taken out of use.", extensions=refused.extensions
                ) from None
        return await self.get(number)

    async def _shown(self, record: CustomerRecord) -> ErpCustomer:
        currency, subsidiaries, terms = await asyncio.gather(
            self._currency(record), self._subsidiaries(record), self._lists.terms.code(record.terms)
        )
        parent = await self.number_of(record.parent.id) if record.parent else ""
        return translator.customer(record, parent=parent, currency=currency, subsidiaries=subsidiaries, terms=terms)

    async def _subsidiaries(self, record: CustomerRecord) -> list[str]:
        """Who of ours a customer is sold to by, the primary subsidiary first."""
        refs = [record.subsidiary or Ref()]
        if self._netsuite.settings.shared_customers:
            rows = await self._netsuite.query(_SUBSIDIARIES, KeyRow, "find_subsidiaries", customer=int(record.id))
            refs = [Ref(str(row.id)) for row in rows] or refs
        return [await self._lists.subsidiaries.code(ref) for ref in refs]

    async def _currency(self, record: CustomerRecord) -> str:
        return (await self._lists.currency(record.currency.id if record.currency else 1)).symbol

    def _learn(self, row: CustomerRow) -> str:
        if len(self._numbers) >= _KEPT:
            del self._numbers[next(iter(self._numbers))]
        self._numbers[str(row.id)] = row.entityid
        return row.entityid

    async def _record(self, key: str, number: str) -> CustomerRecord:
        path = f"/customer/{key}?expandSubResources=true"
        record = await self._netsuite.read(path, CustomerRecord, "get_customer")
        if record is None:
            raise ErpCustomerNotFound(f"NetSuite has no customer {number}.")
        return record

    async def _known(self, external_id: str) -> CustomerRecord | None:
        path = f"/customer/{by_external_id(external_id)}?expandSubResources=true"
        return await self._netsuite.read(path, CustomerRecord, "find_customer")

    async def _entry(self, key: str, number: str, label: str) -> BookEntry | None:
        """The first entry with a label, lest two that came at once tell two answers."""
        entries = [one for one in (await self._record(key, number)).address_book.items if one.label == label]
        return min(entries, key=lambda one: int(one.id), default=None)

    async def _add_entry(self, key: str, place: NewDeliveryPlace) -> None:
        body = {"addressBook": {"items": [translator.book_entry(place)]}}
        try:
            await self._netsuite.write("PATCH", f"/customer/{key}", body, "add_delivery_place", repeatable=False)
        except OrderRejected as refused:
            raise _rejected(refused) from None

    async def _body(self, customer: NewErpCustomer, external_id: str) -> dict[str, Any]:
        settings = self._netsuite.settings
        currency = await self._lists.currency_of(customer.currency)
        if currency is None:
            raise _missing("currency", customer.currency, "/currency")
        organization = customer.company_code or next((one.organization for one in customer.sales_areas), "")
        subsidiary = await _chosen(self._lists.subsidiaries, organization, settings.subsidiary, "/companyCode")
        terms = await _chosen(self._lists.terms, customer.payment_terms or "", settings.payment_terms, "/paymentTerms")
        references = {"subsidiary": subsidiary, "terms": terms, "parent": await self._parent(customer)}
        texts = {"email": customer.email, "phone": customer.phone, "vatRegNumber": customer.tax_number}
        address = translator.address_body(customer.name, customer.address)
        return {
            "externalId": external_id,
            "isPerson": False,
            "companyName": customer.name,
            "currency": {"id": str(currency.id)},
            **{name: {"id": str(key)} for name, key in references.items() if key is not None},
            **{name: text for name, text in texts.items() if text},
            "addressBook": {
                "items": [{"defaultBilling": True, "defaultShipping": True, "addressBookAddress": address}]
            },
        }

    async def _parent(self, customer: NewErpCustomer) -> int | None:
        if customer.parent_erp_number is None:
            return None
        try:
            return await self.key(customer.parent_erp_number)
        except ErpCustomerNotFound:
            raise _missing("customer", customer.parent_erp_number, "/parentErpNumber") from None


async def _chosen(entries: SetUpList, code: str, default: int | None, pointer: str) -> int | None:
    if not code:
        return default
    found = await entries.named(code)
    if found is None:
        raise _missing("entry", code, pointer)
    return found.id


def _missing(kind: str, code: str, pointer: str) -> ErpCustomerRejected:
    detail = f"NetSuite has no {kind} {code}."
    return ErpCustomerRejected(f"{detail} Correct it, or set it up there.", errors=[FieldError(detail, pointer)])


def _rejected(refused: Conflict | OrderRejected) -> ErpCustomerRejected:
    detail = "NetSuite refused the customer; see `errors`." if refused.errors else "NetSuite refused the customer."
    return ErpCustomerRejected(detail, errors=refused.errors, extensions=refused.extensions)
