//! Addresses of the console's pages. Ids may be any text, so they are percent-encoded.

use std::fmt::Write;

/// The page of a conversation.
pub(super) fn thread(id: &str) -> String {
    format!("/console/inbox/{}", encode(id))
}

/// The page of a handoff.
pub(super) fn handoff(id: &str) -> String {
    format!("/console/handoffs/{}", encode(id))
}

/// The page of an assistant.
pub(super) fn assistant(id: &str) -> String {
    format!("/console/assistants/{}", encode(id))
}

/// The page of a connection.
pub(super) fn connection(id: &str) -> String {
    format!("/console/connections/{}", encode(id))
}

/// The page of an assistant with a node's panel.
pub(super) fn node(assistant_id: &str, node: &str) -> String {
    format!("{}?node={}", assistant(assistant_id), encode(node))
}

/// Percent-encodes everything but letters, digits and `-._~`, for a part of a path or a query.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_an_id_holds_stays_within_its_part_of_the_address() {
        assert_eq!(node("a/b", "x?y&z#ü"), "/console/assistants/a%2Fb?node=x%3Fy%26z%23%C3%BC");
    }
}
