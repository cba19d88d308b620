//! What can be seen of a plugin file without running it, beyond what the server looks at.

use object::{Object, ObjectSection, ObjectSymbol};

use crate::{Failure, Promise, Verdict};

/// The one symbol that a plugin exports.
const ROOT: &str = "_1as_0lib_1header_0root_bmodule_bloader";
/// What a connector has no use for, since its host does it for it, and what each of them is for.
const FOREIGN: [(&str, &str); 16] = [
    ("socket", "opens connections of its own"),
    ("connect", "opens connections of its own"),
    ("bind", "listens on the network"),
    ("getaddrinfo", "looks names up by itself"),
    ("pthread_create", "starts threads"),
    ("fork", "starts processes"),
    ("vfork", "starts processes"),
    ("posix_spawn", "starts programs"),
    ("posix_spawnp", "starts programs"),
    ("execve", "starts programs"),
    ("execvp", "starts programs"),
    ("system", "starts programs"),
    ("kill", "sends signals"),
    ("dlopen", "opens libraries"),
    ("ptrace", "looks into processes"),
    ("setenv", "changes the environment of its process"),
];
/// Largest file that is fit to be handed out, in bytes.
const LARGEST: usize = 2 << 20;

/// It exports the root symbol and nothing else.
pub(crate) fn exports(bytes: &[u8]) -> Verdict {
    let file = match object::File::parse(bytes) {
        Ok(file) => file,
        Err(error) => return failed(format!("the file cannot be read: {error}")),
    };
    let names: Vec<_> = file
        .dynamic_symbols()
        .filter(|symbol| symbol.is_definition())
        .filter_map(|symbol| symbol.name().ok())
        .collect();
    match names.iter().find(|name| **name != ROOT) {
        None => Verdict::Passed,
        Some(name) => failed(format!(
            "it exports {name}, and may export nothing but its root symbol: two plugins with one name in common \
             would find each other's"
        )),
    }
}

/// It asks the system for nothing that its host does for it.
pub(crate) fn imports(bytes: &[u8]) -> Verdict {
    let file = match object::File::parse(bytes) {
        Ok(file) => file,
        Err(error) => return failed(format!("the file cannot be read: {error}")),
    };
    let mut names =
        file.dynamic_symbols().filter(|symbol| symbol.is_undefined()).filter_map(|symbol| symbol.name().ok());
    let found = names.find_map(|name| FOREIGN.iter().find(|(foreign, _)| *foreign == name));
    match found {
        None => Verdict::Passed,
        Some((name, what)) => failed(format!(
            "it imports {name}, so something in it {what}; ask the host instead, and look for the dependency that \
             brings it (cargo tree)"
        )),
    }
}

/// It is no larger than a connector needs to be.
pub(crate) fn size(bytes: &[u8]) -> Verdict {
    let debug = object::File::parse(bytes).is_ok_and(|file| {
        file.sections().any(|section| section.name().is_ok_and(|name| name.starts_with(".debug_")))
    });
    if debug {
        return Verdict::LeftOut(
            "the file is a development build, with what only a debugger reads".to_owned(),
        );
    }
    if bytes.len() <= LARGEST {
        return Verdict::Passed;
    }
    failed(format!(
        "it has {} KiB, and {} KiB are allowed; build it in release mode",
        bytes.len() / 1024,
        LARGEST / 1024
    ))
}

/// The same file as a higher version, and which; none when no number of the same length is higher.
pub(crate) fn newer(bytes: &[u8], version: &str) -> Option<(String, Vec<u8>)> {
    let core = version.find(|one: char| !one.is_ascii_digit() && one != '.').unwrap_or(version.len());
    let at = version[..core].rfind(|digit: char| digit.is_ascii_digit() && digit < '9')?;
    let mut higher = version.as_bytes().to_vec();
    higher[at] += 1;
    let higher = String::from_utf8(higher).ok()?;
    let section = object::File::parse(bytes).ok()?.section_by_name(".handoff.meta")?.data().ok()?.to_vec();
    let said = String::from_utf8(section).ok()?;
    let number = said.find("\"version\"").map(|from| from + said[from..].find(version).unwrap_or(0))?;
    let mut says = said.clone();
    says.replace_range(number..number + version.len(), &higher);
    // It stands there for whoever reads the file and for whoever asks the code; perhaps that is one place.
    let mut changed = bytes.to_vec();
    let places = bytes.windows(said.len()).enumerate().filter(|(_, part)| *part == said.as_bytes());
    for (at, _) in places {
        changed[at..at + says.len()].copy_from_slice(says.as_bytes());
    }
    Some((higher, changed))
}

fn failed(text: String) -> Verdict {
    Verdict::Failed(Failure::new(Promise::P7, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_raised_where_there_is_room() {
        let file = crate::beside_tests("handoff-misbehaving");
        let bytes = std::fs::read(file).unwrap();
        let (higher, changed) = newer(&bytes, "0.1.0").unwrap();
        assert_eq!((higher.as_str(), changed.len()), ("0.1.1", bytes.len()));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).matches("\"version\": \"0.1.1\"").count();
        assert!(text(&changed) > 0 && text(&bytes) == 0);
        assert!(newer(&bytes, "9.9.9").is_none());
    }
}
