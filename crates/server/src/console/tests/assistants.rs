//! The list and the tree: everything besides the External Handoff panel.

use axum::http::{Method, Request, StatusCode, header};
use handoff_model::{AssistantId, Plan};
use serde_json::{Value, json};

use super::desk::{Answer, Desk};

const PAGE: &str = "/console/assistants/support";

fn definition() -> Value {
    json!({
        "format": 1, "id": "support", "name": "Support <script>", "triggers": [
            {"id": "start", "on": {"event": "chat_started"}, "actions": [
                {"id": "hello", "action": "send_message", "texts": ["Hello <script>"], "quick_replies": ["A human"]},
                {"id": "who", "action": "if_else", "branches": [
                    {"if": "_customer['email'] != None", "actions": [
                        {"id": "known", "action": "send_message", "texts": ["I know you"]}]}],
                 "else": [{"id": "jump", "action": "jump", "to": "ask"}]},
            ]},
            {"id": "ask", "on": {"event": "message_received", "phrases": ["human"]}, "actions": [
                {"id": "out", "action": "external_handoff", "platform": "zendesk",
                 "when_handoff_fails": [{"id": "sorry", "action": "send_message", "texts": ["Sorry"]}]}]},
        ],
    })
}

async fn desk() -> Desk {
    let desk = Desk::signed_in(Plan::Total).await;
    desk.draft(&definition()).await;
    desk
}

async fn stored(desk: &Desk) -> Value {
    let row = desk.runtime.store().assistant(&AssistantId::new("support")).await.unwrap().unwrap();
    serde_json::from_str(&row.draft).unwrap()
}

async fn change(desk: &Desk, what: &str, fields: &[(&str, &str)]) -> Answer {
    let page = desk.get(PAGE).await;
    desk.submit(&page, &format!("{PAGE}/{what}"), fields).await
}

#[tokio::test]
async fn the_tree_shows_every_node_with_what_it_does() {
    let desk = desk().await;
    let page = desk.get(PAGE).await;
    let lines = [
        "when the chat begins",
        "“Hello &#60;script&#62;” + 1 quick reply",
        "I know you",
        "to Message Received: “human”",
        "to Zendesk",
        "when the handoff fails",
        "Sorry",
    ];
    for line in lines {
        assert!(page.html.contains(line), "{line} in {}", page.html);
    }
    assert!(!page.html.contains("<script>"), "only text");
    let lists = (page.html.matches("<ul").count(), page.html.matches("</ul>").count());
    assert_eq!(lists.0, lists.1, "every list ends");
    assert_eq!(
        page.html.matches("<li>").count() + page.html.matches("<li ").count(),
        page.html.matches("</li>").count(),
        "every node ends"
    );
    assert!(page.html.contains("serves web"));
}

#[tokio::test]
async fn nodes_are_added_where_somebody_asked_for_them() {
    let desk = desk().await;
    let added = change(&desk, "add", &[("owner", "out"), ("add", "failed:handoff")]).await;
    assert_eq!(added.to(), "/console/assistants/support?done=added&node=handoff-1#panel");
    let page = desk.get("/console/assistants/support?done=added&node=handoff-1").await;
    assert!(page.html.contains("Choose a platform"));
    assert!(page.html.contains("Choose the platform of this External Handoff."), "{}", page.html);

    let cases = [
        ("who", "branch-0:set"),
        ("who", "else:send"),
        ("start", "triggers:fallback"),
        ("", "triggers:message"),
    ];
    for (owner, add) in cases {
        assert_eq!(
            change(&desk, "add", &[("owner", owner), ("add", add)]).await.status,
            StatusCode::SEE_OTHER,
            "{add}"
        );
    }
    let draft = stored(&desk).await;
    assert_eq!(draft["triggers"][1]["actions"][0]["when_handoff_fails"][1]["action"], "external_handoff");
    assert_eq!(draft["triggers"][0]["actions"][1]["branches"][0]["actions"][1]["id"], "set-1");
    assert_eq!(draft["triggers"][0]["actions"][1]["else"][1]["id"], "send-1");
    assert_eq!(draft["triggers"][0]["triggers"][0]["id"], "fallback-1");
    assert_eq!(draft["triggers"][2]["id"], "message-1");

    for (owner, add) in
        [("who", "branch-7:set"), ("nobody", "actions:set"), ("start", "triggers:send"), ("", "nonsense")]
    {
        let refused = change(&desk, "add", &[("owner", owner), ("add", add)]).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{add}");
    }
}

