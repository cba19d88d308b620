//! The contract that every store keeps: one function for one sentence of the traits.
//!
//! A database joins by opening an empty store and handing that function to [`contract!`].

pub(crate) mod assistants;
pub(crate) mod backups;
pub(crate) mod commits;
pub(crate) mod connections;
pub(crate) mod conversations;
pub(crate) mod handoffs;
pub(crate) mod keep;
pub(crate) mod outbox;
pub(crate) mod parked;
pub(crate) mod samples;
pub(crate) mod users;

use std::{any::Any, sync::Arc};

use futures::future::BoxFuture;
use handoff_core::store::{Changes, Store};
use handoff_model::Timestamp;

/// An empty store.
pub(crate) struct Opened {
    /// The store.
    pub(crate) store: Arc<dyn Store>,
    /// Whatever must outlive it, such as its folder.
    pub(crate) _keep: Box<dyn Any + Send>,
}

/// A store that had these changes when it was backed up, and into which that backup was put back at each of these times.
pub(crate) type PutBack = fn(Changes, Vec<Timestamp>) -> BoxFuture<'static, Opened>;

/// Makes a test of every sentence, each with a store of its own.
macro_rules! contract {
    ($open:path, $put_back:path) => {
        suite::sentences_of_backups! { $put_back =>
            p3_whatever_may_have_been_done_since_a_backup_is_in_doubt_when_it_is_put_back
            p3_what_was_decided_before_the_backup_stays_decided
            p3_no_place_is_given_twice_however_often_one_backup_is_put_back
            p2_words_that_a_backup_leaves_out_are_taken_when_they_are_said_again
            p5_nothing_that_was_sealed_is_in_a_backup
        }
        suite::sentences! { $open =>
            commits::a_commit_stores_all_of_it
            commits::a_conflict_stores_nothing
            commits::a_conversation_that_exists_is_not_made_twice
            commits::a_handoff_that_changed_meanwhile_is_a_conflict
            commits::an_event_handled_before_is_a_duplicate_that_names_its_places
            commits::a_duplicate_is_found_before_a_conflict
            commits::the_same_key_in_another_scope_is_another_event
            commits::of_many_commits_on_one_version_exactly_one_wins
            commits::of_many_commits_of_one_event_exactly_one_wins
            commits::a_fault_of_ours_stores_nothing_and_harms_no_other_commit
            commits::the_store_says_that_it_is_ready
            conversations::the_version_grows_by_one_with_every_change
            conversations::messages_come_in_order_and_between_their_bounds
            conversations::every_kind_of_message_comes_back_as_it_was
            conversations::shown_is_replies_notices_and_sealed_rows_in_order
            conversations::acknowledging_marks_replies_and_deletes_sealed_rows_up_to_the_place
            conversations::what_became_of_a_message_is_kept
            conversations::the_inbox_lists_the_latest_first_page_by_page
            conversations::the_inbox_shows_who_holds_a_chat_and_how_its_last_message_begins
            conversations::a_cursor_that_is_none_is_refused
            handoffs::a_handoff_comes_back_as_it_was
            handoffs::a_chat_leads_to_its_handoff_also_under_its_new_name
            handoffs::what_is_withheld_comes_in_order_and_is_dropped_for_good
            handoffs::handoffs_are_listed_latest_first_and_by_state
            handoffs::what_a_connection_carries_is_found_among_all_that_others_carry
            outbox::only_the_first_row_of_a_lane_is_claimed
            outbox::a_row_that_is_held_blocks_its_lane_until_the_hold_is_over
            outbox::a_row_is_claimed_when_it_is_due_and_not_before
            outbox::a_row_put_off_keeps_its_place_and_its_attempts
            outbox::who_held_a_row_too_long_decides_nothing_about_it
            outbox::a_commit_for_an_effect_that_another_holds_by_now_stores_nothing
            outbox::waking_a_lane_makes_its_rows_due
            outbox::claims_take_the_longest_due_and_no_more_than_the_limit
            outbox::two_claims_never_take_the_same_row
            outbox::release_all_lets_go_of_everything_that_is_held_as_maybe_done
            outbox::waiting_lists_the_rows_of_one_kind
            outbox::an_effect_comes_back_as_it_was
            outbox::next_due_is_when_a_row_can_be_claimed
            outbox::later_effects_have_larger_numbers_also_after_all_were_done
            parked::requests_come_in_the_order_of_their_arrival
            parked::too_many_requests_are_refused
            assistants::a_draft_is_saved_only_over_the_revision_that_was_read
            assistants::publishing_makes_the_next_version_of_this_revision
            assistants::published_lists_what_has_a_version
            users::a_name_is_taken_once
            users::a_session_is_found_until_it_is_over_or_ended
            users::failures_are_counted_since_a_time_and_by_key
            keep::a_value_is_swapped_only_over_the_version_that_was_read
            connections::a_connection_comes_back_as_it_was_and_changes_under_its_revision
            connections::a_connection_is_removed_once_its_handoffs_are_at_their_end
            keep::connections_do_not_see_each_others_values
        }
    };
}
pub(crate) use contract;

macro_rules! sentences_of_backups {
    ($put_back:path => $($sentence:ident)*) => {$(
        #[tokio::test]
        async fn $sentence() {
            suite::backups::$sentence($put_back).await;
        }
    )*};
}
pub(crate) use sentences_of_backups;

macro_rules! sentences {
    ($open:path => $($noun:ident :: $sentence:ident)*) => {$(
        #[tokio::test]
        async fn $sentence() {
            let opened = $open().await;
            suite::$noun::$sentence(opened.store.clone()).await;
        }
    )*};
}
pub(crate) use sentences;
