"""API_CRDTMBUSINESSPARTNER: credit profile and credit accounts per segment.

Source: the service's published entity definitions. It shows limits and blocks, never the exposure.
"""

from sandboxes.sap.odata_v2.edm import Service, entity_set

SEGMENT = "1000"

_SETS = (
    entity_set(
        "CreditMgmtBusinessPartner",
        "BusinessPartner",
        "BusinessPartner:10#- CrdtMgmtBusinessPartnerGroup:4 CreditWorthinessScoreValue:10 "
        "CrdtWrthnssScoreValdtyEndDate:date CreditRiskClass:3 CalculatedCreditRiskClass:3! "
        "CreditRiskClassLastChangeDate:date! CreditCheckRule:10 CreditScoreAndLimitCalcRule:10",
        ("to_CreditMgmtAccountTP * CreditManagementAccount BusinessPartner",),
        access="u",
    ),
    entity_set(
        "CreditManagementAccount",
        "BusinessPartner CreditSegment",
        "BusinessPartner:10#- CreditSegment:10- BusinessPartnerIsCritical:bool CreditAccountIsBlocked:bool "
        "CreditAccountBlockReason:2 CreditAccountResubmissionDate:date "
        "CreditLimitAmount=15,3@CreditSegmentCurrency CreditLimitValidityEndDate:date "
        "CreditLimitLastChangeDate:date! CreditLimitCalculatedAmount=15,3!@CreditSegmentCurrency "
        "CreditLimitIsZero:bool CreditSegmentCurrency:5!",
        ("to_CrdtMBusinessPartnerTP 1 CreditMgmtBusinessPartner BusinessPartner",),
        access="u",
    ),
)

CREDIT_ACCOUNT = Service(
    name="API_CRDTMBUSINESSPARTNER",
    title="Credit Management Master Data (A2X)",
    component="FIN-FSCM-CR",
    sets={one.name: one for one in _SETS},
)
