import pytest

from feedback.actions.labels import rebuild_labels
from feedback.models import ThresholdStudy
from feedback.stats.thresholds import GRID
from tests.factories import World, make_world
from tests.feedback.history import TWO_REGIONS, observe_world, stranger_id


def study(world: World, name: str = "partner", **body: object):
    return world.api(name).post(
        "/api/v1/threshold-studies", {"task_type": "loan"} | body, content_type="application/json"
    )


def records(right: int, wrong: int, confidence: float = 0.99) -> list[dict[str, object]]:
    return [{"confidence": confidence, "correct": n < right} for n in range(right + wrong)]


def test_a_study_of_records_is_answered_on_their_scale_and_not_stored(world: World) -> None:
    response = study(world, records=records(263, 0))

    assert response.status_code == 200
    body = response.json()
    assert [p["threshold"] for p in body["curve"]] == list(GRID)
    assert (body["guaranteed_threshold"], body["naive_threshold"], body["attainable"]) == (0.5, 0.5, True)
    assert set(body["curve"][0]) >= {"threshold", "automated", "review_share", "error", "error_upper"}
    assert body["curve"][-1] == body["curve"][-1] | {"automated": 0, "error": None, "error_upper": 1.0}
    assert "id" not in body
    assert not ThresholdStudy.objects.exists()


def test_one_record_too_few_is_not_attainable_although_the_naive_rule_says_so(world: World) -> None:
    body = study(world, records=records(262, 0)).json()

    assert (body["guaranteed_threshold"], body["naive_threshold"], body["attainable"]) == (None, 0.5, False)
    assert body["labels_needed"] == 1


def test_no_records_at_all_is_an_answer_not_an_error(world: World) -> None:
    body = study(world, records=[]).json()

    assert (body["n"], body["attainable"], body["guaranteed_threshold"]) == (0, False, None)


def test_stored_labels_are_studied_on_the_half_nothing_was_fitted_on_and_kept(world: World) -> None:
    observe_world(world, 400)
    rebuild_labels()

    response = study(world, model_version="credit-1")

    assert response.status_code == 201
    body = response.json()
    assert 150 < body["n"] < 250
    again = world.api().get(f"/api/v1/threshold-studies/{body['id']}")
    assert again.json() == body


def test_a_study_is_narrowed_by_model_label_and_segment(world: World) -> None:
    observe_world(world, 200, regions=TWO_REGIONS)
    observe_world(world, 100, seed=2, model_version="credit-2")
    rebuild_labels()

    everything = study(world).json()["n"]
    one_model = study(world, model_version="credit-2").json()["n"]
    one_region = study(world, slice={"segment": {"region": "EU"}}).json()["n"]

    assert 0 < one_model < everything
    assert 0 < one_region < everything
    assert study(world, slice={"label": "reject"}).json()["n"] == 0


@pytest.mark.parametrize(
    ("changes", "status", "pointer"),
    [
        ({"task_type": "unknown"}, 422, "/task_type"),
        ({"slice": {"label": "maybe"}}, 422, "/slice/label"),
        ({"max_error": 0}, 400, "/max_error"),
        ({"delta": 1}, 400, "/delta"),
        (
            {"records": [{"confidence": 0.5, "correct": True}, {"confidence": 1.5, "correct": True}]},
            400,
            "/records/1/confidence",
        ),
        ({"records": [{"confidence": 0.5}]}, 400, "/records/0/correct"),
        ({"records": [{"confidence": 0.5, "correct": 1}]}, 400, "/records/0/correct"),
        ({"record": []}, 400, "/record"),
    ],
)
def test_a_wrong_question_is_refused_by_place(
    world: World, changes: dict[str, object], status: int, pointer: str
) -> None:
    response = study(world, **changes)

    assert response.status_code == status, response.content
    assert [e["pointer"] for e in response.json()["errors"]] == [pointer]


def test_not_a_number_is_refused(world: World) -> None:
    body = '{"task_type": "loan", "records": [{"confidence": NaN, "correct": true}]}'

    response = world.api().post("/api/v1/threshold-studies", body, content_type="application/json")

    assert (response.status_code, response.json()["code"]) == (400, "malformed_json")


def test_another_workspaces_study_looks_like_a_missing_one(world: World) -> None:
    other = make_world("globex")
    theirs = study(other).json()["id"]

    hidden = world.api().get(f"/api/v1/threshold-studies/{theirs}")
    missing = world.api().get(f"/api/v1/threshold-studies/{stranger_id()}")

    assert hidden.status_code == missing.status_code == 404
    assert hidden.content == missing.content


def test_a_reviewer_may_not_read_studies(world: World) -> None:
    assert study(world, name="bob", records=[]).status_code == 403
