//! A conversation on an API channel, as the address of a request names it.

use std::collections::HashMap;

use axum::{
    extract::{FromRequestParts, OriginalUri, Path},
    http::request::Parts,
};
use handoff_core::runtime::ChannelKind;
use handoff_model::ChannelId;

use crate::{
    AppState,
    auth::Caller,
    chat::{Address, expect_channel},
    web::{LONGEST_EXTERNAL_ID, Problem},
};

/// The names in the address of a conversation, for the API's description.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes what the extractor below reads by name")]
pub(super) struct InChat {
    /// Id of the API channel.
    channel: String,
    /// The client's own name for the conversation: 1 to 200 characters.
    external: String,
}

/// A conversation on an API channel that the caller's key may use.
pub(crate) struct OnChannel(pub(crate) Address);

impl FromRequestParts<AppState> for OnChannel {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let path = Path::<HashMap<String, String>>::from_request_parts(parts, state).await;
        let Path(mut names) =
            path.map_err(|_| Problem::unreadable("The address cannot be read: percent-encode it as UTF-8."))?;
        let channel = ChannelId::new(names.remove("channel").unwrap_or_default());
        caller.may_use(&channel)?;
        expect_channel(state, &channel, |kind| matches!(kind, ChannelKind::Api), "API channel")?;
        let external = names.remove("external").unwrap_or_default();
        check_external(&external)?;
        // Not `parts.uri`, of which nested routes leave the end only.
        let OriginalUri(uri) =
            OriginalUri::from_request_parts(parts, state).await.unwrap_or_else(|never| match never {});
        let files = format!("{}/files", conversation_path(uri.path()));
        Ok(Self(Address { channel, external, files }))
    }
}

/// The part of a path that names the conversation: `/v1/channels/{channel}/conversations/{external}`.
fn conversation_path(path: &str) -> &str {
    let end = path.match_indices('/').map(|(place, _)| place).nth(5);
    end.map_or(path, |end| &path[..end])
}

fn check_external(external: &str) -> Result<(), Problem> {
    let length = external.chars().count();
    if length == 0 || length > LONGEST_EXTERNAL_ID || external.chars().any(char::is_control) {
        return Err(Problem::invalid(format!(
            "The conversation's id in the address must have 1 to {LONGEST_EXTERNAL_ID} characters, none of \
             them a control character."
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_conversation_is_cut_out_as_the_client_wrote_it() {
        let path = "/v1/channels/web/conversations/a%2Fb/files/x";
        assert_eq!(conversation_path(path), "/v1/channels/web/conversations/a%2Fb");
    }
}
