"""The documents that are sent. Every connection says how much it wants: that is what Shopify charges for."""

LINES_A_PAGE = 100
VARIANTS_A_SKU = 2
"""One more than there should be, so that a SKU that is not unique is noticed."""

_SUMMARY = """id name createdAt updatedAt cancelledAt displayFinancialStatus displayFulfillmentStatus
  totalPriceSet { shopMoney { amount currencyCode } }"""
_VARIANT = """id sku price inventoryQuantity inventoryItem { id }
  product { id title status variantsCount { count } }"""

ORDER = f"""query Order($id: ID!, $lines: Int!, $after: String) {{ order(id: $id) {{
  {_SUMMARY} email
  shippingAddress {{ name address1 address2 city provinceCode zip countryCodeV2 }}
  lineItems(first: $lines, after: $after) {{
    nodes {{ id sku title quantity originalUnitPriceSet {{ shopMoney {{ amount currencyCode }} }} }}
    pageInfo {{ hasNextPage endCursor }} }} }} }}"""

ORDERS = f"""query Orders($first: Int!, $after: String, $query: String) {{
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{
    nodes {{ {_SUMMARY} }} pageInfo {{ hasNextPage endCursor }} }} }}"""

VARIANTS = f"""query Variants($first: Int!, $query: String!) {{
  productVariants(first: $first, query: $query) {{ nodes {{ {_VARIANT} }} }} }}"""

BY_HANDLE = f"""query ByHandle($handle: String!) {{ productByIdentifier(identifier: {{ handle: $handle }}) {{
  variants(first: {VARIANTS_A_SKU}) {{ nodes {{ {_VARIANT} }} }} }} }}"""

PRODUCT_SET = f"""mutation Save($identifier: ProductSetIdentifiers!, $input: ProductSetInput!) {{
  productSet(identifier: $identifier, input: $input, synchronous: true) {{
    product {{ variants(first: {VARIANTS_A_SKU}) {{ nodes {{ {_VARIANT} }} }} }}
    userErrors {{ field code }} }} }}"""

SET_QUANTITIES = """mutation SetStock($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) { userErrors { field code } } }"""
