"""Maps of slices, from labels to live decisions: fitted, certified, proposed, in force, shown."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from feedback.actions.labels import rebuild_labels
from feedback.actions.recalibration import recalibrate
from feedback.actions.recalibration_sweeps import recalibrate_all
from feedback.certified import certified_jointly
from feedback.certify import certify_half, records_of
from feedback.models import RecalibrationRun, ThresholdStudy
from feedback.selectors import calibrations_in_force, labelled_predictions
from feedback.stats.thresholds import study as study_of
from hitl.core.clock import now
from hitl.core.errors import Refused
from routing.actions.policies import propose_version
from routing.engine.dynamic import DynamicThresholds
from routing.engine.features import Features
from routing.engine.replay import replay_one
from routing.models import Calibration, PolicyVersion, RoutingDecision
from routing.selectors import snapshot_of_version
from tests.delivery.race import own_database
from tests.factories import World, make_world, policy_document
from tests.feedback.history import observe_regions

API, PAGE = "/api/v1/calibrations", "/ops/calibration"
US = {"segment": {"region": "US"}}
BOUNDS = {"lowest_threshold": 0.5, "highest_threshold": 0.995}


def run(world: World) -> RecalibrationRun:
    rebuild_labels()
    done = recalibrate(task_type=world.task_type, trigger="by_hand")
    assert done is not None
    return done


@pytest.fixture(scope="module")
def past(migrated: None, django_db_blocker: Any) -> Iterator[World]:
    """Two regions' labels in a database of this file's own, made once: they take longer than what is asked of them."""
    with django_db_blocker.unblock(), own_database():
        world = make_world()
        observe_regions(world, 3_000)
        rebuild_labels()
        yield world


@pytest.fixture
def world(past: World, db: None) -> World:
    return deepcopy(past)


def proposed(world: World) -> PolicyVersion:
    done = run(world)
    assert done.result == "proposed", done.detail
    return PolicyVersion.objects.get(pk=done.policy_version_id)


def in_force(version: PolicyVersion) -> PolicyVersion:
    PolicyVersion.objects.filter(status="active").update(status="retired")
    PolicyVersion.objects.filter(pk=version.pk).update(status="active", activated_at=now())
    return version


def test_a_region_where_the_model_errs_differently_gets_its_own_map_and_the_study_says_why_others_did_not(
    world: World,
) -> None:
    version = proposed(world)

    [calibration] = version.document["calibrations"]
    used = [own["segment"] for own in calibration["slices"]]
    assert {"region": "US"} in used
    rows = {row.version: row for row in Calibration.objects.exclude(version=1)}
    assert rows[calibration["version"]].slice == {}
    assert [rows[own["version"]].slice["segment"] for own in calibration["slices"]] == used
    [study] = version.study["studies"]
    assert [own["segment"] for own in study["slices"]] == used
    said = {str(found["slice"]): found for found in study["considered"]}
    assert said[str(US)]["used"] and "gains" in said[str(US)]["reason"]
    assert "every labelled record" in said[str({"label": "approve"})]["reason"]
    assert "maps of their own for" in version.note and "region “US”" in version.note


def test_what_is_certified_is_the_confidence_as_it_will_be_on_the_half_no_map_was_fitted_on(world: World) -> None:
    version = in_force(proposed(world))
    [maps] = calibrations_in_force(world.task_type.pk).values()
    half = certify_half(labelled_predictions(world.task_type.pk))

    again = study_of(records_of(half, maps), world.task_type.error_budget)

    stored = ThresholdStudy.objects.get()
    assert stored.n == again.n == len(half)
    assert [p["automated"] for p in stored.result["curve"]] == [p.automated for p in again.curve]
    [scale] = stored.calibrations
    assert [own["version"] for own in scale["slices"]] == [
        own["version"] for own in version.document["calibrations"][0]["slices"]
    ]


def test_the_same_labels_are_not_proposed_twice(world: World) -> None:
    proposed(world)
    before = Calibration.objects.count()

    assert run(world).result == "unchanged"
    assert (Calibration.objects.count(), PolicyVersion.objects.count()) == (before, 2)


def test_a_live_case_is_on_its_slices_map_its_trace_says_so_and_replay_agrees(world: World) -> None:
    version = in_force(proposed(world))
    [calibration] = version.document["calibrations"]
    [own] = [s for s in calibration["slices"] if s["segment"] == {"region": "US"}]

    answer = world.submit(world.sure_case_body(context={"segments": {"region": "US"}}))

    assert answer["routing"]["calibration_version"] == own["version"]
    step = answer["routing"]["trace"][0]
    detail = {"slice": "region “US”", "version": own["version"]}
    assert (step["step"], step["outcome"], step["detail"]) == ("calibration", "slice", detail)
    assert answer["routing"]["calibrated_confidence"] < 0.9
    row = RoutingDecision.objects.get(case_id=answer["id"])
    again = replay_one(Features.from_json(row.features), snapshot_of_version(version), str(row.case_id))
    assert (again.calibration_version, again.calibrated_confidence) == (own["version"], row.calibrated_confidence)

    elsewhere = world.submit(world.sure_case_body(context={"segments": {"region": "BR"}}))["routing"]
    assert elsewhere["calibration_version"] == calibration["version"]
    assert elsewhere["trace"][0]["outcome"] == "parent"


def license_bounds(world: World, **changes: Any) -> PolicyVersion:
    document = policy_document(automatic=BOUNDS, thresholds={"default": 0.9}) | changes
    version = world.put_in_force(document)
    # Versions never change: the same again, with the two people who approved it.
    PolicyVersion.objects.filter(pk=version.pk).update(status="retired")
    return PolicyVersion.objects.create(
        workspace=world.workspace, policy=world.policy, number=9, status="active", document=document,
        created_at=now(), activated_at=now(), proposed_by=world.users["alice"], approved_by=world.users["bob"],
    )  # fmt: skip


def test_slices_take_effect_by_themselves_inside_the_bounds_two_people_approved(world: World) -> None:
    license_bounds(world)

    version = proposed(world)

    assert version.status == "active" and version.licensed_by is not None
    assert version.document["calibrations"][0]["slices"]


def test_a_run_that_fails_leaves_the_version_with_slices_in_force(world: World) -> None:
    license_bounds(world)
    version = proposed(world)
    world.task_type.error_budget = 0.0
    world.task_type.save()
    observe_regions(world, 200, seed=2)
    rebuild_labels()

    assert recalibrate_all() == 1

    assert RecalibrationRun.objects.filter(result="failed").count() == 1
    assert PolicyVersion.objects.get(status="active") == version
    answer = world.submit(world.sure_case_body(context={"segments": {"region": "US"}}))
    assert answer["routing"]["trace"][0]["outcome"] == "slice"


def test_stored_studies_are_on_the_scale_of_the_slices_in_force(world: World) -> None:
    version = in_force(proposed(world))

    body = {"task_type": "loan", "slice": {"segment": {"region": "US"}}}
    answer = world.api().post("/api/v1/threshold-studies", body, content_type="application/json").json()

    assert answer["curve"][0]["review_share"] > 0.3
    stored = ThresholdStudy.objects.get(pk=answer["id"])
    [scale] = stored.calibrations
    assert [own["segment"] for own in scale["slices"]] == [
        own["segment"] for own in version.document["calibrations"][0]["slices"]
    ]


def test_a_study_made_with_other_slices_certifies_nothing_for_load(world: World) -> None:
    dynamic = {"peak_error": 0.05, "normal_error": 0.02, "target_wait_s": 600.0}
    document = policy_document(thresholds={"default": 0.9}, dynamic=dynamic)
    world.put_in_force(document)
    version = proposed(world)
    budgets = DynamicThresholds(**dynamic)
    [calibration] = version.document["calibrations"]

    assert certified_jointly(world.task_type.pk, version.document, budgets)
    without = version.document | {"calibrations": [calibration | {"slices": []}]}
    assert not certified_jointly(world.task_type.pk, without, budgets)
    fewer = version.document | {"calibrations": [calibration | {"slices": calibration["slices"][:1]}]}
    assert certified_jointly(world.task_type.pk, fewer, budgets) == (len(calibration["slices"]) == 1)


@pytest.mark.parametrize("wrong", ["another version", "another slice", "a slice as the model's"])
def test_a_document_that_names_a_map_of_another_slice_is_refused(world: World, wrong: str) -> None:
    [calibration] = proposed(world).document["calibrations"]
    own = calibration["slices"][0]
    changed = {
        "another version": calibration | {"slices": [own | {"version": 99}]},
        "another slice": calibration | {"slices": [own | {"segment": {"region": "MT"}}]},
        "a slice as the model's": calibration | {"version": own["version"], "slices": []},
    }[wrong]

    with pytest.raises(Refused) as refused:
        document = policy_document(calibrations=[changed])
        propose_version(actor=world.actor("alice"), policy=world.policy, document=document)

    assert {problem.code for problem in refused.value.errors} == {"unknown_calibration"}


def test_the_page_shows_both_scales_with_intervals_and_every_slice_with_its_reason(world: World) -> None:
    in_force(proposed(world))

    page = world.browser("alice").get(PAGE).content.decode()

    assert "region “US”" in page and ">used<" in page and ">refused<" in page
    assert "it holds every labelled record" in page
    assert "gain" in page and "One map for all" in page
    drawing = page.split('<svg class="chart"')[1].split("</svg>")[0]
    assert drawing.count('class="line-2"') > 2 and drawing.count('class="dot hollow"') >= 2
    assert page.count("version 2<") == 1 and "in force" in page


def test_the_proposal_shows_which_slices_were_used_and_why_others_were_refused(world: World) -> None:
    version = proposed(world)

    page = world.browser("alice").get(f"/policies/loan/versions/{version.number}").content.decode()
    if "Threshold study" not in page:
        page = world.browser("alice").get("/policies/loan").content.decode()

    assert "Slices looked at" in page and "it holds every labelled record" in page


def test_calibrations_are_listed_with_their_slices_page_by_page_in_a_fixed_number_of_queries(world: World) -> None:
    proposed(world)
    alice = world.api("alice")
    alice.get(API)  # the first request of a key notes that it is used
    with CaptureQueriesContext(connection) as few:
        first = alice.get(API, {"limit": 1}).json()
    with CaptureQueriesContext(connection) as all_of_them:
        everything = alice.get(API).json()["results"]

    assert len(few) == len(all_of_them)
    assert [row["slice"] for row in everything].count({}) == 2
    assert US in [row["slice"] for row in everything]
    second = alice.get(API, {"limit": 1, "cursor": first["next"]}).json()
    assert [first["results"][0]["id"], second["results"][0]["id"]] == [row["id"] for row in everything[:2]]


def test_calibrations_measured_before_intervals_existed_are_still_drawn(world: World) -> None:
    bins = [{"start": 0.9, "end": 1.0, "n": 50, "confidence": 0.95, "accuracy": 0.9, "low": 0.8, "high": 0.96}]
    measured = {"n": 50, "ece": 0.05, "brier": 0.09, "log_loss": 0.3, "bins": bins}
    Calibration.objects.create(
        workspace=world.workspace, task_type=world.task_type, model_version="credit-0", confidence_source="probability",
        version=7, method="identity", parameters={}, n=100, metrics={"before": measured, "after": measured},
        created_at=now(),
    )  # fmt: skip

    page = world.browser("alice").get(PAGE).content.decode()

    assert "credit-0" in page and "0.0500</td>" in page
