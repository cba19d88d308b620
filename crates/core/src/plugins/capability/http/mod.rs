//! `http.send`: sends a connector's request to its platform.
//!
//! The connector names hosts and secrets; the host decides whether it may go there and puts the
//! values in. Redirects are never followed. A failure says whether the request may have had its
//! effect, because that decides whether it may be repeated.

pub mod address;
pub(in crate::plugins) mod file;
pub(in crate::plugins) mod governor;
pub(in crate::plugins) mod grant;
mod prepare;

use std::{collections::BTreeMap, error::Error, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{Stream, StreamExt, future::BoxFuture};
use handoff_model::connector::{HttpError, HttpRequest, HttpResponse};
use reqwest::{Client, Request, Response, header::CONTENT_TYPE, redirect};

use self::{
    address::PublicResolver,
    governor::{Class, Governor},
    grant::Grant,
    prepare::Terms,
};
use crate::{
    plugins::secrets::Secrets,
    world::{Blob, Blobs, NotKept, gathered},
};

/// Largest answer that is handed to a connector, in bytes.
const MAX_ANSWER: usize = 1024 * 1024;
/// Largest answer that is kept as a blob, in bytes.
const MAX_BLOB: usize = 50 * 1024 * 1024;
/// Longest text about a failure, in characters.
const MAX_DETAIL: usize = 400;
/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What an answer without a media type is called.
const UNKNOWN_MEDIA_TYPE: &str = "application/octet-stream";

/// Takes requests to platforms in the network's place, in a simulation.
pub trait Transport: Send + Sync + 'static {
    /// Takes a request there and its answer back, within the request's own time limit.
    ///
    /// Fails with [`HttpError::NotSent`] when nothing left, and with [`HttpError::Lost`] when it may have had its
    /// effect.
    fn exchange(&self, request: Request) -> BoxFuture<'_, Result<Response, HttpError>>;
}

/// Sends requests. Belongs to the runtime on which it is used, with the connections that it keeps.
pub(in crate::plugins) struct Http {
    client: Client,
    transport: Option<Arc<dyn Transport>>,
    allow_loopback: bool,
}

/// Whose request it is.
pub(in crate::plugins) struct Sender<'a> {
    pub(in crate::plugins) grants: &'a [Grant],
    pub(in crate::plugins) secrets: &'a Secrets,
    /// What its manifest asks of its host.
    pub(in crate::plugins) requires: &'a [String],
    pub(in crate::plugins) blobs: &'a dyn Blobs,
    pub(in crate::plugins) governor: &'a Governor,
    /// What the request is for.
    pub(in crate::plugins) class: Class,
}

impl Http {
    /// A client; the reason in plain words when there cannot be one.
    pub(in crate::plugins) fn new(allow_loopback: bool) -> Result<Self, String> {
        // Fails when a provider is there already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .dns_resolver(PublicResolver { allow_loopback })
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("handoff/", env!("CARGO_PKG_VERSION")))
            .build();
        let client = client.map_err(|error| format!("the server cannot send requests: {error}"))?;
        Ok(Self { client, transport: None, allow_loopback })
    }

    /// One whose requests go this way. The client only writes bodies.
    pub(in crate::plugins) fn through(transport: Arc<dyn Transport>, client: Client) -> Self {
        Self { client, transport: Some(transport), allow_loopback: true }
    }

    /// Sends a request when its turn has come, and reads its answer.
    pub(in crate::plugins) async fn send(
        &self,
        sender: &Sender<'_>,
        asked: &HttpRequest,
        file: Option<Blob>,
    ) -> Result<HttpResponse, HttpError> {
        let &Sender { grants, secrets, requires, .. } = sender;
        let terms = Terms { grants, secrets, requires, allow_loopback: self.allow_loopback };
        let not_sent = |detail: String| HttpError::NotSent { detail: cut(sender.secrets.redact(&detail)) };
        let request = terms.prepare(asked).map_err(not_sent)?;
        let request = file::attach(&self.client, request, &asked.body, file).map_err(not_sent)?;
        let exchange = self.exchange(sender, request, asked.save_as_blob);
        sender.governor.send(sender.class, exchange).await
    }

    async fn exchange(
        &self,
        sender: &Sender<'_>,
        request: Request,
        save_as_blob: bool,
    ) -> Result<HttpResponse, HttpError> {
        let clean = |detail: &str| cut(sender.secrets.redact(detail));
        let answer = match &self.transport {
            Some(transport) => transport.exchange(request).await?,
            None => self.client.execute(request).await.map_err(|error| {
                let never_left = error.is_connect() || error.is_builder();
                let detail = clean(&account(error));
                if never_left { HttpError::NotSent { detail } } else { HttpError::Lost { detail } }
            })?,
        };
        let read = read(answer, save_as_blob, sender.blobs).await;
        read.map_err(|detail| HttpError::Lost { detail: clean(&detail) })
    }
}

async fn read(answer: Response, save_as_blob: bool, blobs: &dyn Blobs) -> Result<HttpResponse, String> {
    let status = answer.status().as_u16();
    let headers = headers(&answer);
    if !(save_as_blob && answer.status().is_success()) {
        let bytes = gathered(pieces(answer, MAX_ANSWER).boxed()).await?;
        let body = String::from_utf8_lossy(&bytes).into_owned();
        return Ok(HttpResponse { status, headers, body, blob: None });
    }
    let media_type = headers.get(CONTENT_TYPE.as_str()).map_or(UNKNOWN_MEDIA_TYPE, String::as_str);
    let blob = blobs.write(media_type.to_owned(), pieces(answer, MAX_BLOB).boxed()).await;
    let blob = blob.map_err(|error| match error {
        NotKept::BrokeOff(detail) => detail,
        NotKept::Unavailable(detail) => format!("the answer ({status}) could not be kept: {detail}"),
    })?;
    Ok(HttpResponse { status, headers, body: String::new(), blob: Some(blob) })
}

/// An answer's bytes, up to a length.
fn pieces(answer: Response, most: usize) -> impl Stream<Item = Result<Bytes, String>> {
    let (status, mut left) = (answer.status().as_u16(), most);
    answer.bytes_stream().map(move |piece| {
        let piece = piece.map_err(account)?;
        let rest = left.checked_sub(piece.len());
        left = rest.ok_or_else(|| format!("the answer ({status}) is larger than {} MiB", most >> 20))?;
        Ok(piece)
    })
}

fn headers(answer: &Response) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::<String, String>::new();
    for (name, value) in answer.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        let joined = headers.entry(name.as_str().to_owned()).or_default();
        if !joined.is_empty() {
            joined.push_str(", ");
        }
        joined.push_str(&value);
    }
    headers
}

/// What went wrong and why, without the address, which may hold a secret.
fn account(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn cut(mut text: String) -> String {
    if let Some((at, _)) = text.char_indices().nth(MAX_DETAIL) {
        text.truncate(at);
        text.push('…');
    }
    text
}
