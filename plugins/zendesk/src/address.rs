//! Addresses: the account's base, parts of paths, and which addresses are the account's own.

use crate::settings::Settings;

/// Evens out the base address.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub(crate) fn base(given: &str) -> Result<String, String> {
    let base = given.trim().trim_end_matches('/');
    let (scheme, rest) = base.split_once("://").ok_or("base_url must begin with https://")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if host.is_empty()
        || rest.contains(['?', '#', '@', '\\', '%'])
        || rest.chars().any(|c| c <= ' ' || c == '\u{7f}')
    {
        return Err("base_url must be a plain address such as https://acme.zendesk.com/sc".to_owned());
    }
    if scheme != "https" && !(scheme == "http" && is_this_machine(host)) {
        return Err("base_url must begin with https://".to_owned());
    }
    if host.ends_with(".zendesk.com") && path != "sc" {
        return Err(format!("base_url must be https://{host}/sc"));
    }
    Ok(base.to_owned())
}

/// Where the Support API is: as given, or on the host of the Conversations API; empty when nobody can tell.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub(crate) fn support(given: &str, base: &str) -> Result<String, String> {
    let given = given.trim().trim_end_matches('/');
    if given.is_empty() {
        return Ok(base.strip_suffix("/sc").unwrap_or_default().to_owned());
    }
    let rest = given.split_once("://").map_or(given, |(_, rest)| rest);
    let plain = given.starts_with("https://") || (given.starts_with("http://") && is_this_machine(rest));
    if !plain || rest.is_empty() || rest.contains(['/', '?', '#', '@', '\\', '%', ' ']) {
        return Err("support_url must be the account's address, such as https://acme.zendesk.com".to_owned());
    }
    Ok(given.to_owned())
}

/// Where live agents work, when the base address tells.
pub(crate) fn workspace(base: &str) -> Option<String> {
    let account = base.strip_suffix("/sc").filter(|account| account.ends_with(".zendesk.com"))?;
    Some(format!("{account}/agent"))
}

/// Whether an address belongs to the account itself.
pub(crate) fn is_own(settings: &Settings, address: &str) -> bool {
    own_path(settings, address).is_some()
}

/// Whether an address is a file of the account, and not one of the API's: our credentials go with the
/// request, and what comes back is shown to the person.
pub(crate) fn is_own_file(settings: &Settings, address: &str) -> bool {
    let Some(path) = own_path(settings, address) else { return false };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let lower = path.to_ascii_lowercase();
    let tricks =
        lower.contains("..") || lower.contains("%2e") || lower.contains("%2f") || lower.contains("//");
    let api = lower.starts_with("/v2/") || lower.starts_with("/sc/v2/") || lower.starts_with("/api/");
    !tricks && !api && lower.contains("/attachments/")
}

/// A text as one segment of a path or one value of a query.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The path with its leading slash, when scheme, host and port are those of the account.
fn own_path<'a>(settings: &Settings, address: &'a str) -> Option<&'a str> {
    let base = &settings.base_url;
    let host = base.find("://")? + 3;
    let origin = base[host..].find('/').map_or(base.as_str(), |slash| &base[..host + slash]);
    let path = address.strip_prefix(origin)?;
    (path.starts_with('/') && !address.chars().any(|c| c <= ' ' || c == '\\' || c == '\u{7f}'))
        .then_some(path)
}

fn is_this_machine(host: &str) -> bool {
    let name =
        host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(host, |(name, _)| name);
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;

    #[test]
    fn a_base_address_is_evened_out_or_refused() {
        for (given, expected) in [
            ("https://acme.zendesk.com/sc", Some("https://acme.zendesk.com/sc")),
            (" https://acme.zendesk.com/sc/ ", Some("https://acme.zendesk.com/sc")),
            ("https://api.eu-1.smooch.io", Some("https://api.eu-1.smooch.io")),
            ("http://127.0.0.1:4000/sc", Some("http://127.0.0.1:4000/sc")),
            ("https://acme.zendesk.com", None),
            ("http://acme.zendesk.com/sc", None),
            ("http://127.0.0.1.evil.example/sc", None),
            ("https://user@acme.zendesk.com/sc", None),
            ("https://", None),
            ("", None),
        ] {
            assert_eq!(base(given).ok().as_deref(), expected, "{given}");
        }
    }

    #[test]
    fn only_files_of_the_account_count_as_such() {
        for (address, expected) in [
            ("https://acme.zendesk.com/sc/attachments/v2/01JK/a.png", true),
            ("https://acme.zendesk.com/sc/attachments/v2/01JK/a.png?sig=..", true),
            ("https://acme.zendesk.com.evil.example/sc/attachments/a", false),
            ("https://acme.zendesk.com@evil.example/attachments/a", false),
            ("http://acme.zendesk.com/sc/attachments/a", false),
            ("https://acme.zendesk.com/sc/v2/apps/app1/users/attachments/", false),
            ("https://acme.zendesk.com/sc/attachments/../v2/apps/app1", false),
            ("https://acme.zendesk.com/sc/attachments/%2e%2e/v2", false),
            ("https://acme.zendesk.com/api/v2/attachments/1.json", false),
            ("https://acme.zendesk.com/agent", false),
            ("", false),
        ] {
            assert_eq!(is_own_file(&settings(), address), expected, "{address}");
        }
    }

    #[test]
    fn a_segment_keeps_its_borders() {
        assert_eq!(encoded("handoff-a/b?c d\u{e9}"), "handoff-a%2Fb%3Fc%20d%C3%A9");
    }
}
