//! Open channels and their live agents.

use handoff_sdk::{
    ConnectorError, Result,
    model::connector::{Availability, Choice},
};
use serde_json::{Value, json};

use crate::{answer::Failure, bot, bridge, checkpoint::choice, client::Client, wire};

/// Rows on a page of `user.get`, and how many pages are read at most.
const PAGE: usize = 50;
const MOST_PAGES: usize = 6;

/// An open channel, as far as it matters to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) is_active: bool,
    /// The chat bot that greets, if one is switched on.
    pub(crate) bot: Option<u64>,
    /// The bot stays in the chat until it is closed.
    pub(crate) bot_stays: bool,
    /// Seconds after which the platform passes the chat on by itself.
    pub(crate) bot_time: Option<u64>,
    /// How many live agents are in the queue.
    pub(crate) live_agents: usize,
}

/// One open channel, if there is such a one. `offline` counts live agents who are not there, too.
pub(crate) async fn get(client: &Client<'_>, id: u64, offline: bool) -> Result<Option<Line>, Failure> {
    let offline = if offline { "Y" } else { "N" };
    let body = json!({ "CONFIG_ID": id, "WITH_QUEUE": "Y", "SHOW_OFFLINE": offline });
    let found = client.read("imopenlines.config.get", &body).await?;
    Ok(found.is_object().then(|| line(id, &found)))
}

/// Every open channel with these members, and with its queue where that is wanted.
async fn listed(client: &Client<'_>, select: &[&str], with_queue: bool) -> Result<Vec<Value>, Failure> {
    let queue = if with_queue { "Y" } else { "N" };
    let wishes = json!({ "select": select, "order": { "ID": "ASC" }, "limit": 200 });
    let body = json!({ "PARAMS": wishes, "OPTIONS": { "QUEUE": queue } });
    let found = client.read("imopenlines.config.list.get", &body).await?;
    Ok(wire::items(&found).into_iter().cloned().collect())
}

/// Number and name of every open channel.
pub(crate) async fn list(client: &Client<'_>) -> Result<Vec<(u64, String)>, Failure> {
    let found = listed(client, &["ID", "LINE_NAME"], false).await?;
    let named = |line: &Value| Some((wire::id(&line["ID"])?, wire::text(&line["LINE_NAME"]).to_owned()));
    Ok(found.iter().filter_map(named).collect())
}

/// Most open channels that are asked whether somebody is there.
const MOST_ASKED: usize = 5;

/// Whether somebody is there: in the open channel that the author chose, or that of the settings, or else in one in
/// which our bot greets. Whether one certain operator is there is not asked: the chat goes to the queue when they are not.
pub(crate) async fn availability(client: &Client<'_>, options: &Value) -> Result<Availability> {
    let asked = match choice(options, "line")?.or(client.portal.settings.line) {
        Some(id) => vec![id],
        None => greeted(client).await?,
    };
    let (mut known, mut somebody) = (false, false);
    for id in asked.into_iter().take(MOST_ASKED) {
        if let Some(line) = get(client, id, false).await? {
            known = true;
            somebody |= line.is_active && line.live_agents > 0;
        }
    }
    Ok(match (known, somebody) {
        (false, _) => Availability::Unknown,
        (true, true) => Availability::Yes,
        (true, false) => Availability::No,
    })
}

/// Active open channels in which our bot greets.
async fn greeted(client: &Client<'_>) -> Result<Vec<u64>> {
    if !client.portal.settings.native {
        return Ok(Vec::new());
    }
    let bot = bot::number(client).await?;
    let found = listed(client, &["ID", "ACTIVE", "WELCOME_BOT_ENABLE", "WELCOME_BOT_ID"], false).await?;
    let ours = |row: &Value| {
        let id = wire::id(&row["ID"])?;
        let line = line(id, row);
        (line.is_active && line.bot == Some(bot)).then_some(id)
    };
    Ok(found.iter().filter_map(ours).collect())
}

/// Choices for a field that names an open channel or a live agent.
pub(crate) async fn choices(client: &Client<'_>, field: &str) -> Result<Vec<Choice>> {
    let choice = |value: String, label: String| Choice { value, label };
    match field {
        "line" => {
            let named = |row: Row| {
                let label = if row.is_active { row.name } else { format!("{} (switched off)", row.name) };
                choice(row.id.to_string(), label)
            };
            Ok(rows(client).await?.into_iter().map(named).collect())
        }
        "user" => Ok(people(client).await?),
        _ => Err(ConnectorError::Unsupported { verb: format!("options for {field}") }),
    }
}

