"""Many records at once: loads and extracts over Bulk API 2.0, and Bulk API 1.0 where rows must be written in turn.

`loading` writes records and says of each what became of it, `extraction` reads the rows of a query, `serial` is
Bulk API 1.0; `jobs` speaks the protocol (Salesforce, "Bulk API 2.0 and Bulk API Developer Guide").
"""
