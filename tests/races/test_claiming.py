"""Nobody gets a review twice and none is lost, however many ask at once."""

from collections import Counter

import pytest

from reviews.actions.claims import claim_next_review
from reviews.actions.judgements import Said, record_judgement
from reviews.models import Case, Claim, Decision, Judgement, ReviewTask
from tests.api.support import claim, open_queue, post
from tests.delivery.race import at_once
from tests.factories import World
from tests.races.crowd import add_reviewers, codes, submit_many

REVIEWERS, REVIEWS = 16, 240


@pytest.mark.parametrize(("reviewers", "reviews"), [(2, 500), (REVIEWERS, REVIEWS)])
def test_reviewers_share_out_every_review_exactly_once(race_world: World, reviewers: int, reviews: int) -> None:
    open_queue(race_world)
    cases = submit_many(race_world, reviews)
    names = add_reviewers(race_world, reviewers)

    actors = {name: race_world.actor(name) for name in names}

    def work(name: str) -> list[str]:
        done = []
        while held := claim_next_review(actor=actors[name]):
            lease = held.claim
            assert lease.token
            said = record_judgement(actor=actors[name], claim_id=lease.pk, token=lease.token, said=Said("reject"))
            done.append(said.case.id)
        return done

    shares = at_once(*[lambda name=name: work(name) for name in names])
    assert not [share for share in shares if isinstance(share, Exception)], shares
    assert sorted(case for share in shares for case in share) == sorted(cases)
    assert set(Counter(Judgement.objects.values_list("review_id", flat=True)).values()) == {1}
    assert Claim.objects.count() == Decision.objects.filter(is_current=True).count() == reviews
    assert set(ReviewTask.objects.values_list("status", flat=True)) == {"done"}
    assert set(Case.objects.values_list("status", flat=True)) == {"decided"}


def test_sixteen_reviewers_claim_sixteen_different_reviews_in_the_same_moment(race_world: World) -> None:
    submit_many(race_world, REVIEWERS)
    names = add_reviewers(race_world, REVIEWERS)
    leases = at_once(*[lambda name=name: claim(race_world, name) for name in names])
    assert len({lease["review"]["id"] for lease in leases}) == REVIEWERS
    assert len({lease["token"] for lease in leases}) == REVIEWERS


def test_the_last_review_goes_to_one_and_the_others_get_nothing(race_world: World) -> None:
    submit_many(race_world, 1)
    names = add_reviewers(race_world, 8)
    answers = at_once(*[lambda name=name: post(race_world, name, "reviews/claim") for name in names])
    assert codes(answers) == [(200, "")] + [(204, "")] * 7


def test_the_cap_holds_for_one_person_with_many_hands(race_world: World) -> None:
    submit_many(race_world, 10)
    answers = at_once(*[lambda: post(race_world, "bob", "reviews/claim")] * 8)
    assert codes(answers) == [(200, "")] * 3 + [(409, "claim_limit_reached")] * 5
    assert Claim.objects.filter(status="open").count() == 3


def test_a_review_of_choice_goes_to_one(race_world: World) -> None:
    race_world.queue.allow_pick = True
    race_world.queue.save()
    submit_many(race_world, 1)
    review = ReviewTask.objects.get()
    answers = at_once(
        *[lambda n=n: post(race_world, n, f"reviews/{review.pk}/claim") for n in ("bob", "carol", "dave")]
    )
    assert codes(answers) == [(200, "")] + [(409, "already_claimed")] * 2
