//! Configurations that are wrong: a sentence with the place, before anything is started.

use std::{fs, net::TcpListener};

use anyhow::Result;
use handoff_tests::server::{Server, told};

use super::{complains, quiet};

/// The server with another configuration file, told to serve.
async fn serves_with(server: &Server, text: &str) -> Result<handoff_tests::server::Told> {
    server.write("handoff.toml", text.as_bytes())?;
    server.cli(&["serve"]).await
}

#[tokio::test]
async fn an_unknown_or_wrong_key_is_refused_with_its_line() -> Result<()> {
    let cases: [(&str, &[&str]); 13] = [
        ("data_dirr = \"x\"\n", &["line 1", "data_dirr"]),
        ("\n\n[server]\nlistn = \"127.0.0.1:1\"\n", &["line 4", "listn"]),
        ("[serverr]\nlisten = \"127.0.0.1:1\"\n", &["line 1", "serverr"]),
        ("[server]\nlisten = \"nowhere\"\n", &["line 2", "listen"]),
        ("[workspace]\nplan = \"gold\"\n", &["line 2", "gold"]),
        ("[workspace]\nplan = 3\n", &["line 2"]),
        ("[log]\nformat = \"xml\"\n", &["line 2", "xml"]),
        ("[channels.web]\nkind = \"fax\"\n", &["line 2", "fax"]),
        ("[channels.web]\nkind = \"api\"\nasistant = \"x\"\n", &["line 3", "asistant"]),
        ("[connections.z]\nconector = \"zendesk\"\n", &["conector"]),
        ("[server\nlisten = 1\n", &["line 1"]),
        ("[clock]\nfactor = 0\n", &["clock.factor"]),
        ("[clock]\nahead_seconds = -99000000\n", &["clock.ahead_seconds"]),
    ];
    let server = quiet()?;
    for (text, words) in cases {
        complains(&serves_with(&server, text).await?, words, text);
    }
    Ok(())
}

#[tokio::test]
async fn a_missing_file_and_a_missing_secret_are_named() -> Result<()> {
    let server = quiet()?;
    let key = |secret: &str| format!("[api_keys.tests]\nkey = {secret}\nscopes = [\"admin\"]\n");
    let cases = [
        (key("{ env = \"NO_SUCH_VARIABLE_HERE\" }"), "NO_SUCH_VARIABLE_HERE"),
        (key("{ file = \"no-such-file\" }"), "no-such-file"),
        (key("\"\""), "empty"),
        (key("\"short\""), "tests"),
        (key("\"long enough as a key\"").replace("admin", "everything"), "everything"),
    ];
    for (text, word) in cases {
        complains(&serves_with(&server, &text).await?, &[word], &text);
    }
    fs::remove_file(server.dir().join("handoff.toml"))?;
    complains(&server.cli(&["serve"]).await?, &["handoff.toml"], "no file");
    Ok(())
}

#[tokio::test]
async fn a_variable_that_names_no_key_is_refused_and_one_that_does_counts() -> Result<()> {
    let server = quiet()?;
    let mut command = server.command(&["check"]);
    command.env("HANDOFF__SERVER__LISTN", "127.0.0.1:1");
    complains(&told(command).await?, &["HANDOFF__"], "unknown variable");
    let mut command = server.command(&["check"]);
    command.env("HANDOFF__WORKSPACE__PLAN", "gold");
    complains(&told(command).await?, &["gold"], "wrong value");
    let mut command = server.command(&["check"]);
    command.env("HANDOFF__WORKSPACE__PLAN", "pro");
    assert_eq!(told(command).await?.code, Some(0));
    Ok(())
}

#[tokio::test]
async fn a_port_in_use_is_said_with_its_address() -> Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let mut server = quiet()?;
    server.reconfigure(|config| config["server"]["listen"] = address.clone().into())?;
    complains(&server.cli(&["serve"]).await?, &[&address, "in use"], "port");
    Ok(())
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_used_is_named() -> Result<()> {
    let mut server = quiet()?;
    server.write("in-the-way", b"a file")?;
    server.reconfigure(|config| config["data_dir"] = "in-the-way".into())?;
    complains(&server.cli(&["serve"]).await?, &["in-the-way"], "a file in the way");
    let server = quiet()?;
    fs::create_dir(server.dir().join("data"))?;
    server.write("data/handoff.sqlite3", &[b'x'; 8192])?;
    complains(&server.cli(&["serve"]).await?, &["handoff.sqlite3"], "no database");
    Ok(())
}

#[tokio::test]
async fn wrong_usage_has_an_exit_code_of_its_own() -> Result<()> {
    let server = quiet()?;
    for arguments in [&["sreve"][..], &["assistant"], &["serve", "--fast"], &["handoff", "list", "--state"]] {
        let told = server.cli(arguments).await?;
        assert_eq!(told.code, Some(2), "{arguments:?}: {told:?}");
        assert!(told.err.contains("--help"), "{told:?}");
    }
    Ok(())
}
