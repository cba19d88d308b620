//! The structure of a plugin file: a complete shared library for this machine, with the one symbol
//! by which the host enters it.
//!
//! The linker's tables are followed the way the dynamic linker follows them, so that what is
//! checked here is what would be loaded.

use handoff_abi::{
    MANIFEST_SECTION,
    abi_stable::library::{AbiHeader, LibHeader, ROOT_MODULE_LOADER_NAME},
};
use object::{
    Endianness, ReadRef, elf,
    read::elf::{Dyn, FileHeader, ProgramHeader, SectionHeader, SectionTable, Sym},
};

use crate::plugins::report::{Refusal, Stage};

type Header = elf::FileHeader64<Endianness>;
type Segment = elf::ProgramHeader64<Endianness>;

/// What a file holds.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    /// Libraries that it needs.
    pub(super) needed: Vec<String>,
    /// Its manifest section.
    pub(super) manifest: &'a [u8],
}

/// Libraries that a plugin may need; they are part of every system the host runs on.
const ALLOWED: [&str; 7] = [
    "libc.so",
    "libm.so",
    "libgcc_s.so",
    "libpthread.so",
    "libdl.so",
    "ld-linux-x86-64.so",
    "ld-linux-aarch64.so",
];

#[cfg(target_arch = "x86_64")]
const MACHINE: (elf::Machine, &str) = (elf::EM_X86_64, "x86_64");
#[cfg(target_arch = "aarch64")]
const MACHINE: (elf::Machine, &str) = (elf::EM_AARCH64, "aarch64");

/// Checks the structure of a file.
pub(super) fn facts(data: &[u8]) -> Result<Facts<'_>, Refusal> {
    let header = header(data)?;
    let endian = Endianness::default();
    let segments = header.program_headers(endian, data).map_err(|_| incomplete("the table of segments"))?;
    let sections = header.sections(endian, data).map_err(|_| incomplete("the table of sections"))?;
    bounds(data, endian, segments, &sections)?;
    let needed = needed(data, endian, segments)?;
    root_symbol(data, endian, segments, &sections)?;
    Ok(Facts { needed, manifest: manifest_section(data, endian, &sections)? })
}

fn header(data: &[u8]) -> Result<&Header, Refusal> {
    let remedy = "put a plugin file here that was built for this server, or take the file away";
    let refuse = |reason: &str| Refusal::new(Stage::Structure, reason, remedy);
    if data.is_empty() {
        return Err(refuse("the file is empty"));
    }
    if !data.starts_with(&elf::ELFMAG) {
        return Err(refuse("the file is not a shared library, whatever its name says"));
    }
    let header = Header::parse(data)
        .map_err(|_| refuse("the file is not a 64-bit shared library, or only its beginning"))?;
    if header.is_little_endian() != cfg!(target_endian = "little") {
        return Err(refuse("the file was built for a machine with another byte order"));
    }
    let endian = Endianness::default();
    if header.e_type(endian) != elf::ET_DYN {
        return Err(refuse("the file is a program or an object file, not a shared library"));
    }
    if header.e_machine(endian) != MACHINE.0 {
        return Err(refuse(&format!("the file was built for another kind of machine than {}", MACHINE.1)));
    }
    Ok(header)
}

/// Everything that the tables point to lies within the file.
fn bounds(
    data: &[u8],
    endian: Endianness,
    segments: &[Segment],
    sections: &SectionTable<'_, Header>,
) -> Result<(), Refusal> {
    if !segments.iter().any(|segment| segment.p_type(endian) == elf::PT_LOAD) {
        return Err(incomplete("everything that could be loaded"));
    }
    if segments.iter().any(|segment| segment.data(endian, data).is_err()) {
        return Err(incomplete("a segment"));
    }
    let mut real = sections.iter().filter(|section| section.sh_type(endian) != elf::SHT_NOBITS);
    if real.any(|section| section.data(endian, data).is_err()) {
        return Err(incomplete("a section"));
    }
    Ok(())
}

/// The libraries that the dynamic linker would fetch, all of them harmless.
fn needed(data: &[u8], endian: Endianness, segments: &[Segment]) -> Result<Vec<String>, Refusal> {
    let dynamic = segments.iter().find_map(|segment| segment.dynamic(endian, data).ok().flatten());
    let entries = dynamic.ok_or_else(|| incomplete("the table for the dynamic linker"))?;
    let value =
        |tag| entries.iter().find(|entry| entry.d_tag(endian) == tag).map(|entry| entry.d_val(endian));
    let strings = match (value(elf::DT_STRTAB), value(elf::DT_STRSZ)) {
        (Some(address), Some(size)) => mapped(data, endian, segments, address, size),
        _ => None,
    };
    let strings = strings.ok_or_else(|| incomplete("the table of names"))?;
    let live = entries.iter().take_while(|entry| entry.d_tag(endian) != elf::DT_NULL);
    let names = live.filter(|entry| entry.d_tag(endian) == elf::DT_NEEDED).map(|entry| {
        let rest = usize::try_from(entry.d_val(endian)).ok().and_then(|at| strings.get(at..));
        let name = rest.and_then(|rest| rest.split(|byte| *byte == 0).next());
        name.map(|name| String::from_utf8_lossy(name).into_owned())
            .ok_or_else(|| incomplete("the name of a library"))
    });
    let names = names.collect::<Result<Vec<_>, _>>()?;
    match names.iter().find(|name| !is_allowed(name)) {
        None => Ok(names),
        Some(foreign) => Err(Refusal::new(
            Stage::Structure,
            format!("the plugin needs the library {foreign:?}, which a plugin may not load"),
            "link that library statically into the plugin, or use what the host offers instead",
        )),
    }
}

