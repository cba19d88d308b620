//! Makes a request of what a connector asked for: checks where it goes and puts the secrets in.
//!
//! Whatever fails here was not sent. Texts of failures never hold a value, only names.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use handoff_model::connector::{HttpAuth, HttpBody, HttpRequest, SecretPlace};
use reqwest::{
    Method, Request,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use serde_json::Value;
use url::Url;

use super::{
    address,
    grant::{self, Grant},
};
use crate::plugins::secrets::{Secrets, percent_encoded};

/// Longest time for one exchange.
const MAX_TIMEOUT: Duration = Duration::from_secs(30);
/// Methods that connectors may use.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
/// Headers that belong to the connection, not to the request.
const FORBIDDEN: [&str; 9] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "upgrade",
    "te",
    "trailer",
    "keep-alive",
    "proxy-authorization",
];

/// What one connection's requests may do and hold.
pub(super) struct Terms<'a> {
    pub(super) grants: &'a [Grant],
    pub(super) secrets: &'a Secrets,
    pub(super) requires: &'a [String],
    pub(super) allow_loopback: bool,
}

impl Terms<'_> {
    /// The request, ready to be sent; or why it must not be.
    pub(super) fn prepare(&self, asked: &HttpRequest) -> Result<Request, String> {
        let method = METHODS.iter().find(|method| **method == asked.method);
        let method = method
            .ok_or_else(|| format!("the method {:?} is not among {}", asked.method, METHODS.join(", ")))?;
        let method = Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?;
        let mut request = Request::new(method, self.url(asked)?);
        *request.headers_mut() = self.headers(asked)?;
        self.body(asked, &mut request)?;
        let wanted = asked.timeout_ms.map_or(MAX_TIMEOUT, Duration::from_millis);
        *request.timeout_mut() = Some(wanted.min(MAX_TIMEOUT));
        Ok(request)
    }

    fn url(&self, asked: &HttpRequest) -> Result<Url, String> {
        let mut url =
            Url::parse(&asked.url).map_err(|error| format!("the address cannot be read: {error}"))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the address carries credentials; name a secret instead".to_owned());
        }
        if !grant::covers(self.grants, &url) {
            return Err(format!("the host {host:?} is not among those that the connection may call"));
        }
        if !address::is_permitted_url(&url, self.allow_loopback) {
            let hint = if address::is_permitted_url(&url, true) {
                "; for a platform on this machine set allow_loopback_http = true under [plugins]"
            } else {
                ""
            };
            return Err(format!("{}://{host} is not a public https address{hint}", url.scheme()));
        }
        for place in &asked.secrets {
            if let SecretPlace::Path { name } = place {
                let path = self.path(url.path(), name)?;
                url.set_path(&path);
            }
        }
        url.set_fragment(None);
        Ok(url)
    }

    /// The path with the one segment `:name` replaced.
    fn path(&self, path: &str, name: &str) -> Result<String, String> {
        let secret = self.secret(name)?;
        // As segments these two would lead elsewhere, also when they are encoded.
        if matches!(secret, "." | "..") {
            return Err(format!("the secret {name:?} cannot stand in an address"));
        }
        let placeholder = format!(":{name}");
        if path.split('/').filter(|segment| **segment == placeholder).count() != 1 {
            return Err(format!("the address does not have exactly one segment {placeholder:?}"));
        }
        let encoded = percent_encoded(secret);
        let segments = path.split('/').map(|segment| if segment == placeholder { &encoded } else { segment });
        Ok(segments.collect::<Vec<_>>().join("/"))
    }

    fn headers(&self, asked: &HttpRequest) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in &asked.headers {
            let value = HeaderValue::from_str(value).map_err(|_| unfit(name))?;
            headers.append(header_name(name)?, value);
        }
        if let Some(auth) = &asked.auth {
            headers.insert(AUTHORIZATION, self.authorization(auth)?);
        }
        for place in &asked.secrets {
            let SecretPlace::Header { name, header, before } = place else { continue };
            self.listed("http.header_secret/1")?;
            let value = sensitive(&format!("{before}{}", self.secret(name)?))?;
            // Twice the same header would leave it to the platform which of them counts.
            if headers.insert(header_name(header)?, value).is_some() {
                return Err(format!("the header {header:?} is there already, beside the secret {name:?}"));
            }
        }
        Ok(headers)
    }

    fn authorization(&self, auth: &HttpAuth) -> Result<HeaderValue, String> {
        let text = match auth {
            HttpAuth::Basic { user, password_secret } => {
                format!("Basic {}", STANDARD.encode(format!("{user}:{}", self.secret(password_secret)?)))
            }
            HttpAuth::Bearer { token_secret } => format!("Bearer {}", self.secret(token_secret)?),
        };
        sensitive(&text)
    }

    fn body(&self, asked: &HttpRequest, request: &mut Request) -> Result<(), String> {
        let wanted = asked.secrets.iter().filter_map(|place| match place {
            SecretPlace::Json { name, pointer } => Some((name, pointer)),
            SecretPlace::Path { .. } | SecretPlace::Form { .. } | SecretPlace::Header { .. } => None,
        });
        let mut body = asked.body.clone();
        for (name, pointer) in wanted {
            let HttpBody::Json(json) = &mut body else {
                return Err(format!("the secret {name:?} belongs into a JSON body, and there is none"));
            };
            put(json, pointer, self.secret(name)?)?;
        }
        self.form(asked, &mut body)?;
        match body {
            HttpBody::Empty => {}
            HttpBody::Text(text) => *request.body_mut() = Some(text.into()),
            HttpBody::Json(json) => {
                *request.body_mut() = Some(json.to_string().into());
                request
                    .headers_mut()
                    .entry(CONTENT_TYPE)
                    .or_insert(HeaderValue::from_static("application/json"));
            }
            // Their bytes are put in by `file`.
            HttpBody::Blob { .. } | HttpBody::Multipart { .. } => {}
        }
        Ok(())
    }

    /// Adds the secrets that are fields of a form.
    fn form(&self, asked: &HttpRequest, body: &mut HttpBody) -> Result<(), String> {
        for place in &asked.secrets {
            let SecretPlace::Form { name, field } = place else { continue };
            self.listed("http.form_secret/1")?;
            let HttpBody::Text(form) = body else {
                return Err(format!("the secret {name:?} belongs into a form, and there is none"));
            };
            let (field, value) = (percent_encoded(field), percent_encoded(self.secret(name)?));
            let joint = if form.is_empty() { "" } else { "&" };
            form.push_str(&format!("{joint}{field}={value}"));
        }
        Ok(())
    }

    /// A server without the feature would send the request without the secret, so the manifest has to ask for it.
    fn listed(&self, feature: &str) -> Result<(), String> {
        if self.requires.iter().any(|wanted| wanted == feature) {
            return Ok(());
        }
        Err(format!("it needs {feature}, which its manifest does not list under `requires`"))
    }

    fn secret(&self, name: &str) -> Result<&str, String> {
        self.secrets.expose(name).ok_or_else(|| format!("the secret {name:?} is not set for this connection"))
    }
}

