"""Sealed means absent: who may judge a case learns nothing of the machine's answer, from no address (invariant 8)."""

import difflib
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse

from routing.models import TaskType
from tests.access.routes import Route, all_routes
from tests.api.support import claim, get, judge, sample_all, use_policy, verb
from tests.factories import World

MASKS = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ID"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", "TIME"),
    (r"\w+\.? \d{1,2}, \d{4},? \d{1,2}(:\d\d)?(:\d\d)? [ap]\.m\.", "TIME"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", "TIME"),
    (r"\b\d\d/\d\d/\d{4}\b", "DATE"),
    (r"\b(\d{1,2}(:\d\d)? [ap]\.m\.|noon|midnight)", "TIME"),
    (r"[A-Za-z0-9_-]{43,}", "TOKEN"),
    (r"\b\d+ (seconds?|minutes?)\b", "AGO"),
)
OUTSIDE = ("/admin/", "/api/v1/schema", "/api/v1/docs", "/logout", "/metrics", "/password", "/login", "/signup")
LISTS = ("/api/v1/cases", "/api/v1/queues", "/api/v1/claims", "/api/v1/reviews", "/cases", "/work", "/queues")
SURE = {"label": "approve", "confidence": 0.99, "model_version": "credit-1"}
ANSWERS: dict[str, dict[str, Any] | None] = {
    "unsure, approve": {"label": "approve", "confidence": 0.7, "model_version": "credit-1"},
    "unsure, reject, with everything": {
        "label": "reject",
        "confidence": 0.55,
        "model_version": "credit-1",
        "probabilities": {"reject": 0.55, "approve": 0.45},
        "ensemble": [{"model": "b", "label": "approve", "confidence": 0.6}],
        "interpretable": {"label": "approve", "explanation": "a readable reason"},
        "nearest_neighbor_distance": 3.5,
        "embedding": [0.5, 0.25],
        "explanation": {
            "top_features": [{"feature": "income", "importance": 0.4, "value": 51000}],
            "spans": [{"start": 0, "end": 2}],
            "similar": [{"external_id": "older", "label": "reject"}],
        },
    },
    "sure, drawn for review": SURE,
    "another model, acting provisionally": {"label": "reject", "confidence": 0.99, "model_version": "credit-9"},
    "none": None,
}


def masked(response: HttpResponse) -> tuple[int, str]:
    text = response.content.decode(errors="replace")
    for pattern, name in MASKS:
        text = re.sub(pattern, name, text)
    return response.status_code, text


FILTERS = ["subject=s", "external_id=x", "task_type=loan", "limit=1", "q=x", "q=s"]
FILTERS += [f"status={s}" for s in ("decided", "provisional", "pending", "in_review")]
FILTERS += [f"status={s}&limit=1" for s in ("decided", "pending")]


def everywhere(world: World, name: str, values: dict[str, str]) -> Iterator[tuple[str, tuple[int, str]]]:
    """What this person gets from every address of the product, and from every filter of the lists."""
    yield from look(world, name, values, [r for r in all_routes() if not r.path.startswith(OUTSIDE)])
    for asked in FILTERS:
        if not asked.startswith("q="):
            yield f"/api/v1/cases?{asked}", masked(world.api(name).get(f"/api/v1/cases?{asked}"))
        yield f"/cases?{asked}", masked(world.browser(name).get(f"/cases?{asked}"))


def nearby(world: World, name: str, values: dict[str, str]) -> Iterator[tuple[str, tuple[int, str]]]:
    """The addresses of cases, claims and queues alone."""
    return look(world, name, values, [r for r in all_routes() if r.path in LISTS or "case_id>" in r.path])


def look(world: World, name: str, values: dict[str, str], routes: list[Route]) -> Iterator[tuple[str, tuple[int, str]]]:
    api, browser = world.api(name), world.browser(name)
    for route in routes:
        if "GET" in route.methods:
            path = route.fill(values)
            yield route.path, masked((api if path.startswith("/api/") else browser).get(path))


