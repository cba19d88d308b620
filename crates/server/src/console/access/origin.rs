//! Whether a form was sent from one of our own pages.

use axum::http::{HeaderMap, HeaderName, header};
use url::Url;

use crate::console::answer::Trouble;

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses forms that another site sent. Browsers say where a form comes from in `Sec-Fetch-Site`
/// (over TLS and on this machine) and in `Origin`; a program that says neither has no cookies to abuse.
///
/// # Errors
/// When the form comes from elsewhere.
pub(super) fn check(headers: &HeaderMap, public_url: &Url) -> Result<(), Trouble> {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    let ours = match (text(SITE), text(header::ORIGIN)) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => is_ours(origin, text(header::HOST), public_url),
        (None, None) => true,
    };
    if ours {
        return Ok(());
    }
    Err(Trouble::forbidden(
        "It was sent from another site. Open the console at its own address and use the form there.",
    ))
}

/// The configured address, or the one by which the browser reached us.
fn is_ours(origin: &str, host: Option<&str>, public_url: &Url) -> bool {
    let reached = origin.split_once("://").map(|(_, authority)| authority);
    origin == public_url.origin().ascii_serialization() || (host.is_some() && reached == host)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn accepted(fields: &[(HeaderName, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.insert(name.clone(), HeaderValue::from_static(value));
        }
        check(&headers, &Url::parse("https://chat.example").unwrap()).is_ok()
    }

    #[test]
    fn forms_of_other_sites_are_refused() {
        assert!(accepted(&[]));
        assert!(accepted(&[(SITE, "same-origin")]));
        assert!(accepted(&[(SITE, "same-origin"), (header::ORIGIN, "null")]));
        assert!(accepted(&[(header::ORIGIN, "https://chat.example")]));
        assert!(accepted(&[(header::ORIGIN, "http://10.0.0.7:8080"), (header::HOST, "10.0.0.7:8080")]));
        assert!(!accepted(&[(SITE, "cross-site"), (header::ORIGIN, "https://chat.example")]));
        assert!(!accepted(&[(SITE, "same-site")]));
        assert!(!accepted(&[(header::ORIGIN, "https://evil.example"), (header::HOST, "chat.example")]));
        assert!(!accepted(&[(header::ORIGIN, "null"), (header::HOST, "chat.example")]));
        assert!(!accepted(&[(header::ORIGIN, "https://chat.example.evil.example")]));
    }
}