/// `libc.so.6` and the like: an allowed name, perhaps with a number.
fn is_allowed(name: &str) -> bool {
    let numbered = |rest: &str| {
        rest.is_empty() || rest.strip_prefix('.').is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
    };
    ALLOWED.iter().any(|allowed| name.strip_prefix(allowed).is_some_and(numbered))
}

/// The symbol by which the host enters, and that what it names was made by the same ABI library.
fn root_symbol(
    data: &[u8],
    endian: Endianness,
    segments: &[Segment],
    sections: &SectionTable<'_, Header>,
) -> Result<(), Refusal> {
    let remedy = "build the plugin with the SDK's export macro, for the SDK of this server";
    let refuse = |reason: &str| Refusal::new(Stage::Structure, reason, remedy);
    let symbols =
        sections.symbols(endian, data, elf::SHT_DYNSYM).map_err(|_| incomplete("the table of symbols"))?;
    let root = symbols.iter().find(|symbol| {
        let name = symbols.symbol_name(endian, symbol);
        !symbol.is_undefined(endian) && name == Ok(ROOT_MODULE_LOADER_NAME.as_bytes())
    });
    let root = root.ok_or_else(|| refuse("the file is a shared library, but not a plugin of this server"))?;
    let whole = root.st_size(endian) >= size_of::<LibHeader>() as u64;
    let found = mapped(data, endian, segments, root.st_value(endian), size_of::<AbiHeader>() as u64);
    match found {
        Some(found) if whole && found == abi_header() => Ok(()),
        Some(found) if whole && found.starts_with(&AbiHeader::VALUE.magic_string) => {
            Err(refuse("the plugin was built with another version of the library for the plugin edge"))
        }
        _ => Err(refuse("the plugin's entry is damaged or was made by something else than the SDK")),
    }
}

/// The first bytes of a root symbol that this host understands.
fn abi_header() -> Vec<u8> {
    let AbiHeader { magic_string, abi_major, abi_minor, .. } = AbiHeader::VALUE;
    [&magic_string[..], &abi_major.to_ne_bytes(), &abi_minor.to_ne_bytes()].concat()
}

fn manifest_section<'a>(
    data: &'a [u8],
    endian: Endianness,
    sections: &SectionTable<'a, Header>,
) -> Result<&'a [u8], Refusal> {
    let section = sections.section_by_name(endian, MANIFEST_SECTION.as_bytes());
    let bytes = section.and_then(|(_, section)| section.data(endian, data).ok());
    bytes.filter(|bytes| !bytes.is_empty()).ok_or_else(|| {
        let reason =
            format!("the plugin says nothing about itself: its section {MANIFEST_SECTION} is missing");
        Refusal::new(
            Stage::Manifest,
            reason,
            "build the plugin with the SDK's export macro, and do not strip the section",
        )
    })
}

/// The bytes that would be mapped at an address, as far as they come from the file.
fn mapped<'a>(
    data: &'a [u8],
    endian: Endianness,
    segments: &[Segment],
    address: u64,
    size: u64,
) -> Option<&'a [u8]> {
    let mut loaded = segments.iter().filter(|segment| segment.p_type(endian) == elf::PT_LOAD);
    loaded.find_map(|segment| {
        let skipped = address.checked_sub(segment.p_vaddr(endian))?;
        let inside = skipped.checked_add(size)? <= segment.p_filesz(endian);
        inside.then_some(())?;
        data.read_bytes_at(segment.p_offset(endian).checked_add(skipped)?, size).ok()
    })
}

fn incomplete(what: &str) -> Refusal {
    let remedy = "copy the file again, under another name first, and rename it when it is complete";
    Refusal::new(Stage::Structure, format!("the file is damaged or incomplete: {what} is missing"), remedy)
}

#[cfg(test)]
mod tests {
    use super::{facts, is_allowed};

    /// This test itself is a file with all the tables; each of their bytes is spoilt in turn.
    #[test]
    fn spoilt_tables_never_upset_the_inspection() {
        let mut bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let table = u64::from_le_bytes(bytes[40..48].try_into().unwrap()) as usize;
        let spots: Vec<_> = (0..2048).chain(table..bytes.len()).collect();
        let mut refused = 0;
        for (n, at) in spots.into_iter().enumerate() {
            let before = bytes[at];
            bytes[at] = before.wrapping_add([1, 0x7f, 0x80, 0xff][n % 4]);
            refused += usize::from(facts(&bytes).is_err());
            bytes[at] = before;
        }
        assert!(refused > 0);
    }

    #[test]
    fn only_libraries_of_every_system_are_allowed() {
        for name in ["libc.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2", "libm.so"] {
            assert!(is_allowed(name), "{name}");
        }
        for name in
            ["libssl.so.3", "libc.so.6x", "libc.so.evil", "/tmp/libc.so.6", "libcurl.so", "libc.so/../x", ""]
        {
            assert!(!is_allowed(name), "{name}");
        }
    }
}
