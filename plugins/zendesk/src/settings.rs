//! What an operator configures, and which of it cannot work.

use serde::Deserialize;

use crate::address;

/// Longest name of a switchboard integration.
const NAME_LIMIT: usize = 128;
/// Longest owner tag, so that it leaves room for the person's id beside it.
const OWNER_LIMIT: usize = 40;

/// What an operator configures. The key's secret and the webhook's are kept apart.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `https://{subdomain}.zendesk.com/sc`; for accounts made there `https://api.smooch.io` or
    /// `https://api.eu-1.smooch.io`.
    #[cfg_attr(test, schemars(title = "Address of the Conversations API", example = "https://acme.zendesk.com/sc", extend("x-order" = 1)))]
    pub base_url: String,
    /// Id of the app, shown beside the key in Admin Center under Apps and integrations, APIs, Conversations API.
    #[cfg_attr(test, schemars(title = "App id", extend("x-order" = 2)))]
    pub app_id: String,
    /// Id of the Conversations API key; it begins with `app_` or `int_`.
    #[cfg_attr(test, schemars(title = "Key id", extend("x-order" = 3)))]
    pub key_id: String,
    /// Name of our own integration in the switchboard.
    #[serde(default = "own_name")]
    #[cfg_attr(test, schemars(title = "Name of our integration", extend("x-order" = 2000, "x-group" = "More settings")))]
    pub integration_name: String,
    /// Name of the switchboard integration that live agents work in.
    #[serde(default = "workspace")]
    #[cfg_attr(test, schemars(title = "Name of the live agents’ integration", extend("x-order" = 2001, "x-group" = "More settings")))]
    pub target: String,
    /// Marks the users and conversations that this server makes; another word for each server on one account.
    #[serde(default = "owner")]
    #[cfg_attr(test, schemars(title = "Owner tag", extend("x-order" = 2002, "x-group" = "More settings")))]
    pub owner: String,
    /// Where the Support API is, which tickets need: `https://{subdomain}.zendesk.com`. Empty when `base_url` is there too.
    #[serde(default)]
    #[cfg_attr(test, schemars(title = "Address of the Support API", example = "https://acme.zendesk.com", extend("x-order" = 1400, "x-group" = "Tickets")))]
    pub support_url: String,
    /// Id of an OAuth client of the Support API, whose secret is `support_secret`. The way that Zendesk recommends.
    #[serde(default)]
    #[cfg_attr(test, schemars(title = "OAuth client", extend("x-order" = 1401, "x-group" = "Tickets")))]
    pub support_client: String,
    /// How the OAuth client gets its tokens.
    #[cfg_attr(test, schemars(title = "How the OAuth client signs in", extend("x-order" = 1402, "x-group" = "Tickets")))]
    #[serde(default)]
    pub support_grant: Grant,
    /// E-mail address of the agent whose API token `support_secret` is. Zendesk ends API tokens in 2027.
    #[serde(default)]
    #[cfg_attr(test, schemars(title = "E-mail address of the token’s agent", extend("x-order" = 1402, "x-group" = "Tickets")))]
    pub support_user: String,
    /// Tag on every ticket that is made, so that the account's triggers can leave these tickets out.
    #[serde(default = "ticket_tag")]
    #[cfg_attr(test, schemars(title = "Tag on tickets", extend("x-order" = 1403, "x-group" = "Tickets")))]
    pub ticket_tag: String,
    /// Id of the brand of all chats and tickets that this server hands over, unless an action names another. Empty for the
    /// account’s default brand.
    #[serde(default)]
    #[cfg_attr(test, schemars(title = "Brand", example = "47", extend("x-order" = 2004, "x-group" = "More settings")))]
    pub brand: String,
    /// Name that live agents see beside the assistant's messages; empty for the assistant's own name.
    #[serde(default)]
    #[cfg_attr(test, schemars(title = "Name of the assistant", extend("x-order" = 2003, "x-group" = "More settings")))]
    pub assistant_name: String,
}

/// How an OAuth client of the Support API gets its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// The client signs in by itself (client credentials).
    #[default]
    ClientCredentials,
    /// Somebody signs in at Zendesk once, on this page (authorization code).
    AuthorizationCode,
}

