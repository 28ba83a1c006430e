"""Training sets: what a row says, who may have what, and that the same file can be made again."""

import csv
import io
import json
import tarfile
from datetime import timedelta
from typing import Any

import pyarrow.parquet as pq
import pytest
import time_machine
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Event
from feedback.actions.export_work import _make, stream_export, work_exports
from feedback.actions.exports import begin_stream, request_export
from feedback.actions.labels import rebuild_labels
from feedback.export_columns import TRAINING
from feedback.models import Export, ExportPart, LabelVersion, Signal
from feedback.pseudonyms import Pseudonyms
from feedback.structs import ExportIn
from hitl.core.clock import now
from hitl.core.ids import new_id
from reviews.models import Case, CaseContent, Claim, Interactions, Judgement, ReviewTask
from routing.models import TaskType
from tests.api.support import post, problem
from tests.factories import World, make_world
from tests.feedback.history import add_cases, judge, observe

FORMATS = ["jsonl", "csv", "parquet", "huggingface", "label-studio"]


def get(world: World, query: str = "", name: str = "erin") -> Any:
    return world.api(name).get(f"/api/v1/exports/training{query}")


def body(response: Any) -> bytes:
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content)


def rows(world: World, query: str = "", name: str = "erin") -> list[dict[str, Any]]:
    return [json.loads(line) for line in body(get(world, query, name)).splitlines()]


def manifest(world: World, response: Any, name: str = "erin") -> dict[str, Any]:
    answer = world.api(name).get(response["X-Manifest"])
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def ask(world: World, name: str = "erin", **wanted: Any) -> dict[str, Any]:
    """A finished export by a worker."""
    answer = post(world, name, "exports", wanted)
    assert answer.status_code == 202, answer.content
    work_exports()
    found: dict[str, Any] = world.api(name).get(f"/api/v1/exports/{answer.json()['id']}").json()
    return found


@pytest.fixture
def judged(world: World) -> list[Case]:
    """Bob agreed, overrode, and one outcome is known."""
    cases = add_cases(world, [0.8, 0.95, 0.6])
    judge(world, cases[0], "bob", "approve", first="approve")
    judge(world, cases[1], "bob", "reject", first="reject")
    observe(world, [(cases[2], "reject")])
    Case.objects.filter(pk=cases[0].pk).update(external_id="app-1", subject="customer-7")
    rebuild_labels()
    return cases


def test_a_row_tells_label_weight_factors_evidence_and_versions(world: World, judged: list[Case]) -> None:
    found = {row["case"]: row for row in rows(world)}
    override = found[str(judged[1].pk)]
    assert (override["label"], override["source"], override["model_label"]) == ("reject", "reviewers", "approve")
    assert override["factors"]["override"] == 2.0 and override["factors"]["confident_override"] == 1.5
    assert override["weight"] == pytest.approx(3.0, rel=1e-4)
    assert (override["model_version"], override["policy"], override["policy_version"]) == ("credit-1", "loan", 1)
    assert [(j["stage"], j["label"]) for j in override["judgements"]] == [("first", "reject"), ("final", "reject")]
    assert found[str(judged[2].pk)]["signals"][0]["source"] == "outcome"


def test_the_header_links_a_manifest_that_is_complete_once_the_file_is(world: World, judged: list[Case]) -> None:
    response = get(world, "?task_type=loan")
    assert manifest(world, response)["status"] == "running"
    body(response)
    found = manifest(world, response)
    assert (found["status"], found["rows"], found["withheld"], found["raw"]) == ("done", 3, 0, False)
    assert found["chunks"] == [{"rows": 3, "sha256": found["rows_sha256"]}]
    assert found["versions"]["found"]["models"] == {"credit-1": 3}
    assert found["versions"]["found"]["policies"] == {"loan#1": 3}
    assert found["task_type"] == "loan" and found["created_by"]


