"""Oracle E-Business Suite through its Integrated SOA Gateway: orders placed, read and cancelled by OE_ORDER_PUB.

It stands beside Fusion, for houses that still order there: `[backends.oracle.interfaces]` gives it the orders.
"""
