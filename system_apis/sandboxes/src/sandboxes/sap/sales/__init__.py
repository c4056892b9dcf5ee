"""Sales and distribution: what orders cost, whether goods and credit allow them, and what becomes of them."""
