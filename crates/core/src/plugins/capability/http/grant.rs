//! Which hosts a connection's connector may call: those of its manifest, with the connection's
//! settings filled in.

use serde_json::Value;
use url::Url;

/// A host, or all subdomains of one, that may be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::plugins) struct Grant {
    subdomains: bool,
    host: String,
    /// None stands for the usual port of the scheme.
    port: Option<u16>,
}

impl Grant {
    /// Whether the address is at this host and port.
    fn allows(&self, url: &Url) -> bool {
        let usual =
            Url::parse(&format!("{}://x", url.scheme())).ok().and_then(|url| url.port_or_known_default());
        let port = self.port.or(usual).is_some() && url.port_or_known_default() == self.port.or(usual);
        let host = url.host_str().is_some_and(|host| match host.strip_suffix(&self.host) {
            Some(rest) if self.subdomains => rest.len() > 1 && rest.ends_with('.'),
            Some(rest) => rest.is_empty() && !self.subdomains,
            None => false,
        });
        host && port
    }
}

/// Whether one of the grants covers the address.
pub(super) fn covers(grants: &[Grant], url: &Url) -> bool {
    grants.iter().any(|grant| grant.allows(url))
}

/// The host of an address that none of the grants covers.
pub(in crate::plugins) fn foreign(grants: &[Grant], address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    (!covers(grants, &url)).then(|| url.host_str().unwrap_or_default().to_owned())
}

/// What a manifest's hosts mean for these settings. A host with a setting that is not set, or is no
/// host, grants nothing.
pub(in crate::plugins) fn resolve(hosts: &[String], settings: &Value) -> Vec<Grant> {
    hosts
        .iter()
        .filter_map(|host| parse(&filled(host, &|name| place(settings.get(name)?.as_str()?))?))
        .collect()
}

/// Whether a manifest may list this host.
pub(in crate::plugins) fn is_pattern(host: &str) -> bool {
    filled(host, &|name| is_setting(name).then(|| "a.example".to_owned()))
        .is_some_and(|host| parse(&host).is_some())
}

/// The pattern with every `{setting}` replaced; none when one has no value.
fn filled(pattern: &str, value: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let Some((before, rest)) = pattern.split_once('{') else {
        return Some(pattern.to_owned());
    };
    let (name, after) = rest.split_once('}')?;
    Some(format!("{before}{}{}", value(name)?, filled(after, value)?))
}

fn is_setting(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Host and port of a setting that is an address; otherwise the setting itself, if it could be a host
/// or part of one.
fn place(setting: &str) -> Option<String> {
    if setting.contains("://") {
        let url = Url::parse(setting).ok()?;
        let host = url.host_str()?.to_owned();
        return Some(url.port().map_or(host.clone(), |port| format!("{host}:{port}")));
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':');
    (!setting.is_empty() && setting.bytes().all(fits)).then(|| setting.to_owned())
}

fn parse(text: &str) -> Option<Grant> {
    let (subdomains, rest) = match text.strip_prefix("*.") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if rest.contains(['*', '/', '@', '?', '#', '\\', ' ', '%']) {
        return None;
    }
    let url = Url::parse(&format!("https://{rest}")).ok()?;
    let host = url.host_str().filter(|host| !host.is_empty() && !host.ends_with('.'))?.to_owned();
    let wide = subdomains && !(url.domain().is_some() && host.contains('.'));
    // A URL forgets the usual port of its scheme, which here was only chosen for reading.
    let port = url.port().or_else(|| rest.ends_with(":443").then_some(443));
    (!wide).then_some(Grant { subdomains, host, port })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_is_allowed_exactly_when_a_host_of_the_manifest_covers_it() {
        let settings = json!({
            "base": "http://127.0.0.1:4545/rest", "portal": "https://Acme.Example.ORG/x", "sub": "acme",
            "evil": "evil.com/", "odd": "http://127.0.0.1:443", "number": 5, "six": "http://[::1]:80",
        });
        let cases = [
            ("api.x.com", "https://api.x.com/a", true),
            ("api.x.com", "https://API.x.com:443/a", true),
            ("api.x.com", "https://api.x.com:8443/a", false),
            ("api.x.com:8443", "https://api.x.com:8443/a", true),
            ("api.x.com", "https://api.x.com.evil.com/", false),
            ("api.x.com", "https://evilapi.x.com/", false),
            ("api.x.com", "https://api.x.com./", false),
            ("*.x.com", "https://a.x.com/", true),
            ("*.x.com", "https://a.b.x.com/", true),
            ("*.x.com", "https://x.com/", false),
            ("*.x.com", "https://evilx.com/", false),
            ("{base}", "http://127.0.0.1:4545/other", true),
            ("{base}", "http://127.0.0.1:4546/other", false),
            ("{portal}", "https://acme.example.org/", true),
            ("{portal}", "https://other.example.org/", false),
            ("{sub}.x.com", "https://acme.x.com/", true),
            ("{sub}.x.com", "https://other.x.com/", false),
            ("{evil}.x.com", "https://evil.com/.x.com", false),
            ("{number}.x.com", "https://5.x.com/", false),
            ("{missing}", "https://x.com/", false),
            ("{six}", "http://[::1]/", true),
            ("{odd}", "http://127.0.0.1:443/", true),
            ("{odd}", "http://127.0.0.1/", false),
        ];
        for (pattern, url, expected) in cases {
            let grants = resolve(&[pattern.to_owned()], &settings);
            assert_eq!(covers(&grants, &Url::parse(url).unwrap()), expected, "{pattern} {url}");
        }
    }

    #[test]
    fn a_manifest_cannot_ask_for_everything() {
        for pattern in ["x.com", "*.x.com", "{a}", "{a}.x.com", "*.{a}"] {
            assert!(is_pattern(pattern), "{pattern}");
        }
        for pattern in [
            "",
            "*",
            "*.",
            "*.com",
            "*.*.com",
            "x.*",
            "http://x.com",
            "x.com/a",
            "{",
            "{}",
            "{a b}",
            "a@b.com",
        ] {
            assert!(!is_pattern(pattern), "{pattern}");
        }
    }
}
