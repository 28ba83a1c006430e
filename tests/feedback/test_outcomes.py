from datetime import timedelta

import pytest

from audit.models import Event
from feedback.models import Signal
from feedback.selectors import signals_for_case, winning_outcome
from hitl.core.clock import now, rfc3339
from tests.factories import World, make_world
from tests.feedback.history import add_cases, stranger_id


def post(world: World, case_id: object, name: str = "partner", **changes: object):
    body = {"label": "approve", "observed_at": rfc3339(now()), "source": "ledger", "details": {"days": 30}} | changes
    return world.api(name).post(f"/api/v1/cases/{case_id}/outcomes", body, content_type="application/json")


def test_an_outcome_is_kept_with_its_event(world: World) -> None:
    [case] = add_cases(world, [0.8])

    response = post(world, case.pk)

    assert response.status_code == 201
    assert response.json()["counts"] is True
    assert response.json()["source"] == "ledger"
    event = Event.objects.get(action="outcome.recorded")
    assert event.case_id == case.pk
    assert event.versions["model"] == "credit-1"


def test_every_outcome_is_kept_and_the_latest_observed_one_counts(world: World) -> None:
    [case] = add_cases(world, [0.8])
    later, earlier = now(), now() - timedelta(days=3)

    assert post(world, case.pk, label="reject", observed_at=rfc3339(later)).json()["counts"]
    assert not post(world, case.pk, label="approve", observed_at=rfc3339(earlier)).json()["counts"]
    winner = winning_outcome(case.pk)

    assert winner is not None and winner.label == "reject"
    assert [s.label for s in signals_for_case(case.pk)] == ["reject", "approve"]


def test_among_outcomes_observed_at_once_the_last_to_arrive_counts(world: World) -> None:
    [case] = add_cases(world, [0.8])
    at = rfc3339(now())
    for label in ("approve", "reject"):
        post(world, case.pk, label=label, observed_at=at)

    winner = winning_outcome(case.pk)

    assert winner is not None and winner.label == "reject"


@pytest.mark.parametrize(
    ("changes", "status", "pointer", "code"),
    [
        ({"label": "maybe"}, 422, "/label", "unknown_label"),
        ({"observed_at": rfc3339(now() + timedelta(hours=1))}, 400, "/observed_at", "in_the_future"),
        ({"observed_at": "0001-01-01T00:00:00+14:00"}, 400, "/observed_at", "out_of_range"),
        ({"observed_at": "9999-12-31T23:59:59-14:00"}, 400, "/observed_at", "in_the_future"),
        ({"observed_at": "2026-01-01T00:00:00"}, 400, "/observed_at", "invalid_type"),
        ({"observed_at": "yesterday"}, 400, "/observed_at", "invalid_value"),
        ({"extra": 1}, 400, "/extra", "unknown_field"),
        ({"source": "s" * 101}, 400, "/source", "invalid_type"),
        ({"details": [1]}, 400, "/details", "invalid_type"),
    ],
)
def test_a_wrong_outcome_is_refused_by_place_and_nothing_is_stored(
    world: World, changes: dict[str, object], status: int, pointer: str, code: str
) -> None:
    [case] = add_cases(world, [0.8])

    response = post(world, case.pk, **changes)

    assert response.status_code == status, response.content
    assert [(e["pointer"], e["code"]) for e in response.json()["errors"]] == [(pointer, code)]
    assert not Signal.objects.exists()


def test_a_hidden_case_looks_like_a_missing_one(world: World) -> None:
    other = make_world("globex")
    [foreign] = add_cases(other, [0.8])

    hidden, missing = post(world, foreign.pk), post(world, stranger_id())

    assert hidden.status_code == missing.status_code == 404
    assert hidden.content == missing.content


def test_a_reviewer_may_not_record_outcomes(world: World) -> None:
    [case] = add_cases(world, [0.8])

    assert post(world, case.pk, name="bob").status_code == 403
    assert not Signal.objects.exists()
