"""SuiteTalk SOAP web services: the same records, in NetSuite's XML."""
