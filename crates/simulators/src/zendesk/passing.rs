//! The switchboard of a conversation: who is in control, who is offered it, and how that changes.

use serde_json::{Map, Value, json};

use super::auth::Caller;
use super::options::BadTarget;
use super::problem::Problem;
use super::world::World;

/// Why a target names no switchboard integration.
const INVALID_TARGET: (&str, &str) = ("switchboard_invalid_target", "Switchboard invalid target");

impl World {
    /// Puts the target in control. Passing to the one in control changes nothing.
    pub(super) fn pass_control(
        &mut self,
        conversation: &str,
        caller: Option<&Caller>,
        target: &str,
        metadata: Map<String, Value>,
    ) -> Result<(), Problem> {
        let former = self.conversation(conversation)?.active.clone();
        let Some(target) = self.target(target, caller, former.as_deref()) else {
            return self.bad_target("switchboard:passControl:failure", conversation, caller, &metadata);
        };
        if former.as_ref() != Some(&target) {
            self.hand_over(conversation, target, metadata, None);
        }
        Ok(())
    }

    /// Makes the target pending, in place of an earlier one.
    pub(super) fn offer_control(
        &mut self,
        conversation: &str,
        caller: Option<&Caller>,
        target: &str,
        metadata: Map<String, Value>,
    ) -> Result<(), Problem> {
        const FAILURE: &str = "switchboard:offerControl:failure";
        let active = self.conversation(conversation)?.active.clone();
        let Some(target) = self.target(target, caller, active.as_deref()) else {
            return self.bad_target(FAILURE, conversation, caller, &metadata);
        };
        if active.as_ref() == Some(&target) {
            let error = (INVALID_TARGET.0, "Cannot offer control to the active switchboard integration.");
            self.fail(FAILURE, conversation, caller, error, &metadata);
            return Ok(());
        }
        self.conversation(conversation)?.pending = Some(target);
        self.emit("switchboard:offerControl", conversation, &[], with_metadata(json!({}), metadata));
        Ok(())
    }

    /// Puts the pending one in control.
    pub(super) fn accept_control(
        &mut self,
        conversation: &str,
        caller: &Caller,
        metadata: Map<String, Value>,
    ) -> Result<(), Problem> {
        let found = self.conversation(conversation)?;
        let (former, pending) = (found.active.clone(), found.pending.clone());
        self.only_if_caller_is(caller, pending.as_deref())?;
        let Some(pending) = pending else {
            let error = ("switchboard_invalid_action", "There is no pendingSwitchboardIntegration");
            self.fail("switchboard:acceptControl:failure", conversation, Some(caller), error, &metadata);
            return Ok(());
        };
        let found = self.conversation(conversation)?;
        (found.active, found.pending) = (Some(pending.clone()), None);
        self.ticket_on_pass(conversation, &pending, &metadata);
        let also = self.former_hears(former);
        self.emit("switchboard:acceptControl", conversation, &also, with_metadata(json!({}), metadata));
        Ok(())
    }

    /// Leaves nobody in control; the default is chosen again at the next activity.
    pub(super) fn release_control(
        &mut self,
        conversation: &str,
        caller: &Caller,
        metadata: Map<String, Value>,
    ) -> Result<(), Problem> {
        let active = self.conversation(conversation)?.active.clone();
        self.only_if_caller_is(caller, active.as_deref())?;
        self.let_go(conversation, metadata, None);
        Ok(())
    }

    /// Takes control from everybody, as a release or the end of a ticket does.
    pub(super) fn let_go(&mut self, conversation: &str, metadata: Map<String, Value>, reason: Option<&str>) {
        let Ok(found) = self.conversation(conversation) else { return };
        let former = [found.active.take(), found.pending.take()];
        let former: Vec<String> = former.into_iter().flatten().collect();
        if !former.is_empty() {
            let payload = with_reason(with_metadata(json!({}), metadata), reason);
            self.emit("switchboard:releaseControl", conversation, &former, payload);
        }
    }

    /// Puts `target` in control and tells those concerned.
    pub(super) fn hand_over(
        &mut self,
        conversation: &str,
        target: String,
        metadata: Map<String, Value>,
        reason: Option<&str>,
    ) {
        let clears = self.options.pass_clears_pending;
        let Ok(found) = self.conversation(conversation) else { return };
        let former = found.active.replace(target.clone());
        let mut also = found.pending.clone().into_iter().collect::<Vec<_>>();
        if clears || found.pending.as_ref() == Some(&target) {
            found.pending = None;
        }
        self.ticket_on_pass(conversation, &target, &metadata);
        also.extend(self.former_hears(former));
        let payload = with_reason(with_metadata(json!({}), metadata), reason);
        self.emit("switchboard:passControl", conversation, &also, payload);
    }

