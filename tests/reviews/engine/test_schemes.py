"""Declared scheme and judgements so far → next step."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reviews.engine.declared import problems_of, read_scheme
from reviews.engine.schemes import (
    ADJUDICATOR,
    FIRST,
    SECOND,
    THIRD,
    Agreement,
    Conflict,
    Decide,
    Kind,
    OnConflict,
    Open,
    Owner,
    Role,
    Scheme,
    Seat,
    Step,
    Voice,
    Wait,
    next_step,
)

DOUBLE = Scheme(Kind.BLIND_DOUBLE)
THIRD_ONLY = Scheme(Kind.DYNAMIC_THIRD)
ROLES = (Role("risk", "Risk"), Role("sales", "Sales"), Role("legal", "Legal", queue="lawyers"))


def panel(agreement: str, *, sequence: bool = False, then: str = "return", **more: str) -> Scheme:
    return Scheme(Kind.PANEL, OnConflict(then), ROLES, in_sequence=sequence, agreement=Agreement(agreement), **more)


def said(**labels: str | None) -> list[Voice]:
    return [Voice(seat, label) for seat, label in labels.items()]


def brief(step: Step) -> object:
    """A step as the table writes it."""
    match step:
        case Wait():
            return "wait"
        case Open(seats, _):
            return [seat.name for seat in seats]
        case Decide(label, owner, _):
            return (label, owner.value)
        case Conflict():
            return "conflict"


TABLE = [
    (Scheme(), {}, ["first"]),
    (Scheme(), {"first": None}, "wait"),
    (Scheme(), {"first": "a"}, ("a", "reviewer")),
    (DOUBLE, {}, ["first", "second"]),
    (DOUBLE, {"first": "a", "second": None}, "wait"),
    (DOUBLE, {"first": None, "second": "a"}, "wait"),
    (DOUBLE, {"first": "a", "second": "a"}, ("a", "panel")),
    (DOUBLE, {"first": "a", "second": "b"}, ["adjudicator"]),
    (DOUBLE, {"first": "a", "second": "b", "adjudicator": None}, "wait"),
    (DOUBLE, {"first": "a", "second": "b", "adjudicator": "c"}, ("c", "adjudicator")),
    (Scheme(Kind.BLIND_DOUBLE, OnConflict.RETURN), {"first": "a", "second": "b"}, "conflict"),
    (Scheme(Kind.BLIND_DOUBLE, OnConflict.TIE_BREAK, tie_break="b"), {"first": "a", "second": "c"}, ("b", "panel")),
    (Scheme(Kind.BLIND_DOUBLE, OnConflict.ESCALATE), {"first": "a", "second": "b"}, ["adjudicator"]),
    (THIRD_ONLY, {}, ["first", "second"]),
    (THIRD_ONLY, {"first": "a", "second": "a"}, ("a", "panel")),
    (THIRD_ONLY, {"first": "a", "second": "b"}, ["third"]),
    (THIRD_ONLY, {"first": "a", "second": "b", "third": None}, "wait"),
    (THIRD_ONLY, {"first": "a", "second": "b", "third": "b"}, ("b", "panel")),
    (THIRD_ONLY, {"first": "a", "second": "b", "third": "c"}, ["adjudicator"]),
    (panel("unanimous"), {}, ["risk", "sales", "legal"]),
    (panel("unanimous"), {"risk": "a", "sales": "b", "legal": None}, "wait"),
    (panel("unanimous"), {"risk": "a", "sales": "a", "legal": "a"}, ("a", "panel")),
    (panel("unanimous"), {"risk": "a", "sales": "a", "legal": "b"}, "conflict"),
    (panel("majority"), {"risk": "a", "sales": "a", "legal": "b"}, ("a", "panel")),
    (panel("majority"), {"risk": "a", "sales": "b", "legal": "c"}, "conflict"),
    (panel("role_deference", defer_to="legal"), {"risk": "a", "sales": "a", "legal": "b"}, ("b", "panel")),
    (panel("unanimous", sequence=True), {}, ["risk"]),
    (panel("unanimous", sequence=True), {"risk": "a"}, ["sales"]),
    (panel("unanimous", sequence=True), {"risk": "a", "sales": "b"}, "conflict"),
    (panel("unanimous", sequence=True, then="adjudicate"), {"risk": "a", "sales": "b"}, ["adjudicator"]),
    (panel("unanimous", sequence=True), {"risk": "a", "sales": "a"}, ["legal"]),
    (panel("majority", sequence=True), {"risk": "a", "sales": "a"}, ("a", "panel")),
    (panel("majority", sequence=True), {"risk": "a", "sales": "b"}, ["legal"]),
    (panel("role_deference", sequence=True, defer_to="risk"), {"risk": "a"}, ["sales"]),
    (
        panel("role_deference", sequence=True, defer_to="risk"),
        {"risk": "a", "sales": "b", "legal": "b"},
        ("a", "panel"),
    ),
]


@pytest.mark.parametrize("scheme, voices, step", TABLE)
def test_the_table_of_steps(scheme: Scheme, voices: dict[str, str | None], step: object) -> None:
    assert brief(next_step(scheme, said(**voices))) == step


def test_a_role_may_wait_in_a_queue_of_its_own() -> None:
    step = next_step(panel("unanimous"), [])
    assert isinstance(step, Open)
    assert step.seats[2] == Seat("legal", "lawyers")


def test_the_adjudicator_sits_where_the_scheme_says() -> None:
    scheme = Scheme(Kind.BLIND_DOUBLE, adjudication_queue="experts")
    assert next_step(scheme, said(first="a", second="b")) == Open(
        (Seat(ADJUDICATOR, "experts"),), "Two reviewers, each on their own, disagree."
    )
    step = next_step(Scheme(Kind.BLIND_DOUBLE, OnConflict.ESCALATE), said(first="a", second="b"))
    assert isinstance(step, Open) and step.seats[0].above


def test_a_conflict_of_roles_says_who_said_what() -> None:
    step = next_step(panel("unanimous"), said(risk="a", sales="b", legal="a"))
    assert isinstance(step, Conflict)
    assert "Risk: a; Sales: b; Legal: a" in step.explanation


LABELS = st.sampled_from(["a", "b", "c"])
SCHEMES = st.one_of(
    st.builds(
        Scheme,
        kind=st.sampled_from([Kind.SINGLE, Kind.BLIND_DOUBLE, Kind.DYNAMIC_THIRD]),
        on_conflict=st.sampled_from(OnConflict),
        tie_break=LABELS,
    ),
    st.builds(
        Scheme,
        kind=st.just(Kind.PANEL),
        on_conflict=st.sampled_from(OnConflict),
        roles=st.sampled_from([ROLES, ROLES[:2]]),
        in_sequence=st.booleans(),
        agreement=st.sampled_from(Agreement),
        defer_to=st.sampled_from(["risk", "sales"]),
        tie_break=LABELS,
    ),
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no fault of the strategy
@given(SCHEMES, st.data())
def test_a_random_walk_ends_and_never_breaks_an_invariant(scheme: Scheme, data: st.DataObject) -> None:
    voices: list[Voice] = []
    step = next_step(scheme, voices)
    for _ in range(20):
        if isinstance(step, Decide | Conflict):
            break
        if isinstance(step, Open):
            names = [seat.name for seat in step.seats]
            assert names and len(names) == len(set(names))
            assert not set(names) & {v.seat for v in voices}, "a seat is opened once"
            assert all(v.label is not None for v in voices), "nothing is opened while somebody still judges"
            voices += [Voice(name) for name in names]
        else:
            assert any(v.label is None for v in voices), "waiting means that somebody is awaited"
        place = data.draw(st.sampled_from([n for n, v in enumerate(voices) if v.label is None]))
        voices[place] = Voice(voices[place].seat, data.draw(LABELS))
        step = next_step(scheme, voices)
    assert isinstance(step, Decide | Conflict), "it ends"
    assert all(v.label is not None for v in voices), "no review is left open"
    if isinstance(step, Decide):
        spoken = {v.label for v in voices}
        assert step.label in spoken or scheme.on_conflict is OnConflict.TIE_BREAK
        assert (step.owner is Owner.ADJUDICATOR) == (voices[-1].seat == ADJUDICATOR)
    else:
        assert scheme.on_conflict is OnConflict.RETURN
    assert len([v for v in voices if v.seat in (FIRST, SECOND, THIRD)]) <= 3


@pytest.mark.parametrize(
    "document, field, words",
    [
        ({"kind": "panel", "roles": [{"name": "risk"}]}, "roles", "at least two"),
        ({"kind": "blind_double", "roles": [{"name": "risk"}]}, "roles", "Only the kind"),
        ({"kind": "blind_double", "on_conflict": "tie_break"}, "tie_break", "which label"),
        ({"kind": "blind_double", "on_conflict": "tie_break", "tie_break": "z"}, "tie_break", "use one of: a, b"),
        ({"kind": "blind_double", "adjudication_queue": "x"}, "adjudication_queue", "no queue 'x'"),
        ({"kind": "panel", "roles": [{"name": "r"}, {"name": "r"}]}, "roles/1/name", "twice"),
        ({"kind": "panel", "roles": [{"name": "r"}, {"name": "first"}]}, "roles/1/name", "taken"),
        (
            {"kind": "panel", "agreement": "role_deference", "roles": [{"name": "r"}, {"name": "s"}]},
            "defer_to",
            "one of: r, s",
        ),
        ({"kind": "panel", "roles": [{"name": "r", "queue": "y"}, {"name": "s"}]}, "roles/0/queue", "no queue 'y'"),
        (
            {"kind": "panel", "roles": [{"name": "r", "decides": ["q"]}, {"name": "s", "decides": ["q"]}]},
            "roles",
            "one responsible role",
        ),
        (
            {"kind": "panel", "roles": [{"name": "r", "decides": ["q"]}, {"name": "s"}]},
            "roles/0/decides",
            "no question",
        ),
    ],
)
def test_a_wrong_declaration_is_named_with_its_cure(document: dict[str, object], field: str, words: str) -> None:
    found = problems_of(read_scheme(document), labels=["a", "b"], queues=["loans"], questions=["severity"])
    assert any(name == field and words in detail for name, detail in found), found


def test_a_declaration_that_is_no_scheme_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="kind"):
        read_scheme({"kind": "triple"})
    with pytest.raises(ValueError, match="unknown field"):
        read_scheme({"kin": "single"})
