"""The broker is a doorbell: while nobody hears it people go on working, and afterwards everything is found."""

from contextlib import ExitStack

import pytest
from django.db import connection, transaction

from audit.models import OutboxMessage
from reviews.models import Case
from tests.api.support import lapse, overdue
from tests.soak.facts import claim_and_lapse, events, once, stuck, unrelayed, waiting
from tests.soak.stack import Stack

pytestmark = pytest.mark.soak
N = 6


def test_nothing_is_lost_while_worker_beat_and_broker_are_away(stack: Stack) -> None:
    """The web process lives through it, and its ring reaches the worker again: there is no beat until the very end."""
    world = stack.world
    stack.keep("web", "worker")
    stack.wait_for_web()
    stack.post("partner", "cases", world.sure_case_body())
    stack.eventually(lambda: unrelayed(world) == 0)
    stack.keep("web")
    with stack.broker.away():
        cases = [stack.post("partner", "cases", world.case_body()) for _ in range(N)]
        decided = [stack.post("partner", "cases", world.sure_case_body()) for _ in range(N)]
        lapsed = [stack.post(name, "reviews/claim")["claim"] for name in ("bob", "carol")]
        judged = stack.post("bob", "reviews/claim")["claim"]
        for step in ("first-judgement", "judgement"):
            stack.post("bob", f"claims/{judged['id']}/{step}", {"token": judged["token"], "label": "reject"})
        late = next(case for case in cases if case["id"] not in {c["case"]["id"] for c in (judged, *lapsed)})
        for lease in lapsed:
            lapse(lease)
        overdue(late)
    told = list(OutboxMessage.objects.filter(workspace_id=world.workspace.pk, relayed_at=None))
    assert {m.case_id for m in told} >= {Case.objects.get(pk=judged["case"]["id"]).pk}

    stack.keep("web", "worker")
    rung = OutboxMessage.objects.filter(pk__in=[m.pk for m in told], relayed_at__isnull=False)
    stack.eventually(lambda: stack.post("partner", "cases", world.sure_case_body()) and rung.exists())
    stack.keep("web", "worker", "beat")
    stack.eventually(lambda: unrelayed(world) == 0 and len(events(world, "review.expired")) == len(lapsed))
    stack.eventually(lambda: events(world, "review.overdue"))
    assert events(world, "review.expired") == once(lease["review"]["id"] for lease in lapsed)
    assert events(world, "review.overdue") == once([late["review"]["id"]])
    seen = events(world, "case.submitted") | events(world, "case.decided")
    assert seen >= once(case["id"] for case in cases + decided)
    assert Case.objects.get(pk=judged["case"]["id"]).status == "decided"


def test_worker_and_beat_find_a_broker_that_came_back(stack: Stack) -> None:
    world = stack.world
    for _ in range(2):
        world.submit()
    stack.keep("worker", "beat")
    before = claim_and_lapse(world, "bob")
    stack.eventually(lambda: waiting(before))
    with stack.broker.away():
        before_it = {name: stack.said(name) for name in ("worker", "beat")}
        during = claim_and_lapse(world, "carol")
        stack.eventually(lambda: all(stack.said(name) != said for name, said in before_it.items()))  # both complain
    # hitl's own broker ends a worker that cannot read it; whoever supervises it starts it again.
    stack.eventually(lambda: stack.keep("worker", "beat") or waiting(during))
    assert sum(events(world, "review.expired").values()) == 2


def test_a_worker_that_could_not_acknowledge_works_again(stack: Stack) -> None:
    """Both its processes are at work while the broker goes, so what they finish is never acknowledged."""
    world = stack.world
    world.submit()
    stack.keep("worker", "beat")
    with ExitStack() as outage:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE reviews_claim, audit_outboxmessage IN ACCESS EXCLUSIVE MODE")
            stack.eventually(lambda: stuck().count("worker") == 2)
            outage.enter_context(stack.broker.away())
            before_it = stack.said("worker")
        stack.eventually(lambda: stack.said("worker") != before_it)  # it complains
    lapsed = claim_and_lapse(world, "bob")
    stack.eventually(lambda: stack.keep("worker", "beat") or waiting(lapsed))
