//! What `install` sets up: the connector of the bridge route and the bot of the native one.

use handoff_sdk::{Result, model::connector::Installed};

use crate::{app, bot, bridge, client::Client, oauth};

/// Sets up whatever the settings ask for. Everything may be repeated.
pub(crate) async fn install(client: &Client<'_>, webhook_url: &str) -> Result<Installed> {
    let settings = &client.portal.settings;
    let mut installed = Installed::default();
    let mut waits = false;
    if settings.has_application() {
        app::remember_address(client.cx, webhook_url).await?;
        waits = oauth::grant(client.cx).await?.is_none_or(|grant| grant.removed);
        match waits {
            true => installed.notes.push(format!(
                "The local application is not installed on the portal yet: give {webhook_url} as its handler and as the \
                 path of its first installation."
            )),
            false => installed.notes.extend(bridge::set_up(&client.as_application(), webhook_url).await?),
        }
    }
    if settings.native && (settings.webhook_user_id > 0 || !waits) {
        installed.notes.extend(bot::install(client, webhook_url).await?.notes);
    }
    Ok(installed)
}
