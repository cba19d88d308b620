//! The page of connectors: what serves, what is in quarantine, and the ways back.

use axum::http::StatusCode;
use handoff_model::Plan;

use super::desk::Desk;

#[tokio::test]
async fn the_page_shows_what_serves_and_what_is_in_quarantine() {
    let desk = Desk::signed_in(Plan::Enterprise).await;
    let page = desk.get("/console/connectors").await.html;
    for words in ["Generation 2", "On probation", "Roll back", "Quarantine", "it &#60;panicked&#62;"] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[tokio::test]
async fn a_connector_is_rolled_back_and_a_file_released_only_with_the_pages_token() {
    let desk = Desk::signed_in(Plan::Enterprise).await;
    let page = desk.get("/console/connectors").await;
    let csrf = page.hidden("csrf");
    let (back, release) = ("/console/connectors/roll-back", "/console/connectors/release");
    for (address, name, good, bad) in [(back, "id", "zendesk", "bitrix24"), (release, "sha256", "abc", "abd")]
    {
        let without = desk.send(address, &[(name, good)]).await;
        assert_eq!(without.status, StatusCode::FORBIDDEN, "{address}");
        let done = desk.send(address, &[("csrf", &csrf), (name, good)]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{address}");
        assert!(desk.get(done.to()).await.html.contains("within two seconds"));
        let refused = desk.send(address, &[("csrf", &csrf), (name, bad)]).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{address}");
        assert!(refused.html.contains("Nothing was changed"), "{}", refused.html);
    }
}
