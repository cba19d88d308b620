//! `imopenlines.operator.*`: what a token's user does with a chat as one of the staff.

use serde_json::json;

use super::super::model::Holder;
use super::super::state::State;
use super::answer::{Error, Outcome, bad, ok};
use super::gate::Caller;
use super::params::Params;

/// `imopenlines.operator.transfer`.
pub(super) fn transfer(state: &mut State, _: Caller, params: Params) -> Outcome {
    let params = params.upper();
    let chat = chat(state, &params)?;
    let waits = matches!(state.holder(chat), Holder::Queue | Holder::Operator(_));
    let done = match (params.id("USER_ID"), params.id("QUEUE_ID")) {
        (Some(person), _) if waits => state.offer_to_person(chat, person),
        (None, Some(line)) if waits => state.transfer_to_line(chat, line),
        (None, None) => return Err(bad("TRANSFER_ID_EMPTY", "Transfer identifier is not specified")),
        _ => return Err(bad("OPERATOR_WRONG", "Wrong operator identifier")),
    };
    done.map_err(|_| bad("OPERATOR_WRONG", "Wrong operator identifier"))?;
    ok(json!(true))
}

/// `imopenlines.session.mode.silent`: operators write among themselves, or to the customer again.
pub(super) fn silent(state: &mut State, _: Caller, params: Params) -> Outcome {
    let params = params.upper();
    let id = chat(state, &params)?;
    if let Some(chat) = state.chats.get_mut(&id) {
        chat.silent = params.flag("ACTIVATE", false);
    }
    ok(json!(true))
}

/// `imopenlines.operator.another.finish`.
pub(super) fn another_finish(state: &mut State, _: Caller, params: Params) -> Outcome {
    let chat = chat(state, &params.upper())?;
    ok(json!(state.close(chat)))
}

fn chat(state: &State, params: &Params) -> Result<i64, Error> {
    let wanted = params.id("CHAT_ID").filter(|id| state.chats.contains_key(id));
    wanted.ok_or(bad("CHAT_ID", "Chat identifier is wrong"))
}
