"""What decides: task types, tiers, models' versions, policies and their versions, calibrations, routing decisions."""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase
from simple_history.models import HistoricalRecords

from hitl.accounts.models import User, Workspace
from hitl.core.ids import new_id
from hitl.delivery.addresses import url_problems
from routing.decided_by_form import DecidedByForm
from routing.mapping import check_mapping
from routing.routed import Routed
from routing.split import WithQuestions
from routing.validation import check_header, check_labels, check_places, check_presentation, check_schema, check_secret

SHARE = [MinValueValidator(0.0), MaxValueValidator(1.0)]


class Risk(models.TextChoices):
    LOW = "low", _("Low")
    MEDIUM = "medium", _("Medium")
    HIGH = "high", _("High")
    CRITICAL = "critical", _("Critical")


class TaskType(DecidedByForm, WithQuestions):
    """A kind of case: its labels, its input, its stakes, and how people see it."""

    class Fallback(models.TextChoices):
        """What happens when the SLA passes unanswered (mission C4)."""

        RAISE_PRIORITY = "raise_priority", _("Raise its priority")
        ESCALATE = "escalate", _("Escalate to the next tier")
        SAFEST_LABEL = "safest_label", _("Decide the safest label")
        MODEL_ANSWER = "model_answer", _("Send the model's answer, marked as provisional")

    class Mode(models.TextChoices):
        """How a case is answered that does not say (mission A4)."""

        ASYNC = "async", _("Ticket now, webhook later")
        INLINE = "inline", _("The caller waits for a person")
        SHADOW = "shadow", _("Recorded and routed, changes nothing")
        ANNOTATE = "annotate", _("People label it, no machine decides")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    slug = models.SlugField(max_length=60)
    title = models.CharField(max_length=200)
    labels = models.JSONField(
        validators=[check_labels],
        help_text='[{"value", "title", "definition"?, "examples"?, "guidance"?, "parent"?}, …] in the order shown.',
    )
    input_schema = models.JSONField(
        default=dict, blank=True, validators=[check_schema], help_text="JSON Schema 2020-12."
    )
    static_risk = models.CharField(max_length=8, choices=Risk.choices, default=Risk.MEDIUM)
    reversible = models.BooleanField(default=True)
    error_costs = models.JSONField(
        default=list, blank=True, help_text='[{"truth", "decided", "cost"}]; pairs not named cost 1.'
    )
    safest_label = models.CharField(max_length=100, blank=True)
    fallback = models.CharField(max_length=14, choices=Fallback.choices, default=Fallback.RAISE_PRIORITY)
    default_mode = models.CharField(max_length=8, choices=Mode.choices, default=Mode.ASYNC)
    sensitive_pointers = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    presentation = models.JSONField(
        default=list, blank=True, validators=[check_presentation], help_text='[{"pointer", "kind", "title"}]'
    )
    machine_stopped = models.BooleanField("stop button", default=False)
    error_budget = models.FloatField(default=0.02, validators=SHARE, help_text="Largest error of automated decisions.")
    recalibration = models.JSONField(
        default=dict, blank=True, help_text='{"min_new_labels": 100}: new labels that trigger a recalibration.'
    )
    expedite_virality = models.FloatField(
        null=True,
        blank=True,
        validators=SHARE,
        help_text="Cases that spread at least this fast come before any priority; null: none for that reason.",
    )
    history = HistoricalRecords()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace", "slug"], name="tasktype_slug_unique")]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        self.check_form_fits()
        try:
            check_places(self.sensitive_pointers)
        except ValidationError as error:
            raise ValidationError({"sensitive_pointers": error}) from None
        if self.safest_label and self.safest_label not in self.label_values:
            raise ValidationError({"safest_label": "This is not one of the labels."})
        if self.fallback == self.Fallback.SAFEST_LABEL and not self.safest_label:
            raise ValidationError({"safest_label": "The fallback “safest label” needs one."})
        self.check_questions()


class TaskTypeUserObjectPermission(UserObjectPermissionBase):
    content_object = models.ForeignKey(TaskType, on_delete=models.CASCADE)


