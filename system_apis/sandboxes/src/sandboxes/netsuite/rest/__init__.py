"""SuiteTalk REST web services: record service, SuiteQL, async, metadata, governance."""
