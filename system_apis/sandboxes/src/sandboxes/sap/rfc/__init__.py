"""Function modules that may be called from outside (BAPIs), over SOAP."""
