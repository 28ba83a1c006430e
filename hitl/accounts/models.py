"""Who may come in: people, workspaces, partners' clients, keys."""

import hashlib
import secrets
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from hitl.core.ids import new_id
from hitl.core.permissions import Role, Scope


class User(AbstractUser):
    """A person. Which workspace and role: `Membership`."""

    class Theme(models.TextChoices):
        SYSTEM = "system", _("As the system")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    theme = models.CharField(max_length=6, choices=Theme.choices, default=Theme.SYSTEM)
    language = models.CharField(
        max_length=8, blank=True, choices=settings.LANGUAGES, help_text="Empty: the browser's language."
    )
    keys_enabled = models.BooleanField("keyboard shortcuts", default=True)
    simulated = models.BooleanField(default=False, help_text="A simulated reviewer of the demo, not a person.")


class Workspace(models.Model):
    """A tenant. Every row of business data names one."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.SlugField(unique=True)
    title = models.CharField(max_length=200)
    machine_stopped = models.BooleanField(
        "stop button", default=False, help_text="While set, no machine decides anything in this workspace."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.title


class Membership(models.Model):
    """A person's role in a workspace."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=20, choices=[(r.value, r.value) for r in Role])
    active = models.BooleanField(default=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "user"], name="membership_one_role_per_workspace")
        ]

    def __str__(self) -> str:
        return f"{self.user} as {self.role}"


class Client(models.Model):
    """A partner's named integration. It owns keys that rotate; cases belong to it, not to a key."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="clients")
    name = models.CharField(max_length=100)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace", "name"], name="client_name_unique")]

    def __str__(self) -> str:
        return self.name


class ApiKey(models.Model):
    """A secret shown once. Stored: its public prefix and the SHA-256 of the whole.

    256 random bits need no slow hash. Exactly one of `client` and `user` owns it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="api_keys")
    client = models.ForeignKey(Client, null=True, blank=True, on_delete=models.PROTECT, related_name="keys")
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="api_keys")
    name = models.CharField(max_length=100, blank=True)
    prefix = models.CharField(max_length=12, unique=True)
    secret_hash = models.BinaryField(max_length=32)
    scopes = ArrayField(models.CharField(max_length=30, choices=[(s.value, s.value) for s in Scope]))
    task_type_ids = ArrayField(
        models.UUIDField(), null=True, blank=True, help_text="Null: every task type of the workspace."
    )
    requests_per_minute = models.PositiveIntegerField(default=60_000)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(client__isnull=False, user__isnull=True)
                | models.Q(client__isnull=True, user__isnull=False),
                name="apikey_one_owner",
            )
        ]

    def __str__(self) -> str:
        return f"hitl_{self.prefix}_…"

    @staticmethod
    def new_secret() -> tuple[str, str, bytes]:
        """(whole key to show once, prefix, hash to store)."""
        prefix = secrets.token_hex(5)
        whole = f"hitl_{prefix}_{secrets.token_urlsafe(32)}"
        return whole, prefix, ApiKey.hash(whole)

    @staticmethod
    def hash(whole: str) -> bytes:
        return hashlib.sha256(whole.encode()).digest()


class RateWindow(models.Model):
    """Requests handed out per key and minute, in blocks, so that all web processes share one limit."""

    key_id = models.UUIDField()
    minute = models.BigIntegerField(help_text="Minutes since 1970.")
    taken = models.IntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["key_id", "minute"], name="ratewindow_key_minute")]


class IdempotencyKey(models.Model):
    """The first answer to a request that carried `Idempotency-Key`, byte for byte, for 24 hours."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    owner_id = models.UUIDField(help_text="The client or person whose key it was.")
    key = models.CharField(max_length=200)
    request_hash = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField()
    body = models.BinaryField()
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "owner_id", "key"], name="idempotencykey_unique")
        ]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="idempotencykey_age")]
