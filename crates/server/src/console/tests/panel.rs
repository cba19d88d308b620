//! The External Handoff panel: what can be chosen, saved, refused.

use axum::http::StatusCode;
use handoff_model::{AssistantId, Plan};
use serde_json::{Value, json};

use super::desk::{Answer, Desk};

const NODE: &str = "/console/assistants/support?node=out";

async fn desk(plan: Plan) -> Desk {
    let desk = Desk::signed_in(plan).await;
    desk.draft(&json!({
        "format": 1, "id": "support", "name": "Support", "triggers": [{
            "id": "start", "on": {"event": "chat_started"},
            "actions": [{"id": "out", "action": "external_handoff", "platform": null}],
        }],
    }))
    .await;
    desk
}

async fn save(desk: &Desk, fields: &[(&str, &str)]) -> Answer {
    let page = desk.get(NODE).await;
    let fields = [&[("node", "out"), ("enabled", "yes")], fields].concat();
    desk.submit(&page, "/console/assistants/support/save", &fields).await
}

/// The action as it is stored.
async fn stored(desk: &Desk) -> Value {
    let row = desk.runtime.store().assistant(&AssistantId::new("support")).await.unwrap().unwrap();
    let draft: Value = serde_json::from_str(&row.draft).unwrap();
    draft["triggers"][0]["actions"][0].clone()
}

