//! The live agent, who writes while things go wrong.

use std::{collections::BTreeMap, time::Duration};

use handoff_model::{ChannelId, ConversationId};

use crate::{
    auditor::TEAM,
    cluster::WEB,
    person::Door,
    plan::{Plan, Route},
};

/// Longest pause between two lines, in milliseconds.
const PAUSE: u64 = 20_000;

/// A line of the live agent's.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) text: String,
    /// How often a backup had been put back by then.
    pub(crate) life: u64,
    /// One had been that does not have the handoff, and the person had not asked again yet.
    pub(crate) of_nobody: bool,
}

/// What the live agent wrote to each person.
pub(crate) type Lines = BTreeMap<String, Vec<Written>>;

/// Writes for so long. A portal posts what its operators write once, and to whoever is down not at all; so there it
/// is written only when the storm is over.
pub(crate) async fn work(door: Door, plan: Plan) -> Lines {
    let (mut lines, mut left) = (Lines::new(), plan.storm);
    while plan.route == Route::Zendesk && !left.is_zero() {
        let pause = door.network.dice.ms(100..PAUSE);
        tokio::time::sleep(pause).await;
        left = left.checked_sub(pause).unwrap_or(Duration::ZERO);
        let name = format!("p{}", door.network.dice.within(0..plan.persons));
        let Ok(chats) = door.desk.chats_with(&format!("{name}-")) else { continue };
        let theirs = lines.entry(name.clone()).or_default();
        let text = format!("{name} {TEAM}, line {}.", theirs.len());
        for chat in chats.iter().take(1).filter(|chat| door.desk.is_heard(&chat.id)) {
            if door.desk.agent_writes(&chat.id, &text).await.is_ok() {
                door.network.story.tell(format_args!("the live agent writes {text:?}"));
                let conversation = ConversationId::derive(&ChannelId::new(WEB), &name);
                let (life, of_nobody) = (door.cluster.life(), door.cluster.forgot(&conversation));
                theirs.push(Written { text: text.clone(), life, of_nobody });
            }
        }
    }
    lines
}
