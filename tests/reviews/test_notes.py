"""Notes: written by people, read by colleagues, absent for whoever may still judge unaided."""

import pytest

from audit.models import Event
from reviews.models import Note
from tests.api.support import claim, get, post, problem, verb
from tests.factories import World


@pytest.fixture
def case_id(world: World) -> str:
    return world.submit()["id"]


def texts(world: World, name: str, case_id: str) -> list[str]:
    return [note["text"] for note in get(world, name, f"cases/{case_id}/notes").json()["results"]]


def test_a_supervisors_note_is_read_by_auditors_and_by_its_author(world: World, case_id: str) -> None:
    answer = post(world, "alice", f"cases/{case_id}/notes", {"text": " call the applicant "})
    assert answer.status_code == 201
    assert answer.json()["author"] == "alice"
    assert texts(world, "alice", case_id) == texts(world, "erin", case_id) == ["call the applicant"]
    event = Event.objects.get(action="case.noted")
    assert "applicant" not in str(event.after)


def test_others_notes_are_absent_until_ones_first_judgement(world: World, case_id: str) -> None:
    world.queue.reveal_share = 1.0
    world.queue.save()
    post(world, "alice", f"cases/{case_id}/notes", {"text": "clearly a reject"})
    lease = claim(world, "bob")
    post(world, "bob", f"cases/{case_id}/notes", {"text": "mine"})
    page = world.browser("bob").get(f"/cases/{case_id}").content.decode()
    assert texts(world, "bob", case_id) == ["mine"]
    assert "clearly a reject" not in page and "mine" in page
    verb(world, "bob", lease, "first-judgement", label="approve")
    assert texts(world, "bob", case_id) == ["mine", "clearly a reject"]
    assert "clearly a reject" in world.browser("bob").get(f"/cases/{case_id}").content.decode()


def test_where_the_machine_is_never_shown_others_notes_stay_absent_until_the_end(world: World, case_id: str) -> None:
    world.queue.reveal_share = 0.0
    world.queue.save()
    post(world, "alice", f"cases/{case_id}/notes", {"text": "the machine says approve"})
    lease = claim(world, "bob")
    verb(world, "bob", lease, "first-judgement", label="approve")
    assert texts(world, "bob", case_id) == []
    verb(world, "bob", lease, "judgement", label="approve")
    assert texts(world, "bob", case_id) == ["the machine says approve"]


@pytest.mark.parametrize("text", ["", "x" * 4001])
def test_an_empty_or_endless_note_is_refused(world: World, case_id: str, text: str) -> None:
    problem(post(world, "alice", f"cases/{case_id}/notes", {"text": text}), 400, "invalid_input")
    assert not Note.objects.exists()


def test_blanks_are_no_note_and_the_page_says_so_beside_the_draft(world: World, case_id: str) -> None:
    page = world.browser("alice").post(f"/cases/{case_id}/notes", {"text": "  "}, headers={"hx-request": "true"})
    assert page.status_code == 200
    assert "Write 1 to 4000 characters." in page.content.decode()


def test_strangers_and_auditors_write_none(world: World, case_id: str) -> None:
    assert post(world, "erin", f"cases/{case_id}/notes", {"text": "x"}).status_code == 403
    assert world.browser("erin").post(f"/cases/{case_id}/notes", {"text": "x"}).status_code == 403


def test_the_list_is_paged(world: World, case_id: str) -> None:
    for number in range(3):
        post(world, "alice", f"cases/{case_id}/notes", {"text": str(number)})
    first = get(world, "alice", f"cases/{case_id}/notes?limit=2").json()
    rest = get(world, "alice", f"cases/{case_id}/notes?limit=2&cursor={first['next']}").json()
    assert [n["text"] for n in first["results"] + rest["results"]] == ["2", "1", "0"]
    assert rest["next"] is None
