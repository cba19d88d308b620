//! What the account has for tickets: groups, brands, forms and fields.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::access::SupportCaller;
use crate::zendesk::Platform;
use crate::zendesk::options::Brand;

pub(super) async fn groups(_: SupportCaller) -> Json<Value> {
    let group = |id: u64, name: &str, deleted: bool| json!({ "id": id, "name": name, "deleted": deleted });
    let groups = [group(98_738, "Support", false), group(98_739, "Sales", false), group(98_740, "Old", true)];
    Json(json!({ "groups": groups, "count": 3, "next_page": null, "previous_page": null }))
}

/// The first is the default.
pub(super) async fn brands(State(platform): State<Platform>, _: SupportCaller) -> Json<Value> {
    let options = &platform.options().support;
    let brand = |(place, brand): (usize, &Brand)| {
        let active = !options.inactive_brands.contains(&brand.id);
        json!({ "id": brand.id, "name": brand.name, "active": active, "default": place == 0 })
    };
    let brands: Vec<Value> = options.brands.iter().enumerate().map(brand).collect();
    let count = brands.len();
    Json(json!({ "brands": brands, "count": count, "next_page": null, "previous_page": null }))
}

pub(super) async fn forms(_: SupportCaller) -> Json<Value> {
    let forms = [json!({ "id": 2, "name": "Default", "active": true, "end_user_visible": true })];
    Json(json!({ "ticket_forms": forms, "count": 1, "next_page": null, "previous_page": null }))
}

/// The subject, which every ticket has, and the custom fields that exist.
pub(super) async fn fields(State(platform): State<Platform>, _: SupportCaller) -> Json<Value> {
    let subject =
        json!({ "id": 1, "type": "subject", "title": "Subject", "active": true, "removable": false });
    let custom = platform.options().support.custom_fields.iter().map(|id| {
        json!({ "id": id, "type": "text", "title": format!("Field {id}"), "active": true, "removable": true })
    });
    let fields: Vec<Value> = std::iter::once(subject).chain(custom).collect();
    let count = fields.len();
    Json(json!({ "ticket_fields": fields, "count": count, "next_page": null, "previous_page": null }))
}
