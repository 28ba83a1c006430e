"""The demo's data: real, repeatable, and of the quality its numbers promise."""

from pathlib import Path

import jsonschema_rs
import msgspec
import pytest
import yaml

from hitl.demo.cases import DemoCase, fingerprint, probabilities
from hitl.demo.cytology import cytology_cases
from hitl.demo.digits import digit_cases
from hitl.demo.plan import SEED
from reviews.structs import CaseIn

CONFIG = Path(__file__).parents[2] / "hitl" / "demo" / "config"


@pytest.fixture(scope="module")
def digits() -> list[DemoCase]:
    return digit_cases(SEED, 820)


@pytest.fixture(scope="module")
def cytology() -> list[DemoCase]:
    return cytology_cases(SEED, 380)


def test_the_same_seed_gives_the_same_cases(digits: list[DemoCase], cytology: list[DemoCase]) -> None:
    assert fingerprint(digit_cases(SEED, 820)) == fingerprint(digits)
    assert fingerprint(cytology_cases(SEED, 380)) == fingerprint(cytology)
    assert fingerprint(digit_cases(SEED + 1, 820)) != fingerprint(digits)


def test_fewer_cases_are_the_first_of_more(digits: list[DemoCase]) -> None:
    assert [c.external_id for c in digit_cases(SEED, 20)] == [c.external_id for c in digits[:20]]


def test_the_models_are_good_and_leave_work_for_people(digits: list[DemoCase], cytology: list[DemoCase]) -> None:
    assert 0.93 <= sum(c.right for c in digits) / len(digits) <= 0.97
    assert 0.88 <= sum(c.right for c in cytology) / len(cytology) <= 0.96


def test_digits_are_read_by_three_models(digits: list[DemoCase]) -> None:
    for case in digits:
        prediction = case.body["prediction"]
        models = {prediction["model_version"], *(vote["model"] for vote in prediction["ensemble"])}
        assert len(models) == 3


@pytest.mark.parametrize(("make", "slug"), [(digit_cases, "digit-reading"), (cytology_cases, "cytology-triage")])
def test_every_case_is_what_intake_accepts(make: object, slug: str) -> None:
    content = yaml.safe_load((CONFIG / "demo.yaml").read_text())
    task_type = next(t for t in content["task_types"] if t["slug"] == slug)
    labels = {label["value"] for label in task_type["labels"]}
    schema = jsonschema_rs.Draft202012Validator(task_type["input_schema"])
    cases: list[DemoCase] = make(SEED, 200)  # type: ignore[operator]
    assert len({c.external_id for c in cases}) == 200
    for case in cases:
        body = msgspec.json.decode(msgspec.json.encode(case.body), type=CaseIn)
        assert body.prediction is not None
        assert schema.is_valid(body.input)
        assert {body.prediction.label, case.truth, case.rival, *body.prediction.probabilities} <= labels
        assert case.rival != case.truth
        assert abs(sum(body.prediction.probabilities.values()) - 1.0) < 1e-5


def test_nothing_a_reviewer_sees_before_judging_depends_on_the_model(cytology: list[DemoCase]) -> None:
    for case in cytology:
        seen = {name: case.body[name] for name in ("input", "key_evidence")}
        assert case.body["prediction"]["label"] not in str(seen)


def test_rounded_probabilities_sum_to_one() -> None:
    class Row:
        def tolist(self) -> list[float]:
            return [1 / 3, 1 / 3, 1 / 3]

    assert sum(probabilities(["a", "b", "c"], Row()).values()) == pytest.approx(1.0, abs=1e-9)
