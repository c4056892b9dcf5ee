"""Saves records, whichever channel asks: defaults and checks of the type, stamps, unique external ids."""

import sqlite3
from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from sandboxes.netsuite.records.merging import merged
from sandboxes.netsuite.records.store import Document, Records
from sandboxes.netsuite.refusals import Refusal, no_record, user_error
from sandboxes.netsuite.rules import customers, fulfilment, items, orders, returns
from sandboxes.netsuite.rules.context import Context, Rule
from sandboxes.netsuite.schema.model import RecordType

_RULES: Mapping[str, Rule] = {
    "customer": customers.CUSTOMER,
    "contact": customers.CONTACT,
    "inventoryItem": items.INVENTORY_ITEM,
    "salesOrder": orders.SALES_ORDER,
    "itemFulfillment": fulfilment.ITEM_FULFILLMENT,
    "invoice": fulfilment.INVOICE,
    "returnAuthorization": returns.RETURN_AUTHORIZATION,
    "itemReceipt": returns.ITEM_RECEIPT,
    "creditMemo": returns.CREDIT_MEMO,
}
_Transform = Callable[[Context, Document], Document]
_TRANSFORMS: Mapping[tuple[str, str], _Transform] = {
    ("salesOrder", "itemFulfillment"): fulfilment.fulfillment_of,
    ("salesOrder", "invoice"): fulfilment.invoice_of,
    ("salesOrder", "returnAuthorization"): returns.return_of,
    ("invoice", "returnAuthorization"): returns.return_of,
    ("returnAuthorization", "itemReceipt"): returns.receipt_of,
    ("returnAuthorization", "creditMemo"): returns.credit_of,
}


class Saving:
    """Writes to the records of an account; the caller holds the transaction, which must not outlive a refusal."""

    def __init__(self, records: Records, now: Callable[[], datetime]) -> None:
        self._context = Context(records, now)
        self.contended = 0
        """How many of the next changes find that somebody else has saved the record meanwhile."""

    def create(self, record_type: RecordType, content: Document) -> str:
        """Add a record; returns its internal id."""
        rule = _rule(record_type)
        if record_type.name in fulfilment.TRANSFORMED_ONLY:
            raise user_error(f"A {record_type.title} can only be made from another transaction.")
        return self._add(record_type, rule, {name: value for name, value in content.items() if value is not None})

    def change(
        self, record_type: RecordType, key: str, changes: Document, replaced: Collection[str] = ()
    ) -> str:  # fmt: skip
        """Change a record; returns its internal id."""
        rule, old = _rule(record_type), self.held(record_type, key)
        if self.contended:
            self.contended -= 1
            raise Refusal("RCRD_HAS_BEEN_CHANGED", "Record has been changed.", path=f"{record_type.name}/{key}")
        changes = {name: value for name, value in changes.items() if name != "id"}
        document = rule.change(self._context, merged(record_type, old, changes, replaced), old)
        self._keep(record_type, document)
        return str(document["id"])

    def upsert(
        self, record_type: RecordType, external_id: str, content: Document, replaced: Collection[str] = ()
    ) -> tuple[str, bool]:  # fmt: skip
        """Change the record with this external id, or add it; returns its internal id and whether it is new."""
        content = {**content, "externalId": external_id}
        old = self._context.records.by_external_id(record_type.name, external_id)
        if old is None:
            return self.create(record_type, content), True
        return self.change(record_type, str(old["id"]), content, replaced), False

    def remove(self, record_type: RecordType, key: str) -> None:
        """Delete a record that nothing depends on."""
        rule, old = _rule(record_type), self.held(record_type, key)
        rule.remove(self._context, old)
        self._context.records.delete(record_type.name, str(old["id"]), self._context.stamp())

    def initialized(self, source: RecordType, key: str, target: RecordType) -> Document:
        """What a transform would make, not saved.

        Raises:
            Refusal: there is no such transform, or the source is not in a state for it.
        """
        transform = _TRANSFORMS.get((source.name, target.name))
        if transform is None:
            raise Refusal(
                "INVALID_INITIALIZE_REF", f"A {source.title} cannot be transformed to {target.title}.", path=target.name
            )
        return transform(self._context, self.held(source, key))

    def transform(
        self,
        source: RecordType,
        key: str,
        target: RecordType,
        changes: Document,
        replaced: Collection[str] = (),
    ) -> str:
        """Make one record from another; lines are as the source has them, `changes` wins."""
        draft = self.initialized(source, key, target)
        lines = changes.get("item")
        content = {**draft, **{name: value for name, value in changes.items() if name != "item"}}
        if lines is not None:
            content["item"] = fulfilment.chosen_lines(draft["item"], lines, only="item" in replaced)
        return self._add(target, _rule(target), content)

    def held(self, record_type: RecordType, key: str) -> Document:
        """The record with this internal id, or `eid:` and its external id.

        Raises:
            Refusal: NONEXISTENT_ID.
        """
        records = self._context.records
        found = (
            records.by_external_id(record_type.name, key[4:])
            if key.startswith("eid:")
            else records.get(record_type.name, key)
        )
        if found is None:
            raise no_record(f"{record_type.name}/{key}")
        return found

    def _add(self, record_type: RecordType, rule: Rule, content: Document) -> str:
        records = self._context.records
        content = {name: value for name, value in content.items() if name != "id"}
        external_id = content.get("externalId")
        if external_id and records.by_external_id(record_type.name, str(external_id)):
            raise _duplicate()
        document = rule.create(self._context, {**content, "id": records.next_id(record_type.numbers)})
        self._keep(record_type, document)
        return str(document["id"])

    def _keep(self, record_type: RecordType, document: Document) -> None:
        stamp = self._context.stamp()
        created = "createdDate" if "createdDate" in record_type.by_name else "dateCreated"
        document = {created: stamp, **document, "lastModifiedDate": stamp}
        try:
            self._context.records.put(record_type.name, document)
        except sqlite3.IntegrityError:
            raise _duplicate() from None


def _rule(record_type: RecordType) -> Rule:
    rule = _RULES.get(record_type.name)
    if rule is None:
        raise Refusal(
            "INSUFFICIENT_PERMISSION",
            f"Permission Violation: You need a higher level of the '{record_type.title}' permission.",
            403,
        )
    return rule


def _duplicate() -> Refusal:
    return Refusal("DUP_RCRD", "This record already exists.", path="externalId")
