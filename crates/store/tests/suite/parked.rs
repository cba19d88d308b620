//! `Parked`: webhook requests that could not be read when they arrived.

use std::sync::Arc;

use handoff_core::store::{ParkedRequest, Store, StoreError};
use handoff_model::{ConnectionId, Timestamp};

fn request(connection: &str, number: u8) -> ParkedRequest {
    let at = Timestamp(100 - i64::from(number));
    ParkedRequest { connection: ConnectionId::new(connection), sealed: vec![number], at }
}

pub(crate) async fn requests_come_in_the_order_of_their_arrival(store: Arc<dyn Store>) {
    for (connection, number) in [("desk", 1), ("other", 2), ("desk", 3), ("desk", 4)] {
        store.park(request(connection, number)).await.unwrap();
    }
    let desk = ConnectionId::new("desk");
    let parked = store.parked(&desk, 9).await.unwrap();
    let requests = parked.iter().map(|(_, request)| request.clone()).collect::<Vec<_>>();
    assert_eq!(requests, [1, 3, 4].map(|number| request("desk", number)));
    assert_eq!(store.parked(&desk, 2).await.unwrap(), parked[..2]);
    store.unpark(parked[0].0).await.unwrap();
    store.unpark(parked[0].0).await.unwrap();
    assert_eq!(store.parked(&desk, 9).await.unwrap(), parked[1..]);
}

pub(crate) async fn too_many_requests_are_refused(store: Arc<dyn Store>) {
    let full = loop {
        if let Err(full) = store.park(request("desk", 1)).await {
            break full;
        }
    };
    assert!(matches!(full, StoreError::Unavailable(_)), "{full:?}");
    assert_eq!(store.park(request("other", 1)).await, Ok(()), "others have room of their own");
    let desk = ConnectionId::new("desk");
    let (first, _) = store.parked(&desk, 1).await.unwrap().remove(0);
    store.unpark(first).await.unwrap();
    assert_eq!(store.park(request("desk", 1)).await, Ok(()));
}
