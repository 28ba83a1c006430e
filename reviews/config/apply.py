"""Bring a whole configuration file into force. Applying it again changes nothing."""

import os
from collections.abc import Iterator
from typing import Any, NoReturn

from django.db import transaction
from guardian.shortcuts import get_user_perms
from msgspec import UNSET

from hitl.accounts.models import User, Workspace
from hitl.core.actors import Actor
from hitl.core.errors import FieldProblem, Refused
from hitl.core.permissions import Role
from reviews.config.quality import apply_gold, apply_guidelines, apply_suites
from reviews.config.rows import at, bring, given, pick
from reviews.config.structs import Configuration, ModelEndpointConfig, PolicyConfig, QueueConfig, ReviewerConfig
from reviews.config.visibility import bring_visibility
from reviews.models import ContentCare, Queue, Recourse, Reviewer
from routing.actions.configure import set_grants
from routing.actions.policies import activate_initial_version, checked_document, propose_version
from routing.actions.workspaces import retitle_workspace, set_member
from routing.documents import complete_document
from routing.engine.document import decode_document
from routing.models import ModelEndpoint, Policy, PolicyVersion, TaskType, Tier
from routing.payloads import document_changes


@transaction.atomic
def apply_configuration(*, actor: Actor, config: Configuration) -> list[str]:
    """Apply all or nothing; returns every change in words.

    Raises Refused with the place of each problem in the file.
    """
    return list(_Applier(actor).run(config))


_BUT_SCHEME = [name for name in QueueConfig.__struct_fields__ if name != "scheme"]