def observe(world: World, prediction: dict[str, Any] | None, *, arm: float) -> dict[str, Any]:
    """All that Bob and Carol see of one case in its whole sealed life; rolled back afterwards."""
    seen: dict[str, Any] = {}
    world.queue.reveal_share = arm
    world.queue.save()
    body = world.case_body(external_id="x", subject="s")
    body = {k: v for k, v in body.items() if k != "prediction"} | ({"prediction": prediction} if prediction else {})
    with transaction.atomic():
        values = {"case_id": world.submit(body)["id"], "slug": "loans"}
        seen |= {f"waiting, Bob: {k}": v for k, v in nearby(world, "bob", values)}
        lease = claim(world, "bob")
        seen["the claim"] = masked_keys(lease)
        values |= {"claim_id": lease["id"]}
        seen |= {f"held, Bob: {k}": v for k, v in everywhere(world, "bob", values)}
        seen |= {f"held, Carol: {k}": v for k, v in nearby(world, "carol", values)}
        for what in ("judgement", "first-judgement"):
            seen[what] = masked(verb(world, "bob", lease, what, label="reject"))
        if arm == 0.0:
            seen |= {f"never, Bob: {k}": v for k, v in nearby(world, "bob", values)}
        verb(world, "bob", lease, "release")
        seen |= {f"released, Carol: {k}": v for k, v in nearby(world, "carol", values)}
        transaction.set_rollback(True)
    return seen


def masked_keys(lease: dict[str, Any]) -> list[str]:
    return sorted([*lease, *lease["review"], *lease["case"]])


def compare(first: dict[str, Any], other: dict[str, Any], name: str) -> None:
    assert first.keys() == other.keys()
    different = [key for key in first if first[key] != other[key]]
    lines = [difference(first[key], other[key]) for key in different[:3]]
    assert not different, (name, different, lines)


def difference(first: tuple[int, str], other: tuple[int, str]) -> list[str]:
    pair = [[str(status), *text.splitlines()] for status, text in (first, other)]
    return [line for line in difflib.ndiff(*pair) if line[0] in "+-"][:6]


def test_cases_that_differ_in_the_machines_answer_look_alike_everywhere(world: World) -> None:
    use_policy(world, rollout=True, sampling={"exploration_rate": 1.0, "audit_rate": 1.0})
    pictures = {name: observe(world, prediction, arm=0.0) for name, prediction in ANSWERS.items()}
    first = pictures.pop("unsure, approve")
    for name, other in pictures.items():
        compare(first, other, name)


def test_an_audit_of_a_machine_decision_looks_like_any_other_review(world: World) -> None:
    sample_all(world)
    TaskType.objects.filter(pk=world.task_type.pk).update(static_risk="medium")
    TaskType.objects.get(pk=world.task_type.pk).save()
    compare(
        observe(world, ANSWERS["unsure, approve"], arm=0.0), observe(world, SURE, arm=0.0), "audit of a decided case"
    )


def test_no_answer_names_the_machine_before_the_first_judgement(world: World) -> None:
    words = (
        "credit-1",
        "prediction",
        "confidence",
        "probabilities",
        "routing",
        "priority",
        "trace",
        "threshold",
        "zone",
    )
    seen = observe(world, ANSWERS["unsure, approve"], arm=1.0)
    for key, answer in seen.items():
        if "/api/v1/cases" in key or "/api/v1/claims/<claim_id>" in key:
            assert not [w for w in words if f'"{w}"' in str(answer)], key
        assert "credit-1" not in str(answer) or key == "first-judgement", key


BETRAYING = ("prediction", "probabilities", "routing", "threshold", "zone", "credit-1")


@pytest.mark.parametrize("arm", ["after", "never"])
def test_the_arm_says_when_the_seal_breaks(world: World, arm: str) -> None:
    world.queue.reveal_share = 1.0 if arm == "after" else 0.0
    world.queue.save()
    case = world.submit()
    lease = claim(world, "bob")
    verb(world, "bob", lease, "first-judgement", label="reject")
    for path in (f"cases/{case['id']}", f"cases/{case['id']}/trace", f"claims/{lease['id']}"):
        answer = get(world, "bob", path).content.decode()
        assert any(word in answer for word in BETRAYING) is (arm == "after"), path
    page = world.browser("bob").get(f"/cases/{case['id']}").content.decode()
    assert ("credit-1" in page) is (arm == "after")
    judge_final = verb(world, "bob", lease, "judgement", label="reject")
    assert judge_final.status_code == 200
    assert get(world, "bob", f"cases/{case['id']}").json()["routing"] is not None


def test_who_has_judged_sees_and_who_has_not_does_not(world: World) -> None:
    case = world.submit()
    judge(world, "bob", claim(world, "bob"), "reject")
    assert "routing" in get(world, "bob", f"cases/{case['id']}").json()
    assert "routing" not in get(world, "carol", f"cases/{case['id']}").json()
    assert "routing" in get(world, "alice", f"cases/{case['id']}").json()  # she may not claim from this queue
