//! A few seeds of each kind, one seed twice, and rules broken on purpose.

use anyhow::{Result, bail, ensure};
use handoff_simulation::{Flaw, Report, plan::Route, restore, simulate, stumble};

/// Seeds that are part of every test run.
const FEW: u64 = 60;
/// Seeds with restores that are part of every test run.
const FEW_RESTORES: u64 = 40;
/// Seeds within which a broken rule has to be noticed.
const ENOUGH: u64 = 400;
/// Seeds that are played twice. A chance of which the seed knows nothing shows in few of them.
const TWICE: u64 = 40;
/// Seeds under which a process stumbles over each piece of work.
const SEEDS_OF_A_STUMBLE: u64 = 12;

#[test]
fn p1_to_p7_hold_in_every_seed() -> Result<()> {
    let (mut faults, mut accepted, mut failed) = (0, 0, 0);
    for seed in 1..=FEW {
        let report = simulate(seed, None, false)?;
        ensure!(report.is_clean(), "cargo xtask simulate --seed {seed}: {}", found(&report).join("\n"));
        faults += report.faults;
        (accepted, failed) = (accepted + report.tally.accepted, failed + report.tally.failed);
    }
    ensure!(faults > 0 && accepted > 0 && failed > 0, "nothing happened, so nothing is proved");
    Ok(())
}

#[test]
fn p1_to_p6_hold_whatever_older_backups_are_put_back() -> Result<()> {
    let (mut restores, mut accepted) = (0, 0);
    for seed in 1..=FEW_RESTORES {
        let report = restore(seed, None, false)?;
        ensure!(
            report.is_clean(),
            "cargo xtask simulate --restores --seed {seed}: {}",
            found(&report).join("\n")
        );
        (restores, accepted) = (restores + report.restores, accepted + report.tally.accepted);
    }
    ensure!(restores >= FEW_RESTORES && accepted > 0, "nothing happened, so nothing is proved");
    Ok(())
}

/// Otherwise a seed that was found could not be looked at again.
#[test]
fn the_same_seed_is_the_same_run_to_the_last_byte() -> Result<()> {
    for seed in 1..=TWICE {
        let (one, other) = (simulate(seed, None, false)?, simulate(seed, None, false)?);
        ensure!(one.hash == other.hash && one.events == other.events, "seed {seed} ran in two ways");
    }
    for seed in 1..=TWICE / 4 {
        let (one, other) = (restore(seed, None, false)?, restore(seed, None, false)?);
        ensure!(
            one.hash == other.hash && one.events == other.events,
            "restores, seed {seed} ran in two ways"
        );
    }
    let (one, other) = (simulate(1, None, false)?, simulate(2, None, false)?);
    ensure!(one.hash != other.hash, "two seeds are one run");
    Ok(())
}

/// Whoever stands still with work in its hands, for longer than it holds it, finds when it wakes up that another has done
/// it. Every piece of work of a chat is tried, each under some seeds, since it is a matter of chance who takes it.
fn stumbles_over_every_piece_of_work(route: Route) -> Result<()> {
    let mut tried = 0;
    for seed in 1..=SEEDS_OF_A_STUMBLE {
        let mut times = 0;
        while let Some(report) = stumble(route, seed, times)? {
            ensure!(report.is_clean(), "{route:?}, seed {seed}, {times}: {}", found(&report).join("\n"));
            (times, tried) = (times + 1, tried + 1);
        }
    }
    ensure!(tried > 3 * SEEDS_OF_A_STUMBLE, "{route:?} has hardly any work: {tried}");
    Ok(())
}

#[test]
fn p3_whoever_stood_still_with_work_in_its_hands_doubles_nothing_on_bitrix24() -> Result<()> {
    stumbles_over_every_piece_of_work(Route::OpenChannel)
}

#[test]
fn p3_whoever_stood_still_with_work_in_its_hands_doubles_nothing_on_zendesk() -> Result<()> {
    stumbles_over_every_piece_of_work(Route::Zendesk)
}

/// Plays seed after seed until the broken rule shows, as something that holds one of these words.
fn is_noticed(flaw: Flaw, as_one_of: &[&str]) -> Result<()> {
    for seed in 1..=ENOUGH {
        let played = if flaw == Flaw::TrustsBackups { restore } else { simulate };
        let found = found(&played(seed, Some(flaw), false)?);
        if found.iter().any(|finding| as_one_of.iter().any(|word| finding.contains(word))) {
            return Ok(());
        }
    }
    bail!("{flaw}: nobody noticed in {ENOUGH} seeds")
}

/// What a run found, in sentences.
fn found(report: &Report) -> Vec<String> {
    report.violations.iter().chain(&report.tally.stories).cloned().collect()
}

#[test]
fn p3_a_store_that_forgets_the_keys_of_events_would_be_noticed() -> Result<()> {
    is_noticed(Flaw::ForgetsKeys, &["2 times in the history", "arrived 2 times"])
}

#[test]
fn p3_what_counts_as_not_there_because_nobody_finds_it_would_be_noticed() -> Result<()> {
    is_noticed(Flaw::AbsentAtOnce, &["arrived 2 times", "has 2 chats"])
}

#[test]
fn p2_an_effect_that_is_not_stored_would_be_noticed() -> Result<()> {
    is_noticed(Flaw::DropsEffects, &["did not arrive"])
}

#[test]
fn p7_effects_that_are_stored_after_their_commit_would_be_noticed() -> Result<()> {
    is_noticed(Flaw::SplitsCommits, &["did not arrive", "never told", "undecided", "was never shown"])
}

#[test]
fn p4_an_acceptance_that_is_told_when_it_is_asked_for_would_be_noticed() -> Result<()> {
    is_noticed(Flaw::AcceptsEarly, &["no live agent has the chat"])
}

#[test]
fn p5_a_seal_that_hides_nothing_would_be_noticed() -> Result<()> {
    is_noticed(Flaw::Unsealed, &["a row is to be read"])
}

#[test]
fn p3_a_backup_that_is_trusted_would_be_noticed() -> Result<()> {
    is_noticed(Flaw::TrustsBackups, &["arrived 2 times", "has 2 chats", "conversations on the platform"])
}
