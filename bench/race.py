"""Sixteen reviewers at once over one queue until it is empty: nobody gets a review twice, none is lost."""

from collections.abc import Iterator

import psycopg

from bench.fill import fill
from bench.report import Line
from bench.scale import Scale
from bench.servers import Databases, product
from bench.world import World

_REVIEWERS = 16
_COUNTS = """
SELECT count(*), count(DISTINCT r.id), count(*) FILTER (WHERE r.status = 'done'), count(DISTINCT j.id),
       count(DISTINCT d.id)
FROM reviews_reviewtask r
LEFT JOIN reviews_claim c ON c.review_id = r.id
LEFT JOIN reviews_judgement j ON j.review_id = r.id
LEFT JOIN reviews_decision d ON d.case_id = r.case_id AND d.is_current
WHERE r.queue_id = %s
"""


def exclusive(databases: Databases, world: World, scale: Scale) -> Iterator[Line]:
    """Every review: one claim, one judgement, one decision."""
    url = databases.create("race", like="world")
    fill(url, world.template_case, [world.open_queue], scale.race)
    with product(url) as served:
        keys = world.reviewers[:_REVIEWERS]
        run = served.load("claim_decide", connections=_REVIEWERS, keys=keys, queue="open")
    with psycopg.connect(url) as connection:
        counts = connection.execute(_COUNTS, [world.open_queue]).fetchone()
    databases.drop("race")
    ok = run.cycles == scale.race and counts == (scale.race,) * 5
    found = f"all once, {run.rate:,.0f} /s" if ok else f"{run.cycles} cycles; rows: {counts}"
    yield Line(f"{_REVIEWERS} reviewers over {scale.race:,} reviews: none twice, none lost", found, goal="all", ok=ok)
