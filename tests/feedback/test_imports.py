"""History from elsewhere: checked first, told row by row what is wrong, brought in once, never mistaken for ours."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from audit.models import Event
from feedback.actions.export_work import stream_export
from feedback.actions.exports import begin_stream
from feedback.actions.import_work import _work, work_imports
from feedback.actions.labels import rebuild_labels
from feedback.models import HistoryImport, Signal, TrainingLabel
from feedback.selectors import labelled_predictions
from feedback.structs import ExportIn
from hitl.core.clock import now
from hitl.core.ids import new_id
from reviews.models import Case, ReviewTask
from routing.models import TaskType
from tests.api.support import post, problem
from tests.factories import World, make_world
from tests.feedback.history import add_cases, judge

CSV = (
    "external_id,subject,input.income,input.purpose,label,annotator,labelled_at,model_label,model_version,confidence\n"
    "old-1,customer-1,51000,car,approve,ann,2025-01-02T10:00:00Z,approve,old-model,0.9\n"
    "old-2,customer-2,12000,boat,reject,ben,2025-01-03T10:00:00Z,approve,old-model,0.8\n"
)


def bring_in(world: World, content: str, name: str = "alice", **wanted: Any) -> dict[str, Any]:
    """A finished import."""
    body = {"task_type": "loan", "format": "csv", "content": content, "dry_run": False} | wanted
    answer = post(world, name, "imports", body)
    assert answer.status_code == 202, answer.content
    work_imports()
    found: dict[str, Any] = world.api(name).get(f"/api/v1/imports/{answer.json()['id']}").json()
    return found


def test_csv_becomes_cases_in_shadow_mode_with_labels_of_their_own_source(world: World) -> None:
    found = bring_in(world, CSV)

    assert (found["status"], found["total"], found["done"], found["cases"], found["judgements"]) == ("done", 2, 2, 2, 2)
    case = Case.objects.get(external_id="old-2")
    assert (case.status, case.mode, case.content.input) == ("shadow", "shadow", {"income": 12000, "purpose": "boat"})
    assert not ReviewTask.objects.exists()
    signal = Signal.objects.get(case=case)
    assert (signal.source, signal.origin, signal.label, signal.trust, signal.unaided) == (
        "import", "ben", "reject", 0.5, False,
    )  # fmt: skip
    assert signal.observed_at.year == 2025
    rebuild_labels()
    label = TrainingLabel.objects.get(case=case)
    assert (label.label, label.source, label.factors["skill"], label.factors["override"]) == (
        "reject", "reviewers", 0.5, 2.0,
    )  # fmt: skip
    assert label.labelled_at == signal.observed_at


def test_a_dry_run_is_the_default_and_writes_nothing(world: World) -> None:
    answer = post(world, "alice", "imports", {"task_type": "loan", "format": "csv", "content": CSV + "x,,,,,,,,,\n"})
    work_imports()
    found = world.api("alice").get(f"/api/v1/imports/{answer.json()['id']}").json()
    assert (found["dry_run"], found["total"], found["refused"], found["cases"]) == (True, 3, 1, 0)
    assert not Case.objects.exists() and not Signal.objects.exists()


def test_the_same_file_again_changes_nothing(world: World) -> None:
    bring_in(world, CSV)
    again = bring_in(world, CSV)
    assert (again["cases"], again["judgements"], again["refused"]) == (0, 0, 0)
    assert (Case.objects.count(), Signal.objects.count()) == (2, 2)


def test_calibration_learns_from_imports_only_where_they_are_declared_unaided(world: World) -> None:
    bring_in(world, CSV)
    rebuild_labels()
    assert labelled_predictions(world.task_type.pk) == []
    bring_in(world, CSV.replace("old-", "blind-"), unaided=True, trust=1.0)
    rebuild_labels()
    assert [(p.model_version, p.correct) for p in labelled_predictions(world.task_type.pk)] == [
        ("blind-model", False),
        ("blind-model", True),
    ]


@pytest.mark.parametrize(
    ("row", "field", "words"),
    [
        ("old-9,s,1,car,maybe,ann,,,,", "label", "is not a label of this task type"),
        ("old-9,s,1,car,,ann,,,,", "label", "Nobody labelled this row"),
        (",s,1,car,approve,ann,,,,", "external_id", "Give an external id"),
        ("old-9,s,1,car,approve,ann,yesterday,,,", "labelled_at", "RFC 3339"),
        ("old-9,s,1,car,approve,ann,,approve,m,", "confidence", "needs its confidence"),
        ("old-9,s,1,car,approve,ann,,approve,m,7", "/prediction/confidence", "<= 1"),
        ("old-9,s,1,car,approve,ann,,approve,,0.5", "/prediction/model_version", "length >= 1"),
        ("old-9,s,1,car,approve,ann,,,,,,,", "", "more cells than the header"),
    ],
)
def test_a_wrong_row_is_named_with_its_cure_and_the_others_come_in(
    world: World, row: str, field: str, words: str
) -> None:
    found = bring_in(world, f"{CSV}{row}\n")
    [error] = found["errors"]
    assert (error["row"], error["field"]) == (3, field)
    assert words in error["detail"]
    assert (found["refused"], found["cases"]) == (1, 2)


@pytest.mark.parametrize(
    ("format_", "content", "words"),
    [
        ("csv", "label\napprove\n", "no column “external_id”"),
        ("csv", "external_id,label,income\n1,approve,3\n", "column “income” is not known"),
        ("label-studio", "{}", "JSON array"),
        ("label-studio", "[", "not valid JSON"),
    ],
)
def test_a_file_that_cannot_be_read_fails_as_a_whole(world: World, format_: str, content: str, words: str) -> None:
    found = bring_in(world, content, format=format_)
    assert found["status"] == "failed" and words in found["detail"]


def test_input_that_breaks_the_schema_is_told_by_its_place(world: World) -> None:
    schema = {"type": "object", "properties": {"income": {"type": "number", "maximum": 50_000}}}
    TaskType.objects.update(input_schema=schema)
    found = bring_in(world, CSV)
    assert found["refused"] == 1 and found["errors"][0]["field"].startswith("/input")


def test_label_studio_tasks_come_in_with_predictions_and_every_annotator(world: World) -> None:
    def choice(label: str) -> list[dict[str, Any]]:
        return [{"from_name": "l", "to_name": "t", "type": "choices", "value": {"choices": [label]}}]

    tasks = [
        {
            "id": 7,
            "data": {"text": "hello"},
            "annotations": [
                {"completed_by": 1, "result": choice("approve"), "created_at": "2025-01-02T10:00:00.5Z"},
                {"completed_by": {"email": "b@x.org"}, "result": choice("reject")},
                {"completed_by": 3, "result": choice("reject"), "was_cancelled": True},
            ],
            "predictions": [{"model_version": "m1", "score": 0.7, "result": choice("approve")}],
        },
        {"id": 8, "data": {"text": "boxes"}, "annotations": [{"result": [{"type": "rectanglelabels", "value": {}}]}]},
    ]
    found = bring_in(world, json.dumps(tasks), format="label-studio")
    assert (found["cases"], found["judgements"]) == (1, 2)
    assert found["errors"] == [
        {"row": 2, "field": "annotations/0", "detail": "It has no choice; only `choices` are imported."}
    ]
    case = Case.objects.get(external_id="label-studio-7")
    assert (case.model_version, case.content.input) == ("m1", {"text": "hello"})
    assert set(Signal.objects.values_list("origin", "label")) == {("1", "approve"), ("b@x.org", "reject")}


def test_our_own_label_studio_export_comes_in_elsewhere(world: World) -> None:
    [case] = add_cases(world, [0.8])
    judge(world, case, "bob", "reject")
    rebuild_labels()
    export = begin_stream(actor=world.actor("alice"), wanted=ExportIn(format="label-studio"))
    file = b"".join(stream_export(export)).decode()
    elsewhere = make_world("globex")
    found = bring_in(elsewhere, file, format="label-studio")
    assert (found["cases"], found["judgements"], found["errors"]) == (1, 1, [])
    assert Signal.objects.get(workspace=elsewhere.workspace).origin.startswith("reviewer-")


def test_a_live_case_takes_no_imported_labels(world: World) -> None:
    row = {"input": {"income": 51000, "purpose": "car"}, "external_id": "old-1", "task_type": "loan", "mode": "shadow"}
    world.submit(row, "alice")
    Case.objects.update(mode="async")
    found = bring_in(world, 'external_id,input,label\nold-1,"{""income"": 51000, ""purpose"": ""car""}",approve\n')
    assert found["errors"][0]["detail"] == "A live case has this external id."
    assert not Signal.objects.exists()


def test_other_content_under_a_known_external_id_is_refused(world: World) -> None:
    bring_in(world, CSV)
    found = bring_in(world, CSV.replace("51000", "99"))
    assert found["refused"] == 1 and found["errors"][0]["row"] == 1


def test_asking_finishing_and_every_label_are_recorded(world: World) -> None:
    bring_in(world, CSV)
    actions = list(Event.objects.filter(action__contains="import").order_by("id").values_list("action", flat=True))
    assert actions == ["import.requested", "judgement.imported", "judgement.imported", "import.finished"]


def test_an_import_whose_worker_was_lost_is_taken_over_and_then_given_up(world: World) -> None:
    body = {"task_type": "loan", "format": "csv", "content": CSV, "dry_run": False}
    post(world, "alice", "imports", body)
    HistoryImport.objects.update(status="running", attempts=1, lease_until=now() - timedelta(seconds=1))
    assert work_imports() == 1
    assert HistoryImport.objects.get().status == "done"
    HistoryImport.objects.update(status="running", attempts=3, lease_until=now() - timedelta(seconds=1))
    work_imports()
    assert HistoryImport.objects.get().status == "failed"


def test_a_worker_that_lost_its_lease_does_not_fail_what_another_works_on(world: World) -> None:
    post(world, "alice", "imports", {"task_type": "loan", "format": "csv", "content": "nonsense", "dry_run": False})
    found = HistoryImport.objects.get()
    late, other = new_id(), new_id()
    HistoryImport.objects.update(status="running", token=other, lease_until=now() + timedelta(minutes=5))

    _work(found.pk, late)

    found.refresh_from_db()
    assert (found.status, found.token, bool(found.body)) == ("running", other, True)


@pytest.mark.parametrize("bad", ['{""a"": ""\\u0000""}', '{""a"": ""\\ud800""}'])
def test_a_row_that_cannot_be_stored_is_refused_by_itself(world: World, bad: str) -> None:
    found = bring_in(world, f'external_id,label,input\nold-1,approve,"{bad}"\nold-2,approve,"{{""a"": 1}}"\n')
    assert (found["status"], found["cases"], found["refused"]) == ("done", 1, 1), found["detail"]
    assert found["errors"][0]["row"] == 1


def test_a_file_that_is_refused_as_a_whole_says_why(world: World) -> None:
    found = bring_in(world, '[{"data": {"text": "\\u0000"}}]', format="label-studio")
    assert (found["status"], "NUL" in found["detail"]) == ("failed", True), found["detail"]


def test_reviewers_and_outsiders_may_not_import_nor_read(world: World) -> None:
    found = bring_in(world, CSV)
    assert post(world, "bob", "imports", {"task_type": "loan", "format": "csv", "content": CSV}).status_code == 403
    stranger = make_world("globex")
    for who in (stranger.api("alice"), world.api("partner")):
        assert who.get(f"/api/v1/imports/{found['id']}").status_code == 404


def test_the_page_takes_a_file_and_shows_what_was_refused(world: World) -> None:
    alice = world.browser("alice")
    file = SimpleUploadedFile("old.csv", f"{CSV}old-9,s,1,car,maybe,ann,,,,\n".encode())
    asked = {"file": file, "format": "csv", "task_type": "loan", "trust": "0.5"}
    answer = alice.post("/imports", asked)
    assert answer.status_code == 302
    work_imports()
    page = alice.get(answer["Location"]).content.decode()
    assert "3 of 3 rows read, 1 refused." in page and "is not a label of this task type" in page
    wrong = SimpleUploadedFile("old.csv", b"\xff\xfe")
    assert "not UTF-8" in alice.post("/imports", asked | {"file": wrong}).content.decode()


def cell(text: str) -> str:
    """A quoted cell of CSV."""
    return '"' + text.replace('"', '""') + '"'


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        ('{"a": "\\u0000"}', "NUL"),
        ('{"\\u0000": 1}', "NUL"),
        ('{"a":' * 40 + "1" + "}" * 40, "nested deeper than 32"),
        ('{"a":' * 500 + "1" + "}" * 500, "nested deeper than 32"),
        ('{"a": "' + "x" * 1_000_000 + '"}', "at most 1048576"),
    ],
    ids=["NUL", "NUL in a name", "deep", "very deep", "large"],
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_a_row_keeps_the_limits_of_a_submitted_case(world: World, evidence: str, words: str, dry_run: bool) -> None:
    padding = cell(json.dumps({"b": "y" * 60_000}))
    rows = f"bad,approve,{cell(evidence)},{padding}\ngood,approve,,\n"
    found = bring_in(world, f"external_id,label,evidence,input\n{rows}", dry_run=dry_run)
    assert (found["status"], found["total"], found["refused"]) == ("done", 2, 1)
    assert words in found["errors"][0]["detail"]
    assert Case.objects.count() == (0 if dry_run else 1)


def test_a_file_with_too_many_columns_is_refused(world: World) -> None:
    """Each row is given all columns, so a wide header over millions of short rows would hold a worker for hours."""
    wide = ",".join(f"input.{n}" for n in range(1_000))
    found = bring_in(world, f"external_id,label,{wide}\n" + "a\n" * 10)
    assert found["status"] == "failed" and "at most 1000 are read" in found["detail"]


def test_what_is_told_of_a_row_is_short(world: World) -> None:
    found = bring_in(world, f"external_id,label\nold-1,{'l' * 100_000}\n")
    assert len(found["errors"][0]["detail"]) <= 500


def test_an_unforeseen_failure_tells_its_kind_and_nothing_else(world: World) -> None:
    TaskType.objects.update(labels=["approve"])
    assert bring_in(world, CSV)["detail"] == "It failed unexpectedly (TypeError); the log says why."


def test_one_caller_cannot_fill_the_table_with_files_that_wait(world: World) -> None:
    body = {"task_type": "loan", "format": "csv", "content": CSV}
    for _ in range(20):
        assert post(world, "partner", "imports", body).status_code == 202
    refused = post(world, "partner", "imports", body)
    assert problem(refused, 429, "too_many_waiting") and refused["Retry-After"] == "60"
    assert post(world, "alice", "imports", body).status_code == 202, "others are not held up"
    assert work_imports() == 21
    assert post(world, "partner", "imports", body).status_code == 202
