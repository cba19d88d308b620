//! Adds, moves and deletes nodes.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use handoff_core::assistant::{Assistant, On};
use handoff_model::NodeId;

use super::{
    kind::Kind,
    open,
    place::{self, List},
    save::{change, stale},
    show::{Notice, View, render},
};
use crate::console::{ConsoleState, access::Posted, answer::Trouble};

/// Adds a node at the end of a list and opens its panel.
pub(in crate::console) async fn add(
    State(state): State<ConsoleState>,
    Path(id): Path<String>,
    Posted { who, fields }: Posted,
) -> Result<Response, Trouble> {
    let opened = open(&state, id).await?;
    if opened.changed_since(&fields) {
        return Ok(stale(&state, &who, opened).await);
    }
    let mut draft = opened.draft.clone();
    let (slot, kind) = fields.get("add").split_once(':').unwrap_or_default();
    let added = Kind::find(kind).and_then(|kind| push(&mut draft, fields.get("owner"), slot, kind));
    match added {
        Some(node) => change(&state, &who, opened, draft, "added", Some(node)).await,
        None => Err(Trouble::not_found("Such a node cannot be added there.")),
    }
}

/// Moves a node one place up or down in its list.
pub(in crate::console) async fn move_by_one(
    State(state): State<ConsoleState>,
    Path(id): Path<String>,
    Posted { who, fields }: Posted,
) -> Result<Response, Trouble> {
    let opened = open(&state, id).await?;
    if opened.changed_since(&fields) {
        return Ok(stale(&state, &who, opened).await);
    }
    let mut draft = opened.draft.clone();
    let node = NodeId::new(fields.get("node"));
    let up = fields.get("way") == "up";
    if place::home(&mut draft, &node).is_some_and(|(list, from)| swap(list, from, up)) {
        return change(&state, &who, opened, draft, "moved", Some(node)).await;
    }
    let edge =
        if up { "It already is the first of its list." } else { "It already is the last of its list." };
    let view = View { selected: Some(node), notice: Some(Notice::bad(edge)), ..View::default() };
    Ok(render(&state, &who, opened, view).await)
}

/// Deletes a node with everything inside it.
pub(in crate::console) async fn delete(
    State(state): State<ConsoleState>,
    Path(id): Path<String>,
    Posted { who, fields }: Posted,
) -> Result<Response, Trouble> {
    let opened = open(&state, id).await?;
    if opened.changed_since(&fields) {
        return Ok(stale(&state, &who, opened).await);
    }
    let mut draft = opened.draft.clone();
    let node = NodeId::new(fields.get("node"));
    let Some((list, place)) = place::home(&mut draft, &node) else {
        return Err(Trouble::not_found("There is no such node."));
    };
    if take(list, place) {
        return change(&state, &who, opened, draft, "deleted", None).await;
    }
    let words = "Chat Started is permanent and cannot be deleted; switch it off instead.";
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let view = View { status, selected: Some(node), notice: Some(Notice::bad(words)), ..View::default() };
    Ok(render(&state, &who, opened, view).await)
}

fn push(draft: &mut Assistant, owner: &str, slot: &str, kind: Kind) -> Option<NodeId> {
    let id = place::fresh_id(draft, kind);
    match place::slot(draft, owner, slot)? {
        List::Triggers(list) => list.push(kind.trigger(id.clone())?),
        List::Actions(list) => list.push(kind.action(id.clone())?),
    }
    Some(id)
}

fn swap(list: List<'_>, from: usize, up: bool) -> bool {
    let Some(to) = (if up { from.checked_sub(1) } else { from.checked_add(1) }) else { return false };
    match list {
        List::Triggers(list) if to < list.len() => list.swap(from, to),
        List::Actions(list) if to < list.len() => list.swap(from, to),
        _ => return false,
    }
    true
}

/// Takes a node out of its list, unless it is permanent.
fn take(list: List<'_>, place: usize) -> bool {
    match list {
        List::Triggers(list) if list.get(place).is_some_and(|trigger| trigger.on != On::ChatStarted {}) => {
            list.remove(place);
        }
        List::Triggers(_) => return false,
        List::Actions(list) => {
            list.remove(place);
        }
    }
    true
}
