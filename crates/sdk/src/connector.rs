//! The trait that a connector implements: one method for each verb.

use std::future::{Future, ready};

use handoff_model::connector::{
    AskAvailability, Authorise, Authorised, Availability, Check, Choice, ConnectorError, Fetch, Fetched,
    Find, Forward, Found, Install, Installed, Options, Poll, Polled, Receive, Received, Send as SendMessage,
    Sent, Transfer, Transferred, Withdraw, Withdrawn,
};
use serde::de::DeserializeOwned;

use crate::{Cx, Result};

/// One live-agent platform, as the server sees it.
///
/// A connector translates. It keeps nothing between calls and opens no socket: requests go out
/// through [`Cx`], under the server's time limits, quotas and logs. A verb that is not implemented
/// is answered with [`ConnectorError::Unsupported`].
pub trait Connector: Sized + Send + Sync + 'static {
    /// What an operator configures; described by the manifest's `settings` schema. Secrets are not
    /// part of it.
    type Settings: DeserializeOwned;

    /// Makes the connector for one connection.
    ///
    /// # Errors
    /// A sentence that says which setting is wrong and how to mend it.
    fn new(settings: Self::Settings) -> Result<Self, String>;

    /// Proves the credentials and the set-up, leaving no trace on the platform.
    fn check(&self, cx: &Cx) -> impl Future<Output = Result<Check>> + Send {
        unsupported(cx, "check")
    }

    /// Sets up what the platform needs to reach us. Idempotent.
    fn install(&self, cx: &Cx, _install: Install) -> impl Future<Output = Result<Installed>> + Send {
        unsupported(cx, "install")
    }

    /// Lets somebody of the account allow the connection at the platform: says where their browser is to go, and keeps what
    /// the code gives that they come back with.
    fn authorise(&self, cx: &Cx, _step: Authorise) -> impl Future<Output = Result<Authorised>> + Send {
        unsupported(cx, "authorise")
    }

    /// Verifies a request to the webhook before reading it, and says what happened. Has no effects.
    fn receive(&self, cx: &Cx, _request: Receive) -> impl Future<Output = Result<Received>> + Send {
        unsupported(cx, "receive")
    }

    /// Asks the platform for events since a cursor.
    fn poll(&self, cx: &Cx, _poll: Poll) -> impl Future<Output = Result<Polled>> + Send {
        unsupported(cx, "poll")
    }

    /// Sends a message to the person on the platform's channel; splits or writes out what the
    /// channel cannot show.
    fn send(&self, cx: &Cx, _message: SendMessage) -> impl Future<Output = Result<Sent>> + Send {
        unsupported(cx, "send")
    }

    /// Gives the chat to live agents, once for each key. Leaves a checkpoint after every step that
    /// a later attempt need not repeat.
    fn transfer(&self, cx: &Cx, _transfer: Transfer) -> impl Future<Output = Result<Transferred>> + Send {
        unsupported(cx, "transfer")
    }

    /// Finds what an earlier transfer with this key left behind.
    fn find(&self, cx: &Cx, _find: Find) -> impl Future<Output = Result<Found>> + Send {
        unsupported(cx, "find")
    }

    /// Takes back, as far as the platform allows, what a refused attempt left behind.
    fn withdraw(&self, cx: &Cx, _withdraw: Withdraw) -> impl Future<Output = Result<Withdrawn>> + Send {
        unsupported(cx, "withdraw")
    }

    /// Carries the person's later words to the platform.
    fn forward(&self, cx: &Cx, _words: Forward) -> impl Future<Output = Result<Sent>> + Send {
        unsupported(cx, "forward")
    }

    /// Gets the bytes of an attachment that only this connector can get, into a blob.
    fn fetch(&self, cx: &Cx, _fetch: Fetch) -> impl Future<Output = Result<Fetched>> + Send {
        unsupported(cx, "fetch")
    }

    /// Whether live agents are there who would get a chat with these options.
    fn availability(
        &self,
        cx: &Cx,
        _asked: AskAvailability,
    ) -> impl Future<Output = Result<Availability>> + Send {
        unsupported(cx, "availability")
    }

    /// Live choices for a field of the settings, or of the action's options.
    fn options(&self, cx: &Cx, _options: Options) -> impl Future<Output = Result<Vec<Choice>>> + Send {
        unsupported(cx, "options")
    }
}

fn unsupported<T: Send>(_cx: &Cx, verb: &str) -> impl Future<Output = Result<T>> + Send + use<T> {
    ready(Err(ConnectorError::Unsupported { verb: verb.to_owned() }))
}
