//! `Conversations`: what was said, what is shown, what the Inbox lists.

use std::sync::Arc;

use handoff_core::{
    session::Control,
    store::{Changes, Page, Shown, Store, StoreError},
};
use handoff_model::{Attachment, Author, Content, Delivery, HandoffId, Message, Source, Timestamp};

use super::samples::{conversation, message, only, with_messages};

pub(crate) async fn the_version_grows_by_one_with_every_change(store: Arc<dyn Store>) {
    let mut chat = conversation("ann");
    assert_eq!(store.conversation(&chat.id).await.unwrap(), None);
    for version in 0..3 {
        chat.version = version;
        chat.last_seq = version * 2;
        chat.control = Control::Handoff { id: HandoffId::new("h1") };
        store.commit(only(&chat)).await.unwrap();
        let mut expected = chat.clone();
        expected.version = version + 1;
        assert_eq!(store.conversation(&chat.id).await.unwrap(), Some(expected));
    }
}

pub(crate) async fn messages_come_in_order_and_between_their_bounds(store: Arc<dyn Store>) {
    let (ann, bob) = (conversation("ann"), conversation("bob"));
    let said = [3, 1, 2, 5].map(|seq| message(seq, "words"));
    store.commit(with_messages(&ann, &said)).await.unwrap();
    store.commit(with_messages(&bob, &[message(2, "bob's")])).await.unwrap();
    for (after, until, expected) in
        [(0, u64::MAX, vec![1, 2, 3, 5]), (1, 3, vec![2, 3]), (3, 3, vec![]), (5, 9, vec![]), (0, 0, vec![])]
    {
        let found = store.messages(&ann.id, after, until).await.unwrap();
        assert_eq!(found.iter().map(|message| message.seq).collect::<Vec<_>>(), expected, "{after}..{until}");
    }
    assert_eq!(store.messages(&conversation("nobody").id, 0, 9).await.unwrap(), []);
}

pub(crate) async fn every_kind_of_message_comes_back_as_it_was(store: Arc<dyn Store>) {
    let chat = conversation("ann");
    let file = Attachment {
        name: "a.png".into(),
        media_type: "image/png".into(),
        source: Source::Blob("b1".into()),
    };
    let content =
        Content { text: "«ß» \u{0}".into(), quick_replies: vec!["yes".into()], attachments: vec![file] };
    let authors = [Author::Person, Author::Assistant, Author::Notice];
    let deliveries = [Delivery::Pending, Delivery::Delivered, Delivery::Undelivered, Delivery::Unknown];
    let kinds = authors.into_iter().flat_map(|author| deliveries.map(|delivery| (author, delivery)));
    let said = (1..).zip(kinds).map(|(seq, (author, delivery))| Message {
        seq,
        author,
        content: content.clone(),
        at: Timestamp(-5),
        delivery,
        external_id: (seq > 3).then(|| format!("m{seq}")),
    });
    let said = said.collect::<Vec<_>>();
    store.commit(with_messages(&chat, &said)).await.unwrap();
    assert_eq!(store.messages(&chat.id, 0, 99).await.unwrap(), said);
}

fn places(shown: &[Shown]) -> Vec<(u64, &'static str)> {
    let place = |item: &Shown| match item {
        Shown::Said { seq, .. } => (*seq, "said"),
        Shown::Sealed { seq, .. } => (*seq, "sealed"),
    };
    shown.iter().map(place).collect()
}

pub(crate) async fn shown_is_replies_notices_and_sealed_rows_in_order(store: Arc<dyn Store>) {
    let chat = conversation("ann");
    let mut notice = message(5, "you are with the team");
    notice.author = Author::Notice;
    let said = [message(1, "hello"), message(2, "hi"), message(3, "a human"), notice, message(8, "back")];
    let sealed = [7, 4].map(|seq| (chat.id.clone(), seq, vec![seq as u8])).to_vec();
    store.commit(Changes { sealed, ..with_messages(&chat, &said) }).await.unwrap();
    let all = store.shown(&chat.id, 0, 99).await.unwrap();
    assert_eq!(places(&all), [(2, "said"), (4, "sealed"), (5, "said"), (7, "sealed"), (8, "said")]);
    let (author, content, at) = (Author::Assistant, Content::text("hi"), Timestamp(102));
    assert_eq!(all[0], Shown::Said { seq: 2, author, content, at });
    assert_eq!(all[1], Shown::Sealed { seq: 4, sealed: vec![4] });
    assert_eq!(places(&store.shown(&chat.id, 2, 2).await.unwrap()), [(4, "sealed"), (5, "said")]);
    assert_eq!(places(&store.shown(&chat.id, 8, 9).await.unwrap()), []);
}

