//! Who a visitor is: whoever has the token.

use std::collections::HashMap;

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use handoff_core::runtime::ChannelKind;
use handoff_model::ChannelId;
use sha2::{Digest, Sha256};

use crate::{
    AppState,
    auth::bearer,
    chat::{Address, expect_channel},
    web::Problem,
};

/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;

/// A visitor's conversation.
pub(super) struct Visitor(pub(super) Address);

/// A webchat channel that exists.
pub(super) struct WebchatChannel(pub(super) ChannelId);

/// Draws a token that nobody can guess.
///
/// # Errors
/// When the system gives no randomness.
pub(super) fn draw_token() -> Result<String, getrandom::Error> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

impl FromRequestParts<AppState> for WebchatChannel {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let path = Path::<HashMap<String, String>>::from_request_parts(parts, state).await;
        let Path(mut names) =
            path.map_err(|_| Problem::unreadable("The address cannot be read: percent-encode it as UTF-8."))?;
        let channel = ChannelId::new(names.remove("channel").unwrap_or_default());
        expect_channel(state, &channel, |kind| matches!(kind, ChannelKind::Webchat), "webchat")?;
        Ok(Self(channel))
    }
}

impl FromRequestParts<AppState> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let external = bearer(&parts.headers).and_then(conversation_name).ok_or_else(|| {
            Problem::unauthenticated(
                "This address needs a visitor's token. POST to …/session for one and send it in the header \
                 `Authorization: Bearer <token>`.",
            )
        })?;
        let WebchatChannel(channel) = WebchatChannel::from_request_parts(parts, state).await?;
        let files = format!("/v1/webchat/{channel}/files");
        Ok(Self(Address { channel, external, files }))
    }
}

/// The conversation of a token. The token cannot be found out from it.
fn conversation_name(token: &str) -> Option<String> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
    (bytes.len() == TOKEN_BYTES)
        .then(|| format!("visitor-{}", BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(bytes))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_is_another_and_names_its_own_conversation() {
        let (one, two) = (draw_token().unwrap(), draw_token().unwrap());
        assert_ne!(conversation_name(&one).unwrap(), conversation_name(&two).unwrap());
        assert_eq!(conversation_name(&one), conversation_name(&one));
        assert!(!conversation_name(&one).unwrap().contains(&one));
    }

    #[test]
    fn what_is_no_token_names_no_conversation() {
        for text in ["", "short", &"a".repeat(42), &"a".repeat(44), &"é".repeat(21), &"=".repeat(43)] {
            assert_eq!(conversation_name(text), None, "{text:?}");
        }
    }
}