class TaskTypeGroupObjectPermission(GroupObjectPermissionBase):
    content_object = models.ForeignKey(TaskType, on_delete=models.CASCADE)


class Tier(models.Model):
    """A level of expertise. The lowest capable tier gets the case; rank 0 is usually the machine itself."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    slug = models.SlugField(max_length=60)
    title = models.CharField(max_length=200)
    rank = models.PositiveSmallIntegerField()
    automated = models.BooleanField(default=False)
    max_complexity = models.FloatField(default=1.0, validators=SHARE)
    expertise = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    max_error_cost = models.FloatField(null=True, blank=True)
    sla_s = models.FloatField(
        "SLA (seconds)", default=86_400, validators=[MinValueValidator(0.001), MaxValueValidator(2_000_000_000)]
    )
    blind_sample_rate = models.FloatField(
        default=0.02,
        validators=SHARE,
        help_text="Share of this tier's decided cases that the lowest tier judges once more, blind and without effect.",
    )
    history = HistoricalRecords()

    class Meta:
        ordering: ClassVar = ["rank"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "slug"], name="tier_slug_unique"),
            models.UniqueConstraint(fields=["workspace", "rank"], name="tier_rank_unique"),
        ]

    def __str__(self) -> str:
        return self.title


class ModelVersion(models.Model):
    """A partner's model as named in its predictions; registered when first seen."""

    class Status(models.TextChoices):
        """What its answers count for; see `routing.engine.model_life`."""

        ACCEPTED = "accepted", _("Accepted")
        SHADOW = "shadow", _("Shadow: routed, but a person decides")
        WITHDRAWN = "withdrawn", _("Withdrawn: never automates")

    # status → what may follow; one action, routing.actions.models.move_model_version.
    TRANSITIONS: ClassVar[dict[str, frozenset[str]]] = {
        "accepted": frozenset({"shadow", "withdrawn"}),
        "shadow": frozenset({"accepted", "withdrawn"}),
        "withdrawn": frozenset({"accepted", "shadow"}),
    }

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="model_versions")
    name = models.CharField(max_length=100)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.ACCEPTED)
    first_seen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["task_type", "name"], name="modelversion_unique")]
        indexes: ClassVar = [
            models.Index(fields=["task_type"], condition=~models.Q(status="accepted"), name="modelversion_held")
        ]

    def __str__(self) -> str:
        return self.name


class Calibration(models.Model):
    """A fitted map from stated confidence to the frequency of being right. Immutable."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="calibrations")
    model_version = models.CharField(max_length=100)
    confidence_source = models.CharField(max_length=40)
    slice = models.JSONField(
        default=dict, db_default={}, help_text='{"label": …} or {"segment": {key: value}}; {} for all of the model.'
    )
    version = models.PositiveIntegerField()
    method = models.CharField(max_length=12)
    parameters = models.JSONField()
    n = models.PositiveIntegerField(help_text="Labels it was fitted on.")
    metrics = models.JSONField(default=dict, help_text="Per candidate: cross-validated scores; ECE before and after.")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["task_type", "version"], name="calibration_version_unique")
        ]

    def __str__(self) -> str:
        return f"{self.model_version} #{self.version}"


class DisagreementModel(models.Model):
    """A fitted model of when people overrule the machine (mission B17). Immutable; in force where a policy names it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="disagreement_models")
    version = models.PositiveIntegerField()
    trees = models.JSONField(help_text="Columns, base and trees, as `routing.engine.disagreement` reads them.")
    calibration = models.JSONField(help_text="From the trees' score to the frequency of being overruled.")
    n = models.PositiveIntegerField(help_text="Judged predictions it was fitted on.")
    overruled = models.PositiveIntegerField(help_text="Of these, how many people overruled.")
    metrics = models.JSONField(default=dict, help_text="Out of fold: AUC and calibration with intervals; regions.")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["task_type", "version"], name="disagreementmodel_version_unique")
        ]

    def __str__(self) -> str:
        return f"{self.task_type} #{self.version}"


