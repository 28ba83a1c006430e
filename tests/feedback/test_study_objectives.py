"""Studies for an objective over REST: least cost, a threshold per label, and what would make one attainable."""

import pytest

from feedback.actions.labels import rebuild_labels
from feedback.models import ThresholdStudy
from tests.factories import World, make_world
from tests.feedback.history import TWO_REGIONS, add_cases, observe, observe_world

PATH = "/api/v1/threshold-studies"


def ask(world: World, **body: object):
    return world.api().post(PATH, {"task_type": "loan"} | body, content_type="application/json")


def records(right: int, wrong: int, *, label: str = "approve", confidence: float = 0.99) -> list[dict[str, object]]:
    other = "reject" if label == "approve" else "approve"
    return [
        {"confidence": confidence, "correct": n < right, "predicted": label, "truth": label if n < right else other}
        for n in range(right + wrong)
    ]


def test_a_study_says_which_objective_it_served_and_recommends_the_guaranteed_threshold(world: World) -> None:
    body = ask(world, records=records(300, 0)).json()

    assert (body["objective"], body["costs"], body["cost"], body["per_label"]) == ("most_automation", None, None, None)
    assert body["recommended_threshold"] == body["guaranteed_threshold"] == 0.5
    assert body["critical_zone"]["n"] == 0 and body["critical_zone"]["error"]["value"] is None
    assert body["slices"] is None


def test_the_least_cost_is_named_beside_whether_it_is_certified(world: World) -> None:
    """Reviews are dear and errors cheap: the optimum takes the doubtful ones too, which no guarantee covers."""
    doubtful = records(60, 40, confidence=0.7)

    body = ask(
        world, records=records(500, 0) + doubtful, objective="least_cost", costs={"review": 5, "error": 1}
    ).json()

    cost = body["cost"]
    assert (cost["cheapest"]["threshold"], cost["cheapest_is_certified"]) == (0.7, False)
    assert cost["cheapest"]["cost"] == pytest.approx(40 / 600)
    assert cost["cheapest"]["low"] < 40 / 600 < cost["cheapest"]["high"]
    assert cost["certified"]["threshold"] == body["recommended_threshold"] == 0.94
    assert cost["review_all"]["cost"] == 5
    assert len(cost["curve"]) == 100
    zone = body["critical_zone"]
    assert (zone["n"], zone["threshold"], zone["reviewed"]["value"], zone["cost_share"]) == (100, 0.94, 1.0, 1.0)


@pytest.mark.django_db
def test_costs_by_pair_are_the_task_types_own_where_none_are_given() -> None:
    world = make_world(error_costs=[{"truth": "reject", "decided": "approve", "cost": 40}])
    given = records(90, 10)

    own = ask(world, records=given, objective="least_cost", costs={"review": 1}).json()
    other = ask(world, records=given, objective="least_cost", costs={"review": 1, "pairs": []}).json()

    assert own["costs"]["pairs"] == [{"cost": 40.0, "truth": "reject", "decided": "approve"}]
    assert own["cost"]["curve"][0]["cost"] == pytest.approx(4.0)
    assert other["cost"]["curve"][0]["cost"] == pytest.approx(0.1)


def test_every_label_gets_a_threshold_of_its_own_or_is_said_not_to_be_attainable(world: World) -> None:
    body = ask(world, records=records(400, 0) + records(100, 0, label="reject"), objective="per_label").json()

    by_label = {found["label"]: found for found in body["per_label"]["labels"]}
    assert body["per_label"]["delta_each"] == pytest.approx(0.05 / len(by_label))
    assert (by_label["approve"]["guaranteed_threshold"], by_label["approve"]["automated"]) == (0.5, 400)
    assert (by_label["reject"]["attainable"], by_label["reject"]["naive_threshold"]) == (False, 0.5)
    assert by_label["reject"]["labels_needed"] == 297 - 100
    assert body["per_label"]["automated_share"] == pytest.approx(0.8)
    assert body["recommended_threshold"] is None


def test_slices_that_would_certify_alone_are_named_where_all_together_do_not(world: World) -> None:
    sound = add_cases(world, [0.99] * 1_600, regions=TWO_REGIONS)
    observe(world, [(case, "approve" if n % 2 or n % 8 else "reject") for n, case in enumerate(sound, 1)])
    rebuild_labels()

    body = ask(world).json()

    assert not body["attainable"]
    found = {(s["kind"], s["name"], s["value"]): s["attainable"] for s in body["slices"]["slices"]}
    assert found == {
        ("label", "", "approve"): False,
        ("segment", "region", "EU"): True,
        ("segment", "region", "US"): False,
    }
    assert body["slices"]["delta_each"] == pytest.approx(0.05 / 3)
    assert body["uncalibrated"] == 0


