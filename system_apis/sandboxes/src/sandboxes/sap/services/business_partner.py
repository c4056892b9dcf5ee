"""API_BUSINESS_PARTNER: partners, customers, sales areas, addresses. What happens to them is in `partners`.

Source: the service's published metadata, lengths as published. The hierarchy (KNVH) shows in OData only as a
partner function: each customer of a group carries the one above it as partner function 1A in its sales areas
(customer hierarchy type A, level above).
"""

from sandboxes.sap.odata_v2.edm import Service, entity_set

HIERARCHY_FUNCTION = "1A"
_AREA = "Customer SalesOrganization DistributionChannel Division"
_RELATIONSHIP = "RelationshipNumber BusinessPartnerCompany BusinessPartnerPerson ValidityEndDate"
_CONTACT_LINE = "AddressID Person OrdinalNumber"

_SETS = (
    entity_set(
        "A_BusinessPartner",
        "BusinessPartner",
        "BusinessPartner:10#- Customer:10#! Supplier:10#! BusinessPartnerCategory:1- BusinessPartnerFullName:81! "
        "BusinessPartnerGrouping:4- BusinessPartnerName:81! BusinessPartnerUUID:guid! CorrespondenceLanguage:2 "
        "CreatedByUser:12! CreationDate:date! CreationTime:time! FirstName:40 FormOfAddress:4 Industry:10 "
        "Language:2 LastChangeDate:date! LastChangeTime:time! LastChangedByUser:12! LastName:40 "
        "OrganizationBPName1:40 OrganizationBPName2:40 OrganizationBPName3:40 OrganizationBPName4:40 "
        "SearchTerm1:20 SearchTerm2:20 BusinessPartnerIsBlocked:bool ETag:26! GroupBusinessPartnerName1:40 "
        "MiddleName:40 PersonFullName:80 IsMarkedForArchiving:bool BusinessPartnerIDByExtSystem:20",
        (
            "to_BusinessPartnerAddress * A_BusinessPartnerAddress BusinessPartner",
            "to_BusinessPartnerContact * A_BusinessPartnerContact BusinessPartner=BusinessPartnerCompany",
            "to_BusinessPartnerRole * A_BusinessPartnerRole BusinessPartner",
            "to_BusinessPartnerTax * A_BusinessPartnerTaxNumber BusinessPartner",
            "to_Customer 1 A_Customer Customer",
        ),
        label="Business Partner",
        etag="ETag",
        access="cu",
    ),
    entity_set(
        "A_BusinessPartnerAddress",
        "BusinessPartner AddressID",
        "BusinessPartner:10#- AddressID:10- ValidityStartDate:dto ValidityEndDate:dto AddressUUID:guid! "
        "AdditionalStreetPrefixName:40 AdditionalStreetSuffixName:40 CareOfName:40 CityName:40 Country:3 "
        "District:40 FullName:80! HouseNumber:10 Language:2 POBox:10 Person:10! PostalCode:10 Region:3 "
        "StreetName:60 StreetPrefixName:40 StreetSuffixName:40 TransportZone:10 AddressIDByExternalSystem:20",
        (
            "to_AddressUsage * A_BuPaAddressUsage BusinessPartner AddressID",
            "to_EmailAddress * A_AddressEmailAddress AddressID",
            "to_PhoneNumber * A_AddressPhoneNumber AddressID",
            "to_URLAddress * A_AddressHomePageURL AddressID",
        ),
        access="u",
    ),
    entity_set(
        "A_BuPaAddressUsage",
        "BusinessPartner ValidityEndDate AddressUsage AddressID",
        "BusinessPartner:10# ValidityEndDate:dto AddressUsage:10 AddressID:10 ValidityStartDate:dto StandardUsage:bool",
    ),
    entity_set(
        "A_AddressEmailAddress",
        _CONTACT_LINE,
        "AddressID:10- Person:10- OrdinalNumber:3- IsDefaultEmailAddress:bool EmailAddress:241 SearchEmailAddress:20",
        access="u",
    ),
    entity_set(
        "A_AddressPhoneNumber",
        _CONTACT_LINE,
        "AddressID:10- Person:10- OrdinalNumber:3- DestinationLocationCountry:3 IsDefaultPhoneNumber:bool "
        "PhoneNumber:30 PhoneNumberExtension:10 InternationalPhoneNumber:30 PhoneNumberType:1",
        access="u",
    ),
    entity_set(
        "A_AddressHomePageURL",
        f"{_CONTACT_LINE} ValidityStartDate IsDefaultURLAddress",
        "AddressID:10 Person:10 OrdinalNumber:3 ValidityStartDate:date IsDefaultURLAddress:bool "
        "SearchURLAddress:50 WebsiteURL:2048",
    ),
    entity_set(
        "A_BusinessPartnerContact",
        _RELATIONSHIP,
        "RelationshipNumber:12# BusinessPartnerCompany:10# BusinessPartnerPerson:10# ValidityEndDate:date "
        "ValidityStartDate:date IsStandardRelationship:bool RelationshipCategory:6",
        (f"to_ContactRelationship 1 A_BPContactToFuncAndDept {_RELATIONSHIP}",),
    ),
    entity_set(
        "A_BPContactToFuncAndDept",
        _RELATIONSHIP,
        "RelationshipNumber:12# BusinessPartnerCompany:10# BusinessPartnerPerson:10# ValidityEndDate:date "
        "ContactPersonFunction:4 ContactPersonFunctionName:40 ContactPersonDepartment:4 PhoneNumber:30 "
        "EmailAddress:241",
    ),
    entity_set(
        "A_BusinessPartnerRole",
        "BusinessPartner BusinessPartnerRole",
        "BusinessPartner:10# BusinessPartnerRole:6 ValidFrom:dto ValidTo:dto AuthorizationGroup:4",
        access="c",
    ),
    entity_set(
        "A_BusinessPartnerTaxNumber",
        "BusinessPartner BPTaxType",
        "BusinessPartner:10# BPTaxType:4 BPTaxNumber:20 BPTaxLongNumber:60",
    ),
    entity_set(
        "A_Customer",
        "Customer",
        "Customer:10#- AuthorizationGroup:4 BillingIsBlockedForCustomer:2 CreatedByUser:12! CreationDate:date! "
        "CustomerAccountGroup:4! CustomerClassification:2 CustomerFullName:220! CustomerName:80! "
        "DeliveryIsBlocked:2 OrderIsBlockedForCustomer:2 PostingIsBlocked:bool Supplier:10# "
        "CustomerCorporateGroup:10 Industry:4! IndustryCode1:10 TaxNumber1:16! TaxNumber2:11! VATRegistration:20! "
        "DeletionIndicator:bool",
        (
            "to_CustomerCompany * A_CustomerCompany Customer",
            "to_CustomerSalesArea * A_CustomerSalesArea Customer",
        ),
        access="u",
    ),
    entity_set(
        "A_CustomerCompany",
        "Customer CompanyCode",
        "Customer:10#- CompanyCode:4- PaymentBlockingReason:1 PaymentMethodsList:10 PaymentTerms:4 "
        "ReconciliationAccount:10 DeletionIndicator:bool CustomerAccountGroup:4!",
        access="u",
    ),
    entity_set(
        "A_CustomerSalesArea",
        _AREA,
        "Customer:10#- SalesOrganization:4- DistributionChannel:2- Division:2- BillingIsBlockedForCustomer:2 "
        "CompleteDeliveryIsDefined:bool Currency:5 CustomerAccountAssignmentGroup:2 CustomerGroup:2 "
        "CustomerPaymentTerms:4 CustomerPriceGroup:2 CustomerPricingProcedure:2 DeliveryIsBlockedForCustomer:2 "
        "DeliveryPriority:2 IncotermsClassification:3 IncotermsLocation1:70 DeletionIndicator:bool "
        "IncotermsTransferLocation:28 OrderCombinationIsAllowed:bool OrderIsBlockedForCustomer:2 "
        "PartialDeliveryIsAllowed:1 PriceListType:2 SalesGroup:3 SalesOffice:4 ShippingCondition:2 "
        "SupplyingPlant:4 SalesDistrict:6 CustomerAccountGroup:4!",
        (f"to_PartnerFunction * A_CustSalesPartnerFunc {_AREA}",),
        access="u",
    ),
    entity_set(
        "A_CustSalesPartnerFunc",
        f"{_AREA} PartnerCounter PartnerFunction",
        "Customer:10#- SalesOrganization:4- DistributionChannel:2- Division:2- PartnerCounter:3#- "
        "PartnerFunction:2- BPCustomerNumber:10# CustomerPartnerDescription:30 DefaultPartner:bool Supplier:10# "
        "PersonnelNumber:8# ContactPerson:10#",
        access="cud",
    ),
)

BUSINESS_PARTNER = Service(
    name="API_BUSINESS_PARTNER",
    title="Business Partner (A2X)",
    component="LO-MD-BP",
    sets={one.name: one for one in _SETS},
)
