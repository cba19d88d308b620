//! What is refused, and in which words.

use std::io::Write;

use super::*;

fn refused(text: &str) -> String {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    format!("{:#}", load(file.path()).unwrap_err())
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    let error = refused("data_dir = \"data\"\n\n[server]\nlisten = \"127.0.0.1:0\"\nlisten_on = 3\n");
    assert!(error.contains("line 5") && error.contains("listen_on"), "{error}");
}

#[test]
fn a_wrong_value_is_refused_with_its_line() {
    let error = refused("[workspace]\nplan = \"gold\"\n");
    assert!(error.contains("line 2") && error.contains("gold") && error.contains("enterprise"), "{error}");
}

#[test]
fn a_secret_is_never_printed() {
    let text = "[connections.z]\nconnector = \"zendesk\"\nsecrets = { key_secret = \"hunter2hunter2\" }\n";
    let config: Config = toml::from_str(text).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn an_origin_that_is_none_is_refused() {
    for origin in ["*", "https://shop.example/", "shop.example", ""] {
        let error = refused(&format!("[server]\nwebchat_origins = [\"{origin}\"]\n"));
        assert!(error.contains("no origin"), "{origin:?}: {error}");
    }
}

#[test]
fn a_type_of_files_that_is_none_is_refused() {
    let error = refused("[channels.web]\nkind = \"webchat\"\nfiles = [\"png\"]\n");
    assert!(error.contains("line 3") && error.contains("no media type"), "{error}");
}

#[test]
fn a_channel_and_a_connection_cannot_share_a_name() {
    let error = refused("[channels.web]\nkind = \"api\"\n[connections.web]\nconnector = \"zendesk\"\n");
    assert!(error.contains("both named"), "{error}");
}
