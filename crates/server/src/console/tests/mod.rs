//! Journeys through the console, in one process with a store of its own.

mod assistants;
mod connectors;
mod desk;
mod inbox;
mod panel;
mod sign_in;
mod world;
