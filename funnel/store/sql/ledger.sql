-- name: enroll
INSERT INTO enrollment (program_id, contact_id, entry_key, variant, entered_at, anchor_at)
VALUES (:program_id, :contact_id, :entry_key, :variant, :now, :now)
ON CONFLICT (contact_id, program_id, entry_key) DO NOTHING;

-- name: enrollment_by_id
SELECT e.id, e.contact_id, p.slug, e.variant, e.after_step, e.visit, e.status, e.entered_at, e.anchor_at, e.exit_reason,
       p.id, p.kind
FROM enrollment e JOIN program p ON p.id = e.program_id WHERE e.id = :id;

-- name: enrollments_of
SELECT e.id, e.contact_id, p.slug, e.variant, e.after_step, e.visit, e.status, e.entered_at, e.anchor_at, e.exit_reason,
       p.id, p.kind
FROM enrollment e JOIN program p ON p.id = e.program_id WHERE e.contact_id = :contact_id ORDER BY e.id;

-- name: active_of_program
SELECT e.id, e.contact_id, p.slug, e.variant, e.after_step, e.visit, e.status, e.entered_at, e.anchor_at, e.exit_reason,
       p.id, p.kind
FROM enrollment e JOIN program p ON p.id = e.program_id
WHERE e.program_id = :program_id AND e.status = 'active' ORDER BY e.id;

-- name: due_timers
-- Whoever's time has come, oldest first. Held and frozen programs wait; nobody is dropped.
SELECT t.due_at, e.id, e.contact_id, p.slug, e.variant, e.after_step, e.visit, e.status, e.entered_at, e.anchor_at,
       e.exit_reason, p.id, p.kind
FROM timer t CROSS JOIN enrollment e ON e.id = t.enrollment_id CROSS JOIN program p ON p.id = e.program_id
WHERE t.due_at <= :now AND p.state IN ('open', 'closed', 'retired')
ORDER BY t.due_at, t.enrollment_id LIMIT :limit;

-- name: set_timer
INSERT INTO timer (due_at, enrollment_id) VALUES (:due_at, :enrollment_id)
ON CONFLICT (enrollment_id) DO UPDATE SET due_at = excluded.due_at;

-- name: clear_timer
DELETE FROM timer WHERE enrollment_id = :enrollment_id;

-- name: timer_of
SELECT due_at FROM timer WHERE enrollment_id = :enrollment_id;

-- name: shift_anchors
-- After a freeze: a wait that began before it counts from later, by as long as it stood still.
UPDATE enrollment SET anchor_at = anchor_at + MAX(0, :now - MAX(:since, anchor_at))
WHERE program_id = :program_id AND status = 'active';

-- name: next_instant
-- The next moment at which anything can happen. Each part stops at its first row.
SELECT MIN(at) FROM (
  SELECT * FROM (
    SELECT t.due_at AS at FROM timer t CROSS JOIN enrollment e ON e.id = t.enrollment_id
    CROSS JOIN program p ON p.id = e.program_id WHERE p.state IN ('open', 'closed', 'retired') ORDER BY t.due_at LIMIT 1)
  UNION ALL
  SELECT * FROM (
    SELECT d.due_at AS at FROM delivery d CROSS JOIN enrollment e ON e.id = d.id / 65536
    CROSS JOIN program p ON p.id = e.program_id
    WHERE d.state = 'ready' AND p.state IN ('open', 'closed', 'retired') ORDER BY d.due_at LIMIT 1)
  UNION ALL
  SELECT MIN(p.start_at) FROM program p WHERE p.kind = 'broadcast' AND p.state = 'open'
);

-- name: advance
UPDATE enrollment SET after_step = :step, anchor_at = :now WHERE id = :id AND status = 'active';

-- name: point
UPDATE enrollment SET after_step = :step WHERE id = :id;

-- name: change_side
UPDATE enrollment SET variant = :variant, after_step = :step, visit = visit + 1, anchor_at = :now,
  status = 'active', exit_reason = '' WHERE id = :id AND visit < 255;

-- name: finish
UPDATE enrollment SET status = :status, exit_reason = :reason WHERE id = :id AND status = 'active';

-- name: add_delivery
INSERT INTO delivery (id, email_id, state, due_at, settled_at, reason)
VALUES (:id, :email_id, :state, :due_at, :settled_at, :reason) ON CONFLICT (id) DO NOTHING;

-- name: delivery_by_id
SELECT d.id, e.contact_id, s.step, m.slug, e.variant, d.state, d.due_at, d.settled_at, d.reason, d.email_id, p.id
FROM delivery d JOIN enrollment e ON e.id = d.id / 65536 JOIN program p ON p.id = e.program_id
JOIN step s ON s.program_id = e.program_id AND s.number = (d.id / 256) % 256
LEFT JOIN email m ON m.id = d.email_id WHERE d.id = :id;

-- name: deliveries_of
SELECT d.id, e.contact_id, s.step, m.slug, COALESCE(m.variant, e.variant), d.state, d.due_at, d.settled_at, d.reason,
       d.email_id, e.program_id
FROM enrollment e CROSS JOIN delivery d ON d.id >= e.id * 65536 AND d.id < (e.id + 1) * 65536
JOIN step s ON s.program_id = e.program_id AND s.number = (d.id / 256) % 256
LEFT JOIN email m ON m.id = d.email_id
WHERE e.contact_id = :contact_id ORDER BY COALESCE(d.settled_at, d.due_at), d.id;

-- name: settled_steps
-- What this run has settled: the step, the visit, and whether it was really sent.
SELECT s.step, d.id % 256, d.state
FROM enrollment e CROSS JOIN delivery d ON d.id >= e.id * 65536 AND d.id < (e.id + 1) * 65536
JOIN step s ON s.program_id = e.program_id AND s.number = (d.id / 256) % 256
WHERE e.id = :id;

