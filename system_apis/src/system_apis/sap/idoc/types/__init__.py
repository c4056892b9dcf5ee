"""The documents we know: their segments with the fields that matter to us, and the order of their segments.

A partner's release may have more; what these lack is kept in the tree (`document.Segment`). Widths are those of the
released segments; check them against the partner's own documentation (transaction WE60).
"""