/// A header that a connector may set.
fn header_name(name: &str) -> Result<HeaderName, String> {
    let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit(name))?;
    if FORBIDDEN.contains(&header.as_str()) { Err(unfit(name)) } else { Ok(header) }
}

fn unfit(name: &str) -> String {
    format!("the header {name:?} cannot be sent")
}

/// A header's value that is never printed.
fn sensitive(text: &str) -> Result<HeaderValue, String> {
    let value = HeaderValue::from_str(text);
    let mut value = value.map_err(|_| "the secret has characters that a header cannot carry".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

/// Sets the member of an object that a JSON pointer names.
fn put(json: &mut Value, pointer: &str, secret: &str) -> Result<(), String> {
    let missing = || format!("the body has no place {pointer:?} for a secret");
    let (parent, member) = pointer.rsplit_once('/').ok_or_else(missing)?;
    let object = json.pointer_mut(parent).and_then(Value::as_object_mut).ok_or_else(missing)?;
    object.insert(member.replace("~1", "/").replace("~0", "~"), secret.into());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    /// An older server does not know the place, and would send the request without the secret.
    #[test]
    fn a_place_that_the_manifest_does_not_ask_for_gets_no_secret_and_nothing_is_sent() {
        let grants = grant::resolve(&["desk.example".to_owned()], &json!({}));
        let given = BTreeMap::from([("key".to_owned(), "hunter2".to_owned().into())]);
        let secrets = Secrets::only(&given, &["key"]);
        let places = [
            ("http.header_secret/1", json!({ "place": "header", "name": "key", "header": "X-Key" })),
            ("http.form_secret/1", json!({ "place": "form", "name": "key", "field": "key" })),
        ];
        for (feature, place) in places {
            let asked = json!({ "method": "POST", "url": "https://desk.example/", "secrets": [place],
                "body": { "kind": "text", "data": "a=b" } });
            let asked: HttpRequest = serde_json::from_value(asked).unwrap();
            let prepared = |requires: &[String]| {
                let terms = Terms { grants: &grants, secrets: &secrets, requires, allow_loopback: false };
                terms.prepare(&asked).map(drop)
            };
            let refused = prepared(&["http.send/1".to_owned()]).unwrap_err();
            assert!(refused.contains(feature) && refused.contains("requires"), "{refused}");
            assert_eq!(prepared(&[feature.to_owned()]), Ok(()));
        }
    }
}
