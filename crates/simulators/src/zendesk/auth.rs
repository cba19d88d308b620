//! Who calls the Conversations API: Basic or a self-signed HS256 token, and the scope behind it.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::Platform;
use super::problem::Problem;
use super::world::{Key, Scope, World};

/// An authenticated caller of this app.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) scope: Scope,
}

impl Caller {
    /// Refuses keys of integration scope.
    pub(super) fn require_app(&self) -> Result<(), Problem> {
        if self.scope == Scope::App { Ok(()) } else { Err(Problem::forbidden()) }
    }

    /// The integration behind the key, if the key belongs to one.
    pub(super) fn integration(&self) -> Option<&str> {
        match &self.scope {
            Scope::App => None,
            Scope::Integration(id) => Some(id),
        }
    }
}

impl FromRequestParts<Platform> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, platform: &Platform) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, platform).await;
        let app = params
            .ok()
            .and_then(|params| params.iter().find(|(name, _)| *name == "app").map(|(_, id)| id.to_owned()));
        let header = parts.headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok());
        let scope = platform.read(|world| scope_of(world, header))?;
        match app {
            Some(app) if app != platform.options().app_id => {
                Err(Problem::missing("app_not_found", "App not found"))
            }
            _ => Ok(Self { scope }),
        }
    }
}

/// The scope behind an `Authorization` header.
pub(super) fn scope_of(world: &World, header: Option<&str>) -> Result<Scope, Problem> {
    let (scheme, credentials) =
        header.and_then(|header| header.split_once(' ')).ok_or_else(Problem::unauthorized)?;
    let scope = if scheme.eq_ignore_ascii_case("basic") {
        basic(&world.keys, credentials.trim())
    } else if scheme.eq_ignore_ascii_case("bearer") {
        token(&world.keys, credentials.trim(), world.now_ms() / 1000)
    } else {
        None
    };
    scope.ok_or_else(Problem::unauthorized)
}

fn basic(keys: &[Key], credentials: &str) -> Option<Scope> {
    let decoded = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let key = keys.iter().find(|key| key.id == id)?;
    bool::from(key.secret.as_bytes().ct_eq(secret.as_bytes())).then(|| key.scope.clone())
}

fn token(keys: &[Key], token: &str, now_s: i64) -> Option<Scope> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    let (header, payload) = (part(header)?, part(payload)?);
    let key = keys.iter().find(|key| header["kid"] == key.id.as_str())?;
    let mut mac = Hmac::<Sha256>::new_from_slice(key.secret.as_bytes()).ok()?;
    mac.update(signed.as_bytes());
    let genuine = mac.verify_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?).is_ok();
    let current = payload["exp"].as_i64().is_none_or(|until| until > now_s);
    let claimed = match key.scope {
        Scope::App => "app",
        Scope::Integration(_) => "integration",
    };
    let fits = header["alg"] == "HS256" && payload["scope"] == claimed;
    (genuine && current && fits).then(|| key.scope.clone())
}

fn part(encoded: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()
}
