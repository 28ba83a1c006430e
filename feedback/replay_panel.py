"""The newest finished replay of a version, for its page and so before everybody who approves it."""

from django.template.loader import render_to_string

from feedback.access import replays_of_version
from feedback.actions.replays import OPEN
from feedback.models import ReplayJob
from feedback.replay_payloads import result_of
from feedback.replay_words import replay_sentences
from hitl.core.actors import Actor
from hitl.core.permissions import Permission
from routing.models import PolicyVersion


def replay_panel(actor: Actor, version: PolicyVersion) -> str:
    """Its summary, that one is running, or that there is none; with the way to it."""
    rows = replays_of_version(actor, version).exclude(status=ReplayJob.Status.CANCELLED).order_by("-pk")
    newest = rows.defer("result").first()
    done = rows.filter(status=ReplayJob.Status.DONE).first() if newest else None
    result = result_of(done) if done else None
    context = {
        "policy": version.policy,
        "version": version,
        "job": done or newest,
        "running": newest is not None and newest.status in OPEN,
        "sentences": list(replay_sentences(result)) if result else [],
        "may_write": actor.may(Permission.WRITE_POLICIES),
    }
    return render_to_string("feedback/_replay_panel.html", context)
