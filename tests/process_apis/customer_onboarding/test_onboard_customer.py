"""Who is onboarded in which order, what is refused before anything is written, and what is put right afterwards."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from process_apis.customer_onboarding.flow import MOST_LEVELS, CustomerToOnboard, OnboardCustomer, OnboardCustomerV1
from process_apis.customer_onboarding.records import as_described, as_entered, delivery_places, require_known_company
from shared.binding.call_context import CallContext
from shared.binding.operation import Operation
from shared.contracts.canonical.identity import Identity, ResolvedIdentity
from shared.contracts.canonical.party import Contact, Customer, ErpCustomer, Partner, SalesAreaKey, SimilarCustomer
from shared.contracts.canonical.values import Address
from shared.contracts.process.customer_onboarding import CustomerNotOnboardable, OnboardingRequest, ShippingPlace
from shared.contracts.system.crm import CustomerOverview, ErpNumberTaken
from shared.contracts.system.cross_references import KeysDisagree
from shared.contracts.system.erp import ErpCustomerRejected

ADDRESS = Address("Hafenweg 1", "", "Hamburg", "HH", "20457", "DE")
ELSEWHERE = replace(ADDRESS, city="Köln", postal_code="50667")
CUSTOMER = Customer(
    "c1", "Alster", currency="EUR", billing_address=ADDRESS, legal_name="Alster GmbH", tax_number="DE1", phone="+49 40"
)


HEALED = "cross_references.note_keys"
NOTED = ["cross_references.note_key"] * 2
FORGOTTEN = ["cross_references.remove_key"] * 2


class Registers:
    """CRM and ERP as far as an onboarding sees them: customers by id, and what was entered."""

    def __init__(self, *customers: Customer) -> None:
        self.customers = {one.customer_id: one for one in customers}
        self.similar: dict[str, list[SimilarCustomer]] = {}
        self.refuses: dict[str, Exception] = {}
        self.called: list[str] = []
        self.entered: list[Any] = []
        self.keys: dict[tuple[str, str], str] = {}

    def writes(self) -> list[str]:
        """What was called and changes something, in order."""
        return [name for name in self.called if not any(read in name for read in (".get_", ".find_", ".resolve"))]

    async def __call__(self, operation: Operation, arguments: dict[str, Any], _: CallContext) -> Any:
        self.called.append(operation.qualified_name)
        if refusal := self.refuses.get(operation.qualified_name):
            raise refusal
        return getattr(self, operation.name)(**arguments)

    def get_customer(self, customer_id: str = "", erp_number: str = "") -> Any:
        return ErpCustomer(erp_number, "1", "") if erp_number else self.customers[customer_id]

    def resolve(self, claim: Any) -> ResolvedIdentity:
        noted = {system: key for (one, system), key in self.keys.items() if one == claim.canonical_id}
        return ResolvedIdentity("customer", claim.canonical_id, {**claim.keys, **noted}, [])

    def note_keys(self, keys: Any) -> list[Identity]:
        self.keys |= {(one.canonical_id, system): key for one in keys.things for system, key in one.keys.items()}
        return []

    def get_customer_overview(self, customer_id: str) -> CustomerOverview:
        people = [Contact("p1"), Contact("p2", email="ada@alster.example")]
        return CustomerOverview(self.customers[customer_id], people, [], [], [])

    def find_similar_customers(self, description: Any) -> list[SimilarCustomer]:
        return self.similar.get(description.reference, [])

    def create_customer(self, customer: Any) -> ErpCustomer:
        self.entered.append(customer)
        return ErpCustomer(f"{len(self.entered)}00", "1", customer.name)

    def add_delivery_place(self, erp_number: str, place: Any) -> Partner:
        return Partner("ship-to", f"{erp_number}9", place.name)

    def note_erp_number(self, customer_id: str, identity: Any) -> Customer:
        self.customers[customer_id] = replace(self.customers[customer_id], erp_number=identity.erp_number)
        return self.customers[customer_id]

    def note_key(self, kind: str, canonical_id: str, system: str, noted: Any) -> Identity:
        self.keys[canonical_id, system] = noted.key
        return Identity("customer", canonical_id, {system: noted.key})

    def remove_key(self, kind: str, canonical_id: str, system: str) -> None:
        del self.keys[canonical_id, system]

    def block_customer(self, erp_number: str, block: Any) -> ErpCustomer:
        return ErpCustomer(erp_number, "1", "", order_blocked=bool(block))


async def run(
    runner_for: Any, registers: Registers, customer_id: str = "c1", version: Any = OnboardCustomer, **request: Any
) -> Any:
    runner = await runner_for(registers, version)
    todo = CustomerToOnboard(OnboardingRequest(customer_id, **request))
    return await (await runner.submit(version, f"onboarding-{customer_id}", todo)).result(5)


async def test_the_erp_hears_first_and_the_crm_last(runner_for: Any) -> None:
    registers = Registers(replace(CUSTOMER, shipping_address=ELSEWHERE))
    area = SalesAreaKey("1010", "10", "00")
    view = await run(runner_for, registers, sales_areas=[area], company_code="1010", payment_terms="NT60")
    assert (view.state, view.result.erp_number, view.result.created) == ("completed", "100", True)
    assert registers.writes() == ["erp.create_customer", "erp.add_delivery_place", *NOTED, "crm.note_erp_number"]
    [entered] = registers.entered
    assert (entered.reference, entered.name, entered.email, entered.address) == (
        "c1", "Alster GmbH", "ada@alster.example", ADDRESS,
    )  # fmt: skip
    assert (entered.sales_areas, entered.company_code, entered.payment_terms) == ([area], "1010", "NT60")


async def test_one_that_has_a_number_is_left_as_it_is_and_noted(runner_for: Any) -> None:
    registers = Registers(replace(CUSTOMER, erp_number="7"))
    view = await run(runner_for, registers)
    assert (view.result.erp_number, view.result.created, registers.writes()) == ("7", False, [HEALED])
    assert registers.keys == {("c1", "erp"): "7", ("c1", "erp.business-partner"): "1"}


async def test_one_that_is_noted_and_whose_number_the_crm_lost_is_told_to_the_crm(runner_for: Any) -> None:
    registers = Registers(CUSTOMER)
    registers.keys = {("c1", "erp"): "7"}
    view = await run(runner_for, registers)
    assert (view.result.erp_number, view.result.created) == ("7", False)
    assert registers.writes() == [HEALED, "crm.note_erp_number"]


async def test_one_of_which_the_crm_says_another_number_than_is_noted_is_refused(runner_for: Any) -> None:
    registers = Registers(replace(CUSTOMER, erp_number="7"))
    registers.refuses["cross_references.resolve"] = KeysDisagree("The crm says 7; noted is 8.")
    view = await run(runner_for, registers)
    assert (view.state, view.problem.detail, registers.writes()) == ("refused", "The crm says 7; noted is 8.", [])


async def test_version_1_believes_the_crm(runner_for: Any) -> None:
    registers = Registers(replace(CUSTOMER, parent_id="c2"), replace(CUSTOMER, customer_id="c2"))
    view = await run(runner_for, registers, version=OnboardCustomerV1)
    assert (view.kind, view.state) == ("onboard-customer@1", "completed")
    of_one = ["crm.get_customer_overview", "erp.find_similar_customers"]
    entered = ["erp.create_customer", *NOTED, "crm.note_erp_number"]
    assert registers.called == [*of_one, "crm.get_customer", *of_one, *entered, *entered]


@pytest.mark.parametrize("depth", range(1, MOST_LEVELS + 2))
async def test_companies_above_come_first_up_to_a_number_of_levels(runner_for: Any, depth: int) -> None:
    chain = [replace(CUSTOMER, customer_id=f"c{at}", parent_id=f"c{at + 1}") for at in range(1, depth)]
    registers = Registers(*chain, replace(CUSTOMER, customer_id=f"c{depth}"))
    view = await run(runner_for, registers)
    if depth > MOST_LEVELS:
        assert (view.state, view.problem.type) == ("refused", "/problems/hierarchy-not-onboardable")
        assert registers.writes() == []
        return
    assert view.state == "completed"
    assert [one.reference for one in registers.entered] == [f"c{at}" for at in range(depth, 0, -1)]
    numbers = [f"{at}00" for at in range(1, depth + 1)]
    assert [one.parent_erp_number for one in registers.entered] == [None, *numbers[:-1]]


async def test_a_parent_with_a_number_is_not_onboarded_again(runner_for: Any) -> None:
    parent = replace(CUSTOMER, customer_id="c2", erp_number="70")
    registers = Registers(replace(CUSTOMER, parent_id="c2"), parent)
    view = await run(runner_for, registers)
    assert (view.result.parent_erp_number, len(registers.entered)) == ("70", 1)


@pytest.mark.parametrize("length", [1, 2, 3])
async def test_a_hierarchy_that_goes_round_is_refused_before_anything_is_written(runner_for: Any, length: int) -> None:
    ring = [replace(CUSTOMER, customer_id=f"c{at}", parent_id=f"c{at % length + 1}") for at in range(1, length + 1)]
    registers = Registers(*ring)
    view = await run(runner_for, registers)
    assert (view.state, view.problem.type) == ("refused", "/problems/hierarchy-not-onboardable")
    assert "c1 →" in view.problem.detail
    assert registers.writes() == []


async def test_asking_to_onboard_all_the_same_says_nothing_of_the_parent(runner_for: Any) -> None:
    registers = Registers(replace(CUSTOMER, parent_id="c2"), replace(CUSTOMER, customer_id="c2"))
    registers.similar = {one: [SimilarCustomer("55", "Alster", ["tax-number"])] for one in ("c1", "c2")}
    view = await run(runner_for, registers, even_if_similar=True)
    assert (view.problem.type, view.problem.extensions["customerId"]) == ("/problems/similar-customers-in-erp", "c2")
    assert registers.writes() == []


async def test_a_number_that_the_crm_refuses_takes_the_customer_out_of_use_and_leaves_its_parent(
    runner_for: Any,
) -> None:
    registers = Registers(replace(CUSTOMER, parent_id="c2"), replace(CUSTOMER, customer_id="c2", erp_number="70"))
    registers.refuses["crm.note_erp_number"] = ErpNumberTaken("It is another's.")
    view = await run(runner_for, registers)
    assert (view.state, view.problem.detail) == ("refused", "It is another's.")
    assert registers.writes() == [
        "erp.create_customer", *NOTED, "crm.note_erp_number", *FORGOTTEN, "erp.block_customer",
    ]  # fmt: skip
    assert registers.keys == {}


async def test_a_company_above_stays_in_use_when_its_onboarding_is_refused_because_others_may_count_on_it(
    runner_for: Any,
) -> None:
    registers = Registers(replace(CUSTOMER, parent_id="c2"), replace(CUSTOMER, customer_id="c2"))
    registers.refuses["crm.note_erp_number"] = ErpNumberTaken("It is another's.")
    view = await run(runner_for, registers)
    assert (view.state, view.problem.detail) == ("refused", "It is another's.")
    assert registers.writes() == ["erp.create_customer", *NOTED, "crm.note_erp_number"]
    assert registers.keys == {("c2", "erp"): "100", ("c2", "erp.business-partner"): "1"}


async def test_what_the_erp_refuses_leaves_nothing_to_undo(runner_for: Any) -> None:
    registers = Registers(CUSTOMER)
    registers.refuses["erp.create_customer"] = ErpCustomerRejected("No.")
    view = await run(runner_for, registers)
    assert (view.state, registers.writes()) == ("refused", ["erp.create_customer"])


def test_everything_that_is_missing_is_named() -> None:
    bare = Customer("c1", " ", shipping_address=Address(street="x"))
    with pytest.raises(CustomerNotOnboardable) as refused:
        require_known_company(bare, OnboardingRequest("c1", shipping_places=[ShippingPlace("", ADDRESS)]))
    assert {one.pointer for one in refused.value.errors} == {
        "/name", "/currency", "/billingAddress", "/shippingAddress/country", "/shippingAddress/city",
        "/shippingPlaces/0/name",
    }  # fmt: skip
    require_known_company(CUSTOMER, OnboardingRequest("c1"))


def test_goods_go_where_the_request_says_else_to_the_shipping_address_if_it_differs() -> None:
    asked = OnboardingRequest("c1", shipping_places=[ShippingPlace("Lager", ELSEWHERE)] * 2)
    assert [(one.reference, one.name) for one in delivery_places(CUSTOMER, asked)] == [
        ("c1-1", "Lager"),
        ("c1-2", "Lager"),
    ]
    shipped = replace(CUSTOMER, shipping_address=ELSEWHERE)
    assert [one.address for one in delivery_places(shipped, OnboardingRequest("c1"))] == [ELSEWHERE]
    for same in (None, Address(), ADDRESS):
        assert delivery_places(replace(CUSTOMER, shipping_address=same), OnboardingRequest("c1")) == []


@given(st.integers(0, 20), st.text(min_size=1, max_size=18, alphabet="0123456789abcXYZ"))
def test_every_place_has_a_key_of_its_own_that_fits(places: int, customer_id: str) -> None:
    request = OnboardingRequest(customer_id, shipping_places=[ShippingPlace("x", ADDRESS)] * places)
    references = [one.reference for one in delivery_places(replace(CUSTOMER, customer_id=customer_id), request)]
    assert len(set(references)) == places
    assert all(len(one) <= 20 and one.startswith(f"{customer_id}-") for one in references)


@given(st.text(max_size=255), st.text(max_size=255))
def test_the_erp_is_searched_for_what_would_be_entered(name: str, legal_name: str) -> None:
    customer = replace(CUSTOMER, name=name, legal_name=legal_name)
    described, entered = as_described(customer), as_entered(customer, OnboardingRequest("c1"), None, "")
    assert (described.reference, described.name, described.address, described.tax_number) == (
        entered.reference, entered.name, entered.address, entered.tax_number,
    )  # fmt: skip
    assert entered.name == (legal_name or name)
