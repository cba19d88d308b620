//! Signing in and out, and forms that are not taken.

use std::time::Duration;

use axum::http::{Method, Request, StatusCode, header};
use handoff_model::Plan;

use super::desk::{Desk, PASSWORD};
use crate::console::first_admin;

#[tokio::test]
async fn a_stranger_is_sent_to_the_sign_in_and_brought_back() {
    let desk = Desk::with_plan(Plan::Total).await;
    let page = desk.get("/console/handoffs?state=failed").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert_eq!(page.to(), "/console/sign-in?next=%2Fconsole%2Fhandoffs%3Fstate%3Dfailed");

    let form = desk.get(page.to()).await;
    let (csrf, next) = (form.hidden("csrf"), form.hidden("next"));
    let fields = [("csrf", csrf.as_str()), ("next", &next), ("name", "admin"), ("password", PASSWORD)];
    let answer = desk.send("/console/sign-in", &fields).await;
    assert_eq!((answer.status, answer.to()), (StatusCode::SEE_OTHER, "/console/handoffs?state=failed"));
    assert_eq!(desk.get(answer.to()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_are_refused_in_the_same_words() {
    let desk = Desk::with_plan(Plan::Total).await;
    let wrong = desk.sign_in("admin", "wrong").await;
    let unknown = desk.sign_in("nobody", PASSWORD).await;
    for answer in [&wrong, &unknown] {
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(answer.html.contains("do not belong together"), "{}", answer.html);
    }
    assert_eq!(desk.session(), None);
}

#[tokio::test]
async fn after_too_many_wrong_passwords_even_the_right_one_has_to_wait() {
    let desk = Desk::with_plan(Plan::Total).await;
    for _ in 0..10 {
        assert_eq!(desk.sign_in("admin", "wrong").await.status, StatusCode::UNAUTHORIZED);
    }
    let refused = desk.sign_in("admin", PASSWORD).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers.contains_key(header::RETRY_AFTER));
    assert_eq!(desk.session(), None);

    desk.clock.forward(Duration::from_secs(16 * 60));
    assert_eq!(desk.sign_in("admin", PASSWORD).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn one_address_cannot_try_many_names() {
    let desk = Desk::with_plan(Plan::Total).await;
    for number in 0..20 {
        let answer = desk.sign_in(&format!("name {number}"), "wrong").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "attempt {number}");
    }
    assert_eq!(desk.sign_in("admin", PASSWORD).await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_session_gets_a_new_token_with_every_sign_in_and_ends_with_the_sign_out() {
    let desk = Desk::signed_in(Plan::Total).await;
    let first = desk.session().unwrap();
    let home = desk.get("/console/inbox").await;
    assert_eq!(home.status, StatusCode::OK);

    let csrf = home.hidden("csrf");
    let bye = desk.send("/console/sign-out", &[("csrf", &csrf)]).await;
    assert_eq!((bye.to(), desk.session()), ("/console/sign-in?bye=1", None));

    desk.sign_in("admin", PASSWORD).await;
    assert_ne!(desk.session(), Some(first.clone()));
    let stale =
        Request::builder().uri("/console/inbox").header(header::COOKIE, format!("handoff_console={first}"));
    let elsewhere = Desk::with_plan(Plan::Total).await;
    assert_eq!(elsewhere.ask(stale, String::new()).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_old_token_is_worth_nothing_after_signing_out() {
    let desk = Desk::signed_in(Plan::Total).await;
    let token = desk.session().unwrap();
    let csrf = desk.get("/console/inbox").await.hidden("csrf");
    desk.send("/console/sign-out", &[("csrf", &csrf)]).await;
    let stolen =
        Request::builder().uri("/console/inbox").header(header::COOKIE, format!("handoff_console={token}"));
    assert_eq!(desk.ask(stolen, String::new()).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_session_is_over_after_a_working_day() {
    let desk = Desk::signed_in(Plan::Total).await;
    desk.clock.forward(Duration::from_secs(12 * 60 * 60 + 1));
    assert_eq!(desk.get("/console/inbox").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn forms_without_our_token_or_from_elsewhere_are_refused() {
    let desk = Desk::signed_in(Plan::Total).await;
    let csrf = desk.get("/console/assistants").await.hidden("csrf");
    let fields = [("name", "Forged")];
    assert_eq!(desk.send("/console/assistants", &fields).await.status, StatusCode::FORBIDDEN);
    let fields = [("csrf", "guessed"), ("name", "Forged")];
    assert_eq!(desk.send("/console/assistants", &fields).await.status, StatusCode::FORBIDDEN);

    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let request = Request::builder()
            .method(Method::POST)
            .uri("/console/assistants")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(name, value);
        let answer = desk.ask(request, format!("csrf={csrf}&name=Forged")).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}");
    }
    assert!(!desk.get("/console/assistants").await.html.contains("Forged"));
}

#[tokio::test]
async fn the_sign_in_form_needs_its_token_too() {
    let desk = Desk::with_plan(Plan::Total).await;
    desk.get("/console/sign-in").await;
    let fields = [("csrf", ""), ("name", "admin"), ("password", PASSWORD)];
    assert_eq!(desk.send("/console/sign-in", &fields).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_form_that_is_sent_after_the_session_says_that_nothing_was_saved() {
    let desk = Desk::with_plan(Plan::Total).await;
    let answer = desk.send("/console/assistants", &[("csrf", "old"), ("name", "Mine")]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.html.contains("Nothing was saved"));
}

#[tokio::test]
async fn pages_forbid_inline_code_and_frames() {
    let desk = Desk::with_plan(Plan::Total).await;
    for address in ["/console/sign-in", "/console/nothing-here", "/console/assets/console.css?v=1"] {
        let answer = desk.get(address).await;
        let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
    assert_eq!(desk.get("/console/nothing-here").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_first_admin_is_made_once_and_told_a_password_that_works() {
    let desk = Desk::with_plan(Plan::Total).await;
    let store = desk.runtime.store();
    assert_eq!(first_admin(store.as_ref(), None, desk.clock.as_ref()).await.unwrap(), None);

    let folder = tempfile::TempDir::new().unwrap();
    let fresh = handoff_store::Sqlite::open(&folder.path().join("db.sqlite3")).unwrap();
    let password = first_admin(&fresh, None, desk.clock.as_ref()).await.unwrap().unwrap();
    assert!(password.len() >= 20);
    let user = handoff_core::store::Users::user(&fresh, "admin").await.unwrap().unwrap();
    assert!(crate::console::access::matches(password.into(), Some(user.password_hash)).await);
}
