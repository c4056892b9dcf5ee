"""ADF's SOAP services: document/literal, SOAP 1.1, `find…` with criteria, faults as ServiceErrorMessage."""
