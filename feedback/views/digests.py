"""/ops/digest: what each week taught, and the drafts made because of it."""

from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

import msgspec
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from feedback.access import visible_digests
from feedback.actions.digests import make_digest
from feedback.digest_content import Cluster, DigestContent, Proposal
from feedback.digest_data import week_of
from feedback.models import Digest
from feedback.selectors import task_type_by_slug, task_types_for_actor
from hitl.accounts.views.base import Page, attempt
from hitl.core.clock import now
from hitl.core.numbers import fixed, percent
from hitl.core.pagination import page_by_id
from hitl.core.permissions import Permission


@dataclass(frozen=True, slots=True)
class ClusterRow:
    """A cluster with its cells ready to read."""

    cluster: Cluster
    group: str
    inside: str
    outside: str
    lift: str
    q: str


@dataclass(frozen=True, slots=True)
class DigestRow:
    """One digest as the page shows it; `interval`: of the share overruled."""

    digest: Digest
    content: DigestContent
    last_day: date
    share: str
    interval: str
    clusters: tuple[ClusterRow, ...]
    proposals: tuple[Proposal, ...]


class DigestPage(Page):
    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest) -> HttpResponse:
        """Newest first; `?task_type=` one of them."""
        slug = request.GET.get("task_type", "").replace("\x00", "")
        rows = visible_digests(self.actor)
        if slug:
            rows = rows.filter(task_type__slug=slug)
        page = page_by_id(rows, limit=10, cursor=request.GET.get("cursor"))
        context = {
            "rows": [_row(row) for row in page.rows],
            "task_types": task_types_for_actor(self.actor),
            "chosen": slug,
            "week": week_of(now()),
            "may_make": self.actor.may(Permission.WRITE_POLICIES),
            "next_url": f"?{urlencode({'task_type': slug, 'cursor': page.next})}" if page.next else None,
        }
        return render(request, "feedback/digest.html", context)


class MakeDigest(Page):
    permission = Permission.WRITE_POLICIES

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """The last whole week's, now."""
        task_type = task_type_by_slug(self.actor, slug)
        if task_type is None:
            raise Http404
        attempt(
            request,
            lambda: make_digest(actor=self.actor, task_type=task_type, week=week_of(now())),
            _("Last week's digest is below, if anybody judged a prediction unaided in it."),
        )
        return redirect(f"/ops/digest?task_type={task_type.slug}")


def _row(row: Digest) -> DigestRow:
    content = msgspec.convert(row.content, DigestContent)
    share = "–" if content.share is None else percent(content.share)
    return DigestRow(
        digest=row,
        content=content,
        last_day=row.week + timedelta(days=6),
        share=share,
        interval=f"{percent(content.low)}–{percent(content.high)}",
        clusters=tuple(_cluster(cluster) for cluster in content.clusters),
        proposals=tuple(msgspec.convert(row.proposals, list[Proposal])),
    )


def _cluster(c: Cluster) -> ClusterRow:
    group = _("predicted %(label)s") % {"label": c.value} if c.by == "label" else f"{c.name}: {c.value}"
    high = "∞" if c.high is None else fixed(c.high, 1)
    value = "–" if c.lift is None else f"× {fixed(c.lift, 1)}"
    return ClusterRow(
        cluster=c,
        group=group,
        inside=_("%(k)s of %(n)s") % {"k": c.errors, "n": c.n},
        outside=_("%(k)s of %(n)s") % {"k": c.others, "n": c.n_others},
        lift=f"{value} ({fixed(c.low, 1)}–{high})",
        q="< 0.001" if c.q < 0.001 else fixed(c.q, 3),
    )
