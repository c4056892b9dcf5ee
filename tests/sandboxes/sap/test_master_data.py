"""Partners, materials, stock and credit agree with the seed company."""

from typing import Any

import httpx

from sandboxes.company import company

ROOT = "/sap/opu/odata/sap"
PARTNER = f"{ROOT}/API_BUSINESS_PARTNER"


async def read(reader: httpx.AsyncClient, path: str) -> Any:
    answered = await reader.get(path)
    assert answered.status_code == 200, answered.text
    return answered.json()["d"]


async def test_partner_number_may_differ_from_the_customers(reader: httpx.AsyncClient) -> None:
    customer = next(one for one in company().customers if one.sap_customer != one.sap_business_partner)
    partner = await read(reader, f"{PARTNER}/A_BusinessPartner('{customer.sap_business_partner}')?$expand=to_Customer")
    assert partner["Customer"] == customer.sap_customer
    assert partner["to_Customer"]["CustomerAccountGroup"] == "0001"
    assert partner["OrganizationBPName1"] == customer.sap_name_parts[0]


async def test_every_customer_is_there_with_its_block(reader: httpx.AsyncClient) -> None:
    query = "$filter=CustomerAccountGroup eq '0001' and OrderIsBlockedForCustomer ne ''&$select=Customer"
    blocked = await read(reader, f"{PARTNER}/A_Customer?{query}")
    expected = {one.sap_customer for one in company().customers if one.order_blocked}
    assert {one["Customer"] for one in blocked["results"]} == expected


async def test_hierarchy_shows_as_a_partner_function(reader: httpx.AsyncClient) -> None:
    query = "$filter=PartnerFunction eq '1A' and SalesOrganization eq '1010'"
    rows = (await read(reader, f"{PARTNER}/A_CustSalesPartnerFunc?{query}"))["results"]
    firm = company()
    parents = {one["Customer"]: one["BPCustomerNumber"] for one in rows}
    expected = {
        one.sap_customer: firm.customer_by_number[one.parent].sap_customer for one in firm.customers if one.parent
    }
    assert parents == expected


async def test_ship_to_places_are_customers_of_their_own(reader: httpx.AsyncClient) -> None:
    customer = next(one for one in company().customers if len(one.ship_to) == 3)
    area = f"Customer='{customer.sap_customer}',SalesOrganization='1010',DistributionChannel='10',Division='00'"
    rows = (await read(reader, f"{PARTNER}/A_CustomerSalesArea({area})/to_PartnerFunction"))["results"]
    places = [(one["BPCustomerNumber"], one["DefaultPartner"]) for one in rows if one["PartnerFunction"] == "SH"]
    assert places == [(one.sap_customer, at == 0) for at, one in enumerate(customer.ship_to)]
    place = customer.ship_to[1]
    address = (await read(reader, f"{PARTNER}/A_BusinessPartner('{place.sap_customer}')/to_BusinessPartnerAddress"))[
        "results"
    ]
    assert address[0]["CityName"] == place.address.city[:40]


async def test_address_carries_mail_and_phone(reader: httpx.AsyncClient) -> None:
    query = "$expand=to_BusinessPartnerAddress/to_EmailAddress,to_BusinessPartnerAddress/to_PhoneNumber"
    partner = await read(reader, f"{PARTNER}/A_BusinessPartner('10100001')?{query}")
    [address] = partner["to_BusinessPartnerAddress"]["results"]
    assert "@" in address["to_EmailAddress"]["results"][0]["EmailAddress"]
    assert address["to_PhoneNumber"]["results"][0]["PhoneNumberType"] == "1"


async def test_contacts_are_persons_in_a_relationship(reader: httpx.AsyncClient) -> None:
    contact = company().customers[0].contacts[0]
    query = "$expand=to_ContactRelationship"
    rows = (await read(reader, f"{PARTNER}/A_BusinessPartner('10100001')/to_BusinessPartnerContact?{query}"))["results"]
    found = next(one for one in rows if one["RelationshipNumber"] == str(contact.number))
    assert found["to_ContactRelationship"]["EmailAddress"] == contact.email
    person = await read(reader, f"{PARTNER}/A_BusinessPartner('{found['BusinessPartnerPerson']}')")
    assert (person["BusinessPartnerCategory"], person["LastName"]) == ("1", contact.last_name)


