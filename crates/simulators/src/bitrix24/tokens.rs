//! OAuth tokens: given out, expiring, rotated.

use std::collections::BTreeMap;

use serde::Serialize;

use super::settings::Options;

/// Days a refresh token lives, as documented.
const REFRESH_DAYS: i64 = 180;

/// Seconds an authorisation code lives, as documented.
const CODE_SECONDS: i64 = 30;

/// An access token and the refresh token that belongs to it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Pair {
    pub(super) access: String,
    pub(super) refresh: String,
    pub(super) user: i64,
    /// When the access token expires, simulated milliseconds since the Unix epoch.
    pub(super) expires_ms: i64,
    pub(super) revoked: bool,
    /// When the refresh token expires.
    pub(super) refresh_until_ms: i64,
    /// Whether the refresh token was exchanged already.
    pub(super) refreshed: bool,
}

/// All tokens of a portal.
#[derive(Debug, Clone)]
pub(super) struct Tokens {
    /// By access token.
    pairs: BTreeMap<String, Pair>,
    /// The newest access token made for events, by user.
    for_events: BTreeMap<i64, String>,
    /// Authorisation codes, whose they are and until when.
    codes: BTreeMap<String, (i64, i64)>,
    serial: u64,
    /// Successful refreshes.
    pub(super) refreshes: u64,
    /// Refused refreshes.
    pub(super) refusals: u64,
}

/// What an access token is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Worth {
    /// It acts for this user.
    User(i64),
    Expired,
    Revoked,
    Unknown,
}

impl Tokens {
    /// The installer's first pair.
    pub(super) fn new(options: &Options, now_ms: i64) -> Self {
        let mut tokens = Self {
            pairs: BTreeMap::new(),
            for_events: BTreeMap::new(),
            codes: BTreeMap::new(),
            serial: 0,
            refreshes: 0,
            refusals: 0,
        };
        let seconds = options.settings.access_token_seconds;
        let (access, refresh) = (options.access_token.clone(), options.refresh_token.clone());
        tokens.keep(access, refresh, options.webhook_user, seconds, now_ms);
        tokens
    }

    /// A new pair for a user.
    pub(super) fn issue(&mut self, user: i64, seconds: u64, now_ms: i64) -> Pair {
        self.serial += 1;
        let access = format!("at{user:06x}{:024x}", self.serial);
        let refresh = format!("rt{user:06x}{:024x}", self.serial);
        self.keep(access, refresh, user, seconds, now_ms)
    }

    /// The pair that events carry for a user, made anew when the last one is about to expire.
    pub(super) fn for_event(&mut self, user: i64, seconds: u64, now_ms: i64) -> Pair {
        let known = self.for_events.get(&user).and_then(|access| self.pairs.get(access));
        if let Some(pair) = known.filter(|pair| !pair.revoked && pair.expires_ms - now_ms > 60_000) {
            return pair.clone();
        }
        let pair = self.issue(user, seconds, now_ms);
        self.for_events.insert(user, pair.access.clone());
        pair
    }

    /// Exchanges a refresh token for a new pair, or says no.
    pub(super) fn refresh(&mut self, token: &str, reuse: bool, seconds: u64, now_ms: i64) -> Option<Pair> {
        let found = self.pairs.values_mut().find(|pair| pair.refresh == token);
        let usable = found.filter(|pair| (reuse || !pair.refreshed) && pair.refresh_until_ms > now_ms);
        let Some(pair) = usable else {
            self.refusals += 1;
            return None;
        };
        pair.refreshed = true;
        let user = pair.user;
        self.refreshes += 1;
        Some(self.issue(user, seconds, now_ms))
    }

    /// An authorisation code, as the portal gives one to a user who agrees.
    pub(super) fn code(&mut self, user: i64, now_ms: i64) -> String {
        self.serial += 1;
        let code = format!("code{user:06x}{:022x}", self.serial);
        self.codes.insert(code.clone(), (user, now_ms + CODE_SECONDS * 1000));
        code
    }

    /// The user behind an authorisation code, which works once.
    pub(super) fn redeem(&mut self, code: &str, now_ms: i64) -> Option<i64> {
        self.codes.remove(code).filter(|(_, until)| *until > now_ms).map(|(user, _)| user)
    }

    /// What an access token is worth now.
    pub(super) fn worth(&self, access: &str, now_ms: i64) -> Worth {
        match self.pairs.get(access) {
            None => Worth::Unknown,
            Some(pair) if pair.revoked => Worth::Revoked,
            Some(pair) if pair.expires_ms <= now_ms => Worth::Expired,
            Some(pair) => Worth::User(pair.user),
        }
    }

    /// Lets every access token expire at once.
    pub(super) fn expire_all(&mut self, now_ms: i64) {
        self.pairs.values_mut().for_each(|pair| pair.expires_ms = pair.expires_ms.min(now_ms));
    }

    /// Makes every token worthless, as when the application is removed.
    pub(super) fn revoke_all(&mut self) {
        for pair in self.pairs.values_mut() {
            pair.revoked = true;
            pair.refresh_until_ms = 0;
        }
    }

    fn keep(&mut self, access: String, refresh: String, user: i64, seconds: u64, now_ms: i64) -> Pair {
        let expires_ms = now_ms + i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX / 2);
        let refresh_until_ms = now_ms + REFRESH_DAYS * 24 * 3600 * 1000;
        let pair =
            Pair { access, refresh, user, expires_ms, revoked: false, refresh_until_ms, refreshed: false };
        self.pairs.insert(pair.access.clone(), pair.clone());
        pair
    }
}