@pytest.mark.parametrize("format_", FORMATS)
def test_an_export_is_made_again_byte_for_byte_after_later_judgements(
    world: World, judged: list[Case], format_: str
) -> None:
    first = ask(world, format=format_)
    file = body(world.api("erin").get(first["file"]))

    judge(world, judged[0], "carol", "reject", first="reject")  # now they disagree
    Judgement.objects.filter(case=judged[1]).update(undone_at=now())
    observe(world, [(judged[2], "approve"), (add_cases(world, [0.9])[0], "approve")])
    TaskType.objects.update(sensitive_pointers=["/income"])
    with time_machine.travel(now() + timedelta(days=90), tick=True):
        rebuild_labels(everything=True)
        answer = post(world, "erin", f"exports/{first['id']}/rebuild", {})
        work_exports()
        again = world.api("erin").get(f"/api/v1/exports/{answer.json()['id']}").json()
        fresh = ask(world, format=format_)

    assert (again["identical"], again["detail"], again["rebuilds"]) == (True, "", first["id"])
    assert body(world.api("erin").get(again["file"])) == file
    assert again["sha256"] == first["sha256"] != fresh["sha256"]


def test_a_streamed_export_and_a_file_are_the_same(world: World, judged: list[Case], capsys: Any) -> None:
    response = get(world, "?format=csv")
    file = body(response)
    found = manifest(world, response)
    call_command("rebuild_export", found["id"])
    assert "Identical: 3 rows" in capsys.readouterr().out
    assert found["bytes"] == len(file)


def test_a_rebuild_says_where_it_differs(world: World, judged: list[Case]) -> None:
    first = ask(world)
    CaseContent.objects.filter(case=judged[1]).update(input={"erased": True})
    answer = post(world, "erin", f"exports/{first['id']}/rebuild", {})
    work_exports()
    again = world.api("erin").get(f"/api/v1/exports/{answer.json()['id']}").json()
    assert (again["identical"], again["detail"]) == (False, "The rows differ from row 1 on.")
    with pytest.raises(CommandError, match="It differs"):
        call_command("rebuild_export", first["id"])


def test_weights_age_as_of_the_export(world: World, judged: list[Case]) -> None:
    now_ = rows(world)[0]
    with time_machine.travel(now() + timedelta(days=180), tick=True):
        later = rows(world)[0]
    assert now_["factors"]["age"] == pytest.approx(1.0, abs=1e-4)
    assert later["factors"]["age"] == pytest.approx(0.5, abs=1e-4)
    assert later["weight"] == pytest.approx(now_["weight"] / 2, rel=1e-3)


def test_people_subjects_ids_and_sensitive_fields_have_pseudonyms(world: World, judged: list[Case]) -> None:
    TaskType.objects.update(sensitive_pointers=["/person/name", "/person/children", "/gone"])
    CaseContent.objects.update(input={"person": {"name": "Ann", "children": [1], "age": 30}})
    Case.objects.update(subject="customer-7")
    found = rows(world)
    said = json.dumps(found)
    for secret in ("Ann", "app-1", "customer-7", str(world.users["bob"].pk)):
        assert secret not in said
    assert {row["subject"] for row in found} == {found[0]["subject"]}
    assert found[0]["subject"].startswith("subject-") and found[0]["external_id"].startswith("external-")
    assert found[0]["input"]["person"] == {"name": found[1]["input"]["person"]["name"], "children": None, "age": 30}
    reviewers = {j["reviewer"] for row in found for j in row["judgements"]}
    assert len(reviewers) == 1 and reviewers.pop().startswith("reviewer-")


def test_pseudonyms_differ_between_workspaces_and_keys(world: World, settings: LazySettings) -> None:
    ours, theirs = Pseudonyms(world.workspace.pk), Pseudonyms(make_world("globex").workspace.pk)
    settings.HITL_PSEUDONYM_KEY = "another"
    other = Pseudonyms(world.workspace.pk)
    assert len({p.of("subject", "customer-7") for p in (ours, theirs, other)}) == 3
    assert len({p.fingerprint for p in (ours, theirs, other)}) == 3


def test_raw_needs_the_permission_and_is_recorded(world: World, judged: list[Case]) -> None:
    for name in ("erin", "partner"):
        assert get(world, "?raw=true", name).status_code == 403
    found = rows(world, "?raw=true", "alice")
    assert found[0]["subject"] == "customer-7" and found[0]["judgements"][0]["reviewer"] == str(world.users["bob"].pk)
    event = Event.objects.get(action="export.requested")
    assert event.after["raw"] is True and event.actor_id == world.users["alice"].pk
    file = ask(world, "alice", raw=True)["file"]
    assert world.api("erin").get(file).status_code == 403
    assert not Event.objects.filter(action="export.downloaded").exists()
    body(world.api("alice").get(file))
    assert Event.objects.filter(action="export.downloaded").count() == 1


