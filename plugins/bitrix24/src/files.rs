//! Files that a person sent to the bot.

use handoff_sdk::{
    ConnectorError, Request, Result,
    model::connector::{Fetch, Fetched},
};
use serde_json::json;

use crate::{bot, client::Client, wire};

/// Gets a file's bytes into a blob. The address is the file's number on the portal.
pub(crate) async fn fetch(client: &Client<'_>, fetch: &Fetch) -> Result<Fetched> {
    let file: u64 = fetch.address.parse().map_err(|_| refused("this is no file on Bitrix24"))?;
    let body = json!({ "botId": bot::number(client).await?, "fileId": file });
    // The address works once, and asking for another one costs nothing.
    let answer = client.read_as_bot("imbot.v2.File.download", &body).await?;
    let address = wire::text(&answer["downloadUrl"]);
    if address.is_empty() {
        return Err(refused("Bitrix24 gave no address for the file"));
    }
    let response = Request::new("GET", address).save_as_blob().read(client.cx).await?;
    let media_type = response.headers.get("content-type").cloned();
    match response.blob {
        Some(blob) if response.status < 300 => {
            Ok(Fetched { blob, media_type: media_type.unwrap_or_else(|| UNKNOWN_TYPE.to_owned()) })
        }
        _ if response.status >= 500 => Err(ConnectorError::Unavailable { detail: status(response.status) }),
        _ => Err(refused(&status(response.status))),
    }
}

/// What a file is when nobody says.
pub(crate) const UNKNOWN_TYPE: &str = "application/octet-stream";

fn status(status: u16) -> String {
    format!("the file could not be downloaded: status {status}")
}

fn refused(detail: &str) -> ConnectorError {
    ConnectorError::Refused { detail: detail.to_owned() }
}