-- name: leasable
-- Ready mail whose time has come, oldest first, with whom it is for.
SELECT d.id, e.contact_id, d.due_at, d.email_id, p.id
FROM delivery d CROSS JOIN enrollment e ON e.id = d.id / 65536 CROSS JOIN program p ON p.id = e.program_id
WHERE d.state = 'ready' AND d.due_at <= :now AND p.state IN ('open', 'closed', 'retired')
ORDER BY d.due_at, d.id LIMIT :limit;

-- name: lease
INSERT INTO lease (delivery_id, owner, until, fence, attempts, first_at) VALUES (:id, :owner, :until, 1, 1, :now)
ON CONFLICT (delivery_id) DO UPDATE SET owner = excluded.owner, until = excluded.until, fence = fence + 1,
  attempts = attempts + 1, first_at = CASE WHEN attempts = 0 THEN excluded.first_at ELSE first_at END;

-- name: excuse
-- The attempt did not count: nobody refused this mail, it was not tried. The fence stays where it is.
UPDATE lease SET attempts = attempts - 1 WHERE delivery_id = :id AND attempts > 0;

-- name: holds
SELECT count(*) FROM delivery d JOIN lease l ON l.delivery_id = d.id
WHERE d.id = :id AND d.state IN ('leased', 'sending') AND l.owner = :owner AND l.fence = :fence;

-- name: set_state
UPDATE delivery SET state = :state WHERE id = :id;

-- name: lease_of
SELECT owner, until, fence, attempts, first_at FROM lease WHERE delivery_id = :id;

-- name: gate
-- The last look before the point of no return: everything that could forbid it, in one row.
SELECT d.state, l.owner, l.fence, c.status, c.email_key, p.state, p.kind, o.recipient = c.email,
       e.status, e.visit = d.id % 256
FROM delivery d CROSS JOIN lease l ON l.delivery_id = d.id CROSS JOIN enrollment e ON e.id = d.id / 65536
CROSS JOIN contact c ON c.id = e.contact_id CROSS JOIN program p ON p.id = e.program_id
CROSS JOIN outbox o ON o.delivery_id = d.id
WHERE d.id = :id;

-- name: back_to_ready
UPDATE delivery SET state = 'ready', due_at = :due_at WHERE id = :id;

-- name: reopen
UPDATE delivery SET state = 'ready', due_at = :now, settled_at = NULL, reason = '' WHERE id = :id AND state = 'unknown';

-- name: settle
UPDATE delivery SET state = :state, settled_at = :now, reason = :reason WHERE id = :id;

-- name: drop_lease
DELETE FROM lease WHERE delivery_id = :id;

-- name: drop_frozen
DELETE FROM outbox WHERE delivery_id = :id;

-- name: freeze
INSERT INTO outbox (delivery_id, recipient, raw) VALUES (:id, :recipient, :raw) ON CONFLICT (delivery_id) DO NOTHING;

-- name: frozen
SELECT recipient, raw FROM outbox WHERE delivery_id = :id;

-- name: mark_mailed
UPDATE contact SET last_mail_at = :now WHERE id = :id;

-- name: last_mail_at
SELECT last_mail_at FROM contact WHERE id = :id;

-- name: stale
-- Work whose worker is gone: its lease ran out, or every other worker is known to be dead.
SELECT d.id, d.state FROM delivery d JOIN lease l ON l.delivery_id = d.id
WHERE d.state IN ('leased', 'sending') AND (l.until <= :now OR (:alone = 1 AND l.owner <> :owner)) ORDER BY d.id;

-- name: open_of_contact
-- Mail for one person that has not gone yet.
SELECT d.id FROM enrollment e CROSS JOIN delivery d ON d.id >= e.id * 65536 AND d.id < (e.id + 1) * 65536
WHERE e.contact_id = :contact_id AND d.state IN ('ready', 'leased') ORDER BY d.id;

-- name: drip_open
-- Whether a drip mail of any series is on its way to one person now. What is held, or is tried again later, is not.
SELECT count(*) FROM enrollment e CROSS JOIN program p ON p.id = e.program_id
CROSS JOIN delivery d ON d.id >= e.id * 65536 AND d.id < (e.id + 1) * 65536
WHERE e.contact_id = :contact_id AND p.kind = 'series' AND (d.state IN ('leased', 'sending')
  OR (d.state = 'ready' AND d.due_at <= :now AND p.state IN ('open', 'closed', 'retired')));

-- name: by_state
SELECT d.id, e.contact_id, s.step, m.slug, e.variant, d.state, d.due_at, d.settled_at, d.reason, d.email_id, p.id
FROM delivery d JOIN enrollment e ON e.id = d.id / 65536 JOIN program p ON p.id = e.program_id
JOIN step s ON s.program_id = e.program_id AND s.number = (d.id / 256) % 256
LEFT JOIN email m ON m.id = d.email_id WHERE d.state = :state ORDER BY d.due_at, d.id LIMIT :limit;

-- name: count_by_state
SELECT p.slug, s.step, d.state, d.reason, count(*)
FROM delivery d JOIN enrollment e ON e.id = d.id / 65536 JOIN program p ON p.id = e.program_id
JOIN step s ON s.program_id = e.program_id AND s.number = (d.id / 256) % 256
GROUP BY p.slug, s.number, d.state, d.reason ORDER BY p.slug, s.number;

-- name: count_by_status
SELECT p.slug, e.status, e.exit_reason, count(*) FROM enrollment e JOIN program p ON p.id = e.program_id
GROUP BY p.slug, e.status, e.exit_reason ORDER BY p.slug, e.status;
