"""Finding customers that may be the company somebody is about to enter."""

import asyncio

from shared.contracts.canonical.likeness import MOST_SIMILAR
from shared.contracts.canonical.party import CustomerDescription, SimilarCustomer
from system_apis.sap.connector import SapConnector
from system_apis.sap.lines import broken, tidy
from system_apis.sap.partner_body import NAME_WIDTHS, search_term
from system_apis.sap.partner_records import KnownPartner, TaxedCustomer
from system_apis.sap.partner_translator import similar
from system_apis.sap.records import Many


class PartnerSearch:
    """Looks partners up by name and by tax number.

    Args:
        sap: Where to look.
    """

    def __init__(self, sap: SapConnector) -> None:
        self._sap = sap

    async def similar(self, description: CustomerDescription) -> list[SimilarCustomer]:
        """Two or three calls: by name, by tax number, and who has the tax numbers found."""
        named, taxed = await asyncio.gather(self._named(description.name), self._taxed(description.tax_number.strip()))
        return similar(description, named, taxed)

    async def _named(self, name: str) -> list[KnownPartner]:
        lines = broken(tidy(name), NAME_WIDTHS)
        if not lines:
            return []
        return await self._known(self._sap.paths.partners_named(lines[0], search_term(lines[0])))

    async def _taxed(self, tax_number: str) -> list[KnownPartner]:
        if not tax_number:
            return []
        path = self._sap.paths.customers_taxed(tax_number)
        found = await self._sap.read(path, Many[TaxedCustomer], "find_similar_customers")
        numbers = [one.Customer for one in found.d.results[:MOST_SIMILAR]] if found else []
        return await self._known(self._sap.paths.partners_of(numbers)) if numbers else []

    async def _known(self, path: str) -> list[KnownPartner]:
        found = await self._sap.read(path, Many[KnownPartner], "find_similar_customers")
        return found.d.results if found is not None else []
