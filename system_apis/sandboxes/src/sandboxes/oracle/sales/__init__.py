"""Order management and receivables: orders, returns, their fulfilment and their bills."""
