//! `Handoffs`, and what belongs to them.

use std::sync::Arc;

use handoff_core::{
    handoff::HandoffState,
    store::{Changes, Page, Store, Withheld},
};
use handoff_model::{ConnectionId, TicketRef, Timestamp};

use super::samples::{conversation, handoff, only};

pub(crate) async fn a_handoff_comes_back_as_it_was(store: Arc<dyn Store>) {
    let chat = conversation("ann");
    let mut leaving = handoff(&chat.id, "e1");
    store.commit(Changes { handoffs: vec![leaving.clone()], ..only(&chat) }).await.unwrap();
    leaving.version = 1;
    assert_eq!(store.handoff(&leaving.id).await.unwrap(), Some(leaving.clone()));
    let ticket = TicketRef { chat: "c9".into(), label: Some("#9".into()), url: None };
    leaving.state = HandoffState::Accepted { ticket, at: Timestamp(2000) };
    leaving.receipt.remark("the answer was lost once");
    store.commit(Changes { handoffs: vec![leaving.clone()], ..Changes::default() }).await.unwrap();
    leaving.version = 2;
    assert_eq!(store.handoff(&leaving.id).await.unwrap(), Some(leaving));
    assert_eq!(store.handoff(&handoff(&chat.id, "e2").id).await.unwrap(), None);
}

pub(crate) async fn a_chat_leads_to_its_handoff_also_under_its_new_name(store: Arc<dyn Store>) {
    let chat = conversation("ann");
    let (first, second) = (handoff(&chat.id, "e1"), handoff(&chat.id, "e2"));
    let (desk, other) = (ConnectionId::new("desk"), ConnectionId::new("other"));
    let changes = Changes {
        handoffs: vec![first.clone(), second.clone()],
        chats: vec![
            (desk.clone(), "a".into(), first.id.clone()),
            (other.clone(), "a".into(), second.id.clone()),
        ],
        ..only(&chat)
    };
    store.commit(changes).await.unwrap();
    assert_eq!(store.handoff_by_chat(&desk, "a").await.unwrap().as_ref(), Some(&first.id));
    assert_eq!(store.handoff_by_chat(&desk, "b").await.unwrap(), None);

    let renamed_chats = vec![(desk.clone(), "a".into(), "b".into())];
    store.commit(Changes { renamed_chats, ..Changes::default() }).await.unwrap();
    assert_eq!(store.handoff_by_chat(&desk, "a").await.unwrap(), None);
    assert_eq!(store.handoff_by_chat(&desk, "b").await.unwrap().as_ref(), Some(&first.id));
    assert_eq!(store.handoff_by_chat(&other, "a").await.unwrap().as_ref(), Some(&second.id));

    // The platform hands the same chat over once more, and later merges another into it.
    let chats =
        vec![(desk.clone(), "b".into(), second.id.clone()), (desk.clone(), "c".into(), first.id.clone())];
    store.commit(Changes { chats, ..Changes::default() }).await.unwrap();
    assert_eq!(store.handoff_by_chat(&desk, "b").await.unwrap().as_ref(), Some(&second.id));
    let renamed_chats = vec![(desk.clone(), "c".into(), "b".into())];
    store.commit(Changes { renamed_chats, ..Changes::default() }).await.unwrap();
    assert_eq!(store.handoff_by_chat(&desk, "b").await.unwrap().as_ref(), Some(&first.id));
}

pub(crate) async fn what_is_withheld_comes_in_order_and_is_dropped_for_good(store: Arc<dyn Store>) {
    let chat = conversation("ann");
    let (first, second) = (handoff(&chat.id, "e1"), handoff(&chat.id, "e2"));
    let withhold = |handoff: &handoff_core::handoff::Handoff, sealed: &[u8]| Withheld {
        handoff: handoff.id.clone(),
        sealed: sealed.into(),
    };
    let withheld = vec![withhold(&first, b"z"), withhold(&second, b"other"), withhold(&first, b"a")];
    let changes = Changes { handoffs: vec![first.clone(), second.clone()], withheld, ..only(&chat) };
    store.commit(changes).await.unwrap();
    assert_eq!(store.withheld(&first.id).await.unwrap(), [b"z", b"a"]);

    let drop_withheld = Some(first.id.clone());
    store.commit(Changes { drop_withheld, ..Changes::default() }).await.unwrap();
    assert_eq!(store.withheld(&first.id).await.unwrap(), Vec::<Vec<u8>>::new());
    assert_eq!(store.withheld(&second.id).await.unwrap(), [b"other"]);
}

pub(crate) async fn handoffs_are_listed_latest_first_and_by_state(store: Arc<dyn Store>) {
    let chat = conversation("ann");
    store.commit(only(&chat)).await.unwrap();
    let mut expected = Vec::new();
    for number in 0..6 {
        let mut leaving = handoff(&chat.id, &format!("e{number}"));
        leaving.fired_at = Timestamp(number / 2);
        if number == 3 {
            leaving.state =
                HandoffState::Failed { reason: "refused".into(), at: Timestamp(9), nobody_there: false };
        }
        expected.push((leaving.fired_at, leaving.id.clone()));
        store.commit(Changes { handoffs: vec![leaving], ..Changes::default() }).await.unwrap();
    }
    let failed = expected[3].1.clone();
    expected.sort_by(|a, b| b.cmp(a));
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let rows = store.handoffs(None, Page { after, limit: 2 }).await.unwrap();
        let Some(last) = rows.last() else { break };
        after = Some(last.cursor.clone());
        found.extend(rows.into_iter().map(|row| (row.fired_at, row.id)));
    }
    assert_eq!(found, expected);

    let rows = store.handoffs(Some("failed"), Page { after: None, limit: 9 }).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0].id, rows[0].state.as_str(), rows[0].platform.as_str()),
        (&failed, "failed", "Zendesk")
    );
    assert_eq!(rows[0].conversation, chat.id);
    let page = Page { after: None, limit: 9 };
    assert_eq!(store.handoffs(Some("requested"), page).await.unwrap().len(), 5);
}

pub(crate) async fn what_a_connection_carries_is_found_among_all_that_others_carry(store: Arc<dyn Store>) {
    let chat = conversation("ann");
    store.commit(only(&chat)).await.unwrap();
    let mut ours = Vec::new();
    for number in 0..30 {
        let mut leaving = handoff(&chat.id, &format!("e{number}"));
        leaving.fired_at = Timestamp(number);
        if number % 10 == 0 {
            leaving.connection = ConnectionId::new("other");
            ours.push(leaving.id.clone());
        }
        if number != 10 {
            let ticket = TicketRef { chat: format!("c{number}"), label: None, url: None };
            leaving.state = HandoffState::Carrying { ticket, at: Timestamp(number) };
        }
        store.commit(Changes { handoffs: vec![leaving], ..Changes::default() }).await.unwrap();
    }
    let other = ConnectionId::new("other");
    assert_eq!(store.carried(&other, 9).await.unwrap(), [ours[2].clone(), ours[0].clone()]);
    assert_eq!(store.carried(&other, 1).await.unwrap(), [ours[2].clone()]);
    assert_eq!(store.carried(&ConnectionId::new("nobody"), 9).await.unwrap(), []);
}
