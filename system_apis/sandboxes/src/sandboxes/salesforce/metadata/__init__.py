"""The org's own definitions, and the ways an administrator changes them: Metadata SOAP, deploy and retrieve, Tooling.

`definitions` keeps them, `kinds` says what each kind must be, `fields` turns them into the fields that records have.
"""
