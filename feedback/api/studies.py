"""REST: threshold studies and agreement between raters. Both in plain Python, so the web process stays small."""

import uuid
from math import isfinite

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from feedback.actions.studies import StudyQuestion, costs_json, objective_question, slice_json, store_study
from feedback.agreement_payloads import PeopleAgreeOut, people_agree_out
from feedback.agreement_report import agreement_report
from feedback.payloads import AgreementOut, agreement_out
from feedback.selectors import studies_for_actor, study_for_actor, task_type_by_slug
from feedback.stats.agreement import agreement
from feedback.stats.objective import Objective, ObjectiveQuestion, objective_study
from feedback.stats.ratings import Level, Rating
from feedback.stats.thresholds import Record
from feedback.structs import AgreementIn, RecordIn, StudyIn
from feedback.study_payloads import (
    StudyAbout,
    StudyList,
    StudyOut,
    fresh_study_out,
    stored_study_out,
    study_summary_out,
)
from feedback.visibility_data import DEFAULT_WINDOW
from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.errors import FieldProblem, InvalidInput, Refused, TooLarge
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query


class ThresholdStudies(Endpoint):
    """Analysis only: nothing that decides changes, so reading policies is scope enough."""

    scopes = {"GET": Scope.POLICIES_READ, "POST": Scope.POLICIES_READ}

    @documented(
        operation_id="list_threshold_studies",
        responses={200: StudyList},
        parameters=(
            query("task_type", "Only of this task type."),
            query("limit", "1–200, default 50.", int),
            query("cursor", "`next` of the page before."),
        ),
        tags=("Learning",),
    )
    def get(self, request: Request) -> Response:
        """Stored studies, the newest first, without their curves."""
        asked = self.check_query(request, "task_type", "limit", "cursor")
        rows = studies_for_actor(actor_of(request), asked.get("task_type"))
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(StudyList([study_summary_out(row) for row in page.rows], page.next))

    @documented(
        operation_id="create_threshold_study",
        request=StudyIn,
        responses={200: StudyOut, 201: StudyOut},
        tags=("Learning",),
    )
    def post(self, request: Request) -> Response:
        """Study every threshold: 200 for `records` (not stored), 201 for labels stored here (needs `policies:read`).

        `records` are taken on the scale given; `model_version` and `slice` then only describe them.
        """
        actor = actor_of(request)
        self.check_query(request)
        body = self.body(request, StudyIn, max_bytes=settings.HITL_MAX_BATCH_BYTES)
        task_type = task_type_by_slug(actor, body.task_type)
        if task_type is None:
            problem = FieldProblem("/task_type", "Name a task type of this workspace.", "unknown_task_type")
            detail = f"There is no task type “{body.task_type}”."
            raise Refused(detail, code="unknown_task_type", errors=[problem])
        question = StudyQuestion(
            model_version=body.model_version,
            slice=body.slice,
            max_error=body.max_error,
            delta=body.delta,
            peak_error=body.peak_error,
            objective=body.objective,
            costs=body.costs,
        )
        if body.records is None:
            return Response(stored_study_out(store_study(actor=actor, task_type=task_type, question=question)), 201)
        asked = objective_question(task_type, question)
        problems = _record_problems(body.records, asked, frozenset(task_type.label_values))
        if problems:
            raise InvalidInput(errors=problems)
        records = [Record(r.confidence, r.correct, 1.0, None, r.predicted, r.truth) for r in body.records]
        about = StudyAbout(
            task_type.slug,
            body.model_version,
            slice_json(body.slice),
            body.objective,
            costs_json(asked.costs),
            body.max_error,
            body.delta,
        )
        return Response(fresh_study_out(about, objective_study(records, asked)))


