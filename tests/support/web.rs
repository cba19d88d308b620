//! A small HTTP client that keeps what went wrong readable.

use std::{sync::OnceLock, time::Duration};

use anyhow::{Context, Result, bail};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

/// How long one request may take; longer than any poll.
const LONGEST: Duration = Duration::from_secs(60);

/// Speaks to one server.
#[derive(Debug, Clone)]
pub struct Web {
    base: String,
    bearer: Option<String>,
}

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Media type, without parameters.
    pub media_type: String,
    /// The header `Retry-After`.
    pub retry_after: Option<String>,
    /// Body.
    pub body: Vec<u8>,
}

impl Web {
    /// A client of the server at this address.
    pub fn new(base: &str) -> Self {
        Self { base: base.to_owned(), bearer: None }
    }

    /// The same with a key or token.
    pub fn with_bearer(&self, bearer: &str) -> Self {
        Self { bearer: Some(bearer.to_owned()), ..self.clone() }
    }

    /// A request to be added to and sent with [`send`].
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = method.parse().unwrap_or(Method::GET);
        let request = client().request(method, format!("{}{path}", self.base));
        match &self.bearer {
            Some(bearer) => request.bearer_auth(bearer),
            None => request,
        }
    }

    /// Asks, and expects JSON and success.
    ///
    /// # Errors
    /// When the answer is something else.
    pub async fn get(&self, path: &str) -> Result<Value> {
        send(self.request("GET", path)).await?.success(path)
    }

    /// Posts JSON, and expects success.
    ///
    /// # Errors
    /// When the answer is something else.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        send(self.request("POST", path).json(body)).await?.success(path)
    }
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON, null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn success(self, path: &str) -> Result<Value> {
        if !(200..300).contains(&self.status) {
            bail!("{path} was answered {}: {}", self.status, self.text());
        }
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body).with_context(|| format!("{path} was not answered with JSON"))
    }
}

/// Sends a request and reads the whole answer.
///
/// # Errors
/// When there is none.
pub async fn send(request: RequestBuilder) -> Result<Answer> {
    let response = request.send().await.context("a server does not answer")?;
    let header = |name: &str| {
        let value = response.headers().get(name).and_then(|value| value.to_str().ok());
        value.map(str::to_owned)
    };
    let media_type = header("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim().to_owned();
    let (status, retry_after) = (response.status().as_u16(), header("retry-after"));
    let body = response.bytes().await.context("an answer broke off")?.to_vec();
    Ok(Answer { status, media_type, retry_after, body })
}

/// One client for all. It keeps no connection: each test has a runtime of its own, and servers die here.
fn client() -> reqwest::Client {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    let make = || {
        // Fails only when a provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder().timeout(LONGEST).pool_max_idle_per_host(0).no_proxy();
        let builder = builder.redirect(reqwest::redirect::Policy::none());
        builder.build().expect("a client without options can be made")
    };
    CLIENT.get_or_init(make).clone()
}
