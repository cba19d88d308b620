//! What host and connectors say to each other: one request and one answer for each verb.

mod error;
mod event;
mod http;
mod manifest;
mod verbs;

pub use error::{Advice, ConnectorError};
pub use event::{EventKind, PlatformEvent};
pub use http::{FormFile, HttpAuth, HttpBody, HttpError, HttpRequest, HttpResponse, SecretPlace};
pub use manifest::{Capabilities, ChannelLimits, Manifest, OptionField, OptionKind, Quota, SecretField};
pub use verbs::{
    AskAvailability, Authorise, Authorised, Availability, Check, Choice, Fetch, Fetched, Find, Finding,
    Forward, Found, Install, Installed, Options, Poll, Polled, Receive, Received, Send, Sent, Speaker,
    TranscriptMessage, Transfer, Transferred, Withdraw, Withdrawn,
};
