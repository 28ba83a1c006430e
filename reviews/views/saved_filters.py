"""Save and delete one's own filters, from the lists they belong to."""

import uuid
from urllib.parse import parse_qsl

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from hitl.accounts.views.base import Page, reason_of
from hitl.core.errors import DomainError
from reviews.actions.saved_filters import delete_filter, save_filter
from reviews.saved_filters import KEPT, address, own_filters


class Save(Page):
    def post(self, request: HttpRequest) -> HttpResponse:
        """Keep the list as it is shown under a name."""
        place = request.POST.get("place", "")
        place = place if place in KEPT else "cases"
        current = dict(parse_qsl(request.POST.get("current", "")[:2000]))
        query = {name: current[name] for name in KEPT[place] if name in current}
        try:
            save_filter(actor=self.actor, place=place, name=request.POST.get("name", ""), query=query)
        except DomainError as error:
            messages.error(request, reason_of(error))
        if place == "queue" and "queue" not in query:
            return redirect("reviews:queues")
        return redirect(address(place, query))


class Delete(Page):
    def post(self, request: HttpRequest, filter_id: uuid.UUID) -> HttpResponse:
        """Back to the list."""
        place = own_filters(self.actor).filter(pk=filter_id).values_list("place", flat=True).first()
        delete_filter(actor=self.actor, filter_id=filter_id)
        return redirect("reviews:cases" if place == "cases" else "reviews:queues")
