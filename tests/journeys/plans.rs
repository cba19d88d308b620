//! What the workspace's plan allows: at publishing, and again when the action fires.

use anyhow::Result;
use handoff_tests::{
    assistants::{ASKED, BACK, FAILED, HELLO, MOMENT, WISH, line, support},
    server::Server,
    setup::Setup,
    visitor::Visitor,
    zendesk::Zendesk,
};
use serde_json::json;

#[tokio::test]
async fn an_assistant_is_published_only_where_the_plan_allows_its_platform() -> Result<()> {
    let zendesk = Zendesk::start(&[]).await?;
    let cases = [("free", false), ("lite", false), ("pro", false), ("total", true), ("enterprise", true)];
    for (plan, allowed) in cases {
        let mut setup = Setup::new()?.with_zendesk(&zendesk).with_plan(plan);
        setup.assistants.clear();
        let server = Server::prepare(setup)?;
        let file = server.write("support.json", support("zendesk").to_string().as_bytes())?;
        let file = file.display().to_string();
        let told = server.cli(&["assistant", "import", &file, "--publish"]).await?;
        assert_eq!(told.code == Some(0), allowed, "{plan}: {told:?}");
        if !allowed {
            let said = format!("{}{}", told.out, told.err).to_lowercase();
            assert!(
                said.contains("total") && said.contains(plan) && said.contains("leave"),
                "{plan}: {told:?}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn bitrix24_needs_the_enterprise_plan() -> Result<()> {
    let bitrix24 = handoff_tests::bitrix24::Bitrix24::start(&[]).await?;
    let mut setup = Setup::new()?.with_bitrix24(&bitrix24).with_plan("total");
    setup.assistants.clear();
    let server = Server::prepare(setup)?;
    let file = server.write("line.json", line().to_string().as_bytes())?.display().to_string();
    let told = server.cli(&["assistant", "import", &file, "--publish"]).await?;
    let said = format!("{}{}", told.out, told.err).to_lowercase();
    assert!(told.code == Some(1) && said.contains("enterprise"), "{told:?}");
    Ok(())
}

#[tokio::test]
async fn a_plan_that_was_lowered_since_publishing_is_an_outcome_of_its_own() -> Result<()> {
    let zendesk = Zendesk::start(&[]).await?;
    let mut server = Server::start(Setup::new()?.with_zendesk(&zendesk).with_plan("total")).await?;
    server.stop().await?;
    server.reconfigure(|config| config["workspace"]["plan"] = json!("pro"))?;
    server.restart().await?;
    let mut person = Visitor::open(&server).await?;
    assert_eq!(person.says(WISH).await?, "session");
    person.until_told(BACK).await?;
    let shown: Vec<_> = person.shown().map(|line| line.text.as_str()).collect();
    assert_eq!(shown, [HELLO, MOMENT, FAILED, BACK]);
    assert!(!shown.contains(&ASKED));
    let handoff = server.until_state(&person.conversation, "failed").await?;
    assert!(handoff.to_string().contains("Total") || handoff.to_string().contains("total"), "{handoff:#}");
    assert_eq!(zendesk.requests().await?.len(), 0, "the platform was asked all the same");
    Ok(())
}

#[tokio::test]
async fn a_plan_that_is_lowered_during_a_transfer_does_not_stop_it() -> Result<()> {
    let (zendesk, mut server) = super::on_zendesk(|setup| setup.with_plan("total")).await?;
    let mut person = super::while_transferring(&zendesk, &server, "/messages", "hold").await?;
    server.kill9().await?;
    zendesk.release().await?;
    server.reconfigure(|config| config["workspace"]["plan"] = json!("free"))?;
    server.restart().await?;
    person.until_told(handoff_tests::assistants::ACCEPTED).await?;
    Ok(())
}
