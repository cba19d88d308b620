//! Requests to the webhook: read within limits, verified, and only then understood.

use handoff_sdk::{
    ConnectorError, Cx, Result,
    model::connector::{PlatformEvent, Receive, Received},
};

use crate::{
    app, bridge,
    client::Client,
    comeback,
    event::{self, v1},
    form,
    settings::Portal,
    verify::verify,
    wire,
};

/// Reads one event. What is no concern of ours is answered like everything else: the portal slows
/// down whoever answers with an error.
pub(crate) async fn receive(cx: &Cx, portal: &Portal, request: &Receive) -> Result<Received> {
    if request.method != "POST" {
        return Err(unreadable("an event is posted".to_owned()));
    }
    let form = form::parse(&request.body).map_err(|problem| unreadable(problem.reason()))?;
    let mut form = v1::as_v2(form, &portal.settings.bot_code);
    let has_application = portal.settings.has_application();
    if has_application && !form["PLACEMENT"].is_null() {
        return app::opened(cx, portal, &form).await;
    }
    let name = wire::text(&form["event"]).to_ascii_uppercase();
    if has_application && name == "ONAPPINSTALL" {
        app::installed(cx, portal, &form).await?;
        return Ok(done(Vec::new()));
    }
    verify(cx, portal, &form).await?;
    if name == "ONAPPUNINSTALL" {
        app::removed(cx).await?;
        return Ok(done(Vec::new()));
    }
    if bridge::is_ours(&form) {
        return Ok(done(bridge::read(cx, portal, &form, &request.body, request.at).await?));
    }
    v1::complete(&Client::new(cx, portal), &mut form).await?;
    let mut event = event::read(portal, &form, &request.body, request.at);
    comeback::taken(&Client::new(cx, portal), &form["data"]["chat"], &mut event).await?;
    Ok(done(vec![event]))
}

fn done(events: Vec<PlatformEvent>) -> Received {
    Received { status: 200, body: String::new(), events }
}

fn unreadable(detail: String) -> ConnectorError {
    ConnectorError::Unreadable { detail }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use handoff_sdk::{
        model::{
            Timestamp,
            connector::{EventKind, HttpError},
        },
        testing::FakeHost,
    };

    use super::*;
    use crate::settings::{Settings, tests::portal};

    const BODY: &str = "event=ONIMBOTV2MESSAGEADD&data[bot][id]=456&data[bot][code]=acme_assistant\
        &data[bot][auth][application_token]=INNER&data[message][id]=9&data[message][authorId]=599\
        &data[message][text]=hi&data[chat][id]=1777&data[chat][entityType]=LINES\
        &data[user][id]=599&data[user][connector]=1&ts=1789551402";

    fn host(secrets: &[(&str, &str)]) -> FakeHost {
        let nobody = |_| Box::pin(async { Err(HttpError::NotSent { detail: "nobody".into() }) }) as _;
        FakeHost::new(secrets, Arc::new(nobody))
    }

    async fn post(host: &FakeHost, portal: &Portal, tail: &str) -> Result<Received> {
        let request = Receive {
            method: "POST".into(),
            path: String::new(),
            query: String::new(),
            headers: Default::default(),
            body: format!("{BODY}{tail}"),
            at: Timestamp(1),
        };
        receive(&host.cx(), portal, &request).await
    }

    fn pinning() -> Portal {
        let portal = portal();
        Portal { settings: Settings { pin_application_token: true, ..portal.settings }, ..portal }
    }

    fn is_unverified(answer: &Result<Received>) -> bool {
        matches!(answer, Err(ConnectorError::Unverified { .. }))
    }

    #[tokio::test]
    async fn only_the_token_at_the_top_counts() {
        let host = host(&[("application_token", "RIGHT")]);
        let portal = portal();
        let accepted =
            post(&host, &portal, "&auth[application_token]=RIGHT&auth[domain]=ACME.bitrix24.eu").await;
        assert!(matches!(accepted.unwrap().events[0].kind, EventKind::PersonMessage { .. }));
        for tail in [
            "",
            "&auth[application_token]=",
            "&auth[application_token]=WRONG",
            "&auth[application_token]=INNER",
            "&auth[application_token][0]=RIGHT",
            "&application_token=RIGHT",
            "&auth=RIGHT",
            "&auth[application_token]=RIGHT&auth[domain]=evil.eu",
        ] {
            assert!(is_unverified(&post(&host, &portal, tail).await), "{tail}");
        }
    }

    #[tokio::test]
    async fn the_inner_token_is_never_taken_for_the_right_one() {
        let host = host(&[("application_token", "INNER")]);
        assert!(is_unverified(&post(&host, &portal(), "").await));
    }

    #[tokio::test]
    async fn without_a_secret_nothing_is_trusted_unless_the_operator_says_so() {
        let host = host(&[]);
        assert!(is_unverified(&post(&host, &portal(), "&auth[application_token]=FIRST").await));
        assert!(host.cx().kept("application_token").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn the_first_token_is_pinned_and_no_other_is_taken_afterwards() {
        let host = host(&[]);
        let portal = pinning();
        let foreign = "&auth[application_token]=EVIL&auth[domain]=evil.eu";
        assert!(is_unverified(&post(&host, &portal, foreign).await));
        let other_bot = "&auth[application_token]=EVIL&data[bot][code]=other";
        assert!(is_unverified(&post(&host, &portal, other_bot).await));
        assert!(post(&host, &portal, "&auth[application_token]=FIRST&auth[member_id]=M1").await.is_ok());
        assert!(post(&host, &portal, "&auth[application_token]=FIRST").await.is_ok());
        assert!(is_unverified(&post(&host, &portal, "&auth[application_token]=SECOND").await));
        let moved = "&auth[application_token]=FIRST&auth[member_id]=M2";
        assert!(is_unverified(&post(&host, &portal, moved).await));
        let kept = host.cx().kept("application_token").await.unwrap().unwrap().value.to_string();
        assert!(!kept.contains("FIRST"), "the token itself is not kept");
    }

    #[tokio::test]
    async fn what_is_no_form_is_unreadable() {
        let host = host(&[("application_token", "RIGHT")]);
        let long = "x".repeat(2 << 20);
        assert!(matches!(post(&host, &portal(), &long).await, Err(ConnectorError::Unreadable { .. })));
    }
}
