//! The widget's files, as they are built into the server.

use axum::{http::header, response::IntoResponse};

/// The parts of the script, in one function so that nothing of it leaks into the page.
const SCRIPT: &str = concat!(
    "(() => {\n\"use strict\";\n",
    include_str!("assets/widget/store.js"),
    include_str!("assets/widget/wire.js"),
    include_str!("assets/widget/tray.js"),
    include_str!("assets/widget/pictures.js"),
    include_str!("assets/widget/view.js"),
    include_str!("assets/widget/chat.js"),
    "})();\n"
);
const STYLE: &str = include_str!("assets/widget.css");
const PAGE_STYLE: &str = include_str!("assets/page.css");

/// Browsers ask again after this, so that a new release reaches them.
const CACHE: &str = "public, max-age=300";

/// The widget's script.
pub(super) async fn script() -> impl IntoResponse {
    asset("text/javascript; charset=utf-8", SCRIPT)
}

/// The widget's style.
pub(super) async fn style() -> impl IntoResponse {
    asset("text/css; charset=utf-8", STYLE)
}

/// The style of the widget's own page.
pub(super) async fn page_style() -> impl IntoResponse {
    asset("text/css; charset=utf-8", PAGE_STYLE)
}

fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    // Other sites may embed these two, and only these.
    let policy = ("cross-origin-resource-policy", "cross-origin");
    ([(header::CONTENT_TYPE.as_str(), kind), (header::CACHE_CONTROL.as_str(), CACHE), policy], text)
}
