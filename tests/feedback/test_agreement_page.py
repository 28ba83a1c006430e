"""/quality/agreement: what several people said of the same cases, unaided where they did, sealed where it must be."""

from django.db import connection
from django.test.utils import CaptureQueriesContext
from guardian.shortcuts import assign_perm

from feedback.agreement_report import agreement_report
from hitl.core.clock import now
from reviews.models import Judgement, Panel, ReviewTask
from tests.api.support import get, problem
from tests.factories import World, make_world
from tests.feedback.history import add_cases, judge


def judged_by_two(world: World, n: int, *, differ: int) -> None:
    """Bob and Carol judge `n` cases unaided; they differ on the first `differ`, and then both follow the machine."""
    for number, case in enumerate(add_cases(world, [0.7] * n)):
        own = "reject" if number % 2 else "approve"
        other = "approve" if own == "reject" else "reject"
        judge(world, case, "bob", "approve", first=own)
        judge(world, case, "carol", "approve", first=other if number < differ else own, kind="second")


def test_unaided_words_are_compared_not_what_the_machine_made_of_them(world: World) -> None:
    judged_by_two(world, 20, differ=6)
    found = agreement_report(world.actor("alice"), "", "90d", "")
    assert (found.basis, found.units) == ("unaided", 20)
    assert [(p.first, p.second, p.group.alike.k) for p in found.by_pair] == [("bob", "carol", 14)]
    last = agreement_report(world.actor("alice"), "", "90d", "final")
    assert last.by_pair[0].group.alike.k == 20
    page = world.browser("alice").get("/quality/agreement").content.decode()
    assert "bob · carol" in page and "14 of 20" in page and "Krippendorff" in page
    assert page.count('href="/cases/') == 6, "the cases on which they differ"


def test_the_same_figures_come_by_rest(world: World) -> None:
    judged_by_two(world, 20, differ=6)
    found = get(world, "alice", "agreement?queue=loans&window=30d").json()
    assert (found["basis"], found["units"], found["queue"]) == ("unaided", 20, "loans")
    (pair,) = found["by_pair"]
    assert (pair["name"], pair["alike"], pair["n"]) == ("bob · carol", 14, 20)
    assert [c["name"] for c in pair["coefficients"]] == ["cohen", "gwet_ac1"]
    assert sum(map(sum, found["coincidences"]["cells"])) == 40
    for query, pointer in (("window=9d9", "?window"), ("basis=x", "?basis"), ("odd=1", "?odd")):
        assert (
            problem(get(world, "alice", f"agreement?{query}"), 400, "invalid_input")["errors"][0]["pointer"] == pointer
        )
    problem(get(world, "alice", "agreement?queue=nowhere"), 404, "not_found")


def test_last_words_serve_where_nobody_judged_unaided(world: World) -> None:
    for case in add_cases(world, [0.7] * 4):
        judge(world, case, "bob", "approve", visibility="before")
        judge(world, case, "carol", "reject", visibility="before", kind="second")
    found = agreement_report(world.actor("alice"), "", "90d", "")
    assert (found.basis, found.unaided, found.units) == ("final", 0, 4)
    assert not agreement_report(world.actor("alice"), "", "90d", "unaided").units


def test_adjudicators_gold_and_lone_judgements_are_no_second_voice(world: World) -> None:
    first, second, third = add_cases(world, [0.7] * 3)
    judge(world, first, "bob", "approve", first="approve")
    judge(world, first, "dave", "reject", first="reject", kind="adjudication")
    judge(world, second, "bob", "approve", first="approve", kind="gold")
    judge(world, second, "carol", "reject", first="reject", kind="gold")
    judge(world, third, "bob", "approve", first="approve")
    assert not agreement_report(world.actor("alice"), "", "90d", "").units
    assert b"No case was judged by two people" in world.browser("alice").get("/quality/agreement").content


def test_what_was_undone_or_is_older_than_the_window_does_not_count(world: World) -> None:
    judged_by_two(world, 3, differ=1)
    Judgement.objects.filter(user=world.users["carol"], case=Judgement.objects.order_by("id")[0].case).update(
        undone_at=now()
    )
    assert agreement_report(world.actor("alice"), "", "1h", "").units == 2
    assert agreement_report(world.actor("alice"), "loans", "1h", "").units == 2
    assert agreement_report(world.actor("alice"), "loans-expert", "1h", "").units == 0


def test_examples_keep_the_seal_and_panels_that_sit(world: World) -> None:
    judged_by_two(world, 2, differ=2)
    assert len(agreement_report(world.actor("alice"), "", "90d", "").examples) == 2
    assign_perm("claim_queue", world.users["alice"], world.queue)
    assign_perm("view_queue", world.users["alice"], world.queue)
    assert not agreement_report(world.actor("alice"), "", "90d", "").examples, "she may still have to judge them"
    for case in {j.case for j in Judgement.objects.select_related("case")}:
        judge(world, case, "alice", "approve", first="approve", kind="third")
    assert len(agreement_report(world.actor("alice"), "", "90d", "").examples) == 2
    case = Judgement.objects.all()[0].case
    panel = Panel.objects.create(
        workspace=world.workspace, case=case, queue=world.queue, scheme={"kind": "blind_double"}, opened_at=now()
    )
    ReviewTask.objects.filter(case=case).update(panel=panel)
    assert len(agreement_report(world.actor("alice"), "", "90d", "").examples) == 1, "its panel still sits"


def test_outsiders_and_reviewers_see_none_of_it(world: World) -> None:
    judged_by_two(world, 3, differ=1)
    assert world.browser("bob").get("/quality/agreement").status_code == 403
    other = make_world("other")
    assert not agreement_report(other.actor("alice"), "", "90d", "").units
    assert world.browser("alice").get("/quality/agreement?window=x").status_code == 302
    assert world.browser("alice").get("/quality/agreement?basis=x").status_code == 302
    assert world.browser("alice").get("/quality/agreement?queue=nowhere").status_code == 404
    assert agreement_report(world.actor("erin"), "", "90d", "").units == 3, "auditors read the figures"


def test_the_cost_does_not_grow_with_the_data(world: World) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            agreement_report(world.actor("alice"), "", "90d", "")
        return len(captured.captured_queries)

    judged_by_two(world, 2, differ=1)
    few = statements()
    judged_by_two(world, 10, differ=5)
    assert statements() <= few <= 10
