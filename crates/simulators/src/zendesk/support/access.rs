//! Who may use the Support API and how often: API token, OAuth tokens that rotate, the account's rate.

use axum::Json;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::refusal::Refusal;
use crate::zendesk::Platform;
use crate::zendesk::input::Body;
use crate::zendesk::options::SupportOptions;
use crate::zendesk::world::World;

/// An authorization code can be used this long, in milliseconds.
const CODE_LIFE_MS: i64 = 120_000;
/// Lives of a token pair unless others are asked for, in seconds.
const ACCESS_LIFE: i64 = 1800;
const REFRESH_LIFE: i64 = 30 * 24 * 3600;

struct Pair {
    access: String,
    refresh: Option<String>,
    scope: String,
    access_until_ms: i64,
    refresh_until_ms: i64,
}

/// A code, when it was given, and where it was sent; it counts for that address alone.
struct Code {
    code: String,
    given_ms: i64,
    redirect: Option<String>,
}

/// The codes and tokens given out and still good.
#[derive(Default)]
pub(in crate::zendesk) struct Tokens {
    pairs: Vec<Pair>,
    codes: Vec<Code>,
}

/// The current minute of the account's rate.
#[derive(Default)]
pub(in crate::zendesk) struct Window {
    minute: i64,
    used: u32,
}

/// An authenticated caller with the scope for what is asked.
pub(super) struct SupportCaller;

impl FromRequestParts<Platform> for SupportCaller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, platform: &Platform) -> Result<Self, Refusal> {
        let scope =
            platform.read(|world| scope_of(world, &parts.headers)).ok_or_else(Refusal::unauthorized)?;
        let needed = if parts.method == Method::GET { "read" } else { "write" };
        let path = parts.uri.path().trim_start_matches("/api/v2").trim_start_matches('/');
        let resource = path.split(['/', '.']).next().unwrap_or_default();
        let fits = |have: &str| have == needed || have == format!("{resource}:{needed}");
        if scope.split(' ').any(fits) { Ok(Self) } else { Err(Refusal::missing_scope(needed)) }
    }
}

/// The scope behind a request: all of it for the API token.
fn scope_of(world: &World, headers: &HeaderMap) -> Option<String> {
    let header = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("basic") {
        let options = &world.options.support;
        let expected = format!("{}/token:{}", options.support_email, options.support_token);
        let given = STANDARD.decode(credentials.trim()).ok()?;
        return bool::from(given.ct_eq(expected.as_bytes())).then(|| "read write".to_owned());
    }
    let bearer = scheme.eq_ignore_ascii_case("bearer").then(|| credentials.trim())?;
    let now = world.now_ms();
    let pair =
        world.support.tokens.pairs.iter().find(|pair| pair.access == bearer && pair.access_until_ms > now)?;
    Some(pair.scope.clone())
}

/// Gives tokens for a code, a refresh token or the client itself.
pub(super) async fn token(
    State(platform): State<Platform>,
    Body(body): Body,
) -> Result<Json<Value>, Refusal> {
    platform.change(|world| {
        check_client(&world.options.support, &body)?;
        let now = world.now_ms();
        let scope = body["scope"].as_str().unwrap_or("read write").to_owned();
        let (scope, refreshable) = match body["grant_type"].as_str() {
            Some("client_credentials") => (scope, false),
            Some("authorization_code") => {
                let code = body["code"].as_str().unwrap_or_default();
                let found = world.support.tokens.codes.iter().position(|known| known.code == code);
                let given = world.support.tokens.codes.remove(found.ok_or_else(Refusal::invalid_grant)?);
                let elsewhere = given.redirect.is_some_and(|sent| body["redirect_uri"] != sent.as_str());
                if now - given.given_ms > CODE_LIFE_MS || elsewhere {
                    return Err(Refusal::invalid_grant());
                }
                (scope, true)
            }
            Some("refresh_token") => (world.support.tokens.spend(&body, now)?, true),
            _ => return Err(Refusal::bad_request("grant_type is invalid")),
        };
        world.give_tokens(&body, scope, refreshable).map(Json)
    })
}

