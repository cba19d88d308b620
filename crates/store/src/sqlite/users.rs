//! People who use the console, their sessions, and failed sign-ins.

use futures::future::BoxFuture;
use handoff_core::store::{Result, StoreError, StoredSession, User, Users};
use handoff_model::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::{Sqlite, unsigned};

impl Users for Sqlite {
    fn count_users(&self) -> BoxFuture<'_, Result<u64>> {
        self.point(|db| {
            unsigned(db.prepare_cached("SELECT count(*) FROM users")?.query_row([], |row| row.get(0))?)
        })
    }

    fn add_user(&self, user: User) -> BoxFuture<'_, Result<()>> {
        self.write(move |db| {
            let sql =
                "INSERT INTO users (name, password_hash, at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
            let added = db.prepare_cached(sql)?.execute(params![user.name, user.password_hash, user.at.0])?;
            if added == 0 { Err(StoreError::Conflict.into()) } else { Ok(()) }
        })
    }

    fn user(&self, name: &str) -> BoxFuture<'_, Result<Option<User>>> {
        let name = name.to_owned();
        self.point(move |db| {
            let sql = "SELECT name, password_hash, at FROM users WHERE name = ?1";
            let mut statement = db.prepare_cached(sql)?;
            let user = statement.query_row([name], |row| {
                Ok(User { name: row.get(0)?, password_hash: row.get(1)?, at: Timestamp(row.get(2)?) })
            });
            Ok(user.optional()?)
        })
    }

    fn keep_session(&self, session: StoredSession) -> BoxFuture<'_, Result<()>> {
        self.write(move |db| {
            let sql = "INSERT INTO console_sessions (token_hash, user, csrf, until) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT DO UPDATE SET user = excluded.user, csrf = excluded.csrf, until = excluded.until";
            let StoredSession { token_hash, user, csrf, until } = &session;
            db.prepare_cached(sql)?.execute(params![token_hash, user, csrf, until.0])?;
            Ok(())
        })
    }

    fn console_session(
        &self,
        token_hash: &str,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Option<StoredSession>>> {
        let token_hash = token_hash.to_owned();
        self.point(move |db| {
            let sql = "SELECT token_hash, user, csrf, until FROM console_sessions
                WHERE token_hash = ?1 AND until > ?2";
            let mut statement = db.prepare_cached(sql)?;
            let session = statement.query_row(params![token_hash, now.0], |row| {
                let (token_hash, user, csrf) = (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok(StoredSession { token_hash, user, csrf, until: Timestamp(row.get(3)?) })
            });
            Ok(session.optional()?)
        })
    }

    fn end_session(&self, token_hash: &str) -> BoxFuture<'_, Result<()>> {
        let token_hash = token_hash.to_owned();
        self.write(move |db| {
            db.prepare_cached("DELETE FROM console_sessions WHERE token_hash = ?1")?
                .execute([&token_hash])?;
            Ok(())
        })
    }

    fn count_failure(&self, key: &str, now: Timestamp, since: Timestamp) -> BoxFuture<'_, Result<u64>> {
        let key = key.to_owned();
        self.write(move |db| {
            let add = "INSERT INTO failures (key, at) VALUES (?1, ?2)";
            db.prepare_cached(add)?.execute(params![key, now.0])?;
            let count = "SELECT count(*) FROM failures WHERE key = ?1 AND at >= ?2";
            unsigned(db.prepare_cached(count)?.query_row(params![key, since.0], |row| row.get(0))?)
        })
    }
}