/// An open channel in the list of all.
struct Row {
    id: u64,
    name: String,
    is_active: bool,
    queue: Vec<u64>,
}

async fn rows(client: &Client<'_>) -> Result<Vec<Row>, Failure> {
    let found = listed(client, &["ID", "LINE_NAME", "ACTIVE"], true).await?;
    let row = |row: &Value| {
        Some(Row {
            id: wire::id(&row["ID"])?,
            name: wire::text(&row["LINE_NAME"]).to_owned(),
            is_active: row["ACTIVE"].is_null() || wire::is_yes(&row["ACTIVE"]),
            queue: wire::items(&row["QUEUE"]).into_iter().filter_map(wire::id).collect(),
        })
    };
    Ok(found.iter().filter_map(row).collect())
}

/// Everybody who works on the portal, as far as it is not too large: those first who are in a queue, with its open
/// channels behind their names.
async fn people(client: &Client<'_>) -> Result<Vec<Choice>, Failure> {
    let lines = rows(client).await?;
    let (mut operators, mut others) = (Vec::new(), Vec::new());
    for (id, name) in employees(client).await? {
        let of = lines.iter().filter(|line| line.queue.contains(&id)).map(|line| line.name.as_str());
        let of = of.collect::<Vec<_>>().join(", ");
        let (list, label) =
            if of.is_empty() { (&mut others, name) } else { (&mut operators, format!("{name} ({of})")) };
        list.push(Choice { value: id.to_string(), label });
    }
    operators.extend(others);
    Ok(operators)
}

/// Number and name of everybody who works on the portal.
async fn employees(client: &Client<'_>) -> Result<Vec<(u64, String)>, Failure> {
    let mut found = Vec::new();
    for page in 0..MOST_PAGES {
        let body = json!({ "FILTER": { "ACTIVE": true, "USER_TYPE": "employee" }, "start": page * PAGE });
        let rows = client.read("user.get", &body).await?;
        let rows = wire::items(&rows);
        let last = rows.len() < PAGE;
        let named = rows.into_iter().filter_map(|row| Some((wire::id(&row["ID"])?, bridge::full_name(row))));
        found.extend(named);
        if last {
            break;
        }
    }
    Ok(found)
}

fn line(id: u64, found: &Value) -> Line {
    Line {
        id,
        name: wire::text(&found["LINE_NAME"]).to_owned(),
        is_active: found["ACTIVE"].is_null() || wire::is_yes(&found["ACTIVE"]),
        bot: wire::id(&found["WELCOME_BOT_ID"]).filter(|_| wire::is_yes(&found["WELCOME_BOT_ENABLE"])),
        bot_stays: wire::text(&found["WELCOME_BOT_LEFT"]).eq_ignore_ascii_case("close"),
        bot_time: wire::id(&found["WELCOME_BOT_TIME"]),
        live_agents: wire::items(&found["QUEUE"]).len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_channel_is_read_from_strings() {
        let found = json!({
            "ID": "22", "LINE_NAME": "Support", "ACTIVE": "Y", "WELCOME_BOT_ENABLE": "Y", "WELCOME_BOT_ID": "456",
            "WELCOME_BOT_LEFT": "close", "WELCOME_BOT_TIME": "600", "QUEUE": ["27", "103"], "DATE_CREATE": {},
        });
        let expected = Line {
            id: 22,
            name: "Support".into(),
            is_active: true,
            bot: Some(456),
            bot_stays: true,
            bot_time: Some(600),
            live_agents: 2,
        };
        assert_eq!(line(22, &found), expected);
    }

    #[test]
    fn a_bot_that_is_switched_off_is_none() {
        let found = json!({ "WELCOME_BOT_ENABLE": "N", "WELCOME_BOT_ID": "456", "WELCOME_BOT_TIME": "0", "QUEUE": [] });
        let read = line(22, &found);
        assert_eq!((read.bot, read.bot_time, read.live_agents, read.bot_stays), (None, None, 0, false));
    }
}
