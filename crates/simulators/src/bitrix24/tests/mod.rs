//! Journeys against a served portal: what a connector, a customer and an operator live through.

mod access;
mod api;
mod events;
mod handing_over;
mod support;
