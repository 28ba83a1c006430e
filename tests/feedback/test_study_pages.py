"""Studies on pages: ask, read the answer in words, draft a policy version from what is certified."""

import re
import uuid
from html import unescape

import pytest

from feedback.actions.labels import rebuild_labels
from feedback.models import ThresholdStudy
from routing.models import PolicyVersion
from tests.factories import World, make_world
from tests.feedback.history import TWO_REGIONS, add_cases, observe, observe_world, stranger_id

NEW = "/ops/studies/new"
ASKED = {"task_type": "loan", "max_error": "2", "delta": "5", "objective": "most_automation"}


def ask(world: World, **fields: str):
    return world.browser("alice").post(NEW, ASKED | fields)


def studied(world: World, **fields: str) -> ThresholdStudy:
    response = ask(world, **fields)
    assert response.status_code == 302, response.content.decode()
    return ThresholdStudy.objects.get(pk=uuid.UUID(response["Location"].rsplit("/", 1)[1]))


def page(world: World, study: ThresholdStudy) -> str:
    response = world.browser("alice").get(f"/ops/studies/{study.pk}")
    assert response.status_code == 200
    return " ".join(unescape(response.content.decode()).split())


def sound(world: World, n: int = 900, wrong: int = 0, **case: object) -> None:
    cases = add_cases(world, [0.99] * n, **case)
    observe(world, [(c, "approve" if index >= wrong else "reject") for index, c in enumerate(cases)])
    rebuild_labels()


def test_a_study_is_asked_for_on_a_form_and_answered_in_words(world: World) -> None:
    sound(world)

    study = studied(world)

    html = page(world, study)
    assert "From a confidence of 0.5 on the machine may decide: 100.0% of the cases (n = " in html
    assert "is also guaranteed" in html
    assert "The critical zone, 0.6 to 0.85" in html


def test_the_naive_threshold_stands_beside_the_guaranteed_one_with_why_it_is_not_used(world: World) -> None:
    observe_world(world, 1_500)
    rebuild_labels()

    html = page(world, studied(world, max_error="5"))

    assert "It is not used: it was picked because this sample looks good there" in html
    assert "sample only" in html and "guaranteed" in html


def test_a_second_budget_is_shown_with_what_is_certified_for_it(world: World) -> None:
    sound(world)
    body = {"task_type": "loan", "peak_error": 0.05}
    made = world.api().post("/api/v1/threshold-studies", body, content_type="application/json").json()

    assert "5.0%: <strong>0.5</strong>" in page(world, ThresholdStudy.objects.get(pk=made["id"]))


def test_what_is_not_attainable_is_said_plainly_with_what_would_help(world: World) -> None:
    sound(world, 100, regions=TWO_REGIONS)

    html = page(world, studied(world))

    assert "Not attainable: too few labels" in html
    assert "more labels at or above" in html
    assert "None of the 0 slices looked at certifies by itself either; 3 more are too small to." in html
    assert "Nothing is certified for this objective" in html


def test_costs_are_drawn_beside_whether_the_cheapest_is_certified(world: World) -> None:
    observe_world(world, 1_500)
    rebuild_labels()

    html = page(world, studied(world, objective="least_cost", review_cost="5", error_cost="1", pairs="*, reject, 9"))

    assert "Its error is not certified to be within the budget, so it does not go live." in html
    assert "Expected cost per case against the threshold" in html
    assert "Share of the total cost" in html


def test_an_empty_study_shows_no_chart_and_no_number_that_is_none(world: World) -> None:
    for fields in ({}, {"objective": "per_label"}, {"objective": "least_cost", "review_cost": "1"}):
        html = page(world, studied(world, **fields))
        assert "Not enough data: no label reaches a threshold." in html
        assert not re.search(r"\b(?i:nan)\b|\bNone(?! of the)", html)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"objective": "least_cost"}, "needs what a review and an error cost"),
        ({"max_error": "0"}, "This is out of range."),
        ({"max_error": "nan"}, "Enter a number."),
        ({"review_cost": "-1"}, "This is out of range."),
        ({"label": "maybe"}, "Give one of the task type"),
        ({"segment": "EU"}, "Write it as name=value."),
        ({"review_cost": "1", "pairs": "approve, 4"}, "Write each line as"),
        ({"review_cost": "1", "pairs": "maybe, approve, 4"}, "Give one of the task type"),
        ({"task_type": "unknown"}, "Select a valid choice"),
        ({"objective": "cheapest"}, "Select a valid choice"),
        ({"model_version": "\x00"}, "Null characters"),
    ],
)
def test_a_wrong_question_is_told_beside_its_field(world: World, fields: dict[str, str], said: str) -> None:
    response = ask(world, **fields)

    assert response.status_code == 422
    assert said in unescape(response.content.decode())
    assert not ThresholdStudy.objects.exists()


