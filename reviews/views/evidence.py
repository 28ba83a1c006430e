"""The evidence of one case as its task type presents it; the machine's marks only where its answer may be seen."""

from reviews.evidence import EvidenceBlock, Kind, Presentation, blocks, parse_presentation
from reviews.machine_marks import NO_MARKS, machine_marks
from reviews.models import Case, CaseContent


def evidence_shown(case: Case, content: CaseContent, *, sealed: bool) -> tuple[EvidenceBlock, ...]:
    """The blocks in reading order. `sealed`: nothing of the prediction is looked at."""
    explanation = None if sealed or not content.prediction else content.prediction.get("explanation")
    return blocks(
        content.input,
        parse_presentation(case.task_type.presentation),
        content.key_evidence,
        pair=_pair(case),
        marks=NO_MARKS if sealed else machine_marks(explanation),
    )


def _pair(case: Case) -> tuple[Presentation, ...]:
    """The two sides of a pairwise form, under the titles of the labels that choose them."""
    spec = case.task_type.decision_form.pair
    if spec is None:
        return ()
    titles = [label["title"] for label in case.task_type.labels]
    kind = Kind(spec.kind)
    return (
        Presentation(spec.a, kind, titles[0], side=True),
        Presentation(spec.b, kind, titles[1], side=True),
    )
