"""The part of the Admin schema that is here, in Shopify's own names."""

from graphql import build_schema

SCHEMA = build_schema("""
directive @idempotent(key: String!) on FIELD
scalar DateTime scalar Decimal scalar Money scalar URL
enum OrderSortKeys { ID UPDATED_AT CREATED_AT PROCESSED_AT }
enum ProductStatus { ACTIVE ARCHIVED DRAFT }
enum CountryCode { AE AT AU BE BR CA CH CN CZ DE DK EE EG ES FI FR GB GR HU IE IN IT JP KR KW LU MX NL NO NZ PL PT QA RO
  RU SA SE SG SI SK TR UA US ZA }
enum CurrencyCode { AED AUD BRL CAD CHF CNY CZK DKK EUR GBP HUF INR JPY KRW KWD MXN NOK NZD PLN SAR SEK SGD TRY
  USD ZAR }
enum WebhookSubscriptionTopic { ORDERS_CREATE ORDERS_UPDATED PRODUCTS_CREATE PRODUCTS_UPDATE INVENTORY_LEVELS_UPDATE }
enum WebhookSubscriptionFormat { JSON }

type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
type MoneyV2 { amount: Decimal! currencyCode: CurrencyCode! }
type MoneyBag { shopMoney: MoneyV2! presentmentMoney: MoneyV2! }
type Count { count: Int! precision: String! }
type MailingAddress { name: String address1: String address2: String city: String provinceCode: String zip: String
  countryCodeV2: CountryCode }
type LineItem { id: ID! sku: String title: String! quantity: Int! originalUnitPriceSet: MoneyBag! }
type LineItemConnection { nodes: [LineItem!]! pageInfo: PageInfo! }
type Order { id: ID! name: String! email: String createdAt: DateTime! updatedAt: DateTime! cancelledAt: DateTime
  displayFinancialStatus: String displayFulfillmentStatus: String! currencyCode: CurrencyCode!
  totalPriceSet: MoneyBag! shippingAddress: MailingAddress lineItems(first: Int, after: String): LineItemConnection! }
type OrderConnection { nodes: [Order!]! pageInfo: PageInfo! }
type InventoryItem { id: ID! sku: String }
type ProductVariant { id: ID! sku: String title: String! price: Money! inventoryQuantity: Int
  inventoryItem: InventoryItem! product: Product! }
type ProductVariantConnection { nodes: [ProductVariant!]! pageInfo: PageInfo! }
type Product { id: ID! title: String! handle: String! status: ProductStatus! updatedAt: DateTime! variantsCount: Count
  variants(first: Int, after: String): ProductVariantConnection! }
type ProductConnection { nodes: [Product!]! pageInfo: PageInfo! }
input ProductIdentifierInput { id: ID handle: String }
type Shop { name: String! currencyCode: CurrencyCode! }

type Query {
  shop: Shop!
  order(id: ID!): Order
  orders(first: Int, after: String, query: String, sortKey: OrderSortKeys = PROCESSED_AT): OrderConnection!
  products(first: Int, after: String, query: String): ProductConnection!
  productVariants(first: Int, after: String, query: String): ProductVariantConnection!
  productByIdentifier(identifier: ProductIdentifierInput!): Product
}

input ProductSetIdentifiers { id: ID handle: String }
input OptionValueSetInput { name: String }
input OptionSetInput { name: String values: [OptionValueSetInput!] }
input VariantOptionValueInput { optionName: String name: String }
input ProductVariantSetInput { id: ID sku: String price: Money optionValues: [VariantOptionValueInput!]! }
input ProductSetInput { handle: String title: String status: ProductStatus productOptions: [OptionSetInput!]
  variants: [ProductVariantSetInput!] }
type UserError { field: [String!] message: String! code: String }
type ProductSetPayload { product: Product userErrors: [UserError!]! }
input InventoryQuantityInput { inventoryItemId: ID! locationId: ID! quantity: Int! changeFromQuantity: Int }
input InventorySetQuantitiesInput { name: String! reason: String! referenceDocumentUri: String
  quantities: [InventoryQuantityInput!]! }
type InventoryAdjustmentGroup { reason: String! referenceDocumentUri: String }
type InventorySetQuantitiesPayload { inventoryAdjustmentGroup: InventoryAdjustmentGroup userErrors: [UserError!]! }
input WebhookSubscriptionInput { uri: String format: WebhookSubscriptionFormat }
type WebhookSubscription { id: ID! topic: WebhookSubscriptionTopic! uri: String! }
type WebhookSubscriptionCreatePayload { webhookSubscription: WebhookSubscription userErrors: [UserError!]! }

type Mutation {
  productSet(identifier: ProductSetIdentifiers, input: ProductSetInput!, synchronous: Boolean = true): ProductSetPayload
  inventorySetQuantities(input: InventorySetQuantitiesInput!): InventorySetQuantitiesPayload
  webhookSubscriptionCreate(topic: WebhookSubscriptionTopic!, webhookSubscription: WebhookSubscriptionInput!):
    WebhookSubscriptionCreatePayload
}
""")
