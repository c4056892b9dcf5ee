"""What most resources do on a write: keep what was sent."""

from sandboxes.oracle.framework.declare import Behaviour, Node, Resource, Row, Work


def insert(work: Work, resource: Resource, parent: Row | None, node: Node) -> Row:
    """Store a row, and what was sent below it."""
    row = work.records.add(resource, node.values, parent["@id"] if parent else None)
    for name, below in node.children.items():
        for one in below:
            insert(work, resource.below[name], row, one)
    return row


def store(work: Work, resource: Resource, row: Row, node: Node) -> None:
    """Change a row's fields."""
    work.records.change(resource, row, node.values)


def remove(work: Work, resource: Resource, row: Row) -> None:
    """Delete a row and what is below it."""
    work.records.remove(resource, row)


KEPT = Behaviour(create=insert, update=store, delete=remove)
"""Created, changed and deleted as sent."""
