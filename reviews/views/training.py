"""/queues/<q>/training: one case after the other, feedback after each; before it nothing of the queue is given out."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from hitl.accounts.views.base import Page, attempt
from hitl.core.permissions import Permission
from reviews.access import queue_for_actor
from reviews.actions.training import answer_training, attempts_left, needed, open_attempt, start_training
from reviews.evidence import blocks, parse_presentation
from reviews.models import QueueStanding, TrainingAttempt
from reviews.views.shapes import title_of


class Training(Page):
    permission = Permission.REVIEW

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """The next case, the answer to the one before, and how far one is."""
        queue = queue_for_actor(self.actor, slug)
        standing = QueueStanding.objects.filter(queue=queue, user_id=self.actor.person_id).first()
        running = open_attempt(self.actor, queue)
        last = TrainingAttempt.objects.filter(queue=queue, user_id=self.actor.person_id).order_by("-id").first()
        answers = list(last.answers.select_related("gold__task_type")) if last else []
        done = [a for a in answers if a.label is not None]
        following = next((a for a in answers if a.label is None), None) if running else None
        before = done[-1] if done else None
        n = len(answers) or queue.training_cases
        kind = following.gold.task_type if following else None
        context = {
            "queue": queue,
            "standing": standing,
            "running": running,
            "last": last,
            "left": attempts_left(queue, standing, self.actor.person_id),
            "done": len(done),
            "right": sum(bool(a.right) for a in done),
            "n": n,
            "needed": needed(
                len(answers) or queue.training_cases, last.pass_share if last else queue.training_pass_share
            ),
            "before": before,
            "right_title": title_of(before.gold.task_type, before.gold.label) if before else "",
            "following": following,
            "labels": kind.labels if kind else (),
            "blocks": blocks(following.gold.input, parse_presentation(kind.presentation), following.gold.key_evidence)
            if following and kind
            else (),
        }
        return render(request, "reviews/training.html", context)

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Begin, or answer one case."""
        queue = queue_for_actor(self.actor, slug)
        place = request.POST.get("position", "")
        if place.isascii() and place.isdigit():
            label = request.POST.get("label", "")
            attempt(
                request,
                lambda: answer_training(actor=self.actor, queue=queue, position=int(place[:6]), label=label),
            )
        else:
            attempt(request, lambda: start_training(actor=self.actor, queue=queue), _("Take your time."))
        return redirect("reviews:training", slug)
