//! Pages as answers, and troubles as pages.

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use handoff_core::store::StoreError;

use super::assets;

/// Seconds after which a busy server may be asked again.
const PAUSE: u64 = 5;

/// Something that keeps a page from being shown, as a page of its own.
#[derive(Debug)]
pub(super) struct Trouble {
    status: StatusCode,
    title: &'static str,
    detail: String,
}

#[derive(Template)]
#[template(path = "console/trouble.html")]
struct TroublePage<'a> {
    title: &'a str,
    detail: &'a str,
    style: &'a str,
}

impl Trouble {
    /// There is no such page or thing.
    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, title: "There is nothing here", detail: detail.into() }
    }

    /// The form did not come from our own pages.
    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::FORBIDDEN, title: "This form was not accepted", detail: detail.into() }
    }

    /// A form was sent without being signed in.
    pub(super) fn signed_out() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            title: "You are signed out",
            detail: "Nothing was saved. Sign in again in another tab, come back here, go one page back and \
                     load nothing anew: what you typed is still in the form."
                .to_owned(),
        }
    }

    /// The form cannot be read.
    pub(super) fn unreadable(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, title: "This form cannot be read", detail: detail.into() }
    }

    /// The page has no such form.
    pub(super) fn wrong_method() -> Self {
        Self {
            status: StatusCode::METHOD_NOT_ALLOWED,
            title: "This is not possible here",
            detail: "Use the console's own pages and forms.".to_owned(),
        }
    }

    /// Not now.
    pub(super) fn unavailable(detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            title: "Not available just now",
            detail: detail.into(),
        }
    }

    /// A fault of ours.
    pub(super) fn fault() -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            title: "Something went wrong in the server",
            detail: "Its log says what. Nothing was changed by this request unless the page before says so."
                .to_owned(),
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => {
                tracing::warn!(%error, "The console could not reach the store");
                Self::unavailable("Nothing can be stored or read at the moment. Try again soon.")
            }
            StoreError::Damaged(_) => {
                tracing::error!("{error}");
                Self::unavailable(
                    "What is kept of this is damaged on the disk, so it is not shown. Run handoff doctor, and put the \
                     latest good backup back.",
                )
            }
            error => {
                tracing::error!(%error, "The store failed under a page of the console");
                Self::fault()
            }
        }
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let page = TroublePage { title: self.title, detail: &self.detail, style: assets::style_address() };
        let mut response = match page.render() {
            Ok(html) => (self.status, Html(html)).into_response(),
            Err(_) => (self.status, self.detail).into_response(),
        };
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(PAUSE));
        }
        response
    }
}

/// A page.
pub(super) fn page(page: &impl Template) -> Response {
    page_with(StatusCode::OK, page)
}

/// A page that says that something was not done.
pub(super) fn page_with(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "A page of the console could not be rendered");
            Trouble::fault().into_response()
        }
    }
}

/// Sends the browser to a page, after a form was taken.
pub(super) fn go(address: &str) -> Response {
    match HeaderValue::from_str(address) {
        Ok(address) => (StatusCode::SEE_OTHER, [(header::LOCATION, address)]).into_response(),
        Err(_) => Trouble::fault().into_response(),
    }
}