class Policy(models.Model):
    """A task type's policy: a name for its versions. One per task type."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    task_type = models.OneToOneField(TaskType, on_delete=models.PROTECT, related_name="policy")
    slug = models.SlugField(max_length=60)
    title = models.CharField(max_length=200)
    plan = models.JSONField(null=True, blank=True, editable=False, help_text="The advisor's plan of roll-out.")
    replay_first = models.BooleanField(
        default=False, help_text="A version must have been replayed over past cases before it can be approved."
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name_plural = "policies"
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace", "slug"], name="policy_slug_unique")]

    def __str__(self) -> str:
        return self.title


class PolicyVersion(models.Model):
    """An immutable document and where it stands. A trigger refuses changes of the document."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        APPROVED = "approved", _("Approved")
        SHADOW = "shadow", _("Shadow")
        CANARY = "canary", _("Canary")
        ACTIVE = "active", _("Active")
        RETIRED = "retired", _("Retired")
        REJECTED = "rejected", _("Rejected")

    # status → what may follow; one action per arrow (routing.actions.policies).
    TRANSITIONS: ClassVar[dict[str, frozenset[str]]] = {
        "draft": frozenset({"approved", "rejected"}),
        "approved": frozenset({"shadow", "canary", "active", "rejected"}),
        "shadow": frozenset({"approved", "canary", "active", "rejected"}),
        "canary": frozenset({"approved", "canary", "active", "rejected"}),  # canary again: another share
        "active": frozenset({"retired"}),
        "retired": frozenset({"active"}),
        "rejected": frozenset(),
    }

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.DRAFT)
    document = models.JSONField()
    note = models.TextField(blank=True)
    study = models.JSONField(null=True, blank=True, help_text="The threshold study that argues for it.")
    proposed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    approved_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True, blank=True)
    activated_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    replayed_at = models.DateTimeField(null=True, blank=True, help_text="When its newest replay finished.")
    canary_share = models.FloatField(null=True, blank=True, help_text="Of the cases a canary decides: above 0, to 0.5.")
    licensed_by = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The version, approved by two people, whose bounds allowed this one without them.",
    )
    history = HistoricalRecords()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["policy", "number"], name="policyversion_number_unique"),
            models.UniqueConstraint(
                fields=["policy"], condition=models.Q(status="active"), name="policyversion_one_active"
            ),
            models.UniqueConstraint(
                fields=["policy"], condition=models.Q(status="canary"), name="policyversion_one_canary"
            ),
            models.CheckConstraint(
                condition=~models.Q(status="canary")
                | models.Q(canary_share__isnull=False, canary_share__gt=0, canary_share__lte=0.5),
                name="policyversion_canary_share",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["policy"], condition=models.Q(status="shadow"), name="policyversion_shadows")
        ]

    def __str__(self) -> str:
        return f"{self.policy} v{self.number}"


class Adjustment(models.Model):
    """What automation set between two versions of a policy, from `since` to `until` (null: still); its history.

    It counts only while the version it was made for is in force. No row: as the version says.
    """

    class Kind(models.TextChoices):
        AUDIT_RATE = "audit_rate", _("Audit Rate")
        THRESHOLD = "threshold", _("Threshold")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="adjustments", db_index=False)
    policy_version = models.ForeignKey(PolicyVersion, null=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=40, choices=Kind.choices)
    model_version = models.CharField(max_length=100, default="", help_text="A threshold's; empty: every model's.")
    value = models.FloatField()
    declared = models.FloatField(null=True, help_text="What the policy version itself says.")
    lowest = models.FloatField(help_text="The bounds it was chosen between; the engine cuts to the version's own.")
    highest = models.FloatField()
    reason = models.TextField()
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["policy", "-id"], name="adjustment_recent")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["policy", "kind", "model_version"],
                condition=models.Q(until__isnull=True),
                name="adjustment_one_in_force",
            ),
            models.CheckConstraint(
                condition=models.Q(value__gte=models.F("lowest"), value__lte=models.F("highest")),
                name="adjustment_within_bounds",
            ),
        ]