impl Settings {
    /// The settings with their spelling evened out.
    ///
    /// # Errors
    /// A sentence that says which setting is wrong and how to mend it.
    pub(crate) fn checked(mut self) -> Result<Self, String> {
        self.base_url = address::base(&self.base_url)?;
        plain("app_id", &self.app_id, NAME_LIMIT)?;
        plain("key_id", &self.key_id, NAME_LIMIT)?;
        plain("integration_name", &self.integration_name, NAME_LIMIT)?;
        plain("owner", &self.owner, OWNER_LIMIT)?;
        target(&self.target)?;
        self.brand = self.brand.trim().to_owned();
        if self.brand.chars().any(|c| !c.is_ascii_digit()) {
            return Err("brand must be the id of a brand, in digits".to_owned());
        }
        plain("ticket_tag", &self.ticket_tag, NAME_LIMIT)?;
        self.support()?;
        if self.target == self.integration_name {
            return Err("target must name the live agents' integration, not our own".to_owned());
        }
        Ok(self)
    }
}

fn ticket_tag() -> String {
    "handoff".to_owned()
}

fn own_name() -> String {
    "handoff".to_owned()
}

fn workspace() -> String {
    "zd-agentWorkspace".to_owned()
}

fn owner() -> String {
    "handoff".to_owned()
}

impl Settings {
    /// Evens out what belongs to the Support API.
    fn support(&mut self) -> Result<(), String> {
        if !self.support_client.is_empty() && !self.support_user.is_empty() {
            return Err(
                "set support_client or support_user, not both: they are two ways to sign in".to_owned()
            );
        }
        if self.support_user.contains([':', '/', ' ']) {
            return Err("support_user must be the e-mail address alone, without /token".to_owned());
        }
        self.support_url = address::support(&self.support_url, &self.base_url)?;
        let wanted = !self.support_client.is_empty() || !self.support_user.is_empty();
        if wanted && self.support_url.is_empty() {
            return Err("support_url must be set: base_url does not tell where the Support API is".to_owned());
        }
        Ok(())
    }
}

fn plain(name: &str, value: &str, limit: usize) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if value.is_empty() || value.len() > limit || !value.chars().all(fits) {
        return Err(format!("{name} must be 1 to {limit} letters, digits, - and _"));
    }
    Ok(())
}

/// `next` is refused: with a key of the app, a repeated call would pass control on twice.
fn target(value: &str) -> Result<(), String> {
    if value == "next" {
        return Err(
            "target must be the name of a switchboard integration; `next` is not safe to repeat".to_owned()
        );
    }
    // Types such as `zd:agentWorkspace` are taken by Zendesk as well.
    plain("target", &value.replacen(':', "-", 1), NAME_LIMIT)
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};

    use super::*;

    pub(crate) fn settings() -> Settings {
        let given = json!({ "base_url": "https://acme.zendesk.com/sc", "app_id": "app1", "key_id": "app_1" });
        serde_json::from_value::<Settings>(given).unwrap().checked().unwrap()
    }

    #[test]
    fn a_setting_that_cannot_work_is_refused_by_its_name() {
        for (name, value) in [
            ("base_url", "acme.zendesk.com"),
            ("app_id", ""),
            ("app_id", "a/b"),
            ("key_id", "a:b"),
            ("integration_name", "our host"),
            ("owner", "a:b"),
            ("target", "next"),
            ("target", "handoff"),
            ("ticket_tag", "a b"),
            ("brand", "Acme"),
            ("support_url", "acme.zendesk.com"),
            ("support_user", "ann@example.org/token"),
        ] {
            let mut given =
                json!({ "base_url": "https://acme.zendesk.com/sc", "app_id": "a", "key_id": "k" });
            given[name] = json!(value);
            let refused = serde_json::from_value::<Settings>(given).unwrap().checked().unwrap_err();
            assert!(refused.contains(name), "{name} {value}: {refused}");
        }
    }

    #[test]
    fn a_setting_that_is_not_known_is_refused() {
        let given = json!({ "base_url": "x", "app_id": "a", "key_id": "k", "subdomain": "acme" });
        assert!(serde_json::from_value::<Settings>(given).unwrap_err().to_string().contains("subdomain"));
    }

    #[test]
    fn the_manifest_describes_these_settings_and_this_version() {
        let manifest: Value = serde_json::from_str(include_str!("../manifest.json")).unwrap();
        let schema = json!(schemars::schema_for!(Settings));
        assert_eq!(manifest["settings"], schema, "the manifest should say {schema:#}");
        assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
    }

    #[test]
    fn the_manifest_can_be_read_by_the_host() {
        let manifest: handoff_sdk::model::connector::Manifest =
            serde_json::from_str(include_str!("../manifest.json")).unwrap();
        use handoff_sdk::model::Route;
        assert_eq!(manifest.capabilities.routes, [Route::Bridge, Route::Native, Route::Ticket]);
        assert_eq!(manifest.hosts, ["{base_url}", "{support_url}"]);
    }
}
