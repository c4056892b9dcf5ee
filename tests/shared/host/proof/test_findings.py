"""What was wrong is said in sentences, and counted."""

from collections import Counter

from shared.durable.endangered.reckoning import Tally
from shared.host.proof.findings import Findings


def test_books_that_agree_are_sound() -> None:
    findings = Findings()
    findings.add_orders({"order-1": "completed", "order-2": "refused", "order-3": "cancelled"})
    findings.add_books({"order-1"}, {"sap": Counter({"order-1": 1})})
    findings.add_calls({"erp.create_order": Tally(2, 2)})
    assert findings.sound
    assert findings.wrong == []


def test_what_was_lost_doubled_or_half_done_is_named_with_its_backend() -> None:
    findings = Findings()
    findings.add_books({"order-1", "order-2"}, {"sap": Counter({"order-1": 2, "order-3": 1})})
    book = findings.books["sap"]
    assert (book.effects, book.lost, book.doubled, book.half_done) == (2, 1, 1, 1)
    assert findings.wrong == [
        "The order order-2 stands, but sap knows nothing of it: it was lost there.",
        "sap has the order order-1 2 times: it was doubled there.",
        "The order order-3 does not stand, but sap has it: it was left half done.",
    ]
    assert not findings.sound


def test_an_order_that_did_not_end_a_call_too_many_and_a_poisonous_order_are_not_sound() -> None:
    unfinished, called, poisoned = Findings(), Findings(), Findings()
    unfinished.add_orders({"order-1": "running"})
    called.add_calls({"erp.create_order": Tally(1, 2)})
    poisoned.add_poisoned(6)
    assert not any(each.sound for each in (unfinished, called, poisoned))
    assert unfinished.wrong == ["The order order-1 did not end; it is running."]
    assert poisoned.wrong == ["One poisonous order could end 6 workers; 5 are allowed."]
