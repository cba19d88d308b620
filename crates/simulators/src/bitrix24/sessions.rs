//! The life of a session: a customer writes, a bot or the queue has it, an operator
//! accepts, somebody closes it. How it gets from the bot to people is in `handoff`.

use super::events;
use super::model::{Chat, File, Holder, Kind, Offer, Session, User};
use super::settings::JoinOrder;
use super::state::{Draft, FIRST_LINE, State, Timer};
use rand::RngExt;

/// Where a customer's message went.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    pub(super) chat: i64,
    pub(super) session: i64,
    pub(super) message: i64,
}

/// A file to be put into a chat.
#[derive(Debug, Clone)]
pub(super) struct NewFile {
    pub(super) name: String,
    pub(super) content: Vec<u8>,
}

impl State {
    /// A customer writes in the live chat: opens a session if there is none.
    pub(super) fn customer_writes(&mut self, person: &str, text: &str, file: Option<NewFile>) -> Written {
        let chat = self.chat_of(person);
        let joined = if self.open_session(chat).is_none() { self.start_session(chat) } else { None };
        let message_first = match self.settings.join_order {
            JoinOrder::Random => self.random.random_bool(0.5),
            JoinOrder::JoinFirst => false,
            JoinOrder::MessageFirst => true,
        };
        if let Some(bot) = joined.filter(|_| !message_first) {
            events::bot_joined(self, bot, chat);
        }
        let message = self.add_customer_message(chat, text, file);
        if let Some(bot) = joined.filter(|_| message_first) {
            events::bot_joined(self, bot, chat);
        }
        let session = self.chats.get(&chat).and_then(|chat| chat.sessions.last().copied()).unwrap_or(0);
        Written { chat, session, message }
    }

    fn add_customer_message(&mut self, chat: i64, text: &str, file: Option<NewFile>) -> i64 {
        let customer = self.chats.get(&chat).map_or(0, |chat| chat.customer);
        let files = file.map(|file| self.add_file(chat, customer, file)).into_iter().collect();
        let held_by_bot = matches!(self.holder(chat), Holder::Bot(_));
        let wants_person = self.settings.zero_hands_over && held_by_bot && text.trim() == "0";
        let draft = Draft { files, hidden_from_bots: wants_person, ..Draft::says(customer, text) };
        let message = self.add_message(chat, draft);
        self.greet(chat, message);
        if wants_person {
            self.take_from_bot(chat);
        }
        message
    }

    /// The line's greeting, after the first message of a session.
    pub(super) fn greet(&mut self, chat: i64, message: i64) {
        let Some(entry) = self.chats.get(&chat) else { return };
        let Some(newest) = entry.sessions.last().copied() else { return };
        let is_first = entry
            .messages
            .iter()
            .find(|known| known.session == newest)
            .is_some_and(|known| known.id == message);
        let Some(line) = self.lines.get(&entry.line).filter(|line| line.is_on("WELCOME_MESSAGE")) else {
            return;
        };
        let text = line.text("WELCOME_MESSAGE_TEXT").to_owned();
        if is_first && !text.is_empty() {
            self.add_message(chat, Draft::system(&text, true));
        }
    }

    /// Keeps a file's content. Returns its id.
    pub(super) fn add_file(&mut self, chat: i64, author: i64, file: NewFile) -> i64 {
        self.ids.file += 1;
        let NewFile { name, content } = file;
        let entry = File { id: self.ids.file, chat, author, name, at_ms: self.now_ms, content };
        self.files.insert(entry.id, entry);
        self.ids.file
    }

    /// The customer's chat in the first line, made on first use.
    fn chat_of(&mut self, person: &str) -> i64 {
        if let Some(customer) = self.persons.get(person) {
            let known = self.chats.values().find(|chat| chat.customer == *customer);
            return known.map_or(0, |chat| chat.id);
        }
        self.ids.user += 1;
        self.ids.chat += 2;
        let (customer, id) = (self.ids.user, self.ids.chat);
        let user = User {
            id: customer,
            first_name: person.to_owned(),
            last_name: String::new(),
            kind: Kind::Customer,
            online: true,
            accepts_after: None,
        };
        self.users.insert(customer, user);
        self.persons.insert(person.to_owned(), customer);
        let line = self.lines.get(&FIRST_LINE).map_or("", |line| line.text("LINE_NAME"));
        let name = format!("{person} - {line}");
        self.chats.insert(id, Chat::new(id, person, customer, name, self.now_ms));
        id
    }

