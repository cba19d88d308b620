//! Two cookies: who is signed in, and the token of the sign-in form.

use axum::http::{HeaderMap, HeaderValue, header};

/// Holds the session's token.
pub(super) const SESSION: &str = "handoff_console";
/// Holds the token that the sign-in form repeats, because there is no session yet that could hold it.
pub(super) const SIGN_IN: &str = "handoff_sign_in";

/// The value of a cookie.
pub(super) fn find(headers: &HeaderMap, name: &str, https: bool) -> Option<String> {
    let name = full(name, https);
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
}

/// Sets a cookie for some seconds; no script can read it and no other site can send it.
pub(super) fn set(name: &str, value: &str, seconds: u64, https: bool) -> Option<HeaderValue> {
    let name = full(name, https);
    let secure = if https { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    HeaderValue::from_str(&text).ok()
}

/// Removes a cookie.
pub(super) fn remove(name: &str, https: bool) -> Option<HeaderValue> {
    set(name, "", 0, https)
}

/// With `__Host-`, browsers refuse the cookie from anybody but this very host over TLS.
fn full(name: &str, https: bool) -> String {
    if https { format!("__Host-{name}") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("xhandoff_console=no; handoff_console=yes"));
        assert_eq!(find(&headers, SESSION, false).as_deref(), Some("yes"));
        assert_eq!(find(&headers, SESSION, true), None);
    }

    #[test]
    fn over_tls_cookies_are_bound_to_it() {
        let cookie = set(SESSION, "t", 60, true).unwrap();
        let text = "__Host-handoff_console=t; Path=/; HttpOnly; SameSite=Strict; Max-Age=60; Secure";
        assert_eq!(cookie, text);
        assert!(!set(SESSION, "t", 60, false).unwrap().to_str().unwrap().contains("Secure"));
    }
}