    /// At activity without anybody in control, chooses the channel's responder or the default.
    /// Says whether somebody was chosen.
    pub(super) fn wake_default(&mut self, conversation: &str) -> bool {
        let Ok(found) = self.conversation(conversation) else { return false };
        let (idle, channel) = (found.active.is_none(), found.channel.clone());
        let Some(switchboard) = self.switchboard.as_ref().filter(|switchboard| idle && switchboard.enabled)
        else {
            return false;
        };
        let default = switchboard.default.clone();
        let own = self.integrations.iter().find(|integration| Some(&integration.id) == channel.as_ref());
        let chosen = own.and_then(|channel| channel.default_responder.clone()).or(default);
        let woken = chosen.is_some();
        if let Ok(found) = self.conversation(conversation) {
            found.active = chosen;
        }
        woken
    }

    /// A target by id, then name, then type; an ambiguous type is none. `next` is the caller's next
    /// when the key tells who calls, else the active one's: a repeated call then advances again.
    fn target(&self, target: &str, caller: Option<&Caller>, active: Option<&str>) -> Option<String> {
        let members = &self.switchboard.as_ref().filter(|switchboard| switchboard.enabled)?.integrations;
        if target == "next" {
            let calling = caller.and_then(Caller::integration).and_then(|id| self.member_of(id));
            return calling.or_else(|| self.member(active?))?.next.clone();
        }
        let by_name =
            members.iter().find(|m| m.id == target).or_else(|| members.iter().find(|m| m.name == target));
        if let Some(member) = by_name {
            return Some(member.id.clone());
        }
        let mut by_type = members.iter().filter(|member| member.integration_type == target);
        match (by_type.next(), by_type.next()) {
            (Some(member), None) => Some(member.id.clone()),
            _ => None,
        }
    }

    fn bad_target(
        &mut self,
        event: &str,
        conversation: &str,
        caller: Option<&Caller>,
        metadata: &Map<String, Value>,
    ) -> Result<(), Problem> {
        match self.options.bad_target {
            BadTarget::Http400 => Err(Problem::bad_request(INVALID_TARGET.1)),
            BadTarget::Http200ThenFailureEvent => {
                self.fail(event, conversation, caller, INVALID_TARGET, metadata);
                Ok(())
            }
        }
    }

    /// A failure is told to those in control and to the caller, as far as the key tells who calls.
    /// An app key may be anybody's, so then every custom integration hears of it.
    fn fail(
        &mut self,
        event: &str,
        conversation: &str,
        caller: Option<&Caller>,
        (code, message): (&str, &str),
        metadata: &Map<String, Value>,
    ) {
        let calling = caller.and_then(Caller::integration).and_then(|id| self.member_of(id));
        let also = match calling {
            Some(member) => vec![member.id.clone()],
            None => self.custom_members(),
        };
        let payload = json!({ "error": { "code": code, "message": message } });
        self.emit(event, conversation, &also, with_metadata(payload, metadata.clone()));
    }

    fn custom_members(&self) -> Vec<String> {
        let members = self.switchboard.iter().flat_map(|switchboard| &switchboard.integrations);
        members.filter(|member| member.integration_type == "custom").map(|member| member.id.clone()).collect()
    }

    fn only_if_caller_is(&self, caller: &Caller, wanted: Option<&str>) -> Result<(), Problem> {
        let Some(integration) = caller.integration() else { return Ok(()) };
        match self.member_of(integration) {
            Some(member) if Some(member.id.as_str()) == wanted => Ok(()),
            _ => Err(Problem::forbidden()),
        }
    }

    fn former_hears(&self, former: Option<String>) -> Vec<String> {
        if self.options.former_active_hears { former.into_iter().collect() } else { Vec::new() }
    }
}

fn with_metadata(mut payload: Value, metadata: Map<String, Value>) -> Value {
    if !metadata.is_empty() {
        payload["metadata"] = Value::Object(metadata);
    }
    payload
}

fn with_reason(mut payload: Value, reason: Option<&str>) -> Value {
    if let Some(reason) = reason {
        payload["reason"] = json!(reason);
    }
    payload
}
