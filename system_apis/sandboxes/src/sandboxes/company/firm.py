"""Puts the seed company together."""

from functools import cache

from sandboxes.company.customers import customers, salespeople
from sandboxes.company.identifiers import salesforce_id
from sandboxes.company.money import EXCHANGE_RATES
from sandboxes.company.products import products, warehouses
from sandboxes.company.prospects import kinds, prospects
from sandboxes.company.quotes import quotes
from sandboxes.company.records import Company


@cache
def company() -> Company:
    """The seed company: the same on every machine and in every run, built once per process."""
    buyers, catalogue = customers(), products()
    newcomers = prospects(buyers)
    accounts = buyers + newcomers
    offers = quotes(accounts, catalogue)
    return Company(
        name="Tarn Gauge Works",
        salesforce_organization_id=salesforce_id("00D", 1),
        standard_pricebook_id=salesforce_id("01s", 1),
        salespeople=salespeople(),
        warehouses=warehouses(),
        customers=buyers,
        prospects=newcomers,
        prospect_kinds=kinds(),
        products=catalogue,
        quotes=offers,
        exchange_rates=dict(EXCHANGE_RATES),
        customer_by_number={customer.number: customer for customer in accounts},
        customer_by_salesforce_id={customer.salesforce_id: customer for customer in accounts},
        customer_by_sap={customer.sap_customer: customer for customer in buyers},
        product_by_number={product.number: product for product in catalogue},
        product_by_sku={product.sku: product for product in catalogue},
        product_by_salesforce_id={product.salesforce_id: product for product in catalogue},
        quote_by_number={quote.number: quote for quote in offers},
        quote_by_salesforce_id={quote.salesforce_id: quote for quote in offers},
    )