def test_a_case_that_somebody_may_still_have_to_judge_is_left_out_for_good(world: World, judged: list[Case]) -> None:
    review = ReviewTask.objects.get(case=judged[0])
    review.pk = None
    review._state.adding, review.status, review.kind = True, "waiting", "second"
    review.save()
    first = ask(world)
    assert (first["rows"], first["withheld"]) == (2, 1)
    ReviewTask.objects.filter(pk=review.pk).update(status="cancelled")
    answer = post(world, "erin", f"exports/{first['id']}/rebuild", {})
    work_exports()
    assert Export.objects.get(pk=answer.json()["id"]).identical
    assert ask(world)["rows"] == 3


def test_a_label_that_was_taken_back_is_gone(world: World, judged: list[Case]) -> None:
    Judgement.objects.filter(case=judged[0]).update(undone_at=now())
    rebuild_labels(everything=True)
    assert str(judged[0].pk) not in {row["case"] for row in rows(world)}
    assert LabelVersion.objects.filter(case=judged[0]).count() == 2


def test_it_can_be_narrowed_by_task_type_model_version_and_time(world: World, judged: list[Case]) -> None:
    observe(world, [(case, "reject") for case in add_cases(world, [0.7], model_version="credit-2")])
    middle = now()
    rebuild_labels()
    assert [row["model_version"] for row in rows(world, "?model_version=credit-2")] == ["credit-2"]
    since = middle.isoformat().replace("+00:00", "Z")
    assert [row["model_version"] for row in rows(world, f"?since={since}")] == ["credit-2"]
    assert len(rows(world, "?task_type=loan")) == 4


def test_csv_has_the_columns_and_json_cells(world: World, judged: list[Case]) -> None:
    found = list(csv.DictReader(io.StringIO(body(get(world, "?format=csv")).decode())))
    assert list(found[0]) == [column.name for column in TRAINING]
    assert json.loads(found[0]["judgements"])[0]["label"] == "approve"
    assert {row["label"] for row in found} == {"approve", "reject"}


def test_parquet_reads_back_with_types(world: World, judged: list[Case]) -> None:
    table = pq.read_table(io.BytesIO(body(get(world, "?format=parquet"))))
    assert table.num_rows == 3 and table.column_names == [column.name for column in TRAINING]
    assert str(table.schema.field("weight").type) == "double"
    assert json.loads(table["factors"][0].as_py())["source"] in (1.0, 2.0)


def test_a_hugging_face_folder_declares_types_and_shards(world: World, judged: list[Case]) -> None:
    tar = tarfile.open(fileobj=io.BytesIO(body(get(world, "?format=huggingface"))))  # noqa: SIM115
    names = tar.getnames()
    assert names == ["hitl-training/data/train-00000.jsonl", "hitl-training/README.md"]
    shard, card = (tar.extractfile(name) for name in names)
    assert shard and card
    assert len(shard.read().splitlines()) == 3
    text = card.read().decode()
    assert "num_examples: 3" in text and "path: data/train-*.jsonl" in text and "name: weight" in text


def test_label_studio_tasks_have_predictions_and_annotations(world: World, judged: list[Case]) -> None:
    tasks = json.loads(body(get(world, "?format=label-studio")))
    assert len(tasks) == 3
    task = next(t for t in tasks if t["data"]["case"] == str(judged[1].pk))
    [prediction], [annotation] = task["predictions"], task["annotations"]
    assert prediction["model_version"] == "credit-1" and prediction["score"] == 0.95
    assert annotation["result"] == [
        {"from_name": "label", "to_name": "case", "type": "choices", "value": {"choices": ["reject"]}}
    ]
    assert annotation["meta"]["reviewer"].startswith("reviewer-")
    assert task["meta"]["weight"] > 0 and "judgements" not in task["meta"]


