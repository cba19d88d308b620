//! Bodies that are files: the connector names a blob, and the host sends its bytes.

use handoff_model::connector::HttpBody;
use reqwest::{
    Client, Request, RequestBuilder,
    header::{CONTENT_TYPE, HeaderValue},
    multipart::{Form, Part},
};

use crate::world::{Blob, Blobs};

/// Largest file that is sent, in bytes.
const MOST: usize = 50 * 1024 * 1024;

/// The request with the file that its body names; why it cannot be made otherwise.
pub(super) async fn attach(
    client: &Client,
    mut request: Request,
    body: &HttpBody,
    blobs: &dyn Blobs,
) -> Result<Request, String> {
    match body {
        HttpBody::Blob { blob } => {
            let (media_type, bytes) = read(blobs, blob).await?;
            let media_type = HeaderValue::from_str(&media_type).map_err(|error| error.to_string())?;
            request.headers_mut().entry(CONTENT_TYPE).or_insert(media_type);
            *request.body_mut() = Some(bytes.into());
            Ok(request)
        }
        HttpBody::Multipart { fields, file } => {
            let (media_type, bytes) = read(blobs, &file.blob).await?;
            let part = Part::bytes(bytes).file_name(file.name.clone());
            let part = part.mime_str(&media_type).map_err(|error| format!("its media type: {error}"))?;
            let form =
                fields.iter().fold(Form::new(), |form, (name, value)| form.text(name.clone(), value.clone()));
            let builder = RequestBuilder::from_parts(client.clone(), request);
            builder.multipart(form.part(file.field.clone(), part)).build().map_err(|error| error.to_string())
        }
        HttpBody::Empty | HttpBody::Json(_) | HttpBody::Text(_) => Ok(request),
    }
}

async fn read(blobs: &dyn Blobs, name: &str) -> Result<Blob, String> {
    let found = blobs.read(name).await.map_err(|error| format!("the file cannot be read: {error}"))?;
    let (media_type, bytes) = found.ok_or_else(|| format!("there is no blob {name:?}, or no more"))?;
    if bytes.len() > MOST {
        return Err(format!("the file is larger than {} MiB", MOST >> 20));
    }
    Ok((media_type, bytes))
}
