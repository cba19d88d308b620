//! Installing the bot, checking the portal, and refusals that concern every call.

use handoff_sdk::{
    Advice, Connector,
    model::connector::{AskAvailability, Availability, Install},
};
use serde_json::{Value, json};

use crate::world::{bare, world};

async fn problems(world: &crate::world::World) -> Vec<(bool, String)> {
    let check = world.bitrix24.check(&world.host.cx()).await.unwrap();
    check
        .findings
        .into_iter()
        .map(|finding| (finding.only_a_warning, finding.problem + &finding.remedy))
        .collect()
}

#[tokio::test]
async fn installing_twice_registers_one_bot_and_changes_it_only_for_another_address() {
    let world = bare("", json!({})).await;
    world.install().await;
    world.install().await;
    assert_eq!(world.calls("imbot.v2.Bot.update").await, 1, "the first time nobody knows what it was told");
    let install = Install { webhook_url: format!("{}2", world.webhook_url), ..Install::default() };
    world.bitrix24.install(&world.host.cx(), install).await.unwrap();
    assert_eq!(world.calls("imbot.v2.Bot.update").await, 2);
    let bots = world.look("inspect").await["bots"].clone();
    let bots: Vec<&Value> = bots.as_object().unwrap().values().collect();
    assert_eq!(bots.len(), 1);
    assert_eq!(bots[0]["webhook_url"], format!("{}2", world.webhook_url));
}

#[tokio::test]
async fn an_installation_whose_answer_was_lost_is_repeated_without_a_second_bot() {
    let world = bare("", json!({})).await;
    world.fault("Bot.register", &json!("reset_after"), 1).await;
    let install = Install { webhook_url: world.webhook_url.clone(), ..Install::default() };
    let lost = world.bitrix24.install(&world.host.cx(), install).await.unwrap_err();
    assert_eq!(lost.advice(), Advice::LookFirst);
    world.install().await;
    let bots = world.look("inspect").await["bots"].clone();
    assert_eq!(bots.as_object().map(serde_json::Map::len), Some(1));
}

#[tokio::test]
async fn a_check_names_what_is_missing_and_changes_nothing() {
    let world = bare("--assign-bot false", json!({ "line": 31 })).await;
    let found = problems(&world).await;
    assert!(found.len() == 1 && !found[0].0 && found[0].1.contains("not registered"), "{found:?}");

    world.install().await;
    let found = problems(&world).await;
    assert!(found.iter().any(|(_, text)| text.contains("not chosen")), "{found:?}");
    assert!(found.iter().any(|(_, text)| text.contains("number 31")), "{found:?}");

    let fields = json!({ "WELCOME_BOT_ENABLE": "Y", "WELCOME_BOT_ID": 456, "WELCOME_BOT_LEFT": "close" });
    world.sim("line", json!({ "id": 22, "fields": fields, "queue": [] })).await;
    world.sim("line", json!({ "id": 31, "queue": [27] })).await;
    let found = problems(&world).await;
    for (only_a_warning, word) in [(true, "WELCOME_BOT_LEFT"), (true, "WELCOME_BOT_TIME"), (false, "QUEUE")] {
        assert!(
            found.iter().any(|(warns, text)| *warns == only_a_warning && text.contains(word)),
            "{found:?}"
        );
    }

    let fields = json!({ "WELCOME_BOT_LEFT": "queue", "WELCOME_BOT_TIME": "0" });
    world.sim("line", json!({ "id": 22, "fields": fields, "queue": [27] })).await;
    assert_eq!(problems(&world).await, []);
    assert_eq!(
        world.bitrix24.availability(&world.host.cx(), AskAvailability::default()).await.unwrap(),
        Availability::Yes
    );
    world.sim("operator/set", json!({ "operator": 27, "online": false })).await;
    assert_eq!(
        world.bitrix24.availability(&world.host.cx(), AskAvailability::default()).await.unwrap(),
        Availability::No
    );
}

#[tokio::test]
async fn refusals_of_every_call_are_told_apart() {
    let world = world("").await;
    let cases = [
        (json!({ "status": 401 }), Advice::Reauthorise),
        (json!({ "status": 403 }), Advice::Reauthorise),
        (json!({ "status": 500 }), Advice::Retry),
        (json!("html"), Advice::Retry),
        (json!("html_ok"), Advice::Retry),
        (json!("truncate"), Advice::Retry),
        (json!("reset_after"), Advice::Retry),
        (json!({ "status": 429, "retry_after": 3 }), Advice::RetryAfter(60_000)),
    ];
    for (kind, advice) in cases {
        world.fault("Revision.get", &kind, 1).await;
        let refused = world.bitrix24.check(&world.host.cx()).await.unwrap_err();
        assert_eq!(refused.advice(), advice, "{kind}: {refused}");
    }
    world.fault("Revision.get", &json!({ "status": 503 }), 1).await;
    let limited = world.bitrix24.check(&world.host.cx()).await.unwrap_err().advice();
    assert!(matches!(limited, Advice::RetryAfter(500..=1000)), "{limited:?}");

    world.sim("settings", json!({ "scope": "imbot" })).await;
    let found = problems(&world).await;
    assert!(matches!(&found[..], [(false, text)] if text.contains("imopenlines")), "{found:?}");
    world.sim("settings", json!({ "moved_to": "https://new.bitrix24.eu" })).await;
    let moved = world.bitrix24.check(&world.host.cx()).await.unwrap_err();
    assert_eq!(moved.advice(), Advice::GiveUp);
    assert!(moved.to_string().contains("new.bitrix24.eu"), "{moved}");
}

#[tokio::test]
async fn open_channels_and_operators_are_offered_as_choices() {
    let world = world("").await;
    world.sim("line", json!({ "id": 30, "fields": { "ACTIVE": "N" } })).await;
    let options = handoff_sdk::model::connector::Options { field: "line".into() };
    let choices = world.bitrix24.options(&world.host.cx(), options).await.unwrap();
    let choices: Vec<_> =
        choices.iter().map(|choice| (choice.value.as_str(), choice.label.as_str())).collect();
    assert_eq!(choices, [("22", "Support"), ("30", "Sales (switched off)")]);
    let options = handoff_sdk::model::connector::Options { field: "user".into() };
    let people = world.bitrix24.options(&world.host.cx(), options).await.unwrap();
    let people: Vec<_> = people.iter().map(|choice| choice.label.as_str()).collect();
    assert_eq!(people, ["Klaus Weber (Support)", "Maria Silva (Support, Sales)", "Olga Admin"]);
}

#[tokio::test]
async fn without_an_open_channel_of_its_own_somebody_is_there_where_the_bot_greets() {
    let world = world("").await;
    let there =
        async || world.bitrix24.availability(&world.host.cx(), AskAvailability::default()).await.unwrap();
    assert_eq!(there().await, Availability::Yes);
    for operator in [27, 103] {
        world.sim("operator/set", json!({ "operator": operator, "online": false })).await;
    }
    assert_eq!(there().await, Availability::No);
    world.sim("line", json!({ "id": 22, "fields": { "WELCOME_BOT_ENABLE": "N" } })).await;
    assert_eq!(there().await, Availability::Unknown);
}
