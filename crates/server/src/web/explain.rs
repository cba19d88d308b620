//! The safety net: an error that nobody explained becomes a problem document too.

use axum::{
    extract::Request,
    http::{Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::Problem;

/// Marks an answer that goes out as it is, such as one which a connector gave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Explained;

/// Answers for an address that nobody else answers for.
pub(crate) async fn nowhere() -> StatusCode {
    StatusCode::NOT_FOUND
}

/// Turns bare error answers, such as those of the router itself, into problem documents.
pub(super) async fn explain(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || is_explained(&response) {
        return response;
    }
    let mut problem = Problem::new(status, words(status, &method)).into_response();
    if let Some(allow) = response.headers().get(header::ALLOW) {
        problem.headers_mut().insert(header::ALLOW, allow.clone());
    }
    problem
}

fn is_explained(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    response.extensions().get::<Explained>().is_some()
        || kind
            .is_some_and(|kind| kind.starts_with("application/problem+json") || kind.starts_with("text/html"))
}

fn words(status: StatusCode, method: &Method) -> String {
    match status {
        StatusCode::NOT_FOUND => "This address does not exist. Compare it with /v1/openapi.json.".to_owned(),
        StatusCode::METHOD_NOT_ALLOWED => {
            format!("{method} is not possible here. The header `Allow` lists what is.")
        }
        StatusCode::BAD_REQUEST => {
            "The address cannot be read: it must be UTF-8, percent-encoded where needed.".to_owned()
        }
        status if status.is_client_error() => {
            "The request was refused. Compare it with /v1/openapi.json.".to_owned()
        }
        _ => "Something went wrong in the server; its log says what.".to_owned(),
    }
}
