import pytest

from tests.api.support import problem
from tests.factories import World

# Krippendorff 2011, "Computing Krippendorff's alpha-reliability", the example with four observers.
NAN = None
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
    [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
]


def compare(world: World, ratings: object, level: str = "nominal", name: str = "partner"):
    body = {"ratings": ratings, "level": level}
    return world.api(name).post("/api/v1/agreement", body, content_type="application/json")


def test_all_five_coefficients_come_with_intervals_or_the_reason_they_are_missing(world: World) -> None:
    response = compare(world, OBSERVERS)

    assert response.status_code == 200
    body = response.json()
    assert (body["raters"], body["units"], body["missing"]) == (4, 12, 7)
    found = {c["name"]: c for c in body["coefficients"]}
    assert set(found) == {"cohen", "weighted_cohen", "fleiss", "krippendorff", "gwet_ac1"}
    assert found["krippendorff"]["value"] == pytest.approx(0.743, abs=5e-4)
    assert found["krippendorff"]["low"] < 0.743 < found["krippendorff"]["high"]
    assert found["cohen"]["value"] is None
    assert "two raters" in found["cohen"]["reason"]


def test_labels_may_be_words_at_the_nominal_level(world: World) -> None:
    body = compare(world, [["a", "b", "a", "b"], ["a", "b", "a", "a"]]).json()

    assert next(c for c in body["coefficients"] if c["name"] == "cohen")["value"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("ratings", "level", "pointer", "code"),
    [
        ([[1, 2], [1]], "nominal", "/ratings/1", "ragged"),
        ([["a", "b"], ["a", "b"]], "ordinal", "/ratings/0/0", "invalid_type"),
        ([[1, 2], [1, -2]], "ratio", "/ratings/1/1", "out_of_range"),
        ([[1, True]], "nominal", "/ratings/0/1", "invalid_type"),
        ([[1, [2]]], "nominal", "/ratings/0/1", "invalid_type"),
        ([], "nominal", "/ratings", "invalid_type"),
        ([[1, 2]], "cardinal", "/level", "invalid_value"),
    ],
)
def test_ratings_that_cannot_be_compared_are_refused_by_place(
    world: World, ratings: object, level: str, pointer: str, code: str
) -> None:
    response = compare(world, ratings, level)

    assert response.status_code == 400, response.content
    first = response.json()["errors"][0]
    assert (first["pointer"], first["code"]) == (pointer, code)


@pytest.mark.parametrize("number", ["NaN", "1e999", "1" + "0" * 400])
def test_what_is_no_finite_number_is_refused(world: World, number: str) -> None:
    body = f'{{"ratings": [[1, {number}], [1, 2]], "level": "interval"}}'

    assert world.api().post("/api/v1/agreement", body, content_type="application/json").status_code == 400


def test_one_rater_or_no_units_is_an_answer_with_reasons(world: World) -> None:
    for ratings in ([[1, 2, 3]], [[], []]):
        coefficients = compare(world, ratings).json()["coefficients"]
        assert all(c["value"] is None and c["reason"] for c in coefficients)


def test_agreement_needs_the_right_to_read_metrics(world: World) -> None:
    assert compare(world, [[1, 2], [1, 2]], name="bob").status_code == 403


def test_more_ratings_than_can_be_compared_while_one_waits_are_refused(world: World) -> None:
    refused = problem(compare(world, [[1] * 50_001] * 2), 413, "too_large")
    assert "100,000" in refused["detail"]