#[tokio::test]
async fn the_other_panels_save_what_was_typed() {
    let desk = desk().await;
    let on = ("enabled", "yes");
    let forms: [&[(&str, &str)]; 4] = [
        &[
            ("node", "hello"),
            on,
            ("text", "Hi"),
            ("text", "Good day"),
            ("text", " "),
            ("quick_replies", "Yes\r\n\r\n No "),
        ],
        &[("node", "ask"), on, ("phrases", "human\nperson"), ("excluded", "humane")],
        &[("node", "jump"), on, ("to", "start")],
        &[("node", "who"), ("condition", "_lang == 'de'"), ("another", "True")],
    ];
    for form in forms {
        let saved = change(&desk, "save", form).await;
        assert_eq!(saved.status, StatusCode::SEE_OTHER, "{form:?}: {}", saved.html);
    }
    let draft = stored(&desk).await;
    let actions = &draft["triggers"][0]["actions"];
    assert_eq!(actions[0]["texts"], json!(["Hi", "Good day"]));
    assert_eq!(actions[0]["quick_replies"], json!(["Yes", "No"]));
    assert_eq!(
        draft["triggers"][1]["on"],
        json!({"event": "message_received", "phrases": ["human", "person"], "excluded": ["humane"], "approximate": false})
    );
    assert_eq!(actions[1]["else"][0]["to"], "start");
    assert_eq!(actions[1]["enabled"], false);
    assert_eq!(actions[1]["branches"][0]["if"], "_lang == 'de'");
    assert_eq!(actions[1]["branches"][0]["actions"][0]["id"], "known", "what is under a condition stays");
    assert_eq!(actions[1]["branches"][1]["if"], "True");
    for node in ["hello", "ask", "jump", "who"] {
        assert_eq!(desk.get(&format!("{PAGE}?node={node}")).await.status, StatusCode::OK);
    }

    let blank = change(&desk, "save", &[("node", "who"), ("condition", ""), ("condition", "True")]).await;
    assert_eq!(blank.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(blank.html.contains("Write a condition"));
    let removed = [("node", "who"), on, ("condition", ""), ("condition", "True"), ("remove", "0")];
    assert_eq!(change(&desk, "save", &removed).await.status, StatusCode::SEE_OTHER);
    assert_eq!(
        stored(&desk).await["triggers"][0]["actions"][1]["branches"],
        json!([{"if": "True", "actions": []}])
    );
}

#[tokio::test]
async fn nodes_move_and_go_but_chat_started_stays() {
    let desk = desk().await;
    assert_eq!(
        change(&desk, "move", &[("node", "hello"), ("way", "down")]).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(stored(&desk).await["triggers"][0]["actions"][1]["id"], "hello");
    let edge = change(&desk, "move", &[("node", "hello"), ("way", "down")]).await;
    assert!(edge.html.contains("already is the last"));

    assert!(desk.get(&format!("{PAGE}?node=who")).await.html.contains("with 2 nodes inside it"));
    assert_eq!(change(&desk, "delete", &[("node", "who")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(stored(&desk).await["triggers"][0]["actions"].as_array().unwrap().len(), 1);
    let kept = change(&desk, "delete", &[("node", "start")]).await;
    assert_eq!(kept.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(kept.html.contains("Chat Started is permanent"));
}

#[tokio::test]
async fn publishing_says_which_version_or_lists_what_is_in_the_way() {
    let desk = desk().await;
    let done = change(&desk, "publish", &[]).await;
    assert_eq!(done.to(), "/console/assistants/support?done=published-1");
    assert!(desk.get(done.to()).await.html.contains("Published as version 1."));

    change(&desk, "save", &[("node", "hello"), ("enabled", "yes")]).await;
    let refused = change(&desk, "publish", &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.html.contains("Not published") && refused.html.contains("This message has no text."));
    assert!(
        refused.html.contains("href=\"/console/assistants/support?node=hello#panel\""),
        "a finding leads to its node"
    );
}

#[tokio::test]
async fn a_page_that_is_out_of_date_publishes_and_changes_nothing() {
    let desk = desk().await;
    let old = desk.get(PAGE).await;
    change(&desk, "save", &[("node", "hello"), ("enabled", "yes"), ("text", "Changed meanwhile")]).await;
    for (what, fields) in [
        ("publish", vec![]),
        ("delete", vec![("node", "ask")]),
        ("add", vec![("owner", ""), ("add", "triggers:fallback")]),
    ] {
        let answer = desk.submit(&old, &format!("{PAGE}/{what}"), &fields).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{what}");
        assert!(answer.html.contains("somebody else changed this assistant"));
    }
    assert_eq!(stored(&desk).await["triggers"].as_array().unwrap().len(), 2);
    assert_eq!(desk.runtime.store().published().await.unwrap(), vec![]);
}

#[tokio::test]
async fn an_assistant_goes_out_as_a_file_and_comes_in_again() {
    let desk = desk().await;
    let file = desk.get(&format!("{PAGE}/export")).await;
    assert_eq!(file.headers[header::CONTENT_DISPOSITION], "attachment; filename*=UTF-8''support.json");
    assert_eq!(serde_json::from_str::<Value>(&file.html).unwrap()["id"], "support");

    assert_eq!(import(&desk, &file.html, false).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(import(&desk, &file.html, true).await.to(), "/console/assistants/support?done=imported");
    let odd = file.html.replace("\"support\"", "\"other/one\"");
    assert!(import(&desk, &odd, false).await.html.contains("letters, digits"));
    let other = file.html.replace("\"support\"", "\"other.one\"");
    let imported = import(&desk, &other, false).await;
    assert_eq!(imported.to(), "/console/assistants/other.one?done=imported");
    assert_eq!(desk.get(imported.to()).await.status, StatusCode::OK);

    let broken = import(&desk, "{\"format\": 2, \"nonsense\": \"<script>\"}", false).await;
    assert!(broken.html.contains("the file has problems") && broken.html.contains("must be 1"));
    let forbidden = other.replace("zendesk", "bitrix24").replace("other.one", "third");
    assert!(import(&desk, &forbidden, false).await.html.contains("Bitrix24 needs the Enterprise plan"));
}

async fn import(desk: &Desk, json: &str, replace: bool) -> Answer {
    let csrf = desk.get("/console/assistants").await.hidden("csrf");
    let part = |name: &str, more: &str, value: &str| {
        format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{value}\r\n")
    };
    let file = part("file", "; filename=\"a.json\"\r\nContent-Type: application/json", json);
    let tick = if replace { part("replace", "", "yes") } else { String::new() };
    let body = format!("{}{file}{tick}--edge--\r\n", part("csrf", "", &csrf));
    let request = Request::builder()
        .method(Method::POST)
        .uri("/console/import")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=edge");
    desk.ask(request, body).await
}

#[tokio::test]
async fn a_new_assistant_begins_with_chat_started() {
    let desk = desk().await;
    let csrf = desk.get("/console/assistants").await.hidden("csrf");
    let made = desk.send("/console/assistants", &[("csrf", &csrf), ("name", "Night shift")]).await;
    assert_eq!(made.to(), "/console/assistants/night-shift?done=created");
    assert!(desk.get(made.to()).await.html.contains("Chat Started"));
    let taken = desk.send("/console/assistants", &[("csrf", &csrf), ("name", "Support")]).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(taken.html.contains("already"));
}

#[tokio::test]
async fn connections_say_what_keeps_them_from_working() {
    let desk = desk().await;
    let page = desk.get("/console/connectors").await;
    assert!(page.html.contains("http://127.0.0.1:8080/webhooks/zd"));
    assert!(page.html.contains("Not in the plan") && page.html.contains("needs the Enterprise plan"));
    assert!(page.html.contains("&#34;genesys&#34; is not loaded"), "{}", page.html);
}
