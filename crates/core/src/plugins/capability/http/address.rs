//! Which addresses may be called: public ones. What lies within our own network is nobody's business
//! outside, whatever a name resolves to.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Resolves names to public addresses only; used at the very connection, so that a name cannot
/// answer otherwise the second time.
#[derive(Debug, Clone)]
pub struct PublicResolver {
    /// Whether this machine may be called, for trying things out.
    pub allow_loopback: bool,
}

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_loopback = self.allow_loopback;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let local = is_local_name(name.as_str());
            let wanted = move |ip: IpAddr| {
                if local { allow_loopback && ip.is_loopback() } else { is_permitted(ip, allow_loopback) }
            };
            let permitted: Vec<_> = found.into_iter().filter(|address| wanted(address.ip())).collect();
            if permitted.is_empty() {
                return Err(io::Error::other("the name leads to no public address").into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

/// Whether an address with this URL may be called as far as can be said before its name is resolved:
/// https, or http to this very machine when that is allowed.
pub fn is_permitted_url(url: &Url, allow_loopback: bool) -> bool {
    let (permitted, local) = match url.host() {
        Some(Host::Ipv4(ip)) => (is_permitted(ip.into(), allow_loopback), ip.is_loopback()),
        Some(Host::Ipv6(ip)) => (is_permitted(ip.into(), allow_loopback), ip.is_loopback()),
        Some(Host::Domain(name)) => (allow_loopback || !is_local_name(name), is_local_name(name)),
        None => (false, false),
    };
    permitted && (url.scheme() == "https" || (url.scheme() == "http" && local && allow_loopback))
}

/// Whether an address is public, or of this machine when that is allowed.
pub fn is_permitted(ip: IpAddr, allow_loopback: bool) -> bool {
    match ip {
        IpAddr::V4(ip) => (ip.is_loopback() && allow_loopback) || is_public_v4(ip),
        IpAddr::V6(ip) => (ip.is_loopback() && allow_loopback) || is_public_v6(ip),
    }
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (b == 18 || b == 19))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99);
    !special
}

/// Global unicast, and where an older address is wrapped up inside, that one too.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    if let Some(inner) = ip.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    if (a, b) == (0x64, 0xff9b) {
        let [.., high, low] = ip.segments();
        return ip.segments()[2..6] == [0; 4]
            && is_public_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    }
    // Documentation, tunnels (2001::/23, 2002::/16) and what is not global unicast.
    let tunnel = a == 0x2002 || (a == 0x2001 && b < 0x200);
    let documentation = (a == 0x2001 && b == 0xdb8) || (a == 0x3fff && b < 0x1000);
    a & 0xe000 == 0x2000 && !tunnel && !documentation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_permitted() {
        for ip in ["8.8.8.8", "104.16.51.111", "2606:4700::6810:336f", "::ffff:8.8.8.8", "64:ff9b::808:808"] {
            assert!(is_permitted(ip.parse().unwrap(), false), "{ip}");
        }
        let refused = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.168.1.1",
            "192.0.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001::1",
            "2001:db8::1",
        ];
        for ip in refused {
            assert!(!is_permitted(ip.parse().unwrap(), false), "{ip}");
        }
        assert!(is_permitted("127.0.0.1".parse().unwrap(), true));
        assert!(!is_permitted("10.0.0.1".parse().unwrap(), true));
    }

    #[test]
    fn clear_text_goes_to_this_machine_only_and_only_when_allowed() {
        let cases = [
            ("https://x.com/", true, true),
            ("http://x.com/", false, false),
            ("http://127.0.0.1:80/", false, true),
            ("http://localhost/", false, true),
            ("https://localhost/", false, true),
            ("http://[::1]/", false, true),
            ("https://10.0.0.1/", false, false),
            ("https://2130706433/", false, true),
            ("ftp://127.0.0.1/", false, false),
            ("file:///etc/passwd", false, false),
        ];
        for (url, public, with_loopback) in cases {
            let url = Url::parse(url).unwrap();
            assert_eq!(is_permitted_url(&url, false), public, "{url}");
            assert_eq!(is_permitted_url(&url, true), with_loopback, "{url} with loopback");
        }
    }
}
