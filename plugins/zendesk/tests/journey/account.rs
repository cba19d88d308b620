//! The look over the account.

use std::time::Duration;

use handoff_sdk::{
    Connector, ConnectorError,
    model::connector::{Check, Finding, Install},
};
use serde_json::{Value, json};

use crate::stage::{NARROW_KEY, Stage};

async fn check(stage: &Stage, name: &str, value: &str) -> Result<Check, ConnectorError> {
    let mut settings: Value = stage.settings();
    settings[name] = json!(value);
    let node = stage.node_with(settings, Duration::from_secs(20));
    node.zendesk.check(&node.host.cx()).await
}

async fn only_finding(stage: &Stage, name: &str, value: &str) -> Finding {
    let mut findings = check(stage, name, value).await.unwrap().findings;
    assert_eq!(findings.len(), 1, "{findings:?}");
    findings.remove(0)
}

#[tokio::test]
async fn a_good_account_has_no_findings_and_keeps_no_trace() {
    let stage = Stage::start(&[]).await;
    let before = stage.inspect().await;
    assert_eq!(check(&stage, "owner", "handoff").await.unwrap().findings, []);
    let after = stage.inspect().await;
    for part in ["users", "conversations", "integrations", "switchboard"] {
        assert_eq!(before[part], after[part]);
    }
}

#[tokio::test]
async fn what_is_wrong_is_named_with_its_remedy() {
    let stage = Stage::start(&[]).await;
    for (setting, value) in [("target", "nobody"), ("integration_name", "nobody")] {
        let finding = only_finding(&stage, setting, value).await;
        assert!(!finding.only_a_warning);
        assert!(
            finding.problem.contains("zd-agentWorkspace") && finding.remedy.contains(setting),
            "{finding:?}"
        );
    }
    let finding = only_finding(&stage, "app_id", "0000").await;
    assert!(!finding.only_a_warning && finding.problem.contains("App not found"), "{finding:?}");
    let finding = only_finding(&stage, "key_id", NARROW_KEY).await;
    assert!(finding.only_a_warning, "{finding:?}");
    let error = check(&stage, "key_id", "app_unknown").await.unwrap_err();
    assert!(matches!(error, ConnectorError::Unauthorised { .. }), "{error}");
}

#[tokio::test]
async fn credentials_of_the_other_api_are_a_warning() {
    let stage = Stage::start(&[]).await;
    assert_eq!(check(&stage, "support_user", "admin@example.org").await.unwrap().findings, []);
    let finding = only_finding(&stage, "support_user", "nobody@example.org").await;
    assert!(finding.only_a_warning && finding.remedy.contains("support_secret"), "{finding:?}");
}

#[tokio::test]
async fn one_conversation_for_each_person_is_a_warning() {
    let stage = Stage::start(&["--multi-convo-enabled", "false"]).await;
    assert!(only_finding(&stage, "owner", "handoff").await.only_a_warning);
}

/// What is said once the server has told whether an assistant is to answer on the account's own channels.
async fn findings_of(stage: &Stage, settings: Value, answers: Option<bool>) -> Vec<Finding> {
    let node = stage.node_with(settings, Duration::from_secs(20));
    let install = Install { webhook_url: "http://127.0.0.1:9/".to_owned(), answers, ..Install::default() };
    node.zendesk.install(&node.host.cx(), install).await.unwrap();
    node.zendesk.check(&node.host.cx()).await.unwrap().findings
}

#[tokio::test]
async fn an_assistant_whom_no_channel_asks_is_named_with_the_channel_and_the_call_that_mends_it() {
    let stage = Stage::start(&[]).await;
    for answers in [None, Some(false)] {
        assert_eq!(findings_of(&stage, stage.settings(), answers).await, [], "{answers:?}");
    }
    let findings = findings_of(&stage, stage.settings(), Some(true)).await;
    assert_eq!(findings.len(), 1, "{findings:?}");
    let Finding { only_a_warning, problem, remedy } = &findings[0];
    assert!(*only_a_warning && problem.contains("on Website, zd-answerBot answers first"), "{problem}");

    let word = |before: &str| {
        let (_, rest) = remedy.split_once(before).unwrap();
        rest.split([' ', ',']).next().unwrap().to_owned()
    };
    let (channel, ours) = (word("…/integrations/"), word("defaultResponderId "));
    stage.patch(&format!("/integrations/{channel}"), &json!({ "defaultResponderId": ours })).await;
    assert_eq!(findings_of(&stage, stage.settings(), Some(true)).await, []);

    let mut settings = stage.settings();
    settings["key_id"] = json!(NARROW_KEY);
    let findings = findings_of(&stage, settings, Some(true)).await;
    assert_eq!(findings.len(), 1, "what this key cannot see is said once: {findings:?}");
}

#[tokio::test]
async fn a_switchboard_that_asks_us_first_asks_on_every_channel() {
    let stage = Stage::start(&["--default-responder", "handoff"]).await;
    assert_eq!(findings_of(&stage, stage.settings(), Some(true)).await, []);
    let findings = findings_of(&stage, stage.settings(), Some(false)).await;
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(!findings[0].only_a_warning && findings[0].problem.contains("Website"), "{findings:?}");
    assert!(findings[0].remedy.contains("Assistant for the platform’s own channels"), "{findings:?}");
}

#[tokio::test]
async fn a_brand_that_is_not_there_or_not_used_or_not_chosen_is_named() {
    let brands = "47=Acme,48=Beta,49=Old";
    let stage = Stage::start(&["--brands", brands, "--inactive-brands", "49"]).await;
    let with = |brand: &str, support: &str| {
        let mut settings = stage.settings();
        (settings["brand"], settings["support_user"]) = (json!(brand), json!(support));
        settings
    };
    for (brand, support, only_a_warning, words) in [
        ("50", "admin@example.org", false, "no brand 50; it has 47 (Acme), 48 (Beta)"),
        ("49", "admin@example.org", false, "49 (Old) is not active"),
        ("", "admin@example.org", true, "the default brand, 47 (Acme). It also has 48 (Beta)"),
        ("48", "", true, "brand 48 cannot be seen"),
        ("50", "nobody@example.org", true, "Tickets cannot be made"),
    ] {
        let findings = findings_of(&stage, with(brand, support), None).await;
        assert_eq!(findings.len(), 1, "{brand} {support}: {findings:?}");
        assert!(findings[0].problem.contains(words), "{brand} {support}: {findings:?}");
        assert_eq!(findings[0].only_a_warning, only_a_warning, "{brand} {support}");
    }
    for settings in [with("48", "admin@example.org"), with("", "")] {
        assert_eq!(findings_of(&stage, settings, None).await, []);
    }
}
