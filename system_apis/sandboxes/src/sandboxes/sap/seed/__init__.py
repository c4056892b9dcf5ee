"""The seed: the company's master data and a history of documents, as SAP would hold them."""