def _record_problems(records: list[RecordIn], asked: ObjectiveQuestion, labels: frozenset[str]) -> list[FieldProblem]:
    """Labels that are missing, unknown, or at odds with `correct`."""
    by_pair = asked.costs is not None and bool(asked.costs.pairs)
    needed = {
        "predicted": asked.objective is Objective.PER_LABEL or by_pair,
        "truth": by_pair,
    }
    problems: list[FieldProblem] = []
    for place, record in enumerate(records):
        given = {"predicted": record.predicted, "truth": record.truth}
        for name, label in given.items():
            if label is None and needed[name]:
                problems.append(FieldProblem(f"/records/{place}/{name}", "This study needs it.", "required"))
            elif label is not None and label not in labels:
                detail = "Give one of the task type's labels."
                problems.append(FieldProblem(f"/records/{place}/{name}", detail, "unknown_label"))
        if None not in given.values() and record.correct != (record.predicted == record.truth):
            detail = "It is true exactly where predicted and truth are the same."
            problems.append(FieldProblem(f"/records/{place}/correct", detail, "inconsistent"))
        if len(problems) >= _SHOWN:
            break
    return problems


class ThresholdStudyDetail(Endpoint):
    scopes = {"GET": Scope.POLICIES_READ}

    @documented(operation_id="get_threshold_study", responses={200: StudyOut}, tags=("Learning",))
    def get(self, request: Request, study_id: uuid.UUID) -> Response:
        """A stored study."""
        self.check_query(request)
        return Response(stored_study_out(study_for_actor(actor_of(request), study_id)))


_PEOPLE = (
    query("queue", "The slug of one queue; all of them unless told.", required=False),
    query("window", f"Hours or days, such as 24h; {DEFAULT_WINDOW} unless told, at most 365d.", required=False),
    query("basis", "unaided or final; unaided unless no case has two such judgements.", required=False),
)


class Agreement(Endpoint):
    scopes = {"GET": Scope.METRICS_READ, "POST": Scope.METRICS_READ}

    @documented(operation_id="get_agreement", responses={200: PeopleAgreeOut}, parameters=_PEOPLE, tags=("Learning",))
    def get(self, request: Request) -> Response:
        """How far people agree on the cases that several judged: whole, per queue, label and pair, with intervals."""
        asked = self.check_query(request, "queue", "window", "basis")
        window = asked.get("window") or DEFAULT_WINDOW
        found = agreement_report(actor_of(request), asked.get("queue", ""), window, asked.get("basis", ""))
        return Response(people_agree_out(found))

    @documented(operation_id="compare_raters", request=AgreementIn, responses={200: AgreementOut}, tags=("Learning",))
    def post(self, request: Request) -> Response:
        """Agreement between raters by five coefficients with intervals; nothing is stored (needs `metrics:read`)."""
        self.check_query(request)
        body = self.body(request, AgreementIn)
        if sum(map(len, body.ratings)) > MOST_RATINGS:
            raise TooLarge(f"At most {MOST_RATINGS:,} ratings are compared at once; take a sample of the units.")
        level = Level(body.level)
        problems = _problems(body.ratings, level)
        if problems:
            raise InvalidInput(errors=problems)
        return Response(agreement_out(agreement(body.ratings, level)))


_SHOWN = 20
"""Problems reported at once."""
MOST_RATINGS = 100_000
"""Compared while the caller waits: about 3 s, since the intervals are found by drawing anew."""


def _problems(ratings: list[list[Rating | None]], level: Level) -> list[FieldProblem]:
    problems: list[FieldProblem] = []
    units = len(ratings[0])
    for row, given in enumerate(ratings):
        if len(given) != units:
            detail = f"This rater has {len(given)} ratings, the first one has {units}; use null where there is none."
            problems.append(FieldProblem(f"/ratings/{row}", detail, "ragged"))
        for column, rating in enumerate(given):
            wrong = _problem(rating, level)
            if wrong:
                problems.append(FieldProblem(f"/ratings/{row}/{column}", *wrong))
            if len(problems) >= _SHOWN:
                return problems
    return problems


def _problem(rating: Rating | None, level: Level) -> tuple[str, str] | None:
    """Detail and code, null where the rating fits the level."""
    if rating is None:
        return None
    if isinstance(rating, str):
        return None if level is Level.NOMINAL else (f"The level “{level}” needs numbers.", "invalid_type")
    if not _is_finite(rating):
        return "Give a finite number.", "out_of_range"
    if level is Level.RATIO and rating < 0:
        return "The level “ratio” needs numbers from 0 up.", "out_of_range"
    return None


def _is_finite(number: int | float) -> bool:
    try:
        return isfinite(number)
    except OverflowError:  # an integer too large for a float
        return False
