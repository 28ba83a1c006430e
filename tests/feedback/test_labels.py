from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from feedback.actions.labels import OVERLAP, rebuild_labels
from feedback.models import LabelSweep, Signal, TrainingLabel
from feedback.selectors import labelled_predictions
from hitl.core.clock import now
from reviews.models import Case, Judgement
from tests.factories import World, make_world
from tests.feedback.history import add_cases, judge, observe


def label_of(case: object) -> TrainingLabel:
    return TrainingLabel.objects.get(case=case)


def test_two_people_who_agree_weigh_more_than_one(world: World) -> None:
    one, two = add_cases(world, [0.8, 0.8])
    judge(world, one, "bob", "approve")
    for name in ("bob", "carol"):
        judge(world, two, name, "approve")

    rebuild_labels()

    assert (label_of(one).weight, label_of(two).weight) == (1.0, 1.5)
    assert label_of(two).source == "reviewers"


def test_an_override_of_a_confident_model_on_a_sampled_case_stores_every_factor(world: World) -> None:
    [case] = add_cases(world, [0.95], selection_probability=0.05)
    judge(world, case, "bob", "reject")

    rebuild_labels()

    label = label_of(case)
    assert label.factors["override"] == 2.0
    assert label.factors["confident_override"] == 1.5
    assert label.factors["selection"] == pytest.approx(20.0)
    assert label.weight == pytest.approx(1.0 * 2.0 * 1.5 * 20.0)


def test_people_who_tie_give_no_label_and_no_weight(world: World) -> None:
    [case] = add_cases(world, [0.8])
    judge(world, case, "bob", "approve", first="approve")
    judge(world, case, "carol", "reject", first="reject")

    rebuild_labels()

    assert (label_of(case).label, label_of(case).weight, label_of(case).unaided_label) == (None, 0.0, None)


def test_an_audit_replaces_the_reviewers_and_an_outcome_replaces_both(world: World) -> None:
    audited, known = add_cases(world, [0.8, 0.8])
    for case in (audited, known):
        judge(world, case, "bob", "approve", first="approve")
        Signal.objects.create(
            workspace=world.workspace, case=case, source="audit", label="reject", observed_at=now(), created_at=now()
        )
    observe(world, [(known, "approve")])

    rebuild_labels()

    assert (label_of(audited).label, label_of(audited).source) == ("reject", "ruling")
    assert (label_of(known).label, label_of(known).source) == ("approve", "outcome")
    # The supervisor had seen the machine's answer: calibration keeps to what bob said unaided.
    assert label_of(audited).unaided_label == "approve"


@pytest.mark.parametrize(
    ("visibility", "first", "final", "unaided"),
    [
        ("after", "reject", "approve", "reject"),
        ("never", "reject", "approve", "approve"),
        ("before", None, "approve", None),
    ],
)
def test_calibration_learns_only_what_was_said_before_the_machine_was_seen(
    world: World, visibility: str, first: str | None, final: str, unaided: str | None
) -> None:
    [case] = add_cases(world, [0.8])
    judge(world, case, "bob", final, first=first, visibility=visibility)

    rebuild_labels()

    assert label_of(case).label == final
    assert label_of(case).unaided_label == unaided
    assert [p.correct for p in labelled_predictions(world.task_type.pk)] == (
        [] if unaided is None else [unaided == "approve"]
    )


def test_an_undone_judgement_takes_its_label_with_it(world: World) -> None:
    [case] = add_cases(world, [0.8])
    judgement = judge(world, case, "bob", "approve", first="approve")
    rebuild_labels()

    Judgement.objects.filter(pk=judgement.pk).update(undone_at=now())
    rebuild_labels()

    assert not TrainingLabel.objects.exists()


def test_a_sweep_that_finds_nothing_new_changes_nothing(world: World) -> None:
    cases = add_cases(world, [0.8] * 3)
    observe(world, [(c, "approve") for c in cases])

    assert rebuild_labels() == 3
    before = list(TrainingLabel.objects.values_list("updated_at", flat=True))
    assert rebuild_labels() == 0
    assert list(TrainingLabel.objects.values_list("updated_at", flat=True)) == before


def test_evidence_that_commits_after_the_sweep_with_an_older_id_is_found_by_the_next(world: World) -> None:
    late, early = add_cases(world, [0.8, 0.8])
    slow = Signal(
        workspace=world.workspace, case=late, source="outcome", label="reject", observed_at=now(), created_at=now()
    )
    observe(world, [(early, "approve")])
    rebuild_labels()

    slow.save(force_insert=True)  # its id was made before the sweep read

    assert rebuild_labels() == 1
    assert label_of(late).label == "reject"


