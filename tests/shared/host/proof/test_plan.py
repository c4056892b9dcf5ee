"""Which worker ends where."""

from random import Random

from shared.host.proof.plan import Plan

ROUTES = {"placed": ["before:a", "after:a", "before:b", "after:b"], "cancelled": ["before:undo"]}
ALL = ROUTES["placed"] + ROUTES["cancelled"]


def planned(kills: int, seed: int) -> Plan:
    """All of a plan carried out by workers that reach whatever they are to reach."""
    random = Random(seed)
    plan = Plan(kills, ROUTES, random)
    while not plan.is_over:
        route, position = random.choice([*ROUTES]), 0
        while (ending := plan.choose(route, position)) is not None:
            name = ending.at or random.choice(ROUTES[route])
            plan.ended(ending, name)
            position = ROUTES[route].index(name) + 1
    return plan


def test_each_boundary_is_visited_as_often_as_the_others_and_no_worker_too_many_ends() -> None:
    for seed in range(20):
        plan = planned(52, seed)
        assert plan.total == 52
        assert min(plan.done[name] for name in ALL) >= 10


def test_a_few_workers_are_stopped_first() -> None:
    plan = Plan(100, {"placed": ALL}, Random(1))
    endings = []
    while (ending := plan.choose("placed", 0)) is not None:
        plan.ended(ending, ending.at or "before:a")
        endings.append(ending)
    assert sum(ending.freeze for ending in endings) == 5


def test_a_boundary_that_nobody_reaches_is_given_up_in_favour_of_others() -> None:
    plan = Plan(50, {"placed": ALL}, Random(1))
    misses = 0
    while not plan.is_over:
        ending = plan.choose("placed", 0)
        assert ending is not None
        if ending.at == "after:b":
            plan.missed(ending)
            misses += 1
        else:
            plan.ended(ending, ending.at or "before:a")
    assert (plan.total, plan.done["after:b"]) == (50, 0)
    assert 0 < misses < 50


def test_what_is_under_way_elsewhere_is_not_chosen_again() -> None:
    plan = Plan(5, {"placed": ALL}, Random(1))
    chosen = [plan.choose("placed", 0) for _ in range(5)]
    assert sorted(each.at for each in chosen if each) == sorted(ALL)
    assert plan.choose("placed", 0) is None


def test_a_worker_that_ends_elsewhere_than_it_was_to_is_made_up_for() -> None:
    plan = Plan(10, {"placed": ALL}, Random(1))
    while (ending := plan.choose("placed", 0)) is not None:
        strayed = ending.at == "after:b" and plan.done["before:a"] < 4
        plan.ended(ending, "before:a" if strayed else ending.at)
    assert min(plan.done[name] for name in ALL) >= 2
    assert plan.total > 10
