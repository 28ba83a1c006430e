"""What automation set is in force with the next request."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hitl.core.clock import now, rfc3339
from routing.engine.adjustments import Adjusted
from routing.models import Adjustment, AdjustmentLook
from routing.selectors import InForce, in_force
from routing.views.adjustments import adjustment_section
from tests.factories import World, make_world, policy_document

pytestmark = pytest.mark.django_db


def current(world: World) -> InForce:
    found = in_force(world.workspace.pk, "loan")
    assert found is not None
    return found


def test_an_adjustment_counts_at_once_and_ends_at_once() -> None:
    world = make_world()
    assert current(world).snapshot.adjustments.audit_rate is None
    row = Adjustment.objects.create(
        workspace=world.workspace,
        policy=world.policy,
        policy_version=world.policy.versions.get(status="active"),
        kind="audit_rate",
        value=0.07,
        lowest=0.05,
        highest=0.3,
        reason="stable",
        since=now(),
    )
    assert current(world).snapshot.adjustments.audit_rate == Adjusted(0.07, "stable")
    row.delete()
    assert current(world).snapshot.adjustments.audit_rate is None


def test_a_case_is_audited_at_the_adjusted_rate() -> None:
    world = make_world(static_risk="high")
    sampling = {"audit_rate": 0.2, "audit_rate_bounds": {"lowest": 0.05, "highest": 0.3}}
    world.put_in_force(policy_document(sampling=sampling))
    Adjustment.objects.create(
        workspace=world.workspace,
        policy=world.policy,
        policy_version=world.policy.versions.get(status="active"),
        kind="audit_rate",
        value=0.07,
        lowest=0.05,
        highest=0.3,
        reason="stable",
        since=now(),
    )
    assert world.submit(world.sure_case_body())["routing"]["selection_probability"] == 0.07


def moved(world: World, *values: float, **changes: Any) -> list[Adjustment]:
    """A threshold that took these values, an hour each, the last still in force."""
    start = now() - timedelta(hours=len(values))
    version = world.policy.versions.get(status="active")
    about = {"kind": "threshold", "model_version": "credit-1", "declared": 0.9, "lowest": 0.8, "highest": 0.95}
    rows = [
        Adjustment(
            workspace=world.workspace, policy=world.policy, policy_version=version, value=value,
            reason=f"Expected wait: {value:g}.", since=start + timedelta(hours=i),
            until=start + timedelta(hours=i + 1) if i + 1 < len(values) else None, **about | changes,
        )
        for i, value in enumerate(values)
    ]  # fmt: skip
    return Adjustment.objects.bulk_create(rows)


def looked(world: World, text: str) -> None:
    findings = [{"kind": "threshold", "model_version": "credit-1", "text": text}]
    AdjustmentLook.objects.create(workspace=world.workspace, policy=world.policy, looked_at=now(), findings=findings)


def test_rest_lists_the_history_newest_first_with_the_last_look() -> None:
    world = make_world()
    first, second = moved(world, 0.88, 0.86)
    looked(world, "It stays.")

    page = world.api().get("/api/v1/policies/loan/adjustments?limit=1").json()

    [row] = page["results"]
    assert row == {
        "id": str(second.pk), "kind": "threshold", "model_version": "credit-1", "policy_version": 1, "value": 0.86,
        "declared": 0.9, "lowest": 0.8, "highest": 0.95, "reason": "Expected wait: 0.86.",
        "since": rfc3339(second.since), "until": None,
    }  # fmt: skip
    assert page["look"]["findings"] == [{"kind": "threshold", "model_version": "credit-1", "text": "It stays."}]
    rest = world.api().get(f"/api/v1/policies/loan/adjustments?cursor={page['next']}").json()
    assert [r["id"] for r in rest["results"]] == [str(first.pk)]
    assert rest["next"] is None


def test_a_policy_that_nothing_looked_at_has_an_empty_history() -> None:
    world = make_world()
    assert world.api().get("/api/v1/policies/loan/adjustments").json() == {"results": [], "next": None, "look": None}
    assert "What adapts by itself" not in world.browser("alice").get("/policies/loan").content.decode()


def test_a_strangers_history_looks_like_a_missing_one() -> None:
    moved(make_world(), 0.88)
    stranger = make_world("globex")
    stranger.policy.slug = "theirs"
    stranger.policy.save()
    hidden = stranger.api().get("/api/v1/policies/loan/adjustments")
    assert (hidden.status_code, hidden.content) == (
        404,
        stranger.api().get("/api/v1/policies/nowhere/adjustments").content,
    )


def test_history_takes_the_same_queries_whatever_its_length() -> None:
    world = make_world()
    moved(world, 0.88)

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert world.api().get("/api/v1/policies/loan/adjustments").status_code == 200
        return len(seen)

    queries()  # the key's first use is noted
    few = queries()
    Adjustment.objects.all().delete()
    moved(world, *[0.88, 0.86] * 10)
    assert queries() == few <= 8


def test_the_policys_page_shows_the_value_in_force_its_reason_and_its_history() -> None:
    world = make_world()
    moved(world, 0.88, 0.86)
    moved(world, 0.2, 0.15, kind="audit_rate", model_version="", declared=0.25, lowest=0.05, highest=0.3)
    looked(world, "No study certifies both budgets.")

    page = world.browser("alice").get("/policies/loan").content.decode()

    assert "now 0.860, declared 0.900" in page and "now 15.0%, declared 25.0%" in page
    assert "Threshold of credit-1" in page and "Expected wait: 0.86." in page
    assert "No study certifies both budgets." in page
    assert page.count('<polyline class="line"') == 2


def test_the_chart_steps_at_each_change_and_falls_back_where_nothing_counted() -> None:
    world = make_world()
    rows = moved(world, 0.88, 0.86)
    gap = rows[0].since + timedelta(minutes=30)
    Adjustment.objects.filter(pk=rows[0].pk).update(until=gap)
    section = adjustment_section(world.policy, rows[1].since + timedelta(hours=1))
    assert section is not None
    [series] = section.series
    heights = [point.split(",")[1] for point in series.line.split()]
    declared = series.declared_line.split(",")[1].split()[0]
    assert heights[0] == declared and heights[3] == declared == heights[4]
    assert heights[1] == heights[2] != heights[5] == heights[6]
