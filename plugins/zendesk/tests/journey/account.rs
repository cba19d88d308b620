//! The look over the account.

use std::time::Duration;

use handoff_sdk::{
    Connector, ConnectorError,
    model::connector::{Check, Finding},
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
