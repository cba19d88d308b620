//! The console's own files, as they are built into the server.

use std::sync::LazyLock;

use axum::{http::header, response::IntoResponse};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("../../assets/console/console.css");
const SCRIPT: &str = include_str!("../../assets/console/console.js");
const ICON: &str = include_str!("../../assets/console/icon.svg");

/// Addresses change with the content, so that browsers may keep what they have.
const CACHE: &str = "public, max-age=31536000, immutable";

/// Address of the style sheet.
pub(super) fn style_address() -> &'static str {
    static ADDRESS: LazyLock<String> = LazyLock::new(|| address("console.css", STYLE));
    &ADDRESS
}

/// Address of the script.
pub(super) fn script_address() -> &'static str {
    static ADDRESS: LazyLock<String> = LazyLock::new(|| address("console.js", SCRIPT));
    &ADDRESS
}

/// The style sheet.
pub(super) async fn style() -> impl IntoResponse {
    file("text/css; charset=utf-8", STYLE)
}

/// The script.
pub(super) async fn script() -> impl IntoResponse {
    file("text/javascript; charset=utf-8", SCRIPT)
}

/// The icon.
pub(super) async fn icon() -> impl IntoResponse {
    file("image/svg+xml", ICON)
}

fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, CACHE)], text)
}

fn address(name: &str, content: &str) -> String {
    let hash = Sha256::digest(content.as_bytes());
    let version: String = hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("/console/assets/{name}?v={version}")
}
