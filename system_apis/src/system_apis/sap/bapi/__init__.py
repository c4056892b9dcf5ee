"""SAP by BAPIs: released function modules, called over SOAP-RFC."""
