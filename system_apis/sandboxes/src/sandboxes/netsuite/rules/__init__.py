"""What happens when records are saved: defaults, checks, totals, stock, credit and statuses."""
