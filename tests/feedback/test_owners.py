"""Errors by owner: what audits, appeals and outcomes said of each owner's decisions, with exact intervals."""

from feedback.owners import owners_report
from hitl.core.clock import now, rfc3339
from reviews.models import Decision
from tests.api.support import post
from tests.api.test_appeals import answer, appeal, decided_by_bob
from tests.factories import World


def test_each_source_counts_for_the_owner_whose_decision_it_looked_at(world: World) -> None:
    first = decided_by_bob(world, context={"segments": {"region": "EU"}})
    appeal(world, first)
    answer(world, "approve")
    second = decided_by_bob(world)
    audited = Decision.objects.get(case_id=second)
    assert post(world, "alice", f"decisions/{audited.pk}/audit", {"verdict": "upheld"}).status_code == 201
    third = decided_by_bob(world)
    outcome = {"label": "approve", "observed_at": rfc3339(now())}
    assert post(world, "partner", f"cases/{third}/outcomes", outcome).status_code == 201
    report = owners_report(world.actor("alice"))
    rows = {row.owner: row for row in report.owners}
    bob = rows["Reviewer"]
    assert bob.decisions == 3
    assert [(r.k, r.n) for r in (bob.audit, bob.appeal, bob.outcome)] == [(0, 1), (1, 1), (1, 1)]
    assert bob.appeal.low > 0.02
    assert rows["Appeal"].decisions == 1
    tables = {table.title: {r.name: (r.appealed.k, r.appealed.n) for r in table.rows} for table in report.appeals}
    assert tables["Owner"] == {"Reviewer": (1, 3), "Appeal": (0, 1)}
    assert tables["Segment"] == {"region: EU": (1, 2)}


def test_the_page_shows_them_with_counts_and_the_stranger_sees_none_of_it(world: World) -> None:
    decided_by_bob(world)
    assert "Reviewer" in world.browser("erin").get("/ops/owners?days=30").content.decode()
    assert world.browser("bob").get("/ops/owners").status_code == 403
