//! From the bot to people: by the bot's own call, by the platform, by the customer.

use super::model::{Holder, Offer};
use super::settings::LeaveN;
use super::state::State;

/// Why a chat stays where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stays {
    /// No bot holds it.
    NoBot,
    /// The target cannot take it.
    BadTarget,
}

impl State {
    /// `bot.session.operator`: the bot gives the chat to its line's queue.
    pub(super) fn give_to_queue(&mut self, chat: i64) -> Result<(), Stays> {
        // As the platform does: an idle chat gets a session just to be handed over.
        if self.chats.contains_key(&chat) && self.open_session(chat).is_none() {
            self.start_session(chat);
            if self.holder(chat) == Holder::Queue {
                self.count_call(chat);
                self.add_note(chat, "The conversation was directed to the queue.");
                return Ok(());
            }
        }
        let Holder::Bot(bot) = self.holder(chat) else { return Err(Stays::NoBot) };
        self.count_call(chat);
        self.move_to_queue(chat, bot);
        Ok(())
    }

    /// The platform itself takes a chat from its bot.
    pub(super) fn take_from_bot(&mut self, chat: i64) {
        let Holder::Bot(bot) = self.holder(chat) else { return };
        if let Some(entry) = self.chats.get_mut(&chat) {
            entry.auto_handoffs += 1;
        }
        self.move_to_queue(chat, bot);
    }

    /// `bot.session.transfer` to a person, who is offered the session first.
    ///
    /// Nobody asks whether that person is there. A chat that an operator has accepted is refused.
    pub(super) fn transfer_to_person(
        &mut self,
        chat: i64,
        bot: i64,
        person: i64,
        leave: bool,
    ) -> Result<(), Stays> {
        let is_staff = self.users.get(&person).is_some_and(super::model::User::is_staff);
        if !is_staff || !matches!(self.holder(chat), Holder::Bot(_) | Holder::Queue) {
            return Err(Stays::BadTarget);
        }
        let id = self.wait_for_people(chat);
        self.count_call(chat);
        if leave {
            self.remove_member(chat, bot);
        } else if self.settings.leave_n == LeaveN::AtAccept
            && let Some(session) = self.sessions.get_mut(&id)
        {
            session.leaves_at_accept = Some(bot);
        }
        let name = self.name_of(person);
        self.add_note(chat, &format!("The conversation was directed to {name}."));
        self.offer(id, vec![person]);
        self.expire_offer(id);
        Ok(())
    }

    /// `operator.transfer` to a person, who is offered the session first. Nobody asks whether they are there.
    pub(super) fn offer_to_person(&mut self, chat: i64, person: i64) -> Result<(), Stays> {
        if !self.users.get(&person).is_some_and(super::model::User::is_staff) {
            return Err(Stays::BadTarget);
        }
        let id = self.wait_for_people(chat);
        let name = self.name_of(person);
        self.add_note(chat, &format!("The conversation was directed to {name}."));
        self.offer(id, vec![person]);
        self.expire_offer(id);
        Ok(())
    }

    /// `bot.session.transfer` to another line, whose queue begins anew. The bot stays.
    pub(super) fn transfer_to_line(&mut self, chat: i64, line: i64) -> Result<(), Stays> {
        let movable = matches!(self.holder(chat), Holder::Bot(_) | Holder::Queue);
        let Some(name) = self.lines.get(&line).map(|line| line.text("LINE_NAME").to_owned()) else {
            return Err(Stays::BadTarget);
        };
        if !movable {
            return Err(Stays::BadTarget);
        }
        let id = self.wait_for_people(chat);
        self.count_call(chat);
        if let Some(entry) = self.chats.get_mut(&chat) {
            entry.line = line;
        }
        if let Some(session) = self.sessions.get_mut(&id) {
            session.line = line;
        }
        self.add_note(chat, &format!("The conversation was directed to {name}."));
        self.offer_next(id);
        Ok(())
    }

    fn move_to_queue(&mut self, chat: i64, bot: i64) {
        let id = self.wait_for_people(chat);
        self.let_bot_go(chat, bot);
        self.add_note(chat, "The conversation was directed to the queue.");
        self.offer_next(id);
    }

    /// Takes the session from whoever holds it. Returns its id.
    fn wait_for_people(&mut self, chat: i64) -> i64 {
        let Some(id) = self.open_session(chat).map(|session| session.id) else { return 0 };
        if let Some(session) = self.sessions.get_mut(&id) {
            session.holder = Holder::Queue;
            session.offer = Offer { round: session.offer.round + 1, ..Offer::default() };
        }
        if let Some(entry) = self.chats.get_mut(&chat) {
            entry.owner = 0;
        }
        id
    }

    /// Removes the bot, unless its line keeps it until the close.
    pub(super) fn let_bot_go(&mut self, chat: i64, bot: i64) {
        let line = self.chats.get(&chat).and_then(|chat| self.lines.get(&chat.line));
        if line.is_none_or(|line| line.text("WELCOME_BOT_LEFT") != "close") {
            self.remove_member(chat, bot);
        }
    }

    /// Takes a member out of a chat; false if it was none.
    pub(super) fn remove_member(&mut self, chat: i64, member: i64) -> bool {
        self.chats.get_mut(&chat).is_some_and(|chat| chat.members.remove(&member))
    }

    fn count_call(&mut self, chat: i64) {
        if let Some(entry) = self.chats.get_mut(&chat) {
            entry.handoff_calls += 1;
        }
    }
}