@pytest.mark.parametrize("format_", FORMATS)
def test_nothing_to_export_is_a_valid_file(world: World, format_: str) -> None:
    file = body(get(world, f"?format={format_}"))
    match format_:
        case "jsonl":
            assert file == b""
        case "label-studio":
            assert json.loads(file) == []
        case "parquet":
            assert pq.read_table(io.BytesIO(file)).num_rows == 0
        case "csv":
            assert file.count(b"\r\n") == 1
        case _:
            assert len(tarfile.open(fileobj=io.BytesIO(file)).getnames()) == 2  # noqa: SIM115


def test_without_pyarrow_parquet_is_refused_with_its_cure(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedback.export_formats.find_spec", lambda name: None)
    answer = get(world, "?format=parquet")
    assert answer.status_code == 422 and answer.json()["code"] == "mode_unavailable"
    assert "install hitl[export]" in answer.json()["detail"]
    assert answer.json()["errors"][0]["pointer"] == "?format"


@pytest.mark.parametrize(
    ("query", "status", "pointer"),
    [
        ("format=xml", 400, "?format"),
        ("since=yesterday", 400, "?since"),
        ("since=0001-01-01T00:00:00%2B14:00", 400, "?since"),
        ("raw=yes", 400, "?raw"),
        ("task_type=none", 422, "?task_type"),
        ("model_version=%00", 400, "?model_version"),
        ("kind=interactions&format=label-studio", 422, "?format"),
        ("colour=red", 400, "?colour"),
    ],
)
def test_a_wrong_question_is_refused_by_parameter(world: World, query: str, status: int, pointer: str) -> None:
    answer = get(world, f"?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (status, pointer)
    assert not Export.objects.exists()


def test_whoever_may_not_export_and_outsiders_get_nothing(world: World, judged: list[Case]) -> None:
    stranger = make_world("globex")
    found = ask(world)
    assert get(world, "", "bob").status_code == 403
    assert rows(stranger, "", "alice") == []
    for path in (f"exports/{found['id']}", f"exports/{found['id']}/file"):
        assert stranger.api("alice").get(f"/api/v1/{path}").status_code == 404
        assert world.api("partner").get(f"/api/v1/{path}").status_code == 404


def test_a_partner_exports_its_own_cases_only(world: World, judged: list[Case]) -> None:
    Case.objects.filter(pk=judged[0].pk).update(owner_id=world.users["alice"].pk)
    assert {row["case"] for row in rows(world, "", "partner")} == {str(c.pk) for c in judged[1:]}
    assert len(rows(world)) == 3


def test_a_download_that_is_broken_off_is_no_export(world: World, judged: list[Case]) -> None:
    export = begin_stream(actor=world.actor("erin"), wanted=ExportIn())
    pieces = stream_export(export)
    next(pieces)
    pieces.close()
    found = world.api("erin").get(f"/api/v1/exports/{export.pk}").json()
    assert (found["status"], found["detail"], found["sha256"]) == ("failed", "The download was broken off.", None)


def test_files_are_forgotten_and_manifests_stay(world: World, judged: list[Case]) -> None:
    found = ask(world)
    with time_machine.travel(now() + timedelta(days=8)):
        work_exports()
        after = world.api("erin").get(f"/api/v1/exports/{found['id']}").json()
        gone = world.api("erin").get(found["file"])
    assert not ExportPart.objects.exists()
    assert (after["file"], after["sha256"]) == (None, found["sha256"])
    assert (gone.status_code, gone.json()["code"]) == (422, "no_file")


def test_an_export_whose_worker_was_lost_is_begun_anew(world: World, judged: list[Case]) -> None:
    answer = post(world, "erin", "exports", {})
    Export.objects.update(status="running", attempts=1, lease_until=now() - timedelta(seconds=1))
    ExportPart.objects.create(workspace=world.workspace, export_id=answer.json()["id"], number=0, body=b"half")
    assert work_exports() == 1
    found = world.api("erin").get(f"/api/v1/exports/{answer.json()['id']}").json()
    assert len(body(world.api("erin").get(found["file"])).splitlines()) == 3


def test_after_three_lost_workers_it_fails(world: World, judged: list[Case]) -> None:
    post(world, "erin", "exports", {})
    Export.objects.update(status="running", attempts=3, lease_until=now() - timedelta(seconds=1))
    assert work_exports() == 0
    export = Export.objects.get()
    assert export.status == "failed" and export.detail.startswith("It was begun three times")


def test_asking_making_and_handing_out_are_recorded(world: World, judged: list[Case]) -> None:
    body(world.api("erin").get(ask(world)["file"]))
    actions = list(Event.objects.filter(object_type="export").order_by("id").values_list("action", flat=True))
    assert actions == ["export.requested", "export.finished", "export.downloaded"]


def test_queries_do_not_grow_with_the_rows(world: World) -> None:
    def queries(n: int) -> int:
        for case in add_cases(world, [0.8] * n):
            judge(world, case, "bob", "approve")
        rebuild_labels()
        with CaptureQueriesContext(connection) as captured:
            rows(world)
        return len(captured)

    queries(1)
    assert queries(2) == queries(40)


def test_the_list_costs_the_same_however_many_exports_there_are(world: World) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert world.api("erin").get("/api/v1/exports").status_code == 200
        return len(captured)

    ask(world)
    few = queries()
    for _ in range(5):
        ask(world)
    assert queries() == few
    page = world.api("erin").get("/api/v1/exports?limit=4").json()
    rest = world.api("erin").get(f"/api/v1/exports?limit=4&cursor={page['next']}").json()
    assert len({row["id"] for row in page["results"] + rest["results"]}) == 6 and rest["next"] is None


def test_interaction_traces_are_exported_once_their_claims_have_ended(world: World, judged: list[Case]) -> None:
    claim = Claim.objects.get(review__case=judged[0])
    Claim.objects.filter(pk=claim.pk).update(closed_at=now())
    Interactions.objects.create(
        claim=claim, workspace=world.workspace, case=judged[0], guideline_version=1, started_at=now(),
        events=[{"kind": "evidence_opened", "ms": 900}],
    )  # fmt: skip
    assert rows(world, "?kind=interactions") == []
    with time_machine.travel(now() + timedelta(hours=2), tick=True):
        [row] = rows(world, "?kind=interactions")
        [line] = csv.DictReader(io.StringIO(body(get(world, "?kind=interactions&format=csv")).decode()))
    assert (row["label"], row["guideline_version"], row["events"][0]["kind"]) == ("approve", 1, "evidence_opened")
    assert row["reviewer"].startswith("reviewer-") and json.loads(line["events"]) == row["events"]


def test_an_appeals_origin_is_a_person_and_gets_a_pseudonym(world: World, judged: list[Case]) -> None:
    Signal.objects.create(
        workspace=world.workspace, case=judged[0], source="appeal", label="reject", origin="customer-7",
        observed_at=now(), created_at=now(),
    )  # fmt: skip
    rebuild_labels()
    [signal] = next(row for row in rows(world) if row["case"] == str(judged[0].pk))["signals"]
    assert signal["origin"].startswith("origin-")


def test_a_worker_that_lost_its_lease_does_not_fail_what_another_works_on(world: World) -> None:
    post(world, "erin", "exports", {})
    export, other = Export.objects.get(), new_id()
    Export.objects.update(status="running", token=other, format="none", lease_until=now() + timedelta(minutes=5))

    _make(export.pk, new_id())

    export.refresh_from_db()
    assert (export.status, export.token) == ("running", other)


def test_one_caller_cannot_fill_the_queue_of_exports(world: World, judged: list[Case]) -> None:
    for _ in range(20):
        assert post(world, "partner", "exports", {}).status_code == 202
    refused = post(world, "partner", "exports", {})
    assert problem(refused, 429, "too_many_waiting") and refused["Retry-After"] == "60"
    assert post(world, "alice", "exports", {}).status_code == 202, "others are not held up"
    assert work_exports() == 21
    done = Export.objects.filter(status="done", client=world.client).first()
    assert done is not None and post(world, "partner", f"exports/{done.pk}/rebuild").status_code == 202


def test_an_unforeseen_failure_tells_its_kind_and_nothing_else(world: World, judged: list[Case]) -> None:
    export = request_export(actor=world.actor("alice"), wanted=ExportIn())
    CaseContent.objects.all().delete()
    work_exports()
    export.refresh_from_db()
    assert (export.status, export.detail) == ("failed", "It failed unexpectedly (KeyError); the log says why.")
