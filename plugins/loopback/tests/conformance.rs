//! The plugin file against the conformance kit. What a platform would hold is in the host's key-value store.

use std::{collections::BTreeMap, sync::Arc};

use futures::future::{BoxFuture, ready};
use handoff_conformance::{Answer, Chat, Kept, Platform, Request, Scenario};
use serde_json::{Value, json};

handoff_conformance::test!(Loopback);

struct Loopback;

impl Scenario for Loopback {
    fn settings(&self, _base: &str) -> Value {
        json!({})
    }

    fn secrets(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    fn platform(&self) -> BoxFuture<'_, Arc<dyn Platform>> {
        Box::pin(ready(Arc::new(Nobody) as _))
    }
}

struct Nobody;

impl Platform for Nobody {
    fn answer(&self, _request: Request) -> BoxFuture<'_, Answer> {
        Box::pin(ready(Answer::json(404, &json!({}))))
    }

    fn chats<'a>(&'a self, key: &'a str, kept: &'a Kept) -> BoxFuture<'a, Vec<Chat>> {
        let texts = |list: &Value, at: &str| -> Vec<String> {
            let texts = list.as_array().into_iter().flatten();
            texts.filter_map(|line| line.pointer(at)?.as_str().map(str::to_owned)).collect()
        };
        let chats = kept.get(&format!("handoff/{key}")).into_iter().map(|record| {
            let words = [texts(&record["transcript"], ""), texts(&record["carried"], "/1")].concat();
            Chat { id: key.to_owned(), held: true, words: Some(words) }
        });
        Box::pin(ready(chats.collect()))
    }
}