def test_the_guaranteed_threshold_becomes_a_draft_that_others_approve(world: World) -> None:
    sound(world)
    study = studied(world, model_version="credit-1")
    assert "Draft a policy version with it" in page(world, study)

    response = world.browser("alice").post(f"/ops/studies/{study.pk}/draft")

    version = PolicyVersion.objects.get(status="draft")
    assert response["Location"] == f"/policies/loan/versions/{version.number}"
    assert {"model_version": "credit-1", "threshold": 0.5}.items() <= version.document["thresholds"]["entries"][
        0
    ].items()
    assert version.study["threshold_study"] == str(study.pk)
    assert world.browser("alice").get(response["Location"]).status_code == 200


def test_thresholds_per_label_become_a_draft_in_which_unattained_labels_are_never_automated(world: World) -> None:
    sound(world)
    study = studied(world, objective="per_label", model_version="credit-1")

    world.browser("alice").post(f"/ops/studies/{study.pk}/draft")

    entries = PolicyVersion.objects.get(status="draft").document["thresholds"]["entries"]
    held = {entry["label"]: entry["threshold"] for entry in entries if entry["model_version"] == "credit-1"}
    assert held == {None: None, "approve": 0.5, "reject": None}


@pytest.mark.parametrize(
    ("fields", "case", "reason"),
    [
        ({"segment": "region=EU"}, {}, "A policy has no thresholds by segment"),
        ({"max_error": "10"}, {}, "The study allows more errors than the error budget"),
        ({}, {"model_version": "credit-9"}, "on the model's own scale"),
    ],
)
def test_what_no_policy_can_follow_is_not_drafted_and_the_page_says_why(
    world: World, fields: dict[str, str], case: dict[str, str], reason: str
) -> None:
    sound(world, 1_200, **case)
    study = studied(world, **fields)

    assert reason in page(world, study)
    world.browser("alice").post(f"/ops/studies/{study.pk}/draft")
    assert not PolicyVersion.objects.filter(status="draft").exists()


def test_model_versions_that_were_studied_together_get_no_threshold_of_their_own(world: World) -> None:
    document = PolicyVersion.objects.get(policy=world.policy).document
    named = {"model_version": "credit-2", "confidence_source": "probability", "version": 1}
    world.put_in_force(document | {"calibrations": [*document["calibrations"], named]})
    sound(world, 1_500)
    sound(world, 60, wrong=6, model_version="credit-2")
    study = studied(world)
    assert {scale["model_version"] for scale in study.calibrations} == {"credit-1", "credit-2"}
    assert study.result["guaranteed_threshold"] == 0.5, (
        "one error in ten of the new model drowns in the labels of the old"
    )

    assert "study each model version by itself" in page(world, study)
    world.browser("alice").post(f"/ops/studies/{study.pk}/draft")
    assert not PolicyVersion.objects.filter(status="draft").exists()


def test_a_study_on_another_calibration_than_the_one_in_force_is_not_drafted(world: World) -> None:
    sound(world)
    study = studied(world)
    study.calibrations[0]["version"] += 1
    study.save()

    assert "not the one that was studied; study again" in page(world, study)


def test_the_list_shows_the_newest_first_and_costs_the_same_whatever_its_length(
    world: World, django_assert_max_num_queries: object
) -> None:
    for _ in range(27):
        studied(world)
    browser = world.browser("alice")

    with django_assert_max_num_queries(9):  # type: ignore[operator]
        html = browser.get("/ops/studies?task_type=loan").content.decode()

    assert html.count("data-item") == 25
    older = html.partition('rel="next" href="')[2].partition('"')[0]
    assert browser.get(f"/ops/studies{unescape(older)}").content.decode().count("data-item") == 2


def test_the_page_of_a_study_has_a_budget(world: World, django_assert_max_num_queries: object) -> None:
    study = studied(world)
    browser = world.browser("alice")
    with django_assert_max_num_queries(9):  # type: ignore[operator]
        assert browser.get(f"/ops/studies/{study.pk}").status_code == 200


def test_hidden_studies_look_like_missing_ones_and_reviewers_see_none(world: World) -> None:
    theirs = studied(make_world("globex"))
    alice = world.browser("alice")
    assert alice.get(f"/ops/studies/{theirs.pk}").status_code == 404
    assert alice.post(f"/ops/studies/{theirs.pk}/draft").status_code == 404
    assert alice.get(f"/ops/studies/{stranger_id()}").status_code == 404
    assert world.browser("bob").get("/ops/studies").status_code == 403
