"""The attributes of `salesOrdersForOrderHub` and of what is below it, as far as sales needs them.

Source: REST API for Oracle Fusion Cloud SCM, "Sales Orders for Order Hub". A row of `lines` is a fulfillment line: an
order line that is split has several, which share `LineId` and `SourceTransactionLineId`.
"""

from sandboxes.oracle.framework.declare import Field, fields

_STAMPS = (
    *fields("CreationDate LastUpdateDate", "datetime", writable=False),
    *fields("CreatedBy LastUpdatedBy", writable=False),
)

HEADER = (
    *fields("HeaderId", "integer", writable=False),
    *fields("OrderNumber OrderKey", writable=False),
    Field("SourceTransactionNumber", required=True, updatable=False, longest=50),
    Field("SourceTransactionSystem", required=True, updatable=False, longest=30),
    Field("SourceTransactionId", required=True, updatable=False, longest=50),
    Field("SourceTransactionRevisionNumber", "integer", default=1),
    Field("BusinessUnitName", updatable=False, longest=240),
    Field("RequestingBusinessUnitName", updatable=False, longest=240),
    *fields("BusinessUnitId RequestingBusinessUnitId BuyingPartyId", "integer"),
    *fields("BuyingPartyName BuyingPartyNumber"),
    Field("TransactionTypeCode", longest=30),
    Field("CustomerPONumber", longest=50),
    Field("TransactionalCurrencyCode", updatable=False, longest=15),
    *fields("TransactionOn RequestedShipDate", "datetime"),
    *fields("PaymentTerms Comments"),
    Field("SubmittedFlag", "boolean", default=False),
    Field("FreezePriceFlag", "boolean", default=False),
    Field("FreezeShippingChargeFlag", "boolean", default=False),
    Field("FreezeTaxFlag", "boolean", default=False),
    Field("CanceledFlag", "boolean", default=False),
    Field("CancelReasonCode", longest=30),
    *fields("StatusCode Status", writable=False),
    *fields("OpenFlag OnHoldFlag", "boolean", writable=False),
    *_STAMPS,
)
_ADDRESS = fields("Address1 City State PostalCode Country")
BILL_TO = (
    *fields("PartyId CustomerAccountId SiteUseId", "integer"),
    *fields("PartyName PartyNumber AccountNumber"),
    *_ADDRESS,
)
SHIP_TO = (*fields("PartyId SiteId", "integer"), *fields("PartyName PartyNumber"), *_ADDRESS)
LINE = (
    *fields("HeaderId LineId FulfillLineId", "integer", writable=False),
    *fields("LineNumber FulfillLineNumber", writable=False),
    Field("SourceTransactionLineId", required=True, updatable=False, longest=50),
    Field("SourceTransactionLineNumber", required=True, updatable=False, longest=100),
    Field("SourceTransactionScheduleId", required=True, updatable=False, longest=50),
    Field("SourceScheduleNumber", required=True, updatable=False, longest=50),
    Field("ProductNumber", updatable=False, longest=300),
    Field("ProductDescription", writable=False),
    Field("OrderedQuantity", "number", required=True),
    Field("OrderedUOMCode", longest=3),
    Field("TransactionCategoryCode", updatable=False, default="ORDER", longest=30),
    Field("ReturnReasonCode", longest=30),
    Field("RequestedShipDate", "datetime"),
    Field("CanceledFlag", "boolean", default=False),
    Field("CancelReasonCode", longest=30),
    Field("RequestedFulfillmentOrganizationCode", longest=18),
    *fields("ScheduleShipDate ActualShipDate ActualDeliveryDate", "datetime", writable=False),
    *fields("StatusCode", writable=False),
    *fields("UnitListPrice UnitSellingPrice ExtendedAmount ShippedQuantity", "number", writable=False),
    *fields("OpenFlag OnHoldFlag", "boolean", writable=False),
)
CHARGE = (
    *fields("OrderChargeId", "integer", writable=False),
    *fields("ChargeDefinitionCode ChargeTypeCode PriceTypeCode ApplyTo PricedQuantityUOMCode ChargeCurrencyCode"),
    *fields("SequenceNumber SourceChargeId"),
    *fields("PricedQuantity AverageUnitSellingPrice", "number"),
    *fields("PrimaryFlag RollupFlag", "boolean"),
)
CHARGE_COMPONENT = (
    *fields("PriceElementCode PriceElementUsageCode HeaderCurrencyCode ChargeCurrencyCode SequenceNumber"),
    *fields("HeaderCurrencyUnitPrice HeaderCurrencyExtendedAmount ChargeCurrencyUnitPrice", "number"),
    *fields("ChargeCurrencyExtendedAmount", "number"),
    *fields("RollupFlag", "boolean"),
)
ADJUSTMENT = (
    *fields("ManualPriceAdjustmentId", "integer", writable=False),
    *fields("AdjustmentTypeCode AdjustmentElementBasis ChargeDefinitionCode ReasonCode Comments"),
    *fields("SourceManualPriceAdjustmentIdentifier"),
    *fields("AdjustmentAmount", "number"),
    *fields("ChargeRollupFlag", "boolean"),
    *fields("SequenceNumber", "integer"),
)
ORIGINAL = (
    *fields("OriginalHeaderId OriginalLineId OriginalFulfillLineId", "integer"),
    *fields("OriginalOrderNumber OriginalLineNumber"),
)
TOTAL = (
    *fields("OrderTotalId", "integer", writable=False),
    *fields("TotalCode TotalName CurrencyCode", writable=False),
    *fields("TotalAmount", "number", writable=False),
    *fields("PrimaryFlag", "boolean", writable=False),
)
HOLD = (
    *fields("HoldInstanceId", "integer", writable=False),
    *fields("HoldCode HoldName HoldComments HoldReleaseReasonCode HoldUserName", writable=False),
    *fields("HoldDateTime HoldReleaseDateTime", "datetime", writable=False),
    *fields("HoldFlag", "boolean", writable=False),
)
ATTACHMENT = (
    *fields("AttachedDocumentId", "integer", writable=False),
    *fields("DatatypeCode CategoryName FileName Title Description Url UploadedFileContentType UploadedText"),
)
PAYMENT = (
    Field("SourceTransactionPaymentId", longest=50),
    *fields("PaymentMethod PaymentType PaymentSetId InstrumentAssignmentId TransactionExtensionId"),
    *fields("AuthorizedAmount", "number"),
)
SALES_CREDIT = (
    Field("SourceTransactionSalesCreditIdentifier", longest=50),
    *fields("Salesperson SalesCreditType"),
    *fields("SalespersonId", "integer"),
    Field("Percent", "number", required=True),
)
