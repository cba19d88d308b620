//! Asks before a chat leaves, and understands the answer.

use handoff_model::{Content, NodeId};

use super::{
    Effect,
    matching::normalise,
    run::{Next, Run},
};
use crate::{
    assistant::compile::{CompiledDo, CompiledHandOff, Place},
    handoff::consent::{Asked, Consent, MOST_QUESTIONS},
};

impl<'a> Run<'a> {
    /// Asks, and waits for the answer.
    pub(super) fn ask(&mut self, node: &NodeId, consent: &Consent, times: u8) -> Next {
        let quick_replies = vec![consent.yes.clone(), consent.no.clone()];
        let content = Content { text: consent.question.clone(), quick_replies, attachments: Vec::new() };
        self.effects.push(Effect::Say(content));
        self.memory.asked = Some(Asked { node: node.clone(), times });
        Next::Over
    }

    /// Takes a message for the answer to the question that is open; false when there is none.
    pub(super) fn answer(&mut self, text: &str) -> bool {
        let Some(Asked { node, times }) = self.memory.asked.take() else { return false };
        let Some((handoff, consent)) = self.asking(&node) else { return false };
        let said = normalise(text);
        let fits = |answer: &String| normalise(answer) == said;
        let answer = [&consent.yes, &consent.no].into_iter().find(|answer| fits(answer));
        if answer.is_none() && times < MOST_QUESTIONS {
            self.ask(&node, consent, times + 1);
            return true;
        }
        let given = answer == Some(&consent.yes);
        let question = consent.question.clone();
        self.effects.push(Effect::Consented { node: node.clone(), question, answer: answer.cloned(), given });
        if given {
            self.hand_off(&node, handoff);
        } else {
            self.list(handoff.refused, 0);
        }
        true
    }

    fn asking(&self, node: &NodeId) -> Option<(&'a CompiledHandOff, &'a Consent)> {
        let assistant = self.assistant;
        let Some(Place::Action(list, at, _)) = assistant.nodes.get(node) else { return None };
        let Some(CompiledDo::HandOff(handoff)) = &assistant.lists[*list][*at].does else { return None };
        Some((handoff, handoff.action.consent.as_ref()?))
    }
}
