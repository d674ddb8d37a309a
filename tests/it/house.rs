//! The rules of the house, kept by tests: the order of the rooms, and no libtorch in `fqm-pipe`.

use object::Endianness;
use object::read::elf::{Dyn, FileHeader, SectionHeader};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms in the order of the data. A room imports only those before it.
const ROOMS: [&str; 18] = [
    "core",
    "workspace",
    "quest",
    "logs",
    "scrub",
    "store",
    "dataset",
    "curate",
    "policy",
    "evaluate",
    "simulate",
    "registry",
    "promote",
    "pipeline",
    "steps",
    "serve",
    "report",
    "cli",
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn room_of(path: &Path) -> Option<usize> {
    let first = path.strip_prefix(root()).unwrap().components().next()?;
    let name = first.as_os_str().to_str()?.trim_end_matches(".rs");
    ROOMS.iter().position(|room| *room == name)
}

#[test]
fn rooms_import_only_the_rooms_before_them() {
    let import = regex::Regex::new(r"\bcrate::([a-z_]+)").unwrap();
    let mut wrong = Vec::new();
    let mut imports = 0;
    for path in sources(&root()) {
        let Some(room) = room_of(&path) else { continue };
        // Tests of a room may look at whatever helps them.
        if path.components().any(|c| c.as_os_str().to_string_lossy().starts_with("tests")) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code: String = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect();
        for found in import.captures_iter(&code) {
            let name = found.get(1).unwrap().as_str();
            let Some(other) = ROOMS.iter().position(|r| *r == name) else { continue };
            imports += 1;
            if other > room {
                wrong.push(format!("{} imports {name}", path.display()));
            }
        }
    }
    assert!(imports > 100, "only {imports} imports were seen");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_room_is_in_the_list() {
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let name = name.trim_end_matches(".rs");
        let known = ROOMS.contains(&name) || ["lib", "main", "bin"].contains(&name);
        assert!(known, "src/{name} has no place in the order of the rooms");
    }
}

#[test]
fn fqm_pipe_does_not_link_libtorch() {
    let pipe = needed(env!("CARGO_BIN_EXE_fqm-pipe"));
    assert!(pipe.iter().any(|n| n.starts_with("libc.so")), "{pipe:?}");
    assert!(!pipe.iter().any(|n| n.contains("torch")), "{pipe:?}");
    let torch = needed(env!("CARGO_BIN_EXE_fqm-torch"));
    assert!(torch.iter().any(|n| n.contains("libtorch_cpu")), "{torch:?}");
}

/// The shared libraries that a program names in its dynamic section.
fn needed(program: &str) -> Vec<String> {
    let bytes = fs::read(program).unwrap();
    let data = &*bytes;
    let header = object::elf::FileHeader64::<Endianness>::parse(data).unwrap();
    let endian = header.endian().unwrap();
    let sections = header.sections(endian, data).unwrap();
    let mut names = Vec::new();
    for section in sections.iter() {
        let Some((entries, link)) = section.dynamic(endian, data).unwrap() else { continue };
        let strings = sections.strings(endian, data, link).unwrap();
        for entry in entries.iter().filter(|e| e.tag32(endian) == Some(object::elf::DT_NEEDED)) {
            let name = entry.string(endian, strings).unwrap();
            names.push(String::from_utf8_lossy(name).into_owned());
        }
    }
    names
}