async def test_changed_master_data_is_stamped_on_the_partner(writer: httpx.AsyncClient) -> None:
    changed = await writer.patch(f"{PARTNER}/A_Customer('10100001')", json={"OrderIsBlockedForCustomer": "01"})
    assert changed.status_code == 204
    query = "$filter=LastChangedByUser eq 'TRIPTYCH'&$select=BusinessPartner,LastChangeDate"
    rows = (await read(writer, f"{PARTNER}/A_BusinessPartner?{query}"))["results"]
    assert [one["BusinessPartner"] for one in rows] == ["10100001"]
    [address] = (await read(writer, f"{PARTNER}/A_BusinessPartner('10100002')/to_BusinessPartnerAddress"))["results"]
    mail = f"A_AddressEmailAddress(AddressID='{address['AddressID']}',Person='',OrdinalNumber='1')"
    assert (await writer.patch(f"{PARTNER}/{mail}", json={"EmailAddress": "new@example.com"})).status_code == 204
    rows = (await read(writer, f"{PARTNER}/A_BusinessPartner?{query}"))["results"]
    assert [one["BusinessPartner"] for one in rows] == ["10100001", "10100002"]


async def test_materials_and_stock_agree_with_the_company(reader: httpx.AsyncClient) -> None:
    product = company().product_by_sku["TG-00007"]
    entity = await read(reader, f"{ROOT}/API_PRODUCT_SRV/A_Product('TG-00007')?$expand=to_Description,to_Plant")
    assert entity["to_Description"]["results"][0]["ProductDescription"] == product.name[:40]
    assert {one["Plant"] for one in entity["to_Plant"]["results"]} == {"1010", "1510", "1710"}
    path = f"{ROOT}/API_MATERIAL_STOCK_SRV/A_MaterialStock('TG-00007')/to_MatlStkInAcctMod"
    rows = (await read(reader, path))["results"]
    assert {one["Plant"]: int(one["MatlWrhsStkQtyInMatlBaseUnit"]) for one in rows} == {
        "1010": product.stock["HAM1"],
        "1510": product.stock["OSA1"],
        "1710": product.stock["RNO1"],
    }


async def test_availability_functions(reader: httpx.AsyncClient) -> None:
    root, place = (
        f"{ROOT}/API_PRODUCT_AVAILY_INFO_BASIC",
        "Material='TG-00007'&SupplyingPlant='1010'&ATPCheckingRule='A'",
    )
    there = company().product_by_sku["TG-00007"].stock["HAM1"]
    series = await read(reader, f"{root}/CalculateAvailabilityTimeseries?{place}")
    assert series["results"][0]["AvailableQuantityInBaseUnit"] == str(there)
    enough = await read(reader, f"{root}/DetermineAvailabilityOf?{place}&RequestedQuantityInBaseUnit=10M")
    too_much = await read(reader, f"{root}/DetermineAvailabilityOf?{place}&RequestedQuantityInBaseUnit={there + 1}M")
    assert enough["DetermineAvailabilityOf"]["AvailableQuantityInBaseUnit"] == str(there)
    assert too_much["DetermineAvailabilityOf"]["AvailableQuantityInBaseUnit"] == "0"
    as_xml = await reader.get(f"{root}/CalculateAvailabilityTimeseries?{place}", headers={"accept": "*/*"})
    assert f'<d:AvailableQuantityInBaseUnit m:type="Edm.Decimal">{there}<' in as_xml.text


async def test_availability_refuses_missing_arguments_wrong_types_and_unknown_materials(
    reader: httpx.AsyncClient,
) -> None:
    call = f"{ROOT}/API_PRODUCT_AVAILY_INFO_BASIC/CalculateAvailabilityTimeseries"
    missing = await reader.get(f"{call}?Material='TG-00007'")
    mistyped = await reader.get(f"{call}?Material=7&SupplyingPlant='1010'&ATPCheckingRule='A'")
    unknown = await reader.get(f"{call}?Material='X'&SupplyingPlant='1010'&ATPCheckingRule='A'")
    assert [one.status_code for one in (missing, mistyped, unknown)] == [400, 400, 400]
    assert unknown.json()["error"]["code"] == "ATP_API/004"


async def test_credit_account_shows_the_limit_and_no_exposure(reader: httpx.AsyncClient) -> None:
    customer = company().customers[4]
    path = f"{ROOT}/API_CRDTMBUSINESSPARTNER/CreditMgmtBusinessPartner('{customer.sap_business_partner}')"
    [account] = (await read(reader, f"{path}/to_CreditMgmtAccountTP"))["results"]
    assert account["CreditLimitAmount"] == str(customer.credit_limit)
    assert account["CreditSegmentCurrency"] == customer.currency
    assert not [name for name in account if "Exposure" in name]
