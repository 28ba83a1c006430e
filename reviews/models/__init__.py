"""Cases and the human side of deciding them, by noun."""

from reviews.models.alerts import Alert
from reviews.models.answers import QuestionAnswer
from reviews.models.appeals import Appeal, Recourse, Report
from reviews.models.bench import Interactions, Note
from reviews.models.cases import Case, CaseContent, CaseGroupObjectPermission, CaseUserObjectPermission, Decision
from reviews.models.gate import Approval, Resubmission
from reviews.models.guidelines import (
    GuidelineAcknowledgement,
    GuidelineRequest,
    GuidelineUse,
    GuidelineVersion,
)
from reviews.models.handovers import Handover, SavedFilter
from reviews.models.learning import CaseEmbedding, KnownBad, LearningScore
from reviews.models.panels import Panel
from reviews.models.people import Reviewer
from reviews.models.precedents import CasePrecedents
from reviews.models.quality import GoldCase, GoldCopy, QueueStanding, TrainingAnswer, TrainingAttempt
from reviews.models.queues import Queue, QueueGroupObjectPermission, QueueUserObjectPermission
from reviews.models.sessions import CalibrationSession, SessionCase, SessionJudgement, SessionNote
from reviews.models.suites import SuiteVersion
from reviews.models.validation import PendingAsk, ValidationResult
from reviews.models.visibility import VisibilityPolicy
from reviews.models.wellness import ContentCare, Exposure, Veil
from reviews.models.work import Claim, Exclusion, Judgement, ReviewTask

__all__ = [
    "Alert",
    "Appeal",
    "Approval",
    "CalibrationSession",
    "Case",
    "CaseContent",
    "CaseEmbedding",
    "CaseGroupObjectPermission",
    "CasePrecedents",
    "CaseUserObjectPermission",
    "Claim",
    "ContentCare",
    "Decision",
    "Exclusion",
    "Exposure",
    "GoldCase",
    "GoldCopy",
    "GuidelineAcknowledgement",
    "GuidelineRequest",
    "GuidelineUse",
    "GuidelineVersion",
    "Handover",
    "Interactions",
    "Judgement",
    "KnownBad",
    "LearningScore",
    "Note",
    "Panel",
    "PendingAsk",
    "QuestionAnswer",
    "Queue",
    "QueueGroupObjectPermission",
    "QueueStanding",
    "QueueUserObjectPermission",
    "Recourse",
    "Report",
    "Resubmission",
    "ReviewTask",
    "Reviewer",
    "SavedFilter",
    "SessionCase",
    "SessionJudgement",
    "SessionNote",
    "SuiteVersion",
    "TrainingAnswer",
    "TrainingAttempt",
    "ValidationResult",
    "Veil",
    "VisibilityPolicy",
]