def test_a_stored_study_keeps_its_objective_and_is_answered_again(world: World) -> None:
    observe_world(world, 400)
    rebuild_labels()

    body = ask(world, objective="least_cost", costs={"review": 2, "error": 30}).json()

    assert world.api().get(f"{PATH}/{body['id']}").json() == body
    row = ThresholdStudy.objects.get(pk=body["id"])
    assert (row.objective, row.costs) == ("least_cost", {"review": 2.0, "error": 30.0, "pairs": []})


def test_a_study_from_before_objectives_is_still_answered(world: World) -> None:
    body = ask(world).json()
    row = ThresholdStudy.objects.get(pk=body["id"])
    for name in ("recommended_threshold", "cost", "per_label", "critical_zone", "slices", "uncalibrated"):
        del row.result[name]
    row.save()

    again = world.api().get(f"{PATH}/{body['id']}").json()

    assert (again["objective"], again["recommended_threshold"], again["critical_zone"]) == (
        "most_automation",
        None,
        None,
    )
    assert world.api().get(PATH).json()["results"][0]["recommended_threshold"] is None


COSTS = {"review": 1, "error": 2}


@pytest.mark.parametrize(
    ("changes", "status", "pointer"),
    [
        ({"objective": "cheapest"}, 400, "/objective"),
        ({"objective": "least_cost"}, 400, "/costs"),
        ({"objective": "per_label", "peak_error": 0.1}, 400, "/peak_error"),
        ({"peak_error": 0.01}, 400, "/peak_error"),
        ({"costs": {}}, 400, "/costs/review"),
        ({"costs": {"review": -1}}, 400, "/costs/review"),
        ({"costs": {"review": 1e300}}, 400, "/costs/review"),
        ({"costs": COSTS | {"errors": 2}}, 400, "/costs/errors"),
        ({"costs": COSTS | {"pairs": [{"cost": 1, "truth": "maybe"}]}}, 422, "/costs/pairs/0/truth"),
        ({"costs": COSTS | {"pairs": [{"cost": 1}] * 1001}}, 400, "/costs/pairs"),
        ({"objective": "per_label", "records": [{"confidence": 1, "correct": True}]}, 400, "/records/0/predicted"),
        (
            {
                "costs": COSTS | {"pairs": [{"cost": 1}]},
                "records": [{"confidence": 1, "correct": True, "predicted": "approve"}],
            },
            400,
            "/records/0/truth",
        ),
        ({"records": [{"confidence": 1, "correct": True, "predicted": "maybe"}]}, 400, "/records/0/predicted"),
        (
            {"records": [{"confidence": 1, "correct": True, "predicted": "approve", "truth": "reject"}]},
            400,
            "/records/0/correct",
        ),
    ],
)  # fmt: skip
def test_a_wrong_objective_is_refused_by_place(
    world: World, changes: dict[str, object], status: int, pointer: str
) -> None:
    response = ask(world, **changes)

    assert response.status_code == status, response.content
    assert [e["pointer"] for e in response.json()["errors"]] == [pointer]


def test_the_list_is_paged_narrowed_and_costs_the_same_whatever_its_length(
    world: World, django_assert_max_num_queries: object
) -> None:
    made = [ask(world).json()["id"] for _ in range(5)]
    api = world.api()

    with django_assert_max_num_queries(4):  # type: ignore[operator]
        first = api.get(f"{PATH}?limit=3").json()
    second = api.get(f"{PATH}?limit=3&cursor={first['next']}").json()

    assert [row["id"] for row in first["results"] + second["results"]] == made[::-1]
    assert second["next"] is None and "curve" not in first["results"][0]
    assert api.get(f"{PATH}?task_type=unknown").json() == {"results": [], "next": None}
    assert [e["pointer"] for e in api.get(f"{PATH}?cursor=odd&limit=3").json()["errors"]] == ["?cursor"]


def test_nobody_reads_the_studies_of_other_workspaces(world: World) -> None:
    ask(make_world("globex"))
    ours = ask(world).json()["id"]

    assert [row["id"] for row in world.api().get(PATH).json()["results"]] == [ours]
    assert world.api("bob").get(PATH).status_code == 403
