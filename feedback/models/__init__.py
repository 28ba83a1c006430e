"""What came back: signals about cases, labels made of them, recalibration runs, threshold studies, replays, exports,
monitors of what the machine decides, drift.
"""

from feedback.models.crowds import CrowdLabel, CrowdRun
from feedback.models.digests import Digest
from feedback.models.drift import DriftReport
from feedback.models.experiments import Experiment
from feedback.models.exports import Export, ExportPart
from feedback.models.hours import PersonHour, QueueForecast, QueueHour
from feedback.models.imports import HistoryImport
from feedback.models.labels import LabelSweep, LabelVersion, Signal, TrainingLabel
from feedback.models.learning import DisagreementRun, LearningMap
from feedback.models.metrics import MetricHour, MetricHourDue, MetricSweep
from feedback.models.monitors import ErrorMonitor
from feedback.models.people import Level, ReviewerFigures, SkillLevel, SkillProposal, SkillRules
from feedback.models.replays import ReplayChange, ReplayChunk, ReplayJob
from feedback.models.retraining import DatasetExample, DatasetVersion, Regime, RetrainingSuggestion
from feedback.models.roi import RoiReport
from feedback.models.studies import RecalibrationRun, ThresholdStudy
from feedback.models.suites import SuiteRun

__all__ = [
    "CrowdLabel",
    "CrowdRun",
    "DatasetExample",
    "DatasetVersion",
    "Digest",
    "DisagreementRun",
    "DriftReport",
    "ErrorMonitor",
    "Experiment",
    "Export",
    "ExportPart",
    "HistoryImport",
    "LabelSweep",
    "LabelVersion",
    "LearningMap",
    "Level",
    "MetricHour",
    "MetricHourDue",
    "MetricSweep",
    "PersonHour",
    "QueueForecast",
    "QueueHour",
    "RecalibrationRun",
    "Regime",
    "ReplayChange",
    "ReplayChunk",
    "ReplayJob",
    "RetrainingSuggestion",
    "ReviewerFigures",
    "RoiReport",
    "Signal",
    "SkillLevel",
    "SkillProposal",
    "SkillRules",
    "SuiteRun",
    "ThresholdStudy",
    "TrainingLabel",
]
