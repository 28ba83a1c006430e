"""A changed case looked at closely: both routes with everything they compared."""

from dataclasses import replace

import msgspec

from feedback.models import ReplayChange, ReplayJob
from feedback.replay_payloads import ReplayRouteOut
from hitl.core.errors import NotFound
from reviews.models import CaseContent
from routing.engine.features import Features
from routing.engine.replay import replay_one
from routing.engine.route import Route
from routing.models import PolicyVersion, RoutingDecision
from routing.selectors import snapshot_of_version


def routes_of(job: ReplayJob, change: ReplayChange) -> tuple[ReplayRouteOut, ReplayRouteOut]:
    """Before and after; what is not stored is made again by the one evaluator. `job` with its versions. NotFound."""
    stored = RoutingDecision.objects.filter(workspace_id=job.workspace_id, pk=change.routing_id).first()
    if stored is None:
        raise NotFound()
    content = CaseContent.objects.only("input").get(pk=change.case_id)
    features = replace(Features.from_json(stored.features), input=content.input)

    def again(version: PolicyVersion) -> ReplayRouteOut:
        return _fresh(replay_one(features, snapshot_of_version(version), str(change.case_id)))

    before = again(job.compared_with) if job.compared_with else _stored(stored)
    return before, again(job.version)


def _fresh(route: Route) -> ReplayRouteOut:
    return msgspec.convert(msgspec.to_builtins(route), ReplayRouteOut)


def _stored(row: RoutingDecision) -> ReplayRouteOut:
    return msgspec.convert({name: getattr(row, name) for name in ReplayRouteOut.__struct_fields__}, ReplayRouteOut)
