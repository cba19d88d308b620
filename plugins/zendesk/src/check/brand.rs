//! The brand that chats and tickets get: whether the account has it, and uses it.

use handoff_sdk::model::connector::Finding;
use serde_json::Value;

use super::{error, warning};
use crate::{client::Client, support::Support, team, wire::text};

/// Where brands are.
const BRANDS: &str = "Admin Center, Account, Brand management, Brands";
/// Brands that a sentence names.
const NAMED: usize = 8;

/// What is wrong with the brand of the settings. A brand that cannot be looked up is something to look at, no error.
pub(super) async fn check(client: &Client<'_>) -> Option<Finding> {
    let wanted = client.settings.brand.as_str();
    let Ok(support) = Support::new(client.cx, client.settings) else {
        let why = "this connection does not use the Support API";
        return (!wanted.is_empty()).then(|| not_seen(wanted, why));
    };
    let all = match team::all(&support, "brands").await {
        Ok(all) => all,
        Err(cause) => return (!wanted.is_empty()).then(|| not_seen(wanted, &cause.to_string())),
    };
    let active: Vec<_> = all.iter().filter(|brand| brand["active"] != false).collect();
    if wanted.is_empty() { left_open(&active) } else { named(wanted, &all, &active) }
}

fn not_seen(wanted: &str, why: &str) -> Finding {
    let problem = format!("Whether the account has the brand {wanted} cannot be seen: {why}.");
    warning(&problem, &format!("Compare it with the brands of the account: {BRANDS}."))
}

fn named(wanted: &str, all: &[Value], active: &[&Value]) -> Option<Finding> {
    let problem = match all.iter().find(|brand| text(brand, "id") == wanted) {
        Some(brand) if brand["active"] != false => return None,
        Some(brand) => format!("The brand {wanted} ({}) is not active in Zendesk.", text(brand, "name")),
        None => format!("Zendesk has no brand {wanted}; it has {}.", list(active)),
    };
    Some(error(&problem, &format!("Set brand to an active brand's id, or leave it empty: {BRANDS}.")))
}

/// Nobody chose one: worth a look where there is a choice.
fn left_open(active: &[&Value]) -> Option<Finding> {
    let (default, others): (Vec<&Value>, Vec<&Value>) =
        active.iter().partition(|brand| brand["default"] == true);
    (!others.is_empty()).then(|| {
        let problem = format!(
            "The account has several brands, and this connection names none: chats and tickets get the default brand, {}. It \
             also has {}.",
            list(&default),
            list(&others)
        );
        warning(&problem, &format!("Set brand to the id of the one that is meant, also if it is the default: {BRANDS}."))
    })
}

fn list(brands: &[&Value]) -> String {
    let one = |brand: &&Value| format!("{} ({})", text(brand, "id"), text(brand, "name"));
    let shown: Vec<_> = brands.iter().take(NAMED).map(one).collect();
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
}
