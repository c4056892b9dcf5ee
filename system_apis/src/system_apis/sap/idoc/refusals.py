"""What cannot be read or written as an IDoc."""


class IdocRefused(ValueError):  # noqa: N818 - reads as what it is
    """Not an IDoc, or not one that SAP could hold; the text says what is wrong and where."""
