//! Taking back what a refused transfer left in an open channel.

use handoff_sdk::{
    Result,
    model::connector::{Withdraw, Withdrawn},
};
use serde_json::json;

use super::mark::{self, Mark};
use crate::{answer::Failure, client::Client};

/// Finishes the session, so that nobody answers into it. What was sent cannot be taken back.
pub(crate) async fn withdraw(client: &Client<'_>, withdraw: &Withdraw) -> Result<Withdrawn> {
    let marked = Mark::of(&withdraw.transfer).and_then(|mark| mark.place);
    let place = match marked {
        Some(place) => Some(place),
        None => mark::place(client.cx, withdraw.transfer.key.as_str()).await?,
    };
    let Some(place) = place else {
        return Ok(said("nothing is known to have reached the open channel".to_owned()));
    };
    let body = json!({ "CHAT_ID": place.chat });
    match client.act("imopenlines.operator.another.finish", &body).await {
        Ok(_) => Ok(said(format!("the session {} was finished; what was sent stays in it", place.session))),
        Err(Failure::Said { words, .. }) => {
            Ok(said(format!("the session {} could not be finished: {words}", place.session)))
        }
        Err(Failure::Failed(error)) => Err(error),
    }
}

fn said(remark: String) -> Withdrawn {
    Withdrawn { remarks: vec![remark] }
}