pub(crate) async fn acknowledging_marks_replies_and_deletes_sealed_rows_up_to_the_place(
    store: Arc<dyn Store>,
) {
    let (ann, bob) = (conversation("ann"), conversation("bob"));
    for chat in [&ann, &bob] {
        let mut said = [1, 2, 4, 6].map(|seq| message(seq, "words"));
        said[0].delivery = Delivery::Unknown;
        said[1].delivery = Delivery::Undelivered;
        let sealed = [3, 5].map(|seq| (chat.id.clone(), seq, b"team".to_vec())).to_vec();
        store.commit(Changes { sealed, ..with_messages(chat, &said) }).await.unwrap();
    }
    for _ in 0..2 {
        store.acknowledge(&ann.id, 4).await.unwrap();
        let deliveries = |said: Vec<Message>| said.into_iter().map(|m| m.delivery).collect::<Vec<_>>();
        assert_eq!(
            deliveries(store.messages(&ann.id, 0, 9).await.unwrap()),
            [Delivery::Unknown, Delivery::Delivered, Delivery::Delivered, Delivery::Pending],
            "what the person said is not a reply"
        );
        let shown = store.shown(&ann.id, 0, 9).await.unwrap();
        assert_eq!(places(&shown), [(2, "said"), (4, "said"), (5, "sealed"), (6, "said")]);
    }
    assert_eq!(places(&store.shown(&bob.id, 2, 9).await.unwrap())[0], (3, "sealed"), "bob's are untouched");
    assert_eq!(store.acknowledge(&conversation("nobody").id, 4).await, Ok(()));
}

pub(crate) async fn what_became_of_a_message_is_kept(store: Arc<dyn Store>) {
    let chat = conversation("ann");
    store.commit(with_messages(&chat, &[message(2, "hi"), message(4, "still here?")])).await.unwrap();
    for outcome in [Delivery::Undelivered, Delivery::Unknown, Delivery::Delivered, Delivery::Pending] {
        let deliveries = vec![(chat.id.clone(), 2, outcome)];
        store.commit(Changes { deliveries, ..Changes::default() }).await.unwrap();
        let said = store.messages(&chat.id, 0, 9).await.unwrap();
        assert_eq!((said[0].delivery, said[1].delivery), (outcome, Delivery::Pending));
    }
}

pub(crate) async fn the_inbox_lists_the_latest_first_page_by_page(store: Arc<dyn Store>) {
    // Two of them at the same time: the id decides.
    for (name, updated) in [("ann", 10), ("bob", 30), ("cat", 20), ("dan", 20), ("eve", 5)] {
        let mut chat = conversation(name);
        chat.updated = Timestamp(updated);
        store.commit(only(&chat)).await.unwrap();
    }
    let mut same = ["cat", "dan"].map(|name| conversation(name).id);
    same.sort_by(|a, b| b.cmp(a));
    let [first, second] = same;
    let expected = [conversation("bob").id, first, second, conversation("ann").id, conversation("eve").id];
    for limit in [1, 2, 9] {
        let (mut after, mut found) = (None, Vec::new());
        loop {
            let rows = store.conversations(Page { after: after.clone(), limit }).await.unwrap();
            assert!(rows.len() <= limit);
            let Some(last) = rows.last() else { break };
            after = Some(last.cursor.clone());
            found.extend(rows.into_iter().map(|row| row.id));
        }
        assert_eq!(found, expected, "pages of {limit}");
    }
    let mut eve = store.conversation(&conversation("eve").id).await.unwrap().unwrap();
    eve.updated = Timestamp(40);
    store.commit(only(&eve)).await.unwrap();
    let rows = store.conversations(Page { after: None, limit: 1 }).await.unwrap();
    assert_eq!((&rows[0].id, rows[0].updated), (&eve.id, Timestamp(40)));
}

pub(crate) async fn the_inbox_shows_who_holds_a_chat_and_how_its_last_message_begins(store: Arc<dyn Store>) {
    let id = HandoffId::new("h1");
    let long = "é".repeat(5000);
    let mut chat = conversation("ann");
    for (control, word) in [
        (Control::Free, "free"),
        (Control::Session, "session"),
        (Control::Handoff { id: id.clone() }, "handoff"),
        (Control::Platform { id }, "platform"),
        (Control::Taken, "taken"),
    ] {
        chat.control = control;
        let sealed = vec![(chat.id.clone(), 1000 + chat.version, b"secret".to_vec())];
        let said = if chat.version == 0 { vec![message(1, "first"), message(2, &long)] } else { vec![] };
        store.commit(Changes { sealed, ..with_messages(&chat, &said) }).await.unwrap();
        chat.version += 1;
        let row = store.conversations(Page { after: None, limit: 9 }).await.unwrap().remove(0);
        assert_eq!((row.held_by.as_str(), row.person.as_str()), (word, "ann Example"));
        assert_eq!(row.channel, chat.channel);
        assert!(long.starts_with(&row.last_text) && (50..500).contains(&row.last_text.len()));
    }
    // Also when the conversation itself does not change.
    let messages = vec![(chat.id.clone(), message(3, "goodbye"))];
    store.commit(Changes { messages, ..Changes::default() }).await.unwrap();
    let row = store.conversations(Page { after: None, limit: 9 }).await.unwrap().remove(0);
    assert_eq!(row.last_text, "goodbye");
}

pub(crate) async fn a_cursor_that_is_none_is_refused(store: Arc<dyn Store>) {
    for after in ["", "ann", "12", "x.y"] {
        let page = Page { after: Some(after.into()), limit: 9 };
        let listed = store.conversations(page.clone()).await;
        assert!(matches!(listed, Err(StoreError::NoSuchPage)), "{after:?}: {listed:?}");
        assert!(store.handoffs(None, page).await.is_err());
    }
}
