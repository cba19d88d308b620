-- The auditor reads the handoffs of one conversation after another.
CREATE INDEX handoffs_of_conversation ON handoffs (conversation);
CREATE INDEX chats_of ON chats (handoff);
