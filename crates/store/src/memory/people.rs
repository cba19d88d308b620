//! Assistants with their versions, and the people who use the console.

use futures::future::BoxFuture;
use handoff_core::store::{
    AssistantRow, Assistants, Result, StoreError, StoredSession, User, Users, VersionRow,
};
use handoff_model::{AssistantId, Timestamp};

use super::{Memory, State};

impl Assistants for Memory {
    fn assistants(&self) -> BoxFuture<'_, Result<Vec<AssistantRow>>> {
        self.with(|state| {
            let mut rows: Vec<_> = state.assistants.values().cloned().collect();
            rows.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
            Ok(rows)
        })
    }

    fn published(&self) -> BoxFuture<'_, Result<Vec<(AssistantId, u32)>>> {
        self.with(|state| {
            let rows = state.assistants.values();
            Ok(rows.filter_map(|row| row.published.map(|version| (row.id.clone(), version))).collect())
        })
    }

    fn assistant(&self, id: &AssistantId) -> BoxFuture<'_, Result<Option<AssistantRow>>> {
        self.with(|state| Ok(state.assistants.get(id).cloned()))
    }

    fn save_draft(
        &self,
        id: &AssistantId,
        name: &str,
        draft: &str,
        expected: u64,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<u64>> {
        self.with(|state| state.save(id, name, draft, expected, now))
    }

    fn publish(&self, id: &AssistantId, revision: u64, now: Timestamp) -> BoxFuture<'_, Result<u32>> {
        self.with(|state| state.publish(id, revision, now))
    }

    fn version(&self, id: &AssistantId, version: u32) -> BoxFuture<'_, Result<Option<VersionRow>>> {
        self.with(|state| Ok(state.versions.get(&(id.clone(), version)).cloned()))
    }
}

impl State {
    fn save(
        &mut self,
        id: &AssistantId,
        name: &str,
        draft: &str,
        expected: u64,
        now: Timestamp,
    ) -> Result<u64> {
        let before = self.assistants.get(id);
        if before.map_or(0, |row| row.revision) != expected {
            return Err(StoreError::Conflict);
        }
        let row = AssistantRow {
            id: id.clone(),
            name: name.to_owned(),
            draft: draft.to_owned(),
            revision: expected + 1,
            published: before.and_then(|row| row.published),
            published_revision: before.and_then(|row| row.published_revision),
            saved_at: now,
        };
        self.assistants.insert(id.clone(), row);
        Ok(expected + 1)
    }

    fn publish(&mut self, id: &AssistantId, revision: u64, now: Timestamp) -> Result<u32> {
        let row = self.assistants.get_mut(id).filter(|row| row.revision == revision);
        let row = row.ok_or(StoreError::Conflict)?;
        let version = row.published.unwrap_or(0) + 1;
        (row.published, row.published_revision) = (Some(version), Some(revision));
        let definition = row.draft.clone();
        let made = VersionRow { assistant: id.clone(), version, definition, at: now };
        self.versions.insert((id.clone(), version), made);
        Ok(version)
    }
}

impl Users for Memory {
    fn count_users(&self) -> BoxFuture<'_, Result<u64>> {
        self.with(|state| Ok(state.users.len() as u64))
    }

    fn add_user(&self, user: User) -> BoxFuture<'_, Result<()>> {
        self.with(|state| {
            if state.users.contains_key(&user.name) {
                return Err(StoreError::Conflict);
            }
            state.users.insert(user.name.clone(), user);
            Ok(())
        })
    }

    fn user(&self, name: &str) -> BoxFuture<'_, Result<Option<User>>> {
        self.with(|state| Ok(state.users.get(name).cloned()))
    }

    fn keep_session(&self, session: StoredSession) -> BoxFuture<'_, Result<()>> {
        self.with(|state| {
            state.sessions.insert(session.token_hash.clone(), session);
            Ok(())
        })
    }

    fn console_session(
        &self,
        token_hash: &str,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Option<StoredSession>>> {
        let valid = |session: &&StoredSession| session.until > now;
        self.with(|state| Ok(state.sessions.get(token_hash).filter(valid).cloned()))
    }

    fn end_session(&self, token_hash: &str) -> BoxFuture<'_, Result<()>> {
        self.with(|state| {
            state.sessions.remove(token_hash);
            Ok(())
        })
    }

    fn count_failure(&self, key: &str, now: Timestamp, since: Timestamp) -> BoxFuture<'_, Result<u64>> {
        self.with(|state| {
            state.failures.push((key.to_owned(), now));
            let counts = |(of, at): &&(String, Timestamp)| of == key && *at >= since;
            Ok(state.failures.iter().filter(counts).count() as u64)
        })
    }
}
