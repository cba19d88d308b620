//! What can only be seen in a browser: `tests/browser`, with Chromium.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};
use handoff_tests::built::{DIST, root, target};

use crate::shell::{install, may_install, printed, run as start, works};

/// Names under which systems install the browser.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// Tells the tests which browser to use.
const BROWSER: &str = "HANDOFF_BROWSER";
/// The oldest Node with a test runner that waits for promises.
const NODE: u32 = 20;

/// Runs the browser tests.
pub(crate) fn run() -> Result<()> {
    node()?;
    let browser = browser()?;
    let folder = root().join("tests").join("browser");
    start(npm(&folder).args(["ci", "--no-audit", "--no-fund", "--silent"]))?;
    let mut tests = npm(&folder);
    tests.args(["test", "--silent"]);
    tests.env(BROWSER, browser).env(DIST, target().join("debug").join("dist"));
    start(&mut tests)
}

fn npm(folder: &Path) -> Command {
    let mut npm = Command::new("npm");
    // The browser of the system is used, so none is fetched.
    npm.current_dir(folder).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    npm
}

fn node() -> Result<()> {
    let version = printed("node", &["--version"]);
    let major: Option<u32> =
        version.as_deref().and_then(|text| text.trim_start_matches('v').split('.').next()?.parse().ok());
    match major {
        Some(major) if major >= NODE => Ok(()),
        _ => bail!("the browser tests need Node {NODE} or newer; install it, or pass --without browser"),
    }
}

fn browser() -> Result<PathBuf> {
    if let Some(found) = find() {
        return Ok(found);
    }
    if may_install() {
        install(&["chromium"])?;
    }
    find().ok_or_else(|| {
        let ways =
            "install the package chromium, or set HANDOFF_BROWSER to a browser, or pass --without browser";
        anyhow::anyhow!("the browser tests need Chromium: {ways}")
    })
}

fn find() -> Option<PathBuf> {
    let given = env::var_os(BROWSER).map(PathBuf::from);
    let known = NAMES.into_iter().filter_map(|name| printed("which", &[name]).map(|path| path.trim().into()));
    given.into_iter().chain(known).find(|path: &PathBuf| works(&path.display().to_string(), &["--version"]))
}
