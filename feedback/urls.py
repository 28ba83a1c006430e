"""Pages of feedback."""

from django.urls import path

from feedback.views import exports, replays, studies
from feedback.views.advisor import AdvisorPage, PlanStep
from feedback.views.agreement import AgreementPage
from feedback.views.calibration import CalibrationPage, RecalibrateNow
from feedback.views.capacity import CapacityPage
from feedback.views.consensus import ConsensusPage
from feedback.views.digests import DigestPage, MakeDigest
from feedback.views.drift import DriftPage
from feedback.views.experiments import ExperimentPage, ExperimentsPage, StopExperiment
from feedback.views.imports import ImportPage, ImportsPage
from feedback.views.labels import CaseLabelPage, LabelsPage
from feedback.views.learning import DisagreementPage, LearningPage
from feedback.views.metrics import OperationsPage
from feedback.views.models import ModelsPage, MoveModel
from feedback.views.monitor import LiftFallback, MonitorPage
from feedback.views.owners import OwnersPage
from feedback.views.quality import GoldPage, MyQuality, QualityPage, RetireGold, StandingVerb
from feedback.views.retraining import AnswerRetraining, RetrainingPage
from feedback.views.reviewers import ReviewerPage, ReviewersPage
from feedback.views.roi import RoiPage
from feedback.views.rules import RuleHits, RuleTrial
from feedback.views.skills import DecideSkill, SkillsPage
from feedback.views.suites import SuitePage, SuiteRunPage, SuiteVersionPage, SuiteWritePage
from feedback.views.tiers import TiersPage
from feedback.views.trials import ComparisonPage
from feedback.views.visibility import SetVisibility, VisibilityPage

app_name = "feedback"
urlpatterns = [
    path("policies/<slug:slug>/rules/try", RuleTrial.as_view(), name="rule-trial"),
    path("policies/<slug:slug>/rules/hits", RuleHits.as_view(), name="rule-hits"),
    path("policies/<slug:slug>/advisor", AdvisorPage.as_view(), name="advisor"),
    path("policies/<slug:slug>/advisor/steps/<int:number>", PlanStep.as_view(), name="plan-step"),
    path("guidelines/<slug:slug>/suite", SuitePage.as_view(), name="suite"),
    path("guidelines/<slug:slug>/suite/write", SuiteWritePage.as_view(), name="suite-write"),
    path("guidelines/<slug:slug>/suite/versions/<int:number>", SuiteVersionPage.as_view(), name="suite-version"),
    path("suite-runs/<uuid:run_id>", SuiteRunPage.as_view(), name="suite-run"),
    path("quality", QualityPage.as_view(), name="quality"),
    path("quality/mine", MyQuality.as_view(), name="my-quality"),
    path("quality/agreement", AgreementPage.as_view(), name="agreement"),
    path("quality/consensus", ConsensusPage.as_view(), name="consensus"),
    path("quality/reviewers", ReviewersPage.as_view(), name="reviewers"),
    path("quality/reviewers/<uuid:reviewer_id>", ReviewerPage.as_view(), name="reviewer"),
    path("quality/skills", SkillsPage.as_view(), name="skills"),
    path("quality/skills/<uuid:proposal_id>", DecideSkill.as_view(), name="skill-decide"),
    path("quality/gold", GoldPage.as_view(), name="gold"),
    path("quality/gold/<uuid:gold_id>/retire", RetireGold.as_view(), name="gold-retire"),
    path("quality/standing/<uuid:queue_id>/<uuid:user_id>/<slug:verb>", StandingVerb.as_view(), name="standing"),
    path("ops", OperationsPage.as_view(), name="operations"),
    path("ops/experiments", ExperimentsPage.as_view(), name="experiments"),
    path("ops/experiments/<uuid:experiment_id>", ExperimentPage.as_view(), name="experiment"),
    path("ops/experiments/<uuid:experiment_id>/stop", StopExperiment.as_view(), name="experiment-stop"),
    path("ops/owners", OwnersPage.as_view(), name="owners"),
    path("ops/drift", DriftPage.as_view(), name="drift"),
    path("ops/monitor", MonitorPage.as_view(), name="monitor"),
    path("ops/monitor/<uuid:monitor_id>/lift", LiftFallback.as_view(), name="lift-fallback"),
    path("ops/tiers", TiersPage.as_view(), name="tiers"),
    path("ops/capacity", CapacityPage.as_view(), name="capacity"),
    path("models", ModelsPage.as_view(), name="models"),
    path("models/<uuid:model_id>/status", MoveModel.as_view(), name="model-status"),
    path("policies/<slug:slug>/versions/<int:number>/comparison", ComparisonPage.as_view(), name="comparison"),
    path("ops/visibility", VisibilityPage.as_view(), name="visibility"),
    path("ops/visibility/<slug:slug>", SetVisibility.as_view(), name="visibility-set"),
    path("cases/<uuid:case_id>/label", CaseLabelPage.as_view(), name="case-label"),
    path("ops/labels", LabelsPage.as_view(), name="labels"),
    path("imports", ImportsPage.as_view(), name="imports"),
    path("imports/<uuid:import_id>", ImportPage.as_view(), name="import"),
    path("exports", exports.ExportsPage.as_view(), name="exports"),
    path("exports/<uuid:export_id>", exports.ExportPage.as_view(), name="export"),
    path("exports/<uuid:export_id>/file", exports.ExportDownload.as_view(), name="export-file"),
    path("exports/<uuid:export_id>/rebuild", exports.ExportRebuild.as_view(), name="export-rebuild"),
    path("ops/calibration", CalibrationPage.as_view(), name="calibration"),
    path("ops/calibration/<slug:slug>/recalibrate", RecalibrateNow.as_view(), name="recalibrate"),
    path("ops/digest", DigestPage.as_view(), name="digest"),
    path("ops/digest/<slug:slug>", MakeDigest.as_view(), name="digest-make"),
    path("ops/roi", RoiPage.as_view(), name="roi"),
    path("ops/retraining", RetrainingPage.as_view(), name="retraining"),
    path("ops/retraining/<uuid:suggestion_id>", AnswerRetraining.as_view(), name="retraining-answer"),
    path("ops/studies", studies.StudiesPage.as_view(), name="studies"),
    path("ops/studies/new", studies.NewStudy.as_view(), name="study-new"),
    path("ops/studies/<uuid:study_id>", studies.StudyPage.as_view(), name="study"),
    path("ops/studies/<uuid:study_id>/draft", studies.DraftFromStudy.as_view(), name="study-draft"),
    path("ops/learning", LearningPage.as_view(), name="learning"),
    path("ops/disagreement", DisagreementPage.as_view(), name="disagreement"),
    path("policies/<slug:slug>/versions/<int:number>/replay", replays.VersionReplays.as_view(), name="version-replays"),
    path("replays/<uuid:replay_id>", replays.ReplayPage.as_view(), name="replay"),
    path("replays/<uuid:replay_id>/progress", replays.ReplayProgress.as_view(), name="replay-progress"),
    path("replays/<uuid:replay_id>/cancel", replays.ReplayCancelPage.as_view(), name="replay-cancel"),
    path("replays/<uuid:replay_id>/changes", replays.ReplayChangesPage.as_view(), name="replay-changes"),
    path("replays/<uuid:replay_id>/changes/<uuid:change_id>", replays.ReplayChangePage.as_view(), name="replay-change"),
]
