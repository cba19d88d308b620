//! `GET /v1/openapi.json`: the API's description, made from its handlers.

use utoipa::{
    Modify, OpenApi, ToSchema,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::{
    assistants, connections, connectors, conversations, events, files, handoffs, messages, plans, targets,
};
use crate::web::Json;

/// What every error of the API looks like: RFC 9457.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Problem` writes")]
pub(crate) struct ProblemDocument {
    /// The kind of problem, as a URN.
    r#type: String,
    /// The kind of problem, in a few words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What happened, and what to do next.
    detail: String,
}

#[derive(OpenApi)]
#[openapi(
    info(title = "handoff", description = "Chats with assistants, and their way to live agents."),
    modifiers(&ApiKey),
    paths(
        conversations::start::start,
        messages::send::send,
        events::list::list,
        events::ack::ack,
        files::download::download,
        files::upload::upload,
        assistants::list::list,
        assistants::show::show,
        assistants::put_draft::put_draft,
        assistants::validate::validate,
        assistants::publish::publish,
        assistants::export::export,
        conversations::list::list,
        conversations::show::show,
        handoffs::list::list,
        handoffs::show::show,
        handoffs::receipt::show,
        handoffs::receipt::signature,
        handoffs::receipt::key,
        handoffs::decide::look,
        handoffs::decide::give_up,
        handoffs::replay::one,
        handoffs::replay::many,
        connections::list::list,
        connections::list::show,
        connections::change::put,
        connections::change::delete,
        connections::act::check,
        connections::act::install,
        connectors::list::list,
        targets::ask::availability,
        targets::ask::options,
        targets::list::list,
        plans::show::show,
    )
)]
struct Description;

/// How clients say who they are.
struct ApiKey;

impl Modify for ApiKey {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = document.components.get_or_insert_with(Default::default);
        components.add_security_scheme("api_key", SecurityScheme::Http(bearer));
    }
}

/// The description; no key is needed to read it.
pub(super) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Description::openapi())
}
