"""SOSL, Salesforce's search language (SOQL and SOSL Reference): terms, statements."""
