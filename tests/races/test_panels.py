"""Two blind reviewers finish at the same moment: exactly one of them sees both, and the case goes on once."""

from functools import partial

import pytest

from reviews.models import Case, Decision, Panel, ReviewTask
from tests.api.support import claim, post, verb
from tests.api.test_schemes import check_invariants
from tests.delivery.race import at_once
from tests.factories import World
from tests.races.crowd import add_reviewers, codes, submit_many

SAME, OTHER = ("reject", "reject"), ("reject", "approve")


@pytest.mark.parametrize("labels, status", [(SAME, "decided"), (OTHER, "awaiting_adjudication")])
def test_both_finish_at_the_same_moment(race_world: World, labels: tuple[str, str], status: str) -> None:
    world = race_world
    world.queue.scheme = {"kind": "blind_double", "adjudication_queue": "loans-expert"}
    world.queue.judge_first = False
    world.queue.save()
    for case_id in submit_many(world, 8):
        leases = [(name, claim(world, name)) for name in ("bob", "carol")]
        assert {lease["case"]["id"] for _, lease in leases} == {case_id}
        jobs = [
            partial(verb, world, name, lease, "judgement", label=label)
            for (name, lease), label in zip(leases, labels, strict=True)
        ]
        assert codes(at_once(*jobs)) == [(200, ""), (200, "")]
        assert Case.objects.get(pk=case_id).status == status
        assert Decision.objects.filter(case_id=case_id).count() == (status == "decided")
        rulings = ReviewTask.objects.filter(case_id=case_id, kind="adjudication")
        assert rulings.count() == (status != "decided")
        check_invariants(case_id)


def test_a_crowd_on_one_queue_gives_every_case_two_people_and_never_one_twice(race_world: World) -> None:
    world = race_world
    world.queue.scheme, world.queue.judge_first = {"kind": "dynamic_third"}, False
    world.queue.save()
    names = add_reviewers(world, 6)
    cases = submit_many(world, 12)

    def work(name: str, n: int) -> None:
        while (found := post(world, name, "reviews/claim")).status_code == 200:
            lease = found.json()["claim"]
            label = "approve" if (hash(lease["case"]["id"]) + n) % 3 else "reject"
            assert verb(world, name, lease, "judgement", label=label).status_code == 200

    for answer in at_once(*(partial(work, name, n) for n, name in enumerate(names))):
        if isinstance(answer, Exception):
            raise answer
    for case_id in cases:
        check_invariants(case_id)
    assert Panel.objects.exclude(status__in=["decided", "open"]).count() == 0
