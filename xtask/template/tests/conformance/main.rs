//! The plugin file against the conformance kit, with Acme Desk played by `desk`.

mod desk;

handoff_conformance::test!(desk::Scene);
