"""The whole loop: labels, recalibration, four eyes, and the next case decided by what was learnt."""

from feedback.actions.labels import rebuild_labels
from feedback.actions.recalibration import recalibrate
from reviews.models import Case
from routing.models import PolicyVersion
from tests.factories import World
from tests.feedback.history import judge, observe_world


def submitted_world(world: World, n: int) -> list[Case]:
    """A few cases through the real door, judged unaided by Bob."""
    answers = [world.submit(world.case_body(external_id=f"real-{i}")) for i in range(n)]
    cases = [Case.objects.get(pk=answer["id"]) for answer in answers]
    for case in cases:
        judge(world, case, "bob", "approve", first="approve")
    return cases


def test_what_people_said_moves_the_threshold_once_a_supervisor_agrees(world: World) -> None:
    submitted_world(world, 5)
    observe_world(world, 1200)
    rebuild_labels()
    run = recalibrate(task_type=world.task_type, trigger="nightly")
    assert run is not None and run.result == "proposed" and run.labels_seen == 1205
    draft = PolicyVersion.objects.get(pk=run.policy_version_id)

    before = world.submit(world.sure_case_body())["routing"]
    assert (before["policy_version"], before["calibration_version"], before["threshold"]) == (1, 1, 0.9)

    alice = world.api("alice")
    for verb in ("approve", "activate"):
        response = alice.post(
            f"/api/v1/policies/loan/versions/{draft.number}/{verb}", {}, content_type="application/json"
        )
        assert response.status_code == 200, response.content

    after = world.submit(world.sure_case_body())["routing"]
    [entry] = [e for e in draft.document["thresholds"]["entries"] if e["model_version"] == "credit-1"]
    assert (after["policy_version"], after["calibration_version"]) == (2, 2)
    assert after["threshold"] == entry["threshold"]
    assert after["action"].startswith("automate") or after["selection_probability"] < 1
