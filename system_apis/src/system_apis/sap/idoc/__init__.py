"""IDocs, SAP's documents between systems: how they are written and read, sent and taken in.

`control`, `document`, `xml_format` and `flat_format` are the format; `types` are the documents we know, field by field.
"""
