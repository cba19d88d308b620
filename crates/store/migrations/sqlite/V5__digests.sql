-- Eight bytes over what a row says and where it belongs, by which a row that the disk changed is known when it is
-- read. `digest_of` is this program's; rows that are there already are taken as they are now.
ALTER TABLE conversations ADD COLUMN digest BLOB NOT NULL DEFAULT x'';
ALTER TABLE messages ADD COLUMN digest BLOB NOT NULL DEFAULT x'';
ALTER TABLE sealed ADD COLUMN digest BLOB NOT NULL DEFAULT x'';
ALTER TABLE handoffs ADD COLUMN digest BLOB NOT NULL DEFAULT x'';
ALTER TABLE chats ADD COLUMN digest BLOB NOT NULL DEFAULT x'';
ALTER TABLE withheld ADD COLUMN digest BLOB NOT NULL DEFAULT x'';
ALTER TABLE effects ADD COLUMN digest BLOB NOT NULL DEFAULT x'';
ALTER TABLE parked ADD COLUMN digest BLOB NOT NULL DEFAULT x'';
ALTER TABLE versions ADD COLUMN digest BLOB NOT NULL DEFAULT x'';

UPDATE conversations SET digest = digest_of('conversations', id, version, channel, external_id, person_name,
    held_by, last_text, updated, body);
-- The conversation's id and not its number, so that words which were moved to another chat are found as well.
UPDATE messages SET digest = digest_of('messages', (SELECT id FROM conversations WHERE number = conversation), seq,
    author, content, at, delivery, external_id);
UPDATE sealed SET digest = digest_of('sealed', (SELECT id FROM conversations WHERE number = conversation), seq, sealed);
UPDATE handoffs SET digest = digest_of('handoffs', id, version, conversation, connection, connector, platform, state,
    fired_at, body);
UPDATE chats SET digest = digest_of('chats', connection, chat, handoff);
UPDATE withheld SET digest = digest_of('withheld', handoff, sealed);
UPDATE effects SET digest = digest_of('effects', kind, lane, head, conversation, handoff, seq, sealed, attempts,
    maybe_done, added, due, held_until);
UPDATE parked SET digest = digest_of('parked', connection, sealed, at);
UPDATE versions SET digest = digest_of('versions', assistant, version, definition, at);
