"""Many records at once: loads and extracts over Bulk API 2.0, and Bulk API 1.0 where rows must be written in turn.

`loading` writes records and says of each what became of it, `extraction` reads the rows of a query, `serial` is
Bulk API 1.0; `jobs` speaks the protocol (Salesforce, "Bulk API 2.0 and Bulk API Developer Guide"). `service` is the
contract that other tiers use: `drafts` makes jobs of what they ask, `starting` begins them, `results` and `typed` read.
"""