class AdjustmentLook(models.Model):
    """What automation found when it last looked at a policy, also where it changed nothing."""

    policy = models.OneToOneField(Policy, primary_key=True, on_delete=models.CASCADE, related_name="look")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    looked_at = models.DateTimeField()
    findings = models.JSONField(default=list, help_text='[{"kind", "model_version", "text"}]')


class RoutingDecision(Routed):
    """One evaluation of one case: the features as they were, the route, its propensity, the whole trace.

    Both probabilities are over the draw and, while a canary runs, over which version decides (docs/adr/0008).
    """

    policy_version = models.ForeignKey(PolicyVersion, null=True, on_delete=models.PROTECT, related_name="+")
    features = models.JSONField(help_text="The snapshot replay uses.")
    adjustment_ids = ArrayField(
        models.UUIDField(), default=list, help_text="The policy's adjustments in force; replay reads them again."
    )
    version_probability = models.FloatField(
        default=1.0, help_text="That this version decided: a canary's share or what it leaves; 1 without a canary."
    )
    version_selection = models.FloatField(
        null=True, help_text="The selection probability given that this version decided; null without a canary."
    )

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace", "case_id"], name="routingdecision_case"),
            models.Index(
                fields=["policy_version", "-id"],
                condition=models.Q(version_probability__lt=1),
                name="routingdecision_beside_canary",
            ),
            models.Index(
                fields=["policy_version", "id"],
                condition=models.Q(zone__in=["auto", "auto_audit"])
                & (models.Q(sampled=True) | models.Q(action="automate_and_review")),
                name="routingdecision_drawn",
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(selection_probability__gt=0, selection_probability__lte=1),
                name="routingdecision_propensity_positive",
            )
        ]


class ShadowDecision(Routed):
    """What a version in shadow would have done with a live case, beside what was done; without any effect.

    The features are the live decision's. `live_*` repeat it, so that a comparison reads one index of one table.
    """

    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    label = models.CharField(max_length=100, null=True, help_text="What the machine predicted.")
    reviewed = models.BooleanField(help_text="A person would have seen it.")
    live_action = models.CharField(max_length=20)
    live_tier = models.CharField(max_length=60)
    live_reviewed = models.BooleanField()

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["policy_version", "-id"],
                include=["live_action", "action", "label", "risk", "live_tier", "tier", "live_reviewed", "reviewed"],
                name="shadowdecision_newest",
            ),
            models.Index(
                fields=["policy_version", "-id"],
                condition=~models.Q(action=models.F("live_action")),
                name="shadowdecision_differs",
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case_id", "policy_version"], name="shadowdecision_once")
        ]


class ModelEndpoint(models.Model):
    """A model that hitl may ask over HTTP: a judge of cascades, or an adapter that fetches predictions."""

    class Kind(models.TextChoices):
        JUDGE = "judge", _("Judge (OpenAI-compatible chat completions)")
        ADAPTER = "adapter", _("Adapter (fetches predictions)")

    unrecorded_fields: ClassVar = ("secret",)

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    slug = models.SlugField(max_length=60)
    kind = models.CharField(max_length=7, choices=Kind.choices)
    url = models.CharField("address", max_length=500)
    auth_header = models.CharField(max_length=60, default="Authorization", validators=[check_header])
    secret = models.CharField(
        max_length=500, blank=True, validators=[check_secret], help_text="Sent in the header; never shown again."
    )
    timeout_s = models.FloatField(
        "time-out (seconds)", default=20.0, validators=[MinValueValidator(0.1), MaxValueValidator(60.0)]
    )
    mapping = models.JSONField(
        default=dict,
        blank=True,
        validators=[check_mapping],
        help_text="Adapters: how to ask and how to read the answer (docs/validation.md).",
    )
    active = models.BooleanField(default=True)
    history = HistoricalRecords(excluded_fields=["secret"])

    class Meta:
        ordering: ClassVar = ["slug"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "slug"], name="modelendpoint_slug_unique")
        ]

    def __str__(self) -> str:
        return self.slug

    def clean(self) -> None:
        if problems := url_problems(self.url, allow_private=settings.HITL_MODEL_ALLOW_PRIVATE):
            raise ValidationError({"url": problems})