class _Applier:
    """One run: the actor and the rows of the workspace by their names."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.own = {"workspace_id": actor.workspace_id}
        self.tiers = {t.slug: t for t in Tier.objects.filter(**self.own)}
        self.task_types = {t.slug: t for t in TaskType.objects.filter(**self.own)}
        self.queues = {q.slug: q for q in Queue.objects.filter(**self.own).select_related("task_type", "tier")}
        self.policies = {p.slug: p for p in Policy.objects.filter(**self.own).select_related("task_type")}

    def run(self, config: Configuration) -> Iterator[str]:
        """In the order in which rows need each other."""
        yield from self._workspace(config)
        sections: list[tuple[str, Any, dict[str, Any], list[Any]]] = [
            ("tier", Tier, self.tiers, [*config.tiers]),
            ("task_type", TaskType, self.task_types, [*config.task_types]),
            ("queue", Queue, self.queues, [*config.queues]),
        ]
        for kind, model, rows, entries in sections:
            for place, entry in enumerate(entries):
                pointer = f"/{kind}s/{place}"
                with at(pointer):
                    row = rows.setdefault(entry.slug, model(**self.own, slug=entry.slug))
                    yield from bring(
                        actor=self.actor, row=row, name=f"{kind} {entry.slug}", values=self._values(entry, row, pointer)
                    )
                    if isinstance(entry, QueueConfig) and entry.visibility is not UNSET:
                        yield from bring_visibility(self.actor, row, entry.visibility)
        for place, queue in enumerate(config.queues):  # a scheme may name queues that come later in the file
            if queue.scheme is not UNSET:
                with at(f"/queues/{place}/scheme"):
                    row, values = self.queues[queue.slug], given(queue, *_BUT_SCHEME)
                    yield from bring(actor=self.actor, row=row, name=f"queue {queue.slug}", values=values)
        for place, endpoint in enumerate(config.model_endpoints):
            with at(f"/model_endpoints/{place}"):
                yield from self._endpoint(endpoint, f"/model_endpoints/{place}")
        for kind, model, wishes in (
            ("recourse", Recourse, config.recourse),
            ("content_care", ContentCare, config.content_care),
        ):
            for place, wish in enumerate(wishes):
                with at(f"/{kind}/{place}"):
                    yield from self._of_task_type(kind, model, wish, f"/{kind}/{place}")
        for place, policy in enumerate(config.policies):
            with at(f"/policies/{place}"):
                yield from self._policy(policy, f"/policies/{place}")
        for place, person in enumerate(config.reviewers):
            with at(f"/reviewers/{place}"):
                yield from self._reviewer(person, f"/reviewers/{place}")
        yield from apply_guidelines(self.actor, config.guidelines, self.task_types, self.queues)
        yield from apply_suites(self.actor, config.suites, self.task_types)
        yield from apply_gold(self.actor, config.gold, self.task_types)

    def _workspace(self, config: Configuration) -> Iterator[str]:
        if config.workspace is UNSET or config.workspace.title is UNSET:
            return
        before = Workspace.objects.get(pk=self.actor.workspace_id)
        if retitle_workspace(actor=self.actor, title=config.workspace.title):
            yield f"workspace {before.slug}: title {before.title} → {config.workspace.title}"

    def _values(self, entry: Any, row: Any, pointer: str) -> dict[str, Any]:
        """The fields to set, names of other rows turned into the rows."""
        values = given(entry, "slug", "visibility", "scheme")
        if row._state.adding:
            values.setdefault("title", entry.slug)
        if values.get("task_type") is not None:
            values["task_type"] = pick(self.task_types, values["task_type"], f"{pointer}/task_type", "task type")
        if "tier" in values:
            values["tier"] = pick(self.tiers, values["tier"], f"{pointer}/tier", "tier")
        elif isinstance(row, Queue) and row._state.adding:
            _missing(f"{pointer}/tier", "A queue needs a tier.")
        return values

    def _endpoint(self, entry: ModelEndpointConfig, pointer: str) -> Iterator[str]:
        row = ModelEndpoint.objects.filter(**self.own, slug=entry.slug).first()
        row = row or ModelEndpoint(**self.own, slug=entry.slug)
        if entry.secret_env is not UNSET:
            if entry.secret_env not in os.environ:
                _missing(f"{pointer}/secret_env", f"The environment has no {entry.secret_env}.")
            row.secret = os.environ[entry.secret_env]
        values = given(entry, "slug", "secret_env")
        yield from bring(actor=self.actor, row=row, name=f"model_endpoint {entry.slug}", values=values)

    def _of_task_type(self, kind: str, model: Any, entry: Any, pointer: str) -> Iterator[str]:
        """A row beside the task type, made when first named."""
        task_type = pick(self.task_types, entry.task_type, f"{pointer}/task_type", "task type")
        row = model.objects.filter(pk=task_type.pk).first() or model(task_type=task_type, **self.own)
        values = given(entry, "task_type")
        if values.get("queue") is not None:
            values["queue"] = pick(self.queues, values["queue"], f"{pointer}/queue", "queue")
        yield from bring(actor=self.actor, row=row, name=f"{kind} {task_type.slug}", values=values)

    def _policy(self, entry: PolicyConfig, pointer: str) -> Iterator[str]:
        name = f"policy {entry.slug}"
        policy = self.policies.setdefault(entry.slug, Policy(**self.own, slug=entry.slug))
        values = given(entry, "slug", "document", "note", "activate")
        if policy._state.adding:
            values = {"title": entry.slug, "task_type": entry.slug} | values
        if "task_type" in values:
            values["task_type"] = pick(self.task_types, values["task_type"], f"{pointer}/task_type", "task type")
        yield from bring(actor=self.actor, row=policy, name=name, values=values)
        if entry.document is UNSET:
            return
        document = checked_document(policy.task_type, entry.document)
        last = policy.versions.exclude(status=PolicyVersion.Status.REJECTED).order_by("-number").first()
        # With the defaults of today: a document stored by an older release lacks fields that change nothing.
        before = None if last is None else complete_document(decode_document(last.document))
        if last is None or before != document:
            for change in document_changes(before, document) if last else ():
                yield f"{name}: {change}"
            note = entry.note or "apply_config"
            last = propose_version(actor=self.actor, policy=policy, document=document, note=note)
            yield f"{name}: version {last.number} proposed"
        if entry.activate and last.status == PolicyVersion.Status.DRAFT:
            if policy.versions.exclude(activated_at=None).exists():
                yield f"{name}: version {last.number} waits for a supervisor's approval (/policies/{entry.slug})"
            else:
                reason = "initial version, approved and activated by the operator's command"
                activate_initial_version(actor=self.actor, version=last, reason=reason)
                yield f"{name}: version {last.number} approved and activated"

    def _reviewer(self, entry: ReviewerConfig, pointer: str) -> Iterator[str]:
        name = f"reviewer {entry.username}"
        user = User.objects.filter(username=entry.username, is_active=True).first()
        if user is None:
            _missing(f"{pointer}/username", f"There is no account {entry.username!r}. Invite the person first.")
        if entry.role is not UNSET:
            yield from self._role(name, user, entry.role)
        yield from self._profile(entry, user, name, pointer)
        yield from self._rights(entry, user, name, pointer)

    def _role(self, name: str, user: User, role: Role) -> Iterator[str]:
        before = set_member(actor=self.actor, user=user, role=role)
        if before is None:
            yield f"{name}: joined as {role.value}"
        elif before != role.value:
            yield f"{name}: role {before} → {role.value}"

    def _profile(self, entry: ReviewerConfig, user: User, name: str, pointer: str) -> Iterator[str]:
        values = given(entry, "username", "role", "queues", "claim", "view", "view_task_types")
        row = Reviewer.objects.filter(**self.own, user=user).select_related("tier").first()
        if "tier" in values:
            values["tier"] = pick(self.tiers, values["tier"], f"{pointer}/tier", "tier")
        elif row is None:
            if values or entry.queues is not UNSET:
                _missing(f"{pointer}/tier", "A reviewer needs a tier.")
            return
        own = {} if entry.queues is UNSET else {"queues": self._queues(entry.queues, f"{pointer}/queues")}
        row = row or Reviewer(**self.own, user=user)
        yield from bring(actor=self.actor, row=row, name=name, values=values, many=own)

    def _rights(self, entry: ReviewerConfig, user: User, name: str, pointer: str) -> Iterator[str]:
        if entry.claim is not UNSET or entry.view is not UNSET:
            claim = set(self._queues(entry.claim or [], f"{pointer}/claim"))
            view = claim | set(self._queues(entry.view or [], f"{pointer}/view"))
            for slug, queue in self.queues.items():
                wanted = {"claim_queue"} if queue in claim else set()
                wanted |= {"view_queue"} if queue in view else set()
                yield from self._grant(name, user, queue, wanted, f"queue {slug}")
        if entry.view_task_types is not UNSET:
            seen = [
                pick(self.task_types, slug, f"{pointer}/view_task_types/{place}", "task type")
                for place, slug in enumerate(entry.view_task_types)
            ]
            for slug, task_type in self.task_types.items():
                wanted = {"view_tasktype"} if task_type in seen else set()
                yield from self._grant(name, user, task_type, wanted, f"task_type {slug}")

    def _grant(self, name: str, user: User, row: Queue | TaskType, wanted: set[str], what: str) -> Iterator[str]:
        before = set(get_user_perms(user, row))
        if set_grants(actor=self.actor, obj=row, user=user, codenames=wanted, reason="apply_config"):
            words = [", ".join(sorted(names)) or "nothing" for names in (before, wanted)]
            yield f"{name}: {what} {words[0]} → {words[1]}"

    def _queues(self, slugs: list[str], pointer: str) -> list[Queue]:
        return [pick(self.queues, slug, f"{pointer}/{place}", "queue") for place, slug in enumerate(slugs)]


def _missing(pointer: str, detail: str) -> NoReturn:
    raise Refused(code="required", errors=[FieldProblem(pointer, detail, "required")])
