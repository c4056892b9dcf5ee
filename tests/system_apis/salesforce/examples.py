"""Calls of the platform contract that succeed; see tests/conformance."""

EXAMPLES = {
    "salesforce_platform.list_objects": lambda _: (None, 5),
    "salesforce_platform.describe_object": lambda _: ("Account",),
}
