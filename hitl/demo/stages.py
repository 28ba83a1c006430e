"""The stages of a load. Each may be interrupted and run again; each answers with a sentence about what came of it."""

import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from examples.partner_client import PartnerClient
from feedback.actions.crowds import compare_crowds
from feedback.actions.labels import rebuild_labels
from feedback.actions.reviewer_figures import refresh_reviewer_figures
from feedback.actions.roi_sweeps import compute_all_roi
from feedback.actions.suite_runs import request_suite_run
from feedback.actions.suite_work import work_suites
from feedback.models import Signal
from hitl.accounts.models import User
from hitl.core.actors import system_actor
from hitl.demo.actions.people import renew_own_key, revoke_own_keys
from hitl.demo.actions.stages import Stage
from hitl.demo.cases import DemoCase
from hitl.demo.loading import Load
from hitl.demo.plan import SEED, SIMULATED
from hitl.demo.progress import progress
from hitl.demo.recalibrating import recalibrate_and_approve
from hitl.demo.reviewing import SimulatedReviewer
from hitl.demo.suite import TASK_TYPE, digit_examples
from reviews.actions.suites import write_suite
from reviews.models import Case, ReviewTask
from routing.models import TaskType

_BATCH = 50
_CONNECTIONS = 4
_APPEALS, _REPORTS = 5, 3


def submit_history(work: Load) -> str:
    """The cases that simulated reviewers will judge."""
    count = _submit(work, "submitting history", work.history())
    return f"{count} cases submitted under the roll-out policy: nothing is decided finally without a person yet."


def judge_history(work: Load) -> str:
    """Simulated reviewers, each with a connection and a key of their own, work the queues but for a remainder."""
    cases = {case.external_id: case for found in work.history().values() for case in found}
    shares = _shares(work)
    actor = system_actor(work.workspace.pk, "demo")
    users = {user.username: user for user in User.objects.filter(username__in=shares)}
    keys = {name: renew_own_key(actor=actor, user=user) for name, user in users.items()}
    total = sum(len(queues) for queues in shares.values())
    try:
        with progress("simulated reviewers judge", total) as advance, ThreadPoolExecutor(len(shares) or 1) as pool:
            people = [sim for sim in SIMULATED if shares.get(sim.username)]

            def judge(place: int) -> int:
                person, judged = people[place], 0
                with SimulatedReviewer(person, work.credentials.base_url, keys[person.username]) as reviewer:
                    for queue in shares[person.username]:
                        judged += reviewer.judge_next(queue, cases)
                        advance(1)
                return judged

            judged = sum(pool.map(judge, range(len(people))))
    finally:
        for user in users.values():
            revoke_own_keys(actor=actor, user=user)
    skills = ", ".join(f"{sim.username} {sim.skill:.0%}" for sim in SIMULATED)
    return f"{judged} judgements by simulated reviewers (right in: {skills})."


def _shares(work: Load) -> Mapping[str, list[str]]:
    """Per simulated reviewer the queues to claim from, one entry a judgement, dealt out in turn."""
    shares: dict[str, list[str]] = {}
    for slug, queueing in work.part.queues.items():
        waiting = ReviewTask.objects.filter(
            workspace=work.workspace, queue__slug=slug, status=ReviewTask.Status.WAITING
        ).count()
        for turn in range(max(0, waiting - queueing.leave)):
            shares.setdefault(queueing.reviewers[turn % len(queueing.reviewers)], []).append(slug)
    return shares


def report_outcomes(work: Load) -> str:
    """The partner learns what most of the cases turned out to be."""
    count = _report(work, work.history(), "outcomes of the history")
    return f"{count} outcomes reported by the partner."


def recalibrate(work: Load) -> str:
    """Calibrate and certify on what people and outcomes said; Alice approves."""
    return recalibrate_and_approve(work.workspace, work.supervisor(), tuple(work.part.amounts.history))


def submit_fresh(work: Load) -> str:
    """The cases that find the certified policy in force; most of what the machine decides gets its outcome."""
    count = _submit(work, "submitting fresh cases", work.fresh())
    _report(work, work.fresh(), "outcomes of what the machine decided", status=Case.Status.DECIDED)
    return f"{count} more cases submitted under the approved policy. {_standing(work)}"


