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

fn failed(text: String) -> Verdict {
    Verdict::Failed(Failure::new(Promise::P7, text))
}
