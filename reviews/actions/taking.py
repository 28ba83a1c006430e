"""The statements that take a review for a person; `reviews.actions.claims` goes on from there."""

# Overdue or nearly overdue first, then priority, then arrival. Per queue a few candidates from each of two partial
# indexes, then SKIP LOCKED takes the first that nobody else is taking. The status is re-checked under the lock.
# Times are compared with statement_timestamp(): clock_timestamp() is volatile, so no index condition, and every claim
# would read its whole queue. Where the id finds the row, `status || ''` keeps the partial indexes out: under stale
# statistics PostgreSQL would read one of them from end to end instead (300 ms among 100,000 waiting). The number of
# candidates stands in the text, because a plan made for any number would not trust the index; the best few of all
# queues go on, because a plan made for any number of queues would rather read the whole table to find them.
# An exclusion is asked for with IS NOT TRUE: PostgreSQL believes that IS NULL holds for one row in two hundred, and
# would then read and sort each whole queue (50 ms instead of 1.5 for twenty queues of a thousand).
TAKE = """
WITH me AS MATERIALIZED (
  SELECT %s::uuid AS id, %s::text[] AS subjects, %s::uuid AS task_type_id, %s::int AS cap
), candidates AS MATERIALIZED (
  SELECT c.id, row_number() OVER (
    ORDER BY c.urgent DESC, CASE WHEN c.urgent THEN c.due_at END, c.order_key, c.id
  ) AS place
  FROM me CROSS JOIN unnest(%s::uuid[], %s::float8[], %s::uuid[]) AS q(id, first_key, first_id)
  CROSS JOIN LATERAL (
    (SELECT r.id, true AS urgent, r.due_at, r.order_key FROM reviews_reviewtask r
     WHERE r.queue_id = q.id AND r.status = 'waiting' AND r.urgent_at <= statement_timestamp() AND {allowed}
     ORDER BY r.urgent_at, r.id LIMIT {some})
    UNION ALL
    (SELECT r.id, false, r.due_at, r.order_key FROM reviews_reviewtask r
     WHERE r.queue_id = q.id AND r.status = 'waiting' AND (r.order_key, r.id) >= (q.first_key, q.first_id)
       AND {allowed}
     ORDER BY r.order_key, r.id LIMIT {some})
  ) c
  WHERE (SELECT count(*) FROM reviews_claim o WHERE o.user_id = (SELECT id FROM me) AND o.status = 'open') < me.cap
  ORDER BY place LIMIT 2 * {some}
), picked AS (
  SELECT r.id FROM candidates c JOIN reviews_reviewtask r ON r.id = c.id
  WHERE r.status || '' = 'waiting'
  ORDER BY c.place
  LIMIT 1 FOR UPDATE OF r SKIP LOCKED
), taken AS (
  UPDATE reviews_reviewtask r SET status = 'claimed' FROM picked WHERE r.id = picked.id RETURNING {leased}
)
"""
ALLOWED = """
(r.submitted_by_id IS NULL OR r.submitted_by_id <> me.id)
AND (r.subject IS NULL OR NOT r.subject = ANY(me.subjects))
AND (SELECT true FROM reviews_exclusion x WHERE x.case_id = r.case_id AND x.user_id = me.id) IS NOT TRUE
AND (r.seat = '' OR NOT EXISTS (
  SELECT 1 FROM reviews_reviewtask s JOIN reviews_claim c ON c.review_id = s.id AND c.user_id = me.id
  WHERE s.case_id = r.case_id AND s.id <> r.id AND (c.status || '' = 'open' OR s.seat = 'asker' OR EXISTS (
    SELECT 1 FROM reviews_judgement j WHERE j.review_id = s.id AND j.user_id = me.id AND j.undone_at IS NULL
  ))
))
"""
ALLOWED_OF_TYPE = (
    ALLOWED + " AND EXISTS (SELECT 1 FROM reviews_case k WHERE k.id = r.case_id AND k.task_type_id = me.task_type_id)"
)
LEASED = """
r.id, r.queue_id, r.case_id, statement_timestamp() AS at,
statement_timestamp() + make_interval(secs => (SELECT lease_s FROM reviews_queue q WHERE q.id = r.queue_id)) AS until,
COALESCE((SELECT max(c.epoch) FROM reviews_claim c WHERE c.review_id = r.id), 0) + 1 AS epoch,
extract(epoch FROM clock_timestamp() - statement_timestamp())::float8 AS took_s
"""
TAKE_ONE = f"""
WITH me AS (SELECT %s::uuid AS id, %s::text[] AS subjects, %s::int AS cap), taken AS (
  UPDATE reviews_reviewtask r SET status = 'claimed' FROM me
  WHERE r.id = (
    SELECT id FROM reviews_reviewtask
    WHERE id = %s AND (status || '' = 'waiting' OR status || '' = 'assigned' AND assigned_to_id = %s)
    FOR UPDATE SKIP LOCKED
  )
    AND {ALLOWED}
    AND (SELECT count(*) FROM reviews_claim o WHERE o.user_id = me.id AND o.status = 'open') < me.cap
  RETURNING {LEASED}
)
"""
# What waits for this person alone comes before anything else; only those for whom something does are asked this.
TAKE_ASSIGNED = f"""
WITH me AS (SELECT %s::uuid AS id, %s::text[] AS subjects, %s::uuid AS task_type_id, %s::int AS cap), picked AS (
  SELECT r.id FROM me JOIN reviews_reviewtask r ON r.assigned_to_id = me.id
  WHERE r.status = 'assigned' AND r.queue_id = ANY(%s::uuid[]) AND {ALLOWED}
    AND (me.task_type_id IS NULL OR EXISTS (
      SELECT 1 FROM reviews_case k WHERE k.id = r.case_id AND k.task_type_id = me.task_type_id))
    AND (SELECT count(*) FROM reviews_claim o WHERE o.user_id = me.id AND o.status = 'open') < me.cap
  ORDER BY r.urgent_at, r.id LIMIT 1 FOR UPDATE OF r SKIP LOCKED
), taken AS (
  UPDATE reviews_reviewtask r SET status = 'claimed' FROM picked WHERE r.id = picked.id RETURNING {LEASED}
)
"""
TAKE_BACK = f"""
WITH taken AS (
  UPDATE reviews_reviewtask r SET status = 'claimed', done_at = NULL
  WHERE r.id = %s AND r.status || '' = 'done' RETURNING {LEASED}
)
"""
