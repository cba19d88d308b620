//! Two fake platforms and a server between them.

use anyhow::Result;
use handoff_tests::{bitrix24::Bitrix24, server::Server, setup::Setup, zendesk::Zendesk};

/// How much faster time runs, so that nobody waits for the settling of lost calls.
const FACTOR: u32 = 10;

/// Everything that plays.
pub(crate) struct Theatre {
    /// The bridge's platform.
    pub(crate) zendesk: Zendesk,
    /// The native platform.
    pub(crate) bitrix24: Bitrix24,
    /// Between them.
    pub(crate) server: Server,
}

impl Theatre {
    /// Starts everything in a fresh folder, with two assistants published.
    pub(crate) async fn open() -> Result<Self> {
        let zendesk = Zendesk::start(&["--clock-factor", "10"]).await?;
        let bitrix24 = Bitrix24::start(&["--clock-factor", "10"]).await?;
        println!("fake Zendesk at {}, fake Bitrix24 at {}", zendesk.base, bitrix24.base);
        let setup = Setup::new()?.with_zendesk(&zendesk).with_bitrix24(&bitrix24).with_clock_factor(FACTOR);
        let server = Server::start(setup).await?;
        println!("handoff at {}", server.base);
        zendesk.point_webhook(&server.base).await?;
        bitrix24.until_installed().await?;
        Ok(Self { zendesk, bitrix24, server })
    }
}
