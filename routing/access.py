"""The only door to task types and policies, and our one wrapper round guardian. Hidden and missing look the same."""

import uuid
from typing import Any, cast

from django.db.models import Model, Q, QuerySet
from guardian.utils import get_group_obj_perms_model, get_user_obj_perms_model

from hitl.core.actors import Actor, ActorKind
from hitl.core.errors import Forbidden, NotFound
from hitl.core.permissions import Permission, Scope
from routing.models import Calibration, DisagreementModel, ModelEndpoint, ModelVersion, Policy, PolicyVersion, TaskType


def granted_ids(actor: Actor, model: type[Model], *codenames: str) -> frozenset[uuid.UUID]:
    """Ids of the workspace's rows of `model` on which this person, or a group of theirs, holds any of `codenames`.

    One query on guardian's direct tables. Unlike `get_objects_for_user` it honours neither superusers nor global
    permissions, and never leaves the workspace. Empty for clients and the system.
    """
    if actor.user_id is None:
        return frozenset()
    wanted = {"permission__codename__in": codenames, "content_object__workspace_id": actor.workspace_id}
    persons = get_user_obj_perms_model(cast(Any, model))._default_manager.filter(user_id=actor.user_id, **wanted)
    groups = get_group_obj_perms_model(cast(Any, model))._default_manager.filter(group__user=actor.user_id, **wanted)
    return frozenset(
        persons.values_list("content_object_id")
        .union(groups.values_list("content_object_id"))
        .values_list("content_object_id", flat=True)
    )


def visible_task_types(actor: Actor) -> QuerySet[TaskType]:
    """All for clients and readers of policies or cases; else what guardian grants, on the row or on one of its queues.

    A key limited to task types sees only those.
    """
    rows = TaskType.objects.filter(workspace_id=actor.workspace_id)
    if actor.task_type_ids is not None:
        rows = rows.filter(pk__in=actor.task_type_ids)
    if actor.kind is ActorKind.CLIENT or actor.may(Permission.READ_POLICIES) or actor.may(Permission.SEE_ALL_CASES):
        return rows
    queue = TaskType._meta.get_field("queues").related_model  # reviews stands to the left: reached by relation only
    assert queue is not None and not isinstance(queue, str)
    queues = granted_ids(actor, queue, "view_queue", "claim_queue")
    by_queue = queue._default_manager.filter(pk__in=queues).values("task_type_id")
    return rows.filter(Q(pk__in=granted_ids(actor, TaskType, "view_tasktype")) | Q(pk__in=by_queue))


def task_type_for(actor: Actor, slug: str) -> TaskType:
    """A task type the actor may see. Raises NotFound."""
    found = visible_task_types(actor).filter(slug=slug).first()
    if found is None:
        raise NotFound()
    return found


def stoppable_task_types(actor: Actor) -> QuerySet[TaskType]:
    """The task types whose stop button this person may press: all of the workspace. Raises Forbidden."""
    actor.require(Permission.STOP_MACHINE)
    rows = TaskType.objects.filter(workspace_id=actor.workspace_id)
    return rows if actor.task_type_ids is None else rows.filter(pk__in=actor.task_type_ids)


def require_read_policies(actor: Actor) -> None:
    """People need READ_POLICIES, clients the scope `policies:read`. Raises Forbidden."""
    if actor.kind is ActorKind.CLIENT:
        _require_scope(actor, Scope.POLICIES_READ)
    else:
        actor.require(Permission.READ_POLICIES)


def require_configure(actor: Actor, permission: Permission = Permission.CONFIGURE) -> None:
    """People need `permission`, clients the scope `policies:write`. Raises Forbidden."""
    if actor.kind is ActorKind.CLIENT:
        _require_scope(actor, Scope.POLICIES_WRITE)
    else:
        actor.require(permission)


def visible_policies(actor: Actor) -> QuerySet[Policy]:
    """The workspace's policies with their task types. Raises Forbidden."""
    require_read_policies(actor)
    rows = Policy.objects.filter(workspace_id=actor.workspace_id).select_related("task_type")
    return rows if actor.task_type_ids is None else rows.filter(task_type_id__in=actor.task_type_ids)


def policy_for(actor: Actor, slug: str) -> Policy:
    """A policy the actor may see. Raises Forbidden, NotFound."""
    found = visible_policies(actor).filter(slug=slug).first()
    if found is None:
        raise NotFound()
    return found


def version_for(actor: Actor, slug: str, number: int) -> PolicyVersion:
    """A version, with its policy, task type and people. Raises Forbidden, NotFound."""
    rows = PolicyVersion.objects.filter(policy=policy_for(actor, slug), number=number)
    found = rows.select_related("policy__task_type", "proposed_by", "approved_by", "licensed_by").first()
    if found is None:
        raise NotFound()
    return found


def visible_calibrations(actor: Actor) -> QuerySet[Calibration]:
    """The workspace's calibrations with their task types. Raises Forbidden."""
    require_read_policies(actor)
    rows = Calibration.objects.filter(workspace_id=actor.workspace_id).select_related("task_type")
    return rows if actor.task_type_ids is None else rows.filter(task_type_id__in=actor.task_type_ids)


def visible_disagreement_models(actor: Actor) -> QuerySet[DisagreementModel]:
    """The workspace's disagreement models with their task types. Raises Forbidden."""
    require_read_policies(actor)
    rows = DisagreementModel.objects.filter(workspace_id=actor.workspace_id).select_related("task_type")
    return rows if actor.task_type_ids is None else rows.filter(task_type_id__in=actor.task_type_ids)


def visible_model_versions(actor: Actor) -> QuerySet[ModelVersion]:
    """The workspace's model versions with their task types. Raises Forbidden."""
    require_read_policies(actor)
    rows = ModelVersion.objects.filter(workspace_id=actor.workspace_id).select_related("task_type")
    return rows if actor.task_type_ids is None else rows.filter(task_type_id__in=actor.task_type_ids)


def model_version_for(actor: Actor, model_id: uuid.UUID) -> ModelVersion:
    """A model version the actor may see. Raises Forbidden, NotFound."""
    found = visible_model_versions(actor).filter(pk=model_id).first()
    if found is None:
        raise NotFound()
    return found


def visible_endpoints(actor: Actor) -> QuerySet[ModelEndpoint]:
    """The workspace's model endpoints. Raises Forbidden."""
    require_read_policies(actor)
    return ModelEndpoint.objects.filter(workspace_id=actor.workspace_id)


def endpoint_for(actor: Actor, slug: str) -> ModelEndpoint:
    """A model endpoint the actor may see. Raises Forbidden, NotFound."""
    found = visible_endpoints(actor).filter(slug=slug).first()
    if found is None:
        raise NotFound()
    return found


def _require_scope(actor: Actor, scope: Scope) -> None:
    if scope not in actor.scopes:
        raise Forbidden(f"The scope `{scope.value}` is needed here.", code="scope_required")
