//! Bodies that are files: the connector names a blob, and the host sends its bytes.

use std::io;

use futures::TryStreamExt;
use handoff_model::connector::{ConnectorError, HttpBody};
use reqwest::{
    Body, Client, Request, RequestBuilder,
    header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue},
    multipart::{Form, Part},
};

use super::UNKNOWN_MEDIA_TYPE;
use crate::{
    plugins::capability::Fault,
    world::{Blob, Blobs},
};

/// Largest file that is sent, in bytes.
const MOST: u64 = 50 * 1024 * 1024;

/// The file that a body names; none when it names none.
///
/// # Errors
/// Refused when there is no such file or it is too large: asking again changes nothing about that.
pub(in crate::plugins) async fn named(body: &HttpBody, blobs: &dyn Blobs) -> Result<Option<Blob>, Fault> {
    let name = match body {
        HttpBody::Blob { blob } => blob,
        HttpBody::Multipart { file, .. } => &file.blob,
        HttpBody::Empty | HttpBody::Json(_) | HttpBody::Text(_) => return Ok(None),
    };
    let refused = |detail: String| Fault::Connector(ConnectorError::Refused { detail });
    let found = blobs.read(name).await;
    let found = found.map_err(|error| Fault::Unavailable(format!("the file cannot be read: {error}")))?;
    let mut file =
        found.ok_or_else(|| refused(format!("the file is not kept any more (there is no blob {name:?})")))?;
    if file.size > MOST {
        return Err(refused(format!("the file is larger than {} MiB", MOST >> 20)));
    }
    file.media_type = sendable(file.media_type);
    Ok(Some(file))
}

/// A media type that a request can carry. Whoever gave the file chose the word for it, and a slip there must not keep
/// the file, or the chat with it, from leaving.
fn sendable(media_type: String) -> String {
    let is_type = Part::text("").mime_str(&media_type).is_ok() && HeaderValue::from_str(&media_type).is_ok();
    if is_type { media_type } else { UNKNOWN_MEDIA_TYPE.to_owned() }
}

/// The request with its file, whose bytes are read as they leave; why it cannot be made otherwise.
pub(super) fn attach(
    client: &Client,
    mut request: Request,
    body: &HttpBody,
    file: Option<Blob>,
) -> Result<Request, String> {
    let Some(Blob { media_type, size, pieces }) = file else { return Ok(request) };
    let bytes = Body::wrap_stream(pieces.map_err(io::Error::other));
    if let HttpBody::Multipart { fields, file } = body {
        let part = Part::stream_with_length(bytes, size).file_name(file.name.clone());
        let part = part.mime_str(&media_type).map_err(|error| format!("its media type: {error}"))?;
        let form =
            fields.iter().fold(Form::new(), |form, (name, value)| form.text(name.clone(), value.clone()));
        let builder = RequestBuilder::from_parts(client.clone(), request);
        return builder
            .multipart(form.part(file.field.clone(), part))
            .build()
            .map_err(|error| error.to_string());
    }
    let media_type = HeaderValue::from_str(&media_type).map_err(|error| error.to_string())?;
    request.headers_mut().entry(CONTENT_TYPE).or_insert(media_type);
    request.headers_mut().insert(CONTENT_LENGTH, size.into());
    *request.body_mut() = Some(bytes);
    Ok(request)
}
