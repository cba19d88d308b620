//! The address at which a connector believes its platform to be.

use std::{convert::Infallible, io, sync::Arc};

use futures::stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    Response,
    body::{Bytes, Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{fault::Reply, scenario::Request, scene::Scene};

type Body = BoxBody<Bytes, io::Error>;

/// A listener on this machine. Ends when it is dropped.
pub(crate) struct Front {
    /// Its address, such as `http://127.0.0.1:4001`.
    pub(crate) base: String,
    scene: Arc<Mutex<Option<Arc<Scene>>>>,
    task: JoinHandle<()>,
}

impl Front {
    /// At a port of this machine; 0 is any that is free.
    pub(crate) async fn open(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let scene = Arc::<Mutex<Option<Arc<Scene>>>>::default();
        let task = tokio::spawn(serve(listener, scene.clone()));
        Ok(Self { base, scene, task })
    }

    /// From now on requests belong to this scene.
    pub(crate) fn show(&self, scene: &Arc<Scene>) {
        *self.scene.lock() = Some(scene.clone());
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, scene: Arc<Mutex<Option<Arc<Scene>>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let scene = scene.clone();
        let service = service_fn(move |request| {
            let scene = scene.lock().clone();
            async move { respond(request, scene).await }
        });
        // A connection that breaks off is what this is for.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// An error ends the connection without an answer.
async fn respond(
    request: hyper::Request<Incoming>,
    scene: Option<Arc<Scene>>,
) -> Result<Response<Body>, io::Error> {
    let gone = || io::Error::other("the connection ends here");
    let scene = scene.ok_or_else(gone)?;
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let asked = Request {
        method: head.method.to_string(),
        path: head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let Reply { answer, torn_at, lost } = scene.exchange(asked).await;
    if lost {
        return Err(gone());
    }
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        if !name.eq_ignore_ascii_case("content-length") && !name.eq_ignore_ascii_case("transfer-encoding") {
            response = response.header(name, value);
        }
    }
    let body = match torn_at {
        None => Full::new(Bytes::from(answer.body)).map_err(|never: Infallible| match never {}).boxed(),
        Some(at) => {
            response = response.header("content-length", answer.body.len().max(at + 1));
            let part = Bytes::copy_from_slice(&answer.body.as_bytes()[..at]);
            BodyExt::boxed(StreamBody::new(stream::iter([Ok(Frame::data(part)), Err(gone())])))
        }
    };
    response.body(body).map_err(io::Error::other)
}
