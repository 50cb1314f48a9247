-- name: put_program
INSERT INTO program (kind, slug, code, state_at, start_at) VALUES (:kind, :slug, :code, :now, :start_at)
ON CONFLICT (kind, slug) DO UPDATE SET code = excluded.code, start_at = excluded.start_at,
  state = CASE WHEN program.state = 'retired' THEN 'open' ELSE program.state END;

-- name: program_by_slug
SELECT p.id, p.kind, p.slug, p.code, p.state, p.state_at, p.version, p.start_at, v.digest, v.definition
FROM program p JOIN publication v ON v.program_id = p.id AND v.version = p.version
WHERE p.kind = :kind AND p.slug = :slug;

-- name: program_by_id
SELECT p.id, p.kind, p.slug, p.code, p.state, p.state_at, p.version, p.start_at, v.digest, v.definition
FROM program p JOIN publication v ON v.program_id = p.id AND v.version = p.version WHERE p.id = :id;

-- name: all_programs
SELECT p.id, p.kind, p.slug, p.code, p.state, p.state_at, p.version, p.start_at, v.digest, v.definition
FROM program p JOIN publication v ON v.program_id = p.id AND v.version = p.version
ORDER BY p.kind DESC, p.slug;

-- name: add_version
INSERT INTO publication (program_id, version, digest, definition, published_at)
SELECT p.id, p.version + 1, :digest, :definition, :now FROM program p WHERE p.kind = :kind AND p.slug = :slug;

-- name: bump_version
UPDATE program SET version = version + 1 WHERE kind = :kind AND slug = :slug;

-- name: set_program_state
UPDATE program SET state = :state, state_at = :now WHERE id = :id;

-- name: launched
-- A broadcast goes out once: its moment is taken away when everyone has been entered.
UPDATE program SET start_at = NULL WHERE id = :id;

-- name: step_numbers
SELECT step, number FROM step WHERE program_id = :id;

-- name: add_step
INSERT INTO step (program_id, step, number)
SELECT :id, :step, COALESCE(MAX(number), 0) + 1 FROM step WHERE program_id = :id
ON CONFLICT (program_id, step) DO NOTHING;

-- name: retire_email
UPDATE email SET is_current = 0 WHERE slug = :slug AND variant = :variant AND is_current = 1;

-- name: put_email
INSERT INTO email (slug, variant, digest, payload, published_at) VALUES (:slug, :variant, :digest, :payload, :now)
ON CONFLICT (slug, variant, digest) DO UPDATE SET is_current = 1;

-- name: current_emails
SELECT id, slug, variant, digest, payload FROM email WHERE is_current = 1 ORDER BY slug, variant;

-- name: current_email
SELECT id, slug, variant, digest, payload FROM email WHERE slug = :slug AND variant = :variant AND is_current = 1;

-- name: current_email_id
-- The person's own variant before the one for all.
SELECT id FROM email WHERE slug = :slug AND variant IN (:variant, 'all') AND is_current = 1
ORDER BY variant = 'all' LIMIT 1;

-- name: email_by_id
SELECT id, slug, variant, digest, payload FROM email WHERE id = :id;

-- name: active_in_program
SELECT count(*) FROM enrollment WHERE program_id = :id AND status = 'active';

-- name: active_awaiting_email
-- People inside any series who may still get this mail.
SELECT count(*) FROM enrollment e JOIN program p ON p.id = e.program_id
JOIN publication v ON v.program_id = p.id AND v.version = p.version
WHERE e.status = 'active' AND (e.variant = :variant OR :variant = 'all')
  AND instr(v.definition, '"email":"' || :slug || '"') > 0;
