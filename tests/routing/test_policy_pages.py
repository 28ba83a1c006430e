"""Pages of policies: what people see, which buttons work, and where errors stand."""

import pytest
from django.contrib.messages import get_messages

from hitl.accounts.models import Workspace
from routing.actions.policies import propose_version
from routing.models import Policy, PolicyVersion, TaskType
from tests.factories import World, make_world, policy_document

STUDY = {
    "model_version": "credit-1",
    "max_error": 0.02,
    "delta": 0.05,
    "n": 900,
    "naive_threshold": 0.6,
    "guaranteed_threshold": 0.7,
    "attainable": True,
    "curve": [
        {
            "threshold": round(0.5 + i * 0.005, 3),
            "automated": 900 - i,
            "review_share": i / 100,
            "error": 0.03 - i * 0.0003,
            "error_upper": 0.04,
        }
        for i in range(100)
    ],
}
WHO = {"alice": 200, "erin": 200, "bob": 403, "dave": 403}


@pytest.mark.parametrize("path", ["/policies", "/policies/loan", "/policies/loan/versions/1"])
@pytest.mark.parametrize(("name", "status"), WHO.items())
def test_who_reads_the_pages(world: World, path: str, name: str, status: int) -> None:
    assert world.browser(name).get(path).status_code == status


def test_a_stranger_finds_nothing(world: World) -> None:
    other = make_world("other")
    Policy.objects.filter(workspace=other.workspace).update(slug="theirs")
    browser = other.browser("alice")
    assert b"/policies/loan" not in browser.get("/policies").content
    assert browser.get("/policies/loan").status_code == 404
    assert browser.post("/policies/loan/versions/1/retire").status_code == 404
    assert world.browser("alice").get("/policies/theirs").status_code == 404


def test_nobody_signed_in_is_sent_to_the_login(world: World, client: object) -> None:
    for path in ("/policies", "/audit"):
        assert client.get(path)["Location"].startswith("/login")  # type: ignore[attr-defined]


def test_a_policy_is_told_in_words_with_its_study_drawn(world: World) -> None:
    row = propose_version(actor=world.actor("alice"), policy=world.policy, document=policy_document(), study=STUDY)
    html = world.browser("erin").get(f"/policies/loan/versions/{row.number}").content.decode()
    assert "from a calibrated confidence of 0.9" in html
    assert "<svg" in html and "polyline" in html and "guaranteed 0.7" in html and "sample only 0.6" in html
    assert "style=" not in html and "<style" not in html and "Approve</button>" not in html


def test_alice_may_not_approve_her_own_draft_and_is_told(world: World) -> None:
    propose_version(actor=world.actor("alice"), policy=world.policy, document=policy_document())
    html = world.browser("alice").get("/policies/loan/versions/2").content.decode()
    assert "You proposed this version" in html and "Approve</button>" not in html and "Reject</button>" in html
    answer = world.browser("alice").post("/policies/loan/versions/2/approve")
    assert "Another person" in str(*get_messages(answer.wsgi_request))
    assert PolicyVersion.objects.get(number=2).status == "draft"


def test_a_draft_is_written_as_yaml_and_shows_its_difference(world: World) -> None:
    browser = world.browser("alice")
    assert "default: 0.9" in browser.get("/policies/loan/versions?from=1").content.decode()
    answer = browser.post(
        "/policies/loan/versions", {"document": "thresholds: {default: 0.97}", "note": "safer"}, follow=True
    )
    html = answer.content.decode()
    assert answer.redirect_chain[-1][0] == "/policies/loan/versions/2"
    assert "thresholds › default" in html and "0.97" in html and "safer" in html


ERRORS = {
    "thresholds:\n  default: 7\n": "Line 2 (/thresholds/default)",
    "rules:\n- name: a\n  when: context.amont > 1.0\n  then: review\n": "Line 3 (/rules/0/when): Line 1, column",
    "thresholds: [": "Line 1, column",
    "- 1": "Expected `object`",
    "nonsense: 1": "(/nonsense)",
}


@pytest.mark.parametrize(("text", "message"), ERRORS.items())
def test_errors_stand_at_their_place_and_the_text_is_kept(world: World, text: str, message: str) -> None:
    answer = world.browser("alice").post("/policies/loan/versions", {"document": text, "note": "x"})
    html = answer.content.decode().replace("&#x27;", "'")
    assert answer.status_code == 422 and message in html, html
    assert text.splitlines()[0] in html
    assert PolicyVersion.objects.count() == 1


def test_the_stop_buttons(world: World) -> None:
    browser = world.browser("alice")
    browser.post("/policies/loan/stop", {"stop": "1", "reason": "fire"})
    assert TaskType.objects.get(pk=world.task_type.pk).machine_stopped
    browser.post("/policies/stop", {"stop": "1", "reason": "fire"})
    assert Workspace.objects.get(pk=world.workspace.pk).machine_stopped
    browser.post("/policies/stop", {"reason": "out"})
    browser.post("/policies/loan/stop", {"reason": "out"})
    assert not TaskType.objects.get(pk=world.task_type.pk).machine_stopped
    for name in ("bob", "erin"):
        assert world.browser(name).post("/policies/stop", {"stop": "1", "reason": "x"}).status_code == 403
        assert world.browser(name).post("/policies/loan/stop", {"stop": "1", "reason": "x"}).status_code == 403


def test_rolling_back_in_the_browser(world: World) -> None:
    row = propose_version(actor=world.actor("alice"), policy=world.policy, document=policy_document())
    PolicyVersion.objects.filter(pk=row.pk).update(status="approved")
    browser = world.browser("alice")
    browser.post("/policies/loan/versions/2/activate", {"reason": "go"})
    browser.post("/policies/loan/rollback", {"reason": "back"})
    assert PolicyVersion.objects.get(status="active").number == 1


def test_the_list_costs_the_same_whatever_its_length(world: World, django_assert_num_queries: object) -> None:
    browser = world.browser("alice")
    for number in range(4):
        kind = TaskType.objects.create(
            workspace=world.workspace, slug=f"t{number}", title="T", labels=world.task_type.labels
        )
        Policy.objects.create(workspace=world.workspace, task_type=kind, slug=f"t{number}", title="T")
    with django_assert_num_queries(9):  # type: ignore[operator]
        browser.get("/policies")