    /// Begins a session in the line the customer writes in. Returns the bot that joined.
    pub(super) fn start_session(&mut self, chat: i64) -> Option<i64> {
        self.ids.session += 1;
        let id = self.ids.session;
        let entry = self.chats.get_mut(&chat)?;
        entry.line = entry.home_line;
        let line = self.lines.get(&entry.line)?;
        let greets_now = entry.sessions.is_empty() || line.text("WELCOME_BOT_JOIN") != "first";
        let bot = line.welcome_bot().filter(|bot| greets_now && self.bots.contains_key(bot));
        let bot_time = line.number("WELCOME_BOT_TIME");
        entry.sessions.push(id);
        entry.members.insert(entry.customer);
        entry.members.extend(bot);
        let holder = bot.map_or(Holder::Queue, Holder::Bot);
        let (opened, creates) =
            (entry.line, line.is_on("CRM").then(|| line.text("CRM_CREATE").to_uppercase()));
        if let Some(kind) = creates.filter(|kind| ["LEAD", "DEAL"].contains(&kind.as_str())) {
            entry.crm = entry.crm.take().or(Some((kind, 1_000 + id)));
        }
        self.sessions.insert(id, Session::new(id, chat, opened, holder, self.now_ms));
        match bot {
            Some(_) if bot_time > 0 => self.after(bot_time as f64, Timer::BotTime { session: id }),
            Some(_) => {}
            None => self.offer_next(id),
        }
        bot
    }

    /// An operator presses Answer on a waiting session.
    pub(super) fn accept(&mut self, chat: i64, operator: i64) -> Result<(), String> {
        if !self.users.get(&operator).is_some_and(User::is_staff) {
            return Err(format!("User {operator} is no operator."));
        }
        match self.holder(chat) {
            Holder::Queue => self.seat(chat, operator),
            Holder::Bot(bot) => {
                return Err(format!("Bot {bot} holds chat {chat}, there is nothing to accept."));
            }
            Holder::Operator(other) => return Err(format!("Operator {other} has chat {chat} already.")),
            Holder::Closed => return Err(format!("Chat {chat} has no open session.")),
        }
        Ok(())
    }

    /// An operator takes the chat over, whoever holds it.
    pub(super) fn intercept(&mut self, chat: i64, operator: i64) -> Result<(), String> {
        if !self.users.get(&operator).is_some_and(User::is_staff) {
            return Err(format!("User {operator} is no operator."));
        }
        if self.holder(chat) == Holder::Closed {
            return Err(format!("Chat {chat} has no open session."));
        }
        if let Holder::Bot(bot) = self.holder(chat) {
            self.let_bot_go(chat, bot);
        }
        self.seat(chat, operator);
        Ok(())
    }

    fn seat(&mut self, chat: i64, operator: i64) {
        let Some(id) = self.open_session(chat).map(|session| session.id) else { return };
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.holder = Holder::Operator(operator);
        session.offer = Offer { round: session.offer.round + 1, ..Offer::default() };
        let leaving = session.leaves_at_accept.take();
        if let Some(entry) = self.chats.get_mut(&chat) {
            entry.owner = operator;
            entry.members.insert(operator);
            leaving.map(|bot| entry.members.remove(&bot));
        }
        let name = self.name_of(operator);
        self.add_note(chat, &format!("{name} began to work with the conversation."));
    }

    /// An operator writes to the customer.
    pub(super) fn operator_writes(
        &mut self,
        chat: i64,
        operator: i64,
        text: &str,
        file: Option<NewFile>,
    ) -> Result<i64, String> {
        if self.holder(chat) != Holder::Operator(operator) {
            return Err(format!("Operator {operator} does not have chat {chat}; accept it first."));
        }
        let files = file.map(|file| self.add_file(chat, operator, file)).into_iter().collect();
        let silent = self.chats.get(&chat).is_some_and(|chat| chat.silent);
        let draft = Draft { files, reaches_customer: !silent, ..Draft::says(operator, text) };
        Ok(self.add_message(chat, draft))
    }

    /// Ends the open session: everybody but the customer leaves.
    pub(super) fn close(&mut self, chat: i64) -> bool {
        let Some(id) = self.open_session(chat).map(|session| session.id) else { return false };
        self.add_note(chat, "The conversation is finished.");
        if let Some(session) = self.sessions.get_mut(&id) {
            session.holder = Holder::Closed;
            session.closed_ms = Some(self.now_ms);
            session.offer = Offer { round: session.offer.round + 1, ..Offer::default() };
        }
        if let Some(entry) = self.chats.get_mut(&chat) {
            entry.owner = 0;
            entry.silent = false;
            let customer = entry.customer;
            entry.members.retain(|member| *member == customer);
        }
        self.tell_connector_of_session(chat, "ONIMCONNECTORDIALOGFINISH", "Y");
        true
    }
}

impl Chat {
    pub(super) fn new(id: i64, person: &str, customer: i64, name: String, now_ms: i64) -> Self {
        Self {
            id,
            person: person.to_owned(),
            customer,
            name,
            outside: id - 1,
            home_line: FIRST_LINE,
            line: FIRST_LINE,
            members: [customer].into(),
            owner: 0,
            sessions: Vec::new(),
            messages: Vec::new(),
            created_ms: now_ms,
            handoff_calls: 0,
            auto_handoffs: 0,
            input_actions: 0,
            silent: false,
            outside_of: None,
            crm: None,
        }
    }
}

impl Session {
    fn new(id: i64, chat: i64, line: i64, holder: Holder, now_ms: i64) -> Self {
        let offer = Offer::default();
        Self { id, chat, line, holder, leaves_at_accept: None, offer, created_ms: now_ms, closed_ms: None }
    }
}