#[tokio::test]
async fn save_keeps_the_platform_and_says_so() {
    let desk = desk(Plan::Total).await;
    let saved = save(&desk, &[("platform", "zendesk")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.html);
    let page = desk.get(saved.to().split('#').next().unwrap()).await;
    assert!(page.html.contains("role=\"status\">Saved<"), "{}", page.html);
    assert!(page.html.contains("<option value=\"zendesk\" selected>"));
    assert_eq!(stored(&desk).await["platform"], "zendesk");
}

#[tokio::test]
async fn platforms_that_cannot_be_chosen_are_greyed_with_the_reason() {
    let desk = desk(Plan::Total).await;
    let page = desk.get(NODE).await;
    assert!(page.html.contains("<option value=\"zendesk\">Zendesk</option>"), "{}", page.html);
    let greyed = [
        "<option value=\"bitrix24\" disabled>Bitrix24 (needs the Enterprise plan)</option>",
        "<option value=\"genesys\" disabled>Genesys (its connector is not loaded)</option>",
    ];
    for option in greyed {
        assert!(page.html.contains(option), "{option} in {}", page.html);
    }
    let free = Desk::signed_in(Plan::Free).await;
    free.draft(&json!({"format": 1, "id": "support", "name": "Support", "triggers": [{
        "id": "start", "on": {"event": "chat_started"},
        "actions": [{"id": "out", "action": "external_handoff", "platform": null}]}]}))
        .await;
    let page = free.get(NODE).await;
    assert!(page.html.contains("<option value=\"zendesk\" disabled>Zendesk (needs the Total plan)</option>"));
}

#[tokio::test]
async fn a_forged_form_is_refused_with_the_reason_at_the_field() {
    let desk = desk(Plan::Total).await;
    let cases = [
        ("bitrix24", "Bitrix24 needs the Enterprise plan; this workspace has Total."),
        ("genesys", "is not loaded"),
        ("<b>other</b>", "is configured"),
        ("", "Choose a platform."),
    ];
    for (platform, reason) in cases {
        let refused = save(&desk, &[("platform", platform)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{platform}");
        let (_, problem) = refused.html.split_once("id=\"platform-problem\">").unwrap();
        assert!(problem.split_once("</span>").unwrap().0.contains(reason), "{platform}: {}", refused.html);
        assert!(!refused.html.contains("<b>other"));
    }
    assert_eq!(stored(&desk).await["platform"], Value::Null);
}

#[tokio::test]
async fn advanced_fields_are_saved() {
    let desk = desk(Plan::Enterprise).await;
    let fields = [
        ("platform", "bitrix24"),
        ("connection", "b24"),
        ("text_asked", "One moment."),
        ("silent_accepted", "yes"),
        ("budget", "90"),
        ("options", "{\"line\": 3}"),
    ];
    let saved = save(&desk, &fields).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.html);
    let action = stored(&desk).await;
    assert_eq!(action["connection"], "b24");
    assert_eq!(action["texts"], json!({"asked": "One moment.", "accepted": false}));
    assert_eq!((&action["budget_seconds"], &action["options"]), (&json!(90), &json!({"line": 3})));
    let page = desk.get(NODE).await;
    assert!(page.html.contains("One moment.") && page.html.contains("value=\"90\""));
}

#[tokio::test]
async fn what_the_platform_offers_is_chosen_in_fields() {
    let desk = desk(Plan::Total).await;
    let page = desk.get(NODE).await;
    assert!(page.html.contains("Choose the platform and save"), "{}", page.html);
    assert_eq!(save(&desk, &[("platform", "zendesk")]).await.status, StatusCode::SEE_OTHER);
    let page = desk.get(NODE).await;
    for part in [
        "<option value=\"7\">Sales &#60;b&#62;</option>",
        "What can be chosen is not known just now",
        "Nobody is there now.",
        "Field 2 of Ticket fields",
    ] {
        assert!(page.html.contains(part), "{part} in {}", page.html);
    }
    assert!(!page.html.contains("option-form"), "it means nothing for a chat");
    let fields = [
        ("platform", "zendesk"),
        ("option:choice:group", "8"),
        ("option:else:group", ""),
        ("option:text:brand", "47"),
        ("option:words:tags", "chat\r\nvip"),
        ("option:key:fields", "7"),
        ("option:value:fields", "{ order }"),
        ("option:key:fields", ""),
        ("option:value:fields", ""),
        ("options", "{\"subject\": \"Hi\"}"),
        ("check_availability", "yes"),
    ];
    let saved = save(&desk, &fields).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.html);
    let action = stored(&desk).await;
    let expected = json!({ "group": "8", "brand": "47", "tags": ["chat", "vip"], "fields": { "7": "{ order }" },
        "subject": "Hi" });
    assert_eq!((&action["options"], &action["check_availability"]), (&expected, &json!(true)));
    let page = desk.get(NODE).await;
    for part in [
        "<option value=\"8\" selected>Support</option>",
        "chat\nvip",
        "&#34;subject&#34;: &#34;Hi&#34;",
        "value=\"{ order }\"",
        "when nobody is there",
    ] {
        assert!(page.html.contains(part), "{part} in {}", page.html);
    }
}

#[tokio::test]
async fn a_choice_that_the_account_does_not_have_keeps_a_draft_from_being_published() {
    let desk = desk(Plan::Total).await;
    save(&desk, &[("platform", "zendesk"), ("option:choice:group", "9")]).await;
    let page = desk.get(NODE).await;
    assert!(page.html.contains("<option value=\"9\" selected>9 (not there)</option>"), "{}", page.html);
    let refused = desk.submit(&page, "/console/assistants/support/publish", &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let words = "Group: Zendesk has no &#34;9&#34;; it has 7 (Sales &#60;b&#62;), 8 (Support).";
    assert!(refused.html.contains(words), "{}", refused.html);
    save(&desk, &[("platform", "zendesk"), ("option:choice:group", "8"), ("option:text:brand", "47")]).await;
    let page = desk.get(NODE).await;
    let published = desk.submit(&page, "/console/assistants/support/publish", &[]).await;
    assert_eq!(published.status, StatusCode::OK, "{}", published.html);
    assert!(
        published.html.contains("Published as version 1.") && published.html.contains("could not be asked")
    );
}

#[tokio::test]
async fn a_ticket_can_be_chosen_where_the_account_makes_them() {
    let desk = desk(Plan::Enterprise).await;
    let refused = save(&desk, &[("platform", "zendesk"), ("route", "ticket")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let (_, problem) = refused.html.split_once("id=\"route-problem\">").unwrap();
    assert!(problem.contains("but no tickets") && refused.html.contains("<details class=\"advanced\" open>"));
    let saved = save(&desk, &[("platform", "bitrix24"), ("connection", "b24"), ("route", "ticket")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.html);
    assert_eq!(stored(&desk).await["route"], "ticket");
    let page = desk.get(NODE).await;
    assert!(page.html.contains("<option value=\"ticket\" selected>"), "{}", page.html);
    assert!(page.html.contains("will get back to you"), "the usual words are those of a ticket");
    let back = save(&desk, &[("platform", "bitrix24"), ("connection", "b24"), ("route", "chat")]).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER);
    assert_eq!(stored(&desk).await["route"], Value::Null);
}

#[tokio::test]
async fn what_is_refused_stays_typed_and_unfolded() {
    let desk = desk(Plan::Enterprise).await;
    let cases = [
        ("budget", "soon", "Write a whole number"),
        ("budget", "4", "Write a whole number"),
        ("options", "{\"line\":", "This is not JSON"),
        ("options", "[1]", "Write a JSON object"),
        ("connection", "zd", "This is not a connection to Bitrix24"),
    ];
    for (field, value, reason) in cases {
        let refused = save(&desk, &[("platform", "bitrix24"), (field, value)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        assert!(refused.html.contains(reason), "{field}: {}", refused.html);
        assert!(refused.html.contains("<details class=\"advanced\" open>"));
        let shown = value.replace('"', "&#34;");
        assert!(refused.html.contains(&shown), "{field}: {}", refused.html);
        assert!(refused.html.contains("<option value=\"bitrix24\" selected>"));
    }
    let both = [("platform", "bitrix24"), ("text_asked", "Hello"), ("silent_asked", "yes")];
    let refused = save(&desk, &both).await;
    assert!(refused.html.contains("not both") && refused.html.contains("Hello"));
    assert_eq!(stored(&desk).await["platform"], Value::Null);
}

#[tokio::test]
async fn a_conflict_is_told_and_nothing_typed_is_lost() {
    let desk = desk(Plan::Enterprise).await;
    let mine = desk.get(NODE).await;
    let theirs = save(&desk, &[("platform", "bitrix24")]).await;
    assert_eq!(theirs.status, StatusCode::SEE_OTHER);

    let fields =
        [("node", "out"), ("enabled", "yes"), ("platform", "zendesk"), ("text_asked", "My own words")];
    let conflict = desk.submit(&mine, "/console/assistants/support/save", &fields).await;
    assert_eq!(conflict.status, StatusCode::CONFLICT);
    assert!(conflict.html.contains("somebody else saved this assistant"));
    assert!(
        conflict.html.contains("My own words")
            && conflict.html.contains("<option value=\"zendesk\" selected>")
    );
    assert_eq!(stored(&desk).await["platform"], "bitrix24");

    let again = desk.submit(&conflict, "/console/assistants/support/save", &fields).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    assert_eq!(stored(&desk).await["texts"]["asked"], "My own words");
}

#[tokio::test]
async fn what_was_typed_for_a_deleted_node_is_shown() {
    let desk = desk(Plan::Enterprise).await;
    let mine = desk.get(NODE).await;
    let page = desk.get(NODE).await;
    let deleted = desk.submit(&page, "/console/assistants/support/delete", &[("node", "out")]).await;
    assert_eq!(deleted.status, StatusCode::SEE_OTHER);
    let fields = [("node", "out"), ("platform", "zendesk"), ("text_asked", "My own words")];
    let gone = desk.submit(&mine, "/console/assistants/support/save", &fields).await;
    assert_eq!(gone.status, StatusCode::CONFLICT);
    assert!(gone.html.contains("deleted this node") && gone.html.contains("My own words"));
}

#[tokio::test]
async fn ways_to_fall_back_on_are_kept_in_order_and_refused_with_their_reason() {
    let desk = desk(Plan::Enterprise).await;
    let page = desk.get(NODE).await;
    assert!(page.html.contains("Nothing: the assistant goes on"), "{}", page.html);
    let fields =
        [("platform", "zendesk"), ("fallback_0", "bitrix24 chat"), ("fallback_1", ""), ("fallback_2", "")];
    let saved = save(&desk, &fields).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.html);
    assert_eq!(stored(&desk).await["fallbacks"], json!([{ "platform": "bitrix24" }]));
    let page = desk.get(NODE).await;
    assert!(
        page.html.contains("<option value=\"bitrix24 chat\" selected>Bitrix24, the chat"),
        "{}",
        page.html
    );
    for (way, reason) in [
        ("zendesk chat", "This way was tried before"),
        ("genesys chat", "is not loaded"),
        ("nothing chat", "No connection to the platform"),
        ("zendesk ticket", "takes chats, but no tickets"),
    ] {
        let refused = save(&desk, &[("platform", "zendesk"), ("fallback_0", way)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{way}");
        assert!(refused.html.contains(reason), "{way}: {}", refused.html);
    }
}

#[tokio::test]
async fn what_does_not_leave_is_ticked_written_and_refused_with_its_reason() {
    let desk = desk(Plan::Enterprise).await;
    let fields = [
        ("platform", "zendesk"),
        ("redact_cards", "yes"),
        ("redact_phones", "yes"),
        ("redact_patterns", "contract number = \\bC-\\d{6}\\b\r\ncode = a=b"),
        ("redact_fields", "person.email\r\n"),
    ];
    let saved = save(&desk, &fields).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.html);
    let rules = json!(["card_numbers", "phone_numbers", { "pattern": "\\bC-\\d{6}\\b", "as": "contract number" },
        { "pattern": "a=b", "as": "code" }, { "field": "person.email" }]);
    assert_eq!(stored(&desk).await["redact"], rules);
    let page = desk.get(NODE).await;
    for part in [
        "id=\"redact_cards\" name=\"redact_cards\" type=\"checkbox\" value=\"yes\" checked",
        "id=\"redact_emails\" name=\"redact_emails\" type=\"checkbox\" value=\"yes\" aria",
        "contract number = \\bC-\\d{6}\\b\ncode = a=b</textarea>",
        "person.email</textarea>",
    ] {
        assert!(page.html.contains(part), "{part} in {}", page.html);
    }
    for (field, value, reason) in [
        ("redact_patterns", "(", "is no pattern; write a name"),
        ("redact_patterns", "code = (", "unclosed group"),
        ("redact_fields", "person.shoes", "there is no field"),
    ] {
        let refused = save(&desk, &[("platform", "zendesk"), (field, value)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{value}");
        let (_, problem) = refused.html.split_once("id=\"redact-problem\">").unwrap();
        assert!(problem.split_once("</span>").unwrap().0.contains(reason), "{value}: {problem}");
        assert!(refused.html.contains("<details class=\"advanced\" open>"));
    }
}

#[tokio::test]
async fn a_question_before_the_handoff_is_kept_with_its_branch_and_refused_with_its_reason() {
    let desk = desk(Plan::Enterprise).await;
    let asks = [("platform", "zendesk"), ("consent_question", "May I?"), ("consent_no", "Never")];
    let saved = save(&desk, &asks).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.html);
    assert_eq!(stored(&desk).await["consent"], json!({ "question": "May I?", "yes": "Yes", "no": "Never" }));
    let page = desk.get(NODE).await;
    for part in ["May I?</textarea>", "name=\"consent_no\" value=\"Never\"", "when the person says no"] {
        assert!(page.html.contains(part), "{part} in {}", page.html);
    }
    for (fields, reason) in [
        ([("consent_question", "May I?"), ("consent_yes", "no!")], "cannot be told apart"),
        ([("consent_question", ""), ("consent_yes", "Yes")], "Write the question"),
    ] {
        let refused = save(&desk, &[&[("platform", "zendesk")], &fields[..]].concat()).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{reason}");
        assert!(refused.html.contains(reason), "{}", refused.html);
    }
    save(&desk, &[("platform", "zendesk")]).await;
    assert_eq!(stored(&desk).await["consent"], Value::Null);
}
