"""/guidelines: read, write and put in force; /queues/<q>/guideline: what changed, and the button to acknowledge it."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from hitl.accounts.views.base import Page, attempt
from hitl.core.actors import Actor
from hitl.core.errors import NotFound
from hitl.core.permissions import Permission
from reviews.access import queue_for_actor
from reviews.actions.guidelines import acknowledge_guideline, close_request, put_in_force, write_guideline
from reviews.guidelines import (
    Rendered,
    acknowledged,
    difference,
    in_force,
    last_acknowledged,
    queues_for,
    task_types_with_guidelines,
    uses_of,
    visible_guidelines,
)
from reviews.guidelines import (
    render as rendered,
)
from reviews.models import GuidelineRequest, GuidelineVersion, Queue
from routing.models import TaskType


@dataclass(frozen=True, slots=True)
class GuidelinePanel:
    """The guideline beside a case."""

    version: GuidelineVersion
    body: Rendered


def guideline_panel(queue: Queue | None) -> GuidelinePanel | None:
    """What is in force in the case's queue; null where nothing is."""
    use = in_force(queue.pk) if queue else None
    return GuidelinePanel(use.version, rendered(use.version.text)) if use else None


class Guidelines(Page):
    def get(self, request: HttpRequest) -> HttpResponse:
        """The guidelines this person may read, by task type."""
        newest: dict[object, GuidelineVersion] = {}
        for version in visible_guidelines(self.actor).defer("text").order_by("task_type_id", "number"):
            newest[version.task_type_id] = version
        rows = [(kind, newest.get(kind.pk)) for kind in task_types_with_guidelines(self.actor)]
        return render(request, "reviews/guideline_list.html", {"rows": rows})


def _task_type(actor: Actor, slug: str) -> TaskType:
    found = next((kind for kind in task_types_with_guidelines(actor) if kind.slug == slug), None)
    if found is None:
        raise NotFound()
    return found


class GuidelineOfType(Page):
    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Its versions, where each is in force, and the form for the next."""
        return self._page(request, _task_type(self.actor, slug))

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Write the next version."""
        kind = _task_type(self.actor, slug)
        self.actor.require(Permission.CONFIGURE)
        made = attempt(
            request,
            lambda: write_guideline(
                actor=self.actor,
                task_type=kind,
                title=request.POST.get("title", ""),
                text=request.POST.get("text", ""),
                note=request.POST.get("note", ""),
            ),
            _("Version written. Put it in force where it is to hold."),
        )
        if made is None:
            return self._page(request, kind, request.POST.dict(), status=422)
        return redirect("reviews:guideline-version", slug, made.number)

    def _page(
        self, request: HttpRequest, kind: TaskType, draft: dict[str, str] | None = None, status: int = 200
    ) -> HttpResponse:
        versions = list(visible_guidelines(self.actor).filter(task_type=kind).order_by("-number")[:200])
        newest = versions[0] if versions else None
        if draft is None and newest:
            draft = {"title": newest.title, "text": newest.text}
        context = {
            "kind": kind,
            "versions": versions,
            "uses": uses_of(kind),
            "may_write": self.actor.may(Permission.CONFIGURE),
            "may_read_suite": self.actor.may(Permission.READ_POLICIES),
            "draft": draft or {"title": kind.title},
            "requests": GuidelineRequest.objects.filter(task_type=kind, status="open").order_by("-id")[:50],
        }
        return render(request, "reviews/guideline_history.html", context, status=status)


class GuidelineVersionPage(Page):
    def get(self, request: HttpRequest, slug: str, number: int) -> HttpResponse:
        """One version, and what it changed."""
        version = _version(self.actor, slug, number)
        before = visible_guidelines(self.actor).filter(task_type_id=version.task_type_id, number=number - 1).first()
        context = {
            "version": version,
            "body": rendered(version.text),
            "before": before,
            "lines": difference(before.text, version.text) if before else (),
            "queues": queues_for(version.task_type).order_by("title") if self.actor.may(Permission.CONFIGURE) else (),
        }
        return render(request, "reviews/guideline_version.html", context)

    def post(self, request: HttpRequest, slug: str, number: int) -> HttpResponse:
        """Put it in force in a queue."""
        version = _version(self.actor, slug, number)
        self.actor.require(Permission.CONFIGURE)
        queue = queues_for(version.task_type).filter(slug=request.POST.get("queue", "")).first()
        if queue is None:
            messages.error(request, _("Choose a queue."))
        else:
            attempt(
                request,
                lambda: put_in_force(
                    actor=self.actor,
                    version=version,
                    queue=queue,
                    from_at=_time(request.POST.get("from", "")),
                    must_acknowledge="must_acknowledge" in request.POST,
                ),
                _("In force from then on."),
            )
        return redirect("reviews:guideline-version", slug, number)


def _version(actor: Actor, slug: str, number: int) -> GuidelineVersion:
    found = visible_guidelines(actor).filter(task_type__slug=slug, number=number).first()
    if found is None:
        raise NotFound()
    return found


def _time(text: str) -> datetime | None:
    """What a `datetime-local` field sends, as UTC; null for now."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
    except ValueError:
        return None


class CloseRequest(Page):
    permission = Permission.CONFIGURE

    def post(self, request: HttpRequest, slug: str, request_id: object) -> HttpResponse:
        """Answer a request for a change."""
        done, answer = "done" in request.POST, request.POST.get("answer", "")
        attempt(
            request,
            lambda: close_request(actor=self.actor, request_id=request_id, done=done, answer=answer),  # type: ignore[arg-type]
            _("Answered."),
        )
        return redirect("reviews:guideline", slug)


class QueueGuideline(Page):
    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """What is in force here, what changed since this person last read it, and the button."""
        queue = queue_for_actor(self.actor, slug)
        use = in_force(queue.pk)
        if use is None:
            raise NotFound()
        before = last_acknowledged(self.actor, use.version)
        context = {
            "queue": queue,
            "use": use,
            "version": use.version,
            "body": rendered(use.version.text),
            "before": before,
            "lines": difference(before.text, use.version.text) if before else (),
            "acknowledged": acknowledged(self.actor, use.version),
            "may_acknowledge": self.actor.may(Permission.REVIEW),
        }
        return render(request, "reviews/guideline_queue.html", context)

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Acknowledge it, and back to work."""
        queue = queue_for_actor(self.actor, slug)
        done = attempt(request, lambda: acknowledge_guideline(actor=self.actor, queue=queue), _("Thank you."))
        return redirect("reviews:work") if done else redirect("reviews:queue-guideline", slug)
