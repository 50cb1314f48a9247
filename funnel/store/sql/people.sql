-- name: add_contact
-- A new person, or nothing when the address is known.
INSERT INTO contact (email, email_key, first_name, side, timezone, status, created_at)
VALUES (:email, :email_key, :first_name, :side, :timezone, :status, :now)
ON CONFLICT (email_key) DO NOTHING;

-- name: contact_by_key
SELECT id, email, first_name, side, timezone, status, created_at FROM contact WHERE email_key = :email_key;

-- name: contact_by_id
SELECT id, email, first_name, side, timezone, status, created_at FROM contact WHERE id = :id;

-- name: key_of
SELECT email_key FROM contact WHERE id = :id;

-- name: all_contacts
SELECT id, email, first_name, side, timezone, status, created_at FROM contact
WHERE status <> 'erased' AND id > :after ORDER BY id LIMIT :limit;

-- name: tags_of
SELECT tag FROM contact_tag WHERE contact_id = :id ORDER BY tag;

-- name: add_tag
INSERT INTO contact_tag (contact_id, tag) VALUES (:id, :tag) ON CONFLICT DO NOTHING;

-- name: drop_tags
DELETE FROM contact_tag WHERE contact_id = :id;

-- name: set_contact
UPDATE contact SET first_name = :first_name, side = :side, timezone = :timezone WHERE id = :id;

-- name: set_status
UPDATE contact SET status = :status WHERE id = :id AND status <> 'erased';

-- name: count_by_status
SELECT status, count(*) FROM contact GROUP BY status ORDER BY status;

-- name: add_consent_text
INSERT INTO consent_text (digest, text) VALUES (:digest, :text) ON CONFLICT DO NOTHING;

-- name: add_consent
INSERT INTO consent (contact_id, event, at, source, text_digest)
VALUES (:contact_id, :event, :at, :source, :digest);

-- name: consents_of
SELECT c.event, c.at, c.source, t.text FROM consent c JOIN consent_text t ON t.digest = c.text_digest
WHERE c.contact_id = :id ORDER BY c.id;

-- name: suppress
-- Never lowered: the first reason stays.
INSERT INTO suppression (address_hash, reason, at) VALUES (:hash, :reason, :at) ON CONFLICT DO NOTHING;

-- name: suppression_of
SELECT reason FROM suppression WHERE address_hash = :hash;

-- name: lift_suppression
-- Only for a new, confirmed consent after an unsubscribe; a bounce or complaint stays.
DELETE FROM suppression WHERE address_hash = :hash AND reason = 'unsubscribed';

-- name: add_event
INSERT INTO event (contact_id, type, at, key, delivery_id)
VALUES (:contact_id, :type, :at, :key, :delivery_id) ON CONFLICT (key) DO NOTHING;

-- name: events_of
SELECT type, at, key, delivery_id FROM event WHERE contact_id = :id ORDER BY at, id;

-- name: known_of
SELECT DISTINCT type FROM event WHERE contact_id = :id
UNION SELECT 'tag:' || tag FROM contact_tag WHERE contact_id = :id;

-- name: erase_contact
UPDATE contact SET email = '', email_key = :erased, first_name = '', side = '', timezone = '', status = 'erased'
WHERE id = :id;
