//! The bytes of a file that only holders of our key can read.

use handoff_sdk::{
    ConnectorError, Request, Result,
    model::connector::{Fetch, Fetched},
};

use crate::{
    address,
    client::{Client, limit, refused, unavailable},
};

/// Gets a file of the account into a blob. Our credentials go nowhere else.
pub(crate) async fn fetch(client: Client<'_>, fetch: &Fetch) -> Result<Fetched> {
    if !address::is_own_file(client.settings, &fetch.address) {
        return Err(refused("the address is no file of this account"));
    }
    let request = Request::new("GET", &fetch.address).basic(&client.settings.key_id, "key_secret");
    let response = request.save_as_blob().read(client.cx).await?;
    if let Some(limit) = limit(&response) {
        return Err(limit);
    }
    let status = response.status;
    let detail = format!("Zendesk answered {status}");
    match status {
        200..=299 => {
            let blob = response.blob.ok_or_else(|| unavailable("the host kept no blob"))?;
            let named = response.headers.get("content-type").filter(|named| !named.is_empty());
            let media_type = named.map_or("application/octet-stream", String::as_str).to_owned();
            Ok(Fetched { blob, media_type })
        }
        401 | 403 => Err(ConnectorError::Unauthorised { detail }),
        // A redirect leads elsewhere, where our credentials do not go.
        300..=499 => Err(refused(detail)),
        _ => Err(unavailable(detail)),
    }
}
