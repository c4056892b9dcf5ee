"""The doors of a Salesforce org, what may go wrong at them, and how each meets it: the table of `conformance`."""
