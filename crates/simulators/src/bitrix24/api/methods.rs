//! The methods by name, with the scopes they need.

use super::super::state::State;
use super::answer::Outcome;
use super::gate::Caller;
use super::params::Params;
use super::{batch, bots, chats, connectors, dialogs, files, first_bots, handoffs, lines, operators, portal};

/// A method of the REST API.
pub(super) struct Method {
    pub(super) name: &'static str,
    /// All are needed; `a|b` means either.
    pub(super) scopes: &'static [&'static str],
    pub(super) run: fn(&mut State, Caller, Params) -> Outcome,
}

/// Finds a method; its name may be written in any case.
pub(super) fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name.eq_ignore_ascii_case(name))
}

/// The names of all methods.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    METHODS.iter().map(|method| method.name)
}

type Run = fn(&mut State, Caller, Params) -> Outcome;

const fn method(name: &'static str, scopes: &'static [&'static str], run: Run) -> Method {
    Method { name, scopes, run }
}

const NONE: &[&str] = &[];
const BOT: &[&str] = &["imbot"];
const LINES: &[&str] = &["imopenlines"];
const BOT_IN_LINES: &[&str] = &["imopenlines", "imbot"];
const CONNECTOR: &[&str] = &["imconnector", "imopenlines"];
const USER: &[&str] = &["user|user_brief|user_basic"];

static METHODS: [Method; 65] = [
    method("batch", NONE, batch::run),
    method("scope", NONE, portal::scope),
    method("server.time", NONE, portal::server_time),
    method("methods", NONE, portal::methods),
    method("method.get", NONE, portal::method_get),
    method("app.info", NONE, portal::app_info),
    method("event.bind", NONE, portal::event_bind),
    method("event.get", NONE, portal::event_get),
    method("event.unbind", NONE, portal::event_unbind),
    method("event.test", NONE, portal::event_test),
    method("user.current", USER, portal::user_current),
    method("user.get", USER, portal::user_get),
    method("imbot.v2.Revision.get", BOT, bots::revision),
    method("imbot.v2.Bot.register", BOT, bots::register),
    method("imbot.v2.Bot.update", BOT, bots::update),
    method("imbot.v2.Bot.get", BOT, bots::get),
    method("imbot.v2.Bot.list", BOT, bots::list),
    method("imbot.v2.Bot.unregister", BOT, bots::unregister),
    method("imbot.v2.Command.register", BOT, bots::command_register),
    method("imbot.v2.Event.get", BOT, bots::event_get),
    method("imbot.v2.Chat.get", BOT, chats::get),
    method("imbot.v2.Chat.leave", BOT, chats::leave),
    method("imbot.v2.Chat.User.list", BOT, chats::user_list),
    method("imbot.v2.Chat.Message.send", BOT, chats::message_send),
    method("imbot.v2.Chat.Message.get", BOT, chats::message_get),
    method("imbot.v2.Chat.Message.getContext", BOT, chats::message_get),
    method("imbot.v2.Chat.InputAction.notify", BOT, chats::input_action),
    method("imbot.v2.File.upload", BOT, files::upload),
    method("imbot.v2.File.download", BOT, files::download),
    method("imbot.register", BOT, first_bots::register),
    method("imbot.update", BOT, first_bots::update),
    method("imbot.unregister", BOT, first_bots::unregister),
    method("imbot.bot.list", BOT, first_bots::list),
    method("imbot.message.add", BOT, first_bots::message_add),
    method("imbot.chat.sendTyping", BOT, first_bots::typing),
    method("imbot.chat.leave", BOT, first_bots::leave),
    method("imbot.chat.user.list", BOT, first_bots::user_list),
    method("imbot.command.register", BOT, first_bots::command_register),
    method("imopenlines.bot.session.operator", BOT_IN_LINES, handoffs::operator),
    method("imopenlines.bot.session.transfer", BOT_IN_LINES, handoffs::transfer),
    method("imopenlines.bot.session.finish", BOT_IN_LINES, handoffs::finish),
    method("imopenlines.bot.session.message.send", BOT_IN_LINES, handoffs::message_send),
    method("imopenlines.dialog.get", LINES, dialogs::get),
    method("imopenlines.session.history.get", LINES, dialogs::history),
    method("imopenlines.config.list.get", LINES, lines::list),
    method("imopenlines.config.get", LINES, lines::get),
    method("imopenlines.config.add", LINES, lines::add),
    method("imopenlines.config.update", LINES, lines::update),
    method("imopenlines.config.delete", LINES, lines::delete),
    method("imopenlines.revision.get", LINES, lines::revision),
    method("imopenlines.operator.transfer", LINES, operators::transfer),
    method("imopenlines.operator.another.finish", LINES, operators::another_finish),
    method("imopenlines.session.mode.silent", LINES, operators::silent),
    method("imconnector.register", CONNECTOR, connectors::register),
    method("imconnector.unregister", CONNECTOR, connectors::unregister),
    method("imconnector.activate", CONNECTOR, connectors::activate),
    method("imconnector.connector.data.set", CONNECTOR, connectors::data_set),
    method("imconnector.status", CONNECTOR, connectors::status),
    method("imconnector.list", CONNECTOR, connectors::list),
    method("imconnector.send.messages", CONNECTOR, connectors::send_messages),
    method("imconnector.update.messages", CONNECTOR, connectors::update_messages),
    method("imconnector.delete.messages", CONNECTOR, connectors::delete_messages),
    method("imconnector.send.status.delivery", CONNECTOR, connectors::delivered),
    method("imconnector.send.status.reading", CONNECTOR, connectors::read),
    method("imconnector.chat.name.set", CONNECTOR, connectors::chat_name),
];
