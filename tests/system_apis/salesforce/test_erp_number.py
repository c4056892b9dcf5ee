"""What the ERP says of a customer is noted on its account, and nothing else of it changes."""

from typing import Any

import msgspec
import pytest

from sandboxes.company import company
from shared.contracts.system.crm import CustomerNotFound, ErpIdentity, ErpNumberTaken, ErpRecord
from system_apis.salesforce.service import SalesforceCrm

NEW = company().prospects_for("plain")[0]
KNOWN = company().customers[0]


async def test_a_number_is_noted_once_and_stays(crm: SalesforceCrm, org: Any) -> None:
    before = await crm.get_customer(NEW.salesforce_id)
    assert before.erp_number is None
    for _ in range(2):
        noted = await crm.note_erp_number(NEW.salesforce_id, ErpIdentity("30000001"))
        assert noted == await crm.get_customer(NEW.salesforce_id)
        assert (noted.erp_number, noted.name, noted.tax_number) == ("30000001", before.name, before.tax_number)
    with pytest.raises(ErpNumberTaken, match="30000001"):
        await crm.note_erp_number(NEW.salesforce_id, ErpIdentity("30000002"))
    assert (await crm.get_customer(NEW.salesforce_id)).erp_number == "30000001"


async def test_a_lost_answer_is_asked_again(crm: SalesforceCrm, org: Any) -> None:
    await org.fault(fault="lost-reply", method="POST", path="*/composite*", times=1)
    assert (await crm.note_erp_number(NEW.salesforce_id, ErpIdentity("30000003"))).erp_number == "30000003"


async def test_the_number_of_another_customer_is_refused(crm: SalesforceCrm, org: Any) -> None:
    with pytest.raises(ErpNumberTaken, match="another"):
        await crm.note_erp_number(NEW.salesforce_id, ErpIdentity(KNOWN.sap_customer))
    assert (await crm.get_customer(NEW.salesforce_id)).erp_number is None


async def test_an_account_that_is_not_there_is_not_found(crm: SalesforceCrm, org: Any) -> None:
    for missing in ("001aj00000ZZZZZ", "nobody"):
        with pytest.raises(CustomerNotFound):
            await crm.note_erp_number(missing, ErpIdentity("1"))


async def test_a_customer_is_found_by_the_number_it_has_in_the_erp(crm: SalesforceCrm, org: Any) -> None:
    assert await crm.find_customer(KNOWN.sap_customer) == await crm.get_customer(KNOWN.salesforce_id)
    with pytest.raises(CustomerNotFound, match="99999999"):
        await crm.find_customer("99999999")


async def test_of_what_the_erp_leads_only_what_differs_is_written(crm: SalesforceCrm, org: Any) -> None:
    before = await crm.get_customer(KNOWN.salesforce_id)
    told = ErpRecord("Another Name AG", before.tax_number, order_blocked=True)
    for writes in (1, 0):
        await org.control("touched", clear=True)
        noted = await crm.note_erp_record(KNOWN.salesforce_id, told)
        assert noted == msgspec.structs.replace(before, legal_name="Another Name AG", order_blocked=True)
        written = (await org.control("touched"))["Account"]
        assert bool(written.get("edit")) == bool(writes)
    with pytest.raises(CustomerNotFound):
        await crm.note_erp_record("001aj00000ZZZZZ", told)


async def test_what_the_org_has_no_field_for_is_left_out(
    crm: SalesforceCrm, org: Any, settings: Any, connect: Any
) -> None:
    bare = SalesforceCrm(connect(msgspec.structs.replace(settings, legal_name_field="", order_block_field="")))
    before = await bare.get_customer(KNOWN.salesforce_id)
    assert await bare.note_erp_record(KNOWN.salesforce_id, ErpRecord("Another", order_blocked=True)) == before


async def test_legal_name_and_tax_number_are_read_where_the_org_has_them(
    crm: SalesforceCrm, org: Any, settings: Any, connect: Any
) -> None:
    known = await crm.get_customer(KNOWN.salesforce_id)
    assert (known.legal_name, known.tax_number) == (KNOWN.legal_name, KNOWN.tax_number)
    bare = type(settings)(
        **{name: getattr(settings, name) for name in settings.__struct_fields__}
        | {"legal_name_field": "", "tax_number_field": ""}
    )
    known = await SalesforceCrm(connect(bare)).get_customer(KNOWN.salesforce_id)
    assert (known.legal_name, known.tax_number, known.erp_number) == ("", "", KNOWN.sap_customer)
    overview = await SalesforceCrm(connect(bare)).get_customer_overview(KNOWN.salesforce_id)
    assert overview.customer == known
