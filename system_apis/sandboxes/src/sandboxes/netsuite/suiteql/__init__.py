"""SuiteQL: read-only SQL over tables that are named as NetSuite's."""
