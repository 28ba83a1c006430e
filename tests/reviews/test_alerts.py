"""Alerts: told once while open, acknowledged by a person, mailed where configured, over when over."""

from typing import Any

import pytest
from django.core import mail

from audit.models import Event, OutboxMessage
from hitl.accounts.models import ApiKey
from hitl.core.permissions import Scope
from hitl.delivery.actions.endpoints import register_endpoint
from hitl.delivery.actions.relay import relay_outbox
from hitl.delivery.models import WebhookDelivery
from reviews.actions.alerts import About, Wording, mail_alerts, raise_alert, resolve_alert
from reviews.models import Alert
from tests.access.routes import all_routes
from tests.api.support import get, post, problem
from tests.factories import World, make_key, make_world


def backlog(world: World, n: int = 40, **about: Any) -> Alert:
    return raise_alert(
        actor=world.actor("alice"),
        kind="backlog",
        about=About("queue", world.queue.pk, "loans", "/queues/loans", **about),
        words=Wording("Queue %(queue)s backs up", "%(n)s wait.", "Ask for help.", {"queue": "loans", "n": n}),
    )


def test_an_alert_is_told_once_while_it_is_open_and_counts_how_often_it_was_noticed(world: World) -> None:
    first, again = backlog(world, 40), backlog(world, 55)
    assert first.pk == again.pk
    assert (again.times, again.said) == (2, "55 wait.")
    assert Event.objects.filter(action="alert.raised").count() == 1
    (message,) = OutboxMessage.objects.filter(type="alert.raised")
    assert message.payload["title"] == "Queue loans backs up"
    assert message.payload["runbook"] == "Ask for help."


def test_once_it_is_over_the_next_one_is_new(world: World) -> None:
    first = backlog(world)
    about = {"kind": "backlog", "subject_type": "queue", "subject_id": world.queue.pk}
    assert resolve_alert(actor=world.actor("alice"), **about)
    assert not resolve_alert(actor=world.actor("alice"), **about)
    assert backlog(world).pk != first.pk
    assert Event.objects.filter(action="alert.resolved").count() == 1


def test_acknowledging_names_the_person_and_repeating_it_changes_nothing(world: World) -> None:
    alert = backlog(world)
    path = f"alerts/{alert.pk}/acknowledge"
    said = post(world, "alice", path).json()
    assert (said["state"], said["acknowledged_by"]) == ("acknowledged", "alice")
    assert post(world, "alice", path).json() == said
    assert Event.objects.filter(action="alert.acknowledged").count() == 1


def test_one_that_is_over_cannot_be_acknowledged(world: World) -> None:
    alert = backlog(world)
    resolve_alert(actor=world.actor("alice"), kind="backlog", subject_type="queue", subject_id=world.queue.pk)
    problem(post(world, "alice", f"alerts/{alert.pk}/acknowledge"), 409, "already_resolved")


def test_the_list_narrows_by_state_and_pages(world: World) -> None:
    backlog(world)
    assert [a["kind"] for a in get(world, "erin", "alerts?state=open").json()["results"]] == ["backlog"]
    assert get(world, "erin", "alerts?state=resolved").json()["results"] == []
    problem(get(world, "erin", "alerts?state=x"), 400, "invalid_input")


def test_another_workspace_and_a_key_for_other_task_types_see_nothing(world: World) -> None:
    alert = backlog(world, task_type_id=world.task_type.pk)
    stranger = make_world("globex")
    assert get(stranger, "alice", "alerts").json()["results"] == []
    problem(post(stranger, "alice", f"alerts/{alert.pk}/acknowledge"), 404, "not_found")
    world.keys["narrow"] = make_key(world, client=world.client, scopes=[Scope.METRICS_READ])
    ApiKey.objects.filter(client=world.client, scopes=[Scope.METRICS_READ]).update(
        task_type_ids=[stranger.task_type.pk]
    )
    assert get(world, "narrow", "alerts").json()["results"] == []
    assert len(get(world, "partner", "alerts").json()["results"]) == 1


def test_the_page_says_what_to_do_and_the_frame_counts_what_is_unanswered(world: World) -> None:
    backlog(world)
    alice = world.browser("alice")
    page = alice.get("/ops/alerts").content.decode()
    assert "Queue loans backs up" in page
    assert "Ask for help." in page
    assert "1 alert<" in page
    alert = Alert.objects.get()
    alice.post(f"/ops/alerts/{alert.pk}/acknowledge")
    assert "1 alert<" not in alice.get("/work").content.decode()
    assert "alert" not in world.browser("bob").get("/work").content.decode().replace("data-alert", "")


def test_supervisors_are_mailed_once_and_only_where_that_is_configured(world: World, settings: Any) -> None:
    backlog(world)
    assert mail_alerts() == 0
    settings.HITL_ALERT_MAIL = True
    assert mail_alerts() == 1
    assert mail_alerts() == 0
    assert [m.to for m in mail.outbox] == [["alice@example.org"]]
    assert "Ask for help." in mail.outbox[0].body


def test_every_link_of_an_alert_leads_somewhere(world: World) -> None:
    alert = backlog(world)
    assert any(r.path == "/queues/<slug>" for r in all_routes())
    assert world.browser("alice").get(alert.link).status_code == 200


@pytest.mark.parametrize("values", [{}, {"other": 1}])
def test_a_text_whose_place_is_not_filled_still_shows(values: dict[str, Any]) -> None:
    assert Alert(title="Queue %(queue)s", values=values).headline == "Queue %(queue)s"


def test_what_is_about_one_of_our_people_never_reaches_a_partner(world: World) -> None:
    ours = register_endpoint(actor=world.actor("alice"), url="http://127.0.0.1:9/ours")
    theirs = register_endpoint(actor=world.actor("partner"), url="http://127.0.0.1:9/theirs")
    backlog(world)
    about, words = About("reviewer", world.users["bob"].pk, "bob"), Wording("Paused", "Gold accuracy is low.")
    raise_alert(actor=world.actor("alice"), kind="paused", about=about, words=words)
    assert [a["kind"] for a in get(world, "partner", "alerts").json()["results"]] == ["backlog"]
    assert [a["kind"] for a in get(world, "erin", "alerts").json()["results"]] == ["paused", "backlog"]
    relay_outbox()
    sent = [(d.endpoint_id, d.payload["data"]["kind"]) for d in WebhookDelivery.objects.order_by("id")]
    assert set(sent) == {(ours.pk, "backlog"), (theirs.pk, "backlog"), (ours.pk, "paused")}
