"""REST: replays of policy versions on stored cases."""

import uuid
from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from feedback.access import change_for_actor, changes_for_actor, replay_for_actor
from feedback.actions.replays import cancel_replay, request_replay
from feedback.replay_payloads import (
    ReplayChangeDetailOut,
    ReplayChangeList,
    ReplayOut,
    change_out,
    replay_out,
)
from feedback.replay_traces import routes_of
from feedback.selectors import replay_progress
from feedback.structs import ReplayIn
from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.errors import FieldProblem, InvalidInput
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query
from routing.access import version_for
from routing.engine.route import Action

_TAGS = ("Policies",)
_READ: dict[str, Scope | None] = {"GET": Scope.POLICIES_READ}
_WRITE: dict[str, Scope | None] = {"POST": Scope.POLICIES_WRITE}
_ACTIONS = ", ".join(f"`{action.value}`" for action in Action)


class VersionReplay(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = _WRITE

    @documented(operation_id="replay_policy_version", request=ReplayIn, responses={202: ReplayOut}, tags=_TAGS)
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Try a version on past cases. A worker takes it; ask `GET /replays/{id}` until `status` is `done`."""
        self.check_query(request)
        actor = actor_of(request)
        wanted = self.body(request, ReplayIn)
        job = request_replay(actor=actor, version=version_for(actor, slug, number), wanted=wanted)
        return Response(replay_out(job, 0), status=202)


class ReplayDetail(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = _READ

    @documented(operation_id="get_replay", responses={200: ReplayOut}, tags=_TAGS)
    def get(self, request: Request, replay_id: uuid.UUID) -> Response:
        """How far a replay is and, once it is done, what it says."""
        self.check_query(request)
        job = replay_for_actor(actor_of(request), replay_id)
        return Response(replay_out(job, replay_progress(job)[0]))


class ReplayCancel(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = _WRITE

    @documented(operation_id="cancel_replay", responses={200: ReplayOut}, tags=_TAGS)
    def post(self, request: Request, replay_id: uuid.UUID) -> Response:
        """Stop a replay; 409 where it has ended already."""
        self.check_query(request)
        actor = actor_of(request)
        job = cancel_replay(actor=actor, job=replay_for_actor(actor, replay_id))
        return Response(replay_out(job, replay_progress(job)[0]))


class ReplayChanges(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = _READ

    @documented(
        operation_id="list_replay_changes",
        responses={200: ReplayChangeList},
        parameters=(
            query("before", f"Only this old action: {_ACTIONS}."),
            query("after", f"Only this new action: {_ACTIONS}."),
            query("limit", "1–200, default 50.", int),
            query("cursor", "`next` of the page before."),
        ),
        tags=_TAGS,
    )
    def get(self, request: Request, replay_id: uuid.UUID) -> Response:
        """The cases that would have been routed otherwise, without those you may still have to judge unaided."""
        asked = self.check_query(request, "before", "after", "limit", "cursor")
        actor = actor_of(request)
        rows = changes_for_actor(actor, replay_for_actor(actor, replay_id))
        if "before" in asked:
            rows = rows.filter(action_before=_action(asked, "before"))
        if "after" in asked:
            rows = rows.filter(action_after=_action(asked, "after"))
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(ReplayChangeList([change_out(row) for row in page.rows], page.next))


class ReplayChangeDetail(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = _READ

    @documented(operation_id="get_replay_change", responses={200: ReplayChangeDetailOut}, tags=_TAGS)
    def get(self, request: Request, replay_id: uuid.UUID, change_id: uuid.UUID) -> Response:
        """Both routes of one changed case, with everything they compared; of a case you may see."""
        self.check_query(request)
        actor = actor_of(request)
        job = replay_for_actor(actor, replay_id)
        change = change_for_actor(actor, job, change_id)
        return Response(ReplayChangeDetailOut(change_out(change), *routes_of(job, change)))


def _action(asked: dict[str, str], name: str) -> str:
    if asked[name] not in set(Action):
        raise InvalidInput(errors=[FieldProblem(f"?{name}", f"Give one of {_ACTIONS}.", "invalid_value")])
    return asked[name]