fn check_client(options: &SupportOptions, body: &Value) -> Result<(), Refusal> {
    let secret = body["client_secret"].as_str().unwrap_or_default();
    let known = bool::from(secret.as_bytes().ct_eq(options.oauth_client_secret.as_bytes()));
    if known && body["client_id"] == options.oauth_client_id.as_str() {
        return Ok(());
    }
    let body = json!({ "error": "invalid_client", "error_description": "Client authentication failed" });
    Err(Refusal::new(StatusCode::UNAUTHORIZED, body))
}

impl Tokens {
    /// Uses a refresh token up: its whole pair dies at once.
    fn spend(&mut self, body: &Value, now_ms: i64) -> Result<String, Refusal> {
        let refresh = body["refresh_token"].as_str().ok_or_else(Refusal::invalid_grant)?;
        let found = self.pairs.iter().position(|pair| pair.refresh.as_deref() == Some(refresh));
        let pair = self.pairs.remove(found.ok_or_else(Refusal::invalid_grant)?);
        if pair.refresh_until_ms > now_ms { Ok(pair.scope) } else { Err(Refusal::invalid_grant()) }
    }
}

impl World {
    fn give_tokens(&mut self, body: &Value, scope: String, refreshable: bool) -> Result<Value, Refusal> {
        let life = |name: &str, range: std::ops::RangeInclusive<i64>, usual: i64| match &body[name] {
            Value::Null => Ok(usual),
            asked => asked
                .as_i64()
                .filter(|asked| range.contains(asked))
                .ok_or_else(|| Refusal::bad_request(&format!("{name} is out of range"))),
        };
        let access_life = life("expires_in", 300..=172_800, ACCESS_LIFE)?;
        let refresh_life = life("refresh_token_expires_in", 604_800..=7_776_000, REFRESH_LIFE)?;
        let now = self.now_ms();
        let (access, refresh) = (self.hex(64), refreshable.then(|| self.hex(64)));
        let mut given = json!({ "access_token": access, "token_type": "bearer", "scope": scope, "expires_in": access_life });
        if let Some(refresh) = &refresh {
            given["refresh_token"] = json!(refresh);
            given["refresh_token_expires_in"] = json!(refresh_life);
        }
        self.support.tokens.pairs.push(Pair {
            access,
            refresh,
            scope,
            access_until_ms: now + access_life * 1000,
            refresh_until_ms: now + refresh_life * 1000,
        });
        Ok(given)
    }

    /// Ends every access token; says how many there were.
    pub(super) fn expire_tokens(&mut self) -> usize {
        let now = self.now_ms();
        let pairs = self.support.tokens.pairs.iter_mut().filter(|pair| pair.access_until_ms > now);
        pairs.map(|pair| pair.access_until_ms = now).count()
    }

    /// An authorization code, as the consent page would give it.
    pub(super) fn give_code(&mut self) -> String {
        self.push_code(None)
    }

    /// The same, sent to an address.
    pub(super) fn give_code_for(&mut self, redirect: &str) -> String {
        self.push_code(Some(redirect.to_owned()))
    }

    fn push_code(&mut self, redirect: Option<String>) -> String {
        let (code, given_ms) = (self.hex(40), self.now_ms());
        self.support.tokens.codes.push(Code { code: code.clone(), given_ms, redirect });
        code
    }
}

/// The layer that counts requests and writes the rate headers.
pub(super) async fn throttle(State(platform): State<Platform>, request: Request, next: Next) -> Response {
    let limit = platform.options().support.support_rate_limit;
    let (left, resets, id) = platform.change(|world| {
        let now = world.now_ms();
        let window = &mut world.support.window;
        if window.minute != now / 60_000 {
            *window = Window { minute: now / 60_000, used: 0 };
        }
        window.used += 1;
        let left = limit.checked_sub(window.used);
        (left, 60 - (now / 1000) % 60, world.hex(32))
    });
    let mut response = match left {
        Some(_) => next.run(request).await,
        None => Refusal::too_many(resets.unsigned_abs()).into_response(),
    };
    let left = left.unwrap_or(0);
    let counts = [
        ("x-rate-limit", i64::from(limit)),
        ("x-rate-limit-remaining", i64::from(left)),
        ("ratelimit-limit", i64::from(limit)),
        ("ratelimit-remaining", i64::from(left)),
        ("ratelimit-reset", resets),
    ];
    for (name, value) in counts {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from(value));
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HeaderName::from_static("x-zendesk-request-id"), id);
    }
    response
}
