"""Hard material: caps and rotation by content tag, a veil by choice, counts for oneself; nothing for anybody else."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reviews.content_tags import forget_cares
from reviews.models import ContentCare, Exposure, Veil
from reviews.veil import MIN_PEOPLE, sums
from tests.api.support import claim, judge, post
from tests.factories import World


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    forget_cares()
    yield
    forget_cares()


def declare(world: World, pointer: str = "", **rule: object) -> None:
    tags = [{"tag": "violence"} | rule]
    ContentCare.objects.create(task_type=world.task_type, workspace=world.workspace, tags=tags, pointer=pointer)
    forget_cares()


def tagged(world: World, *tags: str, name: str = "") -> str:
    return str(world.submit(world.case_body(context={"content_tags": list(tags)}, external_id=name or None))["id"])


def given(world: World, name: str = "bob") -> str:
    lease = claim(world, name)
    judge(world, name, lease, "reject")
    return str(lease["case"]["id"])


def test_above_the_daily_cap_such_cases_go_to_others(world: World) -> None:
    declare(world, daily_cap=2)
    hard = [tagged(world, "violence") for _ in range(3)]
    plain = tagged(world)
    assert [given(world) for _ in range(3)] == [hard[0], hard[1], plain]
    assert post(world, "bob", "reviews/claim").status_code == 204
    assert given(world, "carol") == hard[2]


def test_after_a_run_others_are_preferred_but_nothing_is_withheld(world: World) -> None:
    declare(world, run=2)
    hard = [tagged(world, "violence") for _ in range(4)]
    plain = tagged(world)
    assert [given(world) for _ in range(5)] == [hard[0], hard[1], plain, hard[2], hard[3]]


def test_tags_come_from_the_input_the_context_or_the_task_type(world: World) -> None:
    declare(world, pointer="/about/tags", daily_cap=1, always=False)
    first = world.submit(world.case_body(input={"about": {"tags": ["violence"]}}))["id"]
    world.submit(world.case_body(input={"about": {"tags": "violence"}}))
    assert given(world) == first
    assert post(world, "bob", "reviews/claim").status_code == 204
    ContentCare.objects.update(tags=[{"tag": "gore", "always": True, "daily_cap": 1}])
    forget_cares()
    given(world)
    assert dict(Exposure.objects.values_list("tag", "count")) == {"violence": 1, "gore": 1}


def test_without_declared_tags_claiming_asks_nothing_more(world: World) -> None:
    for _ in range(2):
        world.submit()
    world.api("bob").post("/api/v1/reviews/claim", {}, content_type="application/json")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert post(world, "bob", "reviews/claim").status_code == 200
    assert not [q for q in asked.captured_queries if "contentcare" in q["sql"] or "exposure" in q["sql"]]


def test_tagged_evidence_is_veiled_at_first_and_as_each_person_likes(world: World) -> None:
    declare(world)
    tagged(world, "violence")
    bob = world.browser("bob")
    where = bob.post("/work/claim")["location"]
    page = bob.get(where).content.decode()
    assert 'class="evidence-side veil-blur"' in page
    assert 'aria-pressed="true"' in page
    bob.post("/settings/wellness", {"style": "none", "scope": "tagged", "break_after_min": "0"})
    assert 'class="evidence-side"' in bob.get(where).content.decode()
    bob.post("/settings/wellness", {"style": "grey", "scope": "all", "break_after_min": "0"})
    assert 'class="evidence-side veil-grey"' in bob.get(where).content.decode()
    assert Veil.objects.get().user == world.users["bob"]


def test_untagged_evidence_is_shown_as_it_is(world: World) -> None:
    declare(world)
    world.submit()
    bob = world.browser("bob")
    assert "veil-blur" not in bob.get(bob.post("/work/claim")["location"]).content.decode().replace("data-veil", "")


def test_counts_are_for_oneself_and_sums_need_enough_people(world: World) -> None:
    declare(world)
    tagged(world, "violence")
    given(world)
    assert "violence" in world.browser("bob").get("/settings/wellness").content.decode()
    for name in ("carol", "alice", "erin"):
        assert "violence" not in world.browser(name).get("/settings/wellness").content.decode()
    assert sums(world.workspace.pk) == []
    day = Exposure.objects.get().day
    from hitl.accounts.models import User

    for number in range(MIN_PEOPLE - 1):
        user = User.objects.create(username=f"r{number}")
        Exposure.objects.create(workspace=world.workspace, user=user, day=day, tag="violence", count=3)
    (total,) = sums(world.workspace.pk)
    assert (total.week, total.people) == (13, 5)
    assert "violence" in world.browser("alice").get("/settings/wellness").content.decode()


@pytest.mark.parametrize("tags", [[{"tag": "a'b"}], [{"tag": "x", "daily_cap": 0}], [{"tag": "x"}, {"tag": "x"}], {}])
def test_a_declaration_that_is_wrong_is_refused(world: World, tags: object) -> None:
    from django.core.exceptions import ValidationError

    care = ContentCare(task_type=world.task_type, workspace=world.workspace, tags=tags)
    with pytest.raises(ValidationError):
        care.full_clean()