def test_the_nightly_sweep_reads_what_is_older_than_the_overlap(world: World) -> None:
    [case] = add_cases(world, [0.8])
    observe(world, [(case, "reject")])
    LabelSweep.objects.create(read_up_to=now() + OVERLAP + timedelta(minutes=1))

    assert rebuild_labels() == 0
    assert rebuild_labels(everything=True) == 1


def test_the_number_of_queries_does_not_grow_with_the_number_of_cases(world: World) -> None:
    def queries(cases: int) -> int:
        observe(world, [(c, "approve") for c in add_cases(world, [0.8] * cases)])
        with CaptureQueriesContext(connection) as captured:
            rebuild_labels()
        return len(captured)

    queries(1)  # the first sweep creates its mark

    assert queries(2) == queries(60)


def test_a_case_without_a_prediction_is_labelled_but_calibrates_nothing(world: World) -> None:
    [case] = add_cases(world, [0.8], label=None)
    observe(world, [(case, "reject")])

    rebuild_labels()

    assert label_of(case).label == "reject"
    assert labelled_predictions(world.task_type.pk) == []


def test_a_case_that_was_only_to_be_labelled_went_to_people_for_certain(world: World) -> None:
    case = add_cases(world, [0.9], selection_probability=0.05)[0]
    Case.objects.filter(pk=case.pk).update(mode="annotate")
    judge(world, case, "bob", "approve", first="approve")

    rebuild_labels()

    label = TrainingLabel.objects.get(pk=case.pk)
    assert (label.selection_probability, label.factors["selection"]) == (1.0, 1.0)


def test_a_case_that_a_supervisor_picked_to_audit_stands_for_no_others(world: World) -> None:
    picked, drawn = add_cases(world, [0.95, 0.95], selection_probability=0.05, zone="auto_audit")
    judge(world, drawn, "bob", "approve", first="approve", kind="audit")
    Signal.objects.bulk_create(
        Signal(
            workspace=world.workspace, case=case, source="audit", label="reject", observed_at=now(), created_at=now()
        )
        for case in (picked, drawn)
    )  # fmt: skip

    rebuild_labels()

    assert (label_of(picked).source, label_of(drawn).source) == ("ruling", "ruling")
    assert (label_of(picked).selection_probability, label_of(picked).factors["selection"]) == (1.0, 1.0)
    assert (label_of(drawn).selection_probability, label_of(drawn).factors["selection"]) == (0.05, 20.0)


def test_blind_reviewers_are_votes_and_the_adjudicator_replaces_them(world: World) -> None:
    disputed, agreed = add_cases(world, [0.8, 0.8])
    for name, label in (("bob", "approve"), ("carol", "reject")):
        judge(world, disputed, name, label, first=label, kind="second", seat=name)
        judge(world, agreed, name, "approve", first="approve", kind="second", seat=name)
    judge(world, disputed, "dave", "reject", first="reject", kind="adjudication", seat="adjudicator")

    rebuild_labels()

    found = label_of(disputed)
    assert (found.label, found.source, found.factors["source"]) == ("reject", "ruling", 1.5)
    assert found.unaided_label == "reject", "three said what they thought on their own; two of them this"
    assert (label_of(agreed).label, label_of(agreed).factors["source"]) == ("approve", 1.5)


def test_who_read_what_others_said_counts_unaided_by_their_first_judgement(world: World) -> None:
    for kind, seat in (("adjudication", "adjudicator"), ("first", "asker")):
        [case] = add_cases(world, [0.8])
        judge(world, case, "dave", "approve", first="reject", visibility="never", kind=kind, seat=seat)

        rebuild_labels()

        assert label_of(case).unaided_label == "reject"


def test_a_label_that_cannot_be_stored_keeps_no_other_from_being_made(world: World) -> None:
    """The sweep is every workspace's; a chance of nearly nothing weighs more than a number can hold."""
    [poison] = add_cases(world, [0.8], selection_probability=1e-320)
    judge(world, poison, "bob", "reject")
    elsewhere = make_world("globex")
    [case] = add_cases(elsewhere, [0.8])
    judge(elsewhere, case, "bob", "reject")
    assert rebuild_labels() == 1
    assert TrainingLabel.objects.get().case_id == case.pk
    assert LabelSweep.objects.exists()


def test_an_outcome_cannot_be_said_to_be_observed_nearly_never(world: World) -> None:
    world.task_type.recalibration = {"weights": {"observation_probability": 1e-320}}
    world.task_type.save()
    [case] = add_cases(world, [0.8])
    observe(world, [(case, "reject")])
    rebuild_labels()
    assert TrainingLabel.objects.get().factors["observation"] == 1.0, "the defaults hold"
