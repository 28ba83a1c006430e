"""JSON that enters: outcomes, audits, threshold studies, replays and ratings to compare."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from feedback.stats.objective import Objective
from feedback.stats.ratings import Rating

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Share = Annotated[float, Meta(ge=0, le=1)]
OpenShare = Annotated[float, Meta(gt=0, lt=1)]
Cost = Annotated[float, Meta(ge=0, le=1e12)]


class _In(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    pass


class OutcomeIn(_In, frozen=True):
    """What a case turned out to be. `source`: who observed it, in the partner's words."""

    label: Name
    observed_at: Annotated[datetime, Meta(tz=True)]
    source: Annotated[str, Meta(max_length=100)] = ""
    details: dict[str, Any] = {}


class AuditIn(_In, frozen=True):
    """A supervisor's verdict on a decision; `label` is the right one and needed for “wrong”."""

    verdict: Literal["upheld", "wrong"]
    label: Name | None = None
    note: Annotated[str, Meta(max_length=2000)] = ""


class RecordIn(_In, frozen=True):
    """`predicted`, `truth`: labels of the task type; needed for the objective `per_label` and for costs by pair."""

    confidence: Share
    correct: bool
    predicted: Name | None = None
    truth: Name | None = None


class SliceIn(_In, frozen=True):
    """Narrows a study: `label` as the machine predicted it, `segment` as the case's context gave it."""

    label: Name | None = None
    segment: Annotated[dict[Name, Annotated[str, Meta(max_length=200)]], Meta(max_length=20)] = {}


class PairCostIn(_In, frozen=True):
    """What it costs to decide `decided` where `truth` is right; null stands for any label, the more named wins."""

    cost: Cost
    truth: Name | None = None
    decided: Name | None = None


class CostsIn(_In, frozen=True):
    """Costs per case, all in one unit. `error`: an error that no pair names. `pairs` null: the task type's own."""

    review: Cost
    error: Cost = 1.0
    pairs: Annotated[list[PairCostIn], Meta(max_length=1000)] | None = None


class StudyIn(_In, frozen=True):
    """A threshold study of stored labels, or of `records` (then nothing is stored).

    `peak_error`: a second budget, at least `max_error`, to be certified jointly with it. `costs`: needed by the
    objective `least_cost`; with another one the cost is told beside.
    """

    task_type: Name
    model_version: Name | None = None
    slice: SliceIn = SliceIn()
    max_error: OpenShare = 0.02
    delta: OpenShare = 0.05
    peak_error: OpenShare | None = None
    objective: Objective = Objective.MOST_AUTOMATION
    costs: CostsIn | None = None
    records: list[RecordIn] | None = None


class ReplayIn(_In, frozen=True, rename={"since": "from"}):
    """Which past cases to try a version on: those submitted from `from` to before `to`, of them the newest `limit`.

    `model_version`, `segment`: only the cases that name them. `compare_with`: the number of another version of the
    policy; null compares with what really happened.
    """

    since: Annotated[datetime, Meta(tz=True)] | None = None
    to: Annotated[datetime, Meta(tz=True)] | None = None
    limit: Annotated[int, Meta(ge=1, le=1_000_000)] = 100_000
    model_version: Name | None = None
    segment: Annotated[dict[Name, Annotated[str, Meta(max_length=200)]], Meta(max_length=5)] = {}
    compare_with: Annotated[int, Meta(ge=1, le=2_147_483_647)] | None = None


class SuiteRunIn(_In, frozen=True):
    """Which version of the task type's policy to run the newest suite on; null: the active one."""

    policy_version: Annotated[int, Meta(ge=1, le=2_147_483_647)] | None = None


class AgreementIn(_In, frozen=True):
    """Rows are raters, columns units; null where a rater gave no rating."""

    ratings: Annotated[list[list[Rating | None]], Meta(min_length=1, max_length=1000)]
    level: Literal["nominal", "ordinal", "interval", "ratio"]


class ImportIn(_In, frozen=True):
    """Labelled history: `content` is the text of the file. `dry_run`, the default, checks and writes nothing.

    `trust`: what an imported judgement weighs beside one made here. `unaided`: declares that these people had not seen
    the machine's answer; only then may calibration learn from them.
    """

    task_type: Name
    format: Literal["csv", "label-studio"]
    content: str
    dry_run: bool = True
    unaided: bool = False
    trust: Annotated[float, Meta(gt=0, le=1)] = 0.5


class ExportIn(_In, frozen=True):
    """What to export. `since`: only labels made or changed from then on (interactions: claims that ended).

    `raw`: not pseudonymised, which needs a permission of its own and is recorded.
    """

    kind: Literal["training", "interactions"] = "training"
    format: Literal["jsonl", "csv", "parquet", "huggingface", "label-studio"] = "jsonl"
    task_type: Name | None = None
    model_version: Name | None = None
    since: Annotated[datetime, Meta(tz=True)] | None = None
    raw: bool = False