def contest(work: Load) -> str:
    """A few subjects appeal, mostly where the decision was wrong, and users report a case; some wait for you."""
    cases = {case.external_id: case for found in work.fresh().values() for case in found}
    rows = Case.objects.filter(
        workspace=work.workspace, external_id__in=cases, status=Case.Status.DECIDED, decisions__is_current=True
    )
    decided = list(rows.order_by("external_id").values_list("pk", "external_id", "decisions__label"))
    wrong = [row for row in decided if cases[row[1] or ""].truth != row[2]]
    right = [row for row in decided if cases[row[1] or ""].truth == row[2]]
    contested = [*wrong[:_APPEALS], *right[: max(2, _APPEALS - len(wrong))]]
    with PartnerClient(work.credentials.base_url, work.credentials.api_key) as partner:
        for number, (case_id, _, _) in enumerate(contested):
            partner.appeal(str(case_id), "This is not right; please look again.", f"subject-{number}")
        for case_id, _, _ in right[-1:]:
            for number in range(_REPORTS):
                partner.report(str(case_id), "wrong", "It says something else.", f"user-{number}")
    return f"{len(contested)} appeals and {_REPORTS if right else 0} reports filed; people who had no part judge them."


def make_figures(work: Load) -> str:
    """What the worker makes each hour and each night, so that the pages have figures from the first look on."""
    rebuild_labels()
    people = refresh_reviewer_figures()
    compare_crowds()
    compute_all_roi()
    return f"Figures made of {people} reviewers' work and of what labels and reviews are worth."


def run_suite(work: Load) -> str:
    """What the guideline asks for as a test suite, run on the first version of the policy and on the one in force."""
    if TASK_TYPE not in work.part.amounts.history:
        return "This part has no test suite."
    alice, kind = work.supervisor(), TaskType.objects.get(workspace=work.workspace, slug=TASK_TYPE)
    examples = digit_examples(work.cases[TASK_TYPE])
    suite = write_suite(actor=alice, task_type=kind, examples=examples, note="The guideline's hard pairs.")
    for number in (1, None):
        request_suite_run(actor=alice, task_type=kind, number=number)
        work_suites()
    return f"A test suite of {suite.size} digits that no model saw, run on the first policy and on the present one."


WORK: Mapping[Stage, Callable[[Load], str]] = {
    Stage.HISTORY_SUBMITTED: submit_history,
    Stage.HISTORY_JUDGED: judge_history,
    Stage.OUTCOMES_REPORTED: report_outcomes,
    Stage.RECALIBRATED: recalibrate,
    Stage.FRESH_SUBMITTED: submit_fresh,
    Stage.CONTESTED: contest,
    Stage.FIGURES_MADE: make_figures,
    Stage.SUITE_RUN: run_suite,
}


def _submit(work: Load, title: str, cases: Mapping[str, Sequence[DemoCase]]) -> int:
    """Everything again after an interruption: the same external id gives the same case."""
    flat = [case for found in cases.values() for case in found]
    with (
        PartnerClient(work.credentials.base_url, work.credentials.api_key) as partner,
        progress(title, len(flat)) as advance,
    ):
        for start in range(0, len(flat), _BATCH):
            bodies = [case.body for case in flat[start : start + _BATCH]]
            for item in partner.submit_batch(bodies):
                if item.error is not None:
                    raise item.error
            advance(len(bodies))
    return len(flat)


def _report(work: Load, cases: Mapping[str, Sequence[DemoCase]], title: str, **only: str) -> int:
    """Outcomes for the share of cases that the plan says, drawn by seed; what is reported already is left alone."""
    truths = {case.external_id: case.truth for found in cases.values() for case in found if _is_observed(work, case)}
    rows = Case.objects.filter(workspace=work.workspace, external_id__in=truths, **only)
    known = set(Signal.objects.filter(case__in=rows, source=Signal.Source.OUTCOME).values_list("case_id", flat=True))
    due = [
        (pk, truths[name])
        for pk, name in rows.order_by("pk").values_list("pk", "external_id")
        if name and pk not in known
    ]
    with (
        PartnerClient(work.credentials.base_url, work.credentials.api_key) as partner,
        progress(title, len(due)) as advance,
    ):

        def report(outcome: tuple[UUID, str]) -> None:
            case_id, truth = outcome
            partner.record_outcome(str(case_id), truth, source="later check")
            advance(1)

        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            list(pool.map(report, due))
    return len(due)


def _is_observed(work: Load, case: DemoCase) -> bool:
    dice = random.Random(f"{SEED}:outcome:{case.external_id}")  # noqa: S311  # a simulation
    return dice.random() < work.part.amounts.outcomes


def _standing(work: Load) -> str:
    """How many cases the machine and people decided, and how many reviews wait."""
    of_part = Case.objects.filter(workspace=work.workspace, task_type__slug__in=work.part.amounts.history)
    machine = of_part.filter(status=Case.Status.DECIDED, decisions__is_current=True, decisions__owner="system").count()
    decided = of_part.filter(status=Case.Status.DECIDED).count()
    waiting = ReviewTask.objects.filter(case__in=of_part, status=ReviewTask.Status.WAITING).count()
    return f"The machine has decided {machine}, people {decided - machine}; {waiting} reviews wait for you."
