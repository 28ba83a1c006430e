"""Pages of policy test suites: written from text or file with the line of an error, run, read failures first."""

import json
import re
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import DjangoAssertNumQueries

from feedback.actions.suite_work import work_suites
from feedback.models import SuiteRun
from reviews.models import SuiteVersion
from tests.factories import World
from tests.reviews.test_suites import example, written


def lines(*examples: dict[str, Any]) -> str:
    return "\n".join(json.dumps(one) for one in examples)


def test_a_supervisor_writes_runs_and_reads(world: World) -> None:
    alice = world.browser("alice")
    assert "There is no test suite yet" in alice.get("/guidelines/loan/suite").content.decode()
    assert "/guidelines/loan/suite" in alice.get("/guidelines/loan").content.decode()
    text = lines(example("steady", section="Income"), example("none", expected="reject", expected_route="people"))
    made = alice.post("/guidelines/loan/suite/write", {"text": text.replace("\n", "\r\n"), "note": "first"})
    assert made["location"] == "/guidelines/loan/suite/versions/1"
    page = alice.get(made["location"]).content.decode()
    assert "steady" in page and "a person" in page and "51000" in page

    asked = alice.post("/guidelines/loan/suite", {"version": "1"})
    run = SuiteRun.objects.get()
    assert asked["location"] == f"/suite-runs/{run.pk}"
    assert "0 of 2 examples tried" in alice.get(asked["location"]).content.decode()
    work_suites()
    page = alice.get(asked["location"]).content.decode()
    assert page.index("none") < page.index("steady"), "what fails stands first"
    assert "1 of 2: 50.0% (1.3% to 98.7%)" in page and "not as expected" in page
    failing = alice.get(f"{asked['location']}?only=failing").content.decode()
    assert "none" in failing and "steady" not in failing
    assert "1 of 2: 50.0%" in alice.get("/guidelines/loan/suite").content.decode()


def test_a_file_counts_instead_of_the_text(world: World) -> None:
    file = SimpleUploadedFile("suite.yaml", b"- {name: a, input: {}, expected: approve}\n")
    world.browser("alice").post("/guidelines/loan/suite/write", {"text": "odd", "file": file, "note": "first"})
    assert SuiteVersion.objects.get().examples == [{"name": "a", "input": {}, "expected": "approve"}]


def test_what_is_wrong_is_said_with_its_line_and_what_was_typed_stays(world: World) -> None:
    alice = world.browser("alice")
    text = lines(example("a"), example("b", expected="maybe"))
    for given, says in ((text, "“maybe” is not a label of this task type."), (text + "\n{", "This line is not JSON")):
        answer = alice.post("/guidelines/loan/suite/write", {"text": given, "note": "first"})
        page = answer.content.decode()
        assert answer.status_code == 422
        assert says in page and "&quot;b&quot;" in page
        assert "Line 2:" in page or "Line 3:" in page
    binary = SimpleUploadedFile("suite.jsonl", b"\xff\xfe")
    answer = alice.post("/guidelines/loan/suite/write", {"file": binary, "note": "first"})
    assert "This file is not UTF-8 text." in answer.content.decode()
    assert not SuiteVersion.objects.exists()
    german = alice.post(
        "/guidelines/loan/suite/write", {"text": text, "note": "x"}, headers={"accept-language": "de"}
    ).content.decode()
    assert "Zeile 2:" in german and "„maybe“ ist kein Label dieser Aufgabenart." in german


def test_the_form_goes_on_from_the_newest_version(world: World) -> None:
    written(world, example("kept for later"))
    assert "kept for later" in world.browser("alice").get("/guidelines/loan/suite/write").content.decode()


def test_runs_and_examples_are_paged(world: World, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    written(world, *(example(f"example-{number:03}") for number in range(150)))
    alice = world.browser("alice")
    for _ in range(22):
        alice.post("/guidelines/loan/suite", {})
        work_suites()
    with django_assert_max_num_queries(12):
        first = alice.get("/guidelines/loan/suite").content.decode()
    runs = re.findall(r"/suite-runs/([0-9a-f-]{36})", first)
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert len(runs) == 20 and following is not None
    second = alice.get(f"/guidelines/loan/suite{following[1]}").content.decode()
    assert len(re.findall(r"/suite-runs/[0-9a-f-]{36}", second)) == 2
    for path in (f"/suite-runs/{runs[0]}", "/guidelines/loan/suite/versions/1"):
        with django_assert_max_num_queries(8):
            page = alice.get(path).content.decode()
        assert "example-099" in page and "example-100" not in page
        following = re.search(r'rel="next" href="([^"]+)"', page)
        assert following is not None
        assert "example-149" in alice.get(path + following[1]).content.decode()


def test_who_reads_and_who_does_not(world: World) -> None:
    written(world)
    erin = world.browser("erin")
    page = erin.get("/guidelines/loan/suite").content.decode()
    assert "Run it" not in page and "Write the next version" not in page, "an auditor reads"
    assert 'href="/guidelines/loan"' not in page, "there is no guideline to read yet"
    assert erin.post("/guidelines/loan/suite", {}).status_code == 403
    assert erin.get("/guidelines/loan/suite/write").status_code == 403
    bob = world.browser("bob")
    assert bob.get("/guidelines/loan/suite").status_code == 403
    assert "/guidelines/loan/suite" not in bob.get("/guidelines/loan").content.decode()


def test_a_run_on_nothing_is_refused_in_words(world: World) -> None:
    alice = world.browser("alice")
    answer = alice.post("/guidelines/loan/suite", {"version": "99"}, follow=True)
    assert "This task type has no test suite yet; write one first." in answer.content.decode()
    assert alice.get("/guidelines/nothing/suite").status_code == 404


def test_a_version_the_policy_does_not_have_is_refused_and_not_taken_for_the_active_one(world: World) -> None:
    written(world)
    for forged in ("99", "newest", "-1", "1" * 40):
        answer = world.browser("alice").post("/guidelines/loan/suite", {"version": forged}, follow=True)
        assert "This policy has no version" in answer.content.decode()
    assert not SuiteRun.objects.exists()
