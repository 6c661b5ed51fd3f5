//! How long a file may be and what it may not say.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use testkit::workspace_directory;

/// Lines of a source file, tests included. Generated code is not counted.
const LINES_MAX: usize = 500;

/// Files that were longer when the limit came. A number here may only go down.
const LONGER: &[(&str, usize)] = &[];

/// What no file of ours says: talk of work to do or of how it was organised, and calls that have no
/// place. The words are put together here so that this file does not say them.
fn banned() -> Vec<String> {
    [
        ["TO", "DO"],
        ["FIX", "ME"],
        ["XX", "X"],
        ["/wo", "rk/"],
        ["mile", "stone"],
        ["to", "do!("],
        ["unimple", "mented!("],
        ["db", "g!("],
        ["thread::sl", "eep"],
        ["#[ign", "ore"],
    ]
    .iter()
    .map(|parts| parts.concat())
    .collect()
}

/// Directories of what nobody wrote: builds, data, and inputs that may say anything.
const SKIPPED: &[&str] = &[
    ".git",
    "target",
    "__pycache__",
    "ottla-data",
    "corpus",
    "regressions",
];

/// File names that say nothing about what is in them.
const BANNED_NAMES: &[&str] = &[
    "util.rs",
    "utils.rs",
    "helper.rs",
    "helpers.rs",
    "common.rs",
    "misc.rs",
];

/// Every file of the repository that people read, by its path from the root.
fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![PathBuf::new()];
    while let Some(directory) = directories.pop() {
        let absolute = workspace_directory().join(&directory);
        for entry in std::fs::read_dir(absolute).expect("a directory") {
            let entry = entry.expect("readable");
            let path = directory.join(entry.file_name());
            let name = entry.file_name();
            // In a worktree `.git` is a file.
            if SKIPPED.iter().any(|skip| name == *skip) {
                continue;
            }
            let kind = entry.file_type().expect("a kind");
            if kind.is_dir() {
                directories.push(path);
            } else if kind.is_file() && is_text(&path) {
                found.push(path);
            }
        }
    }
    assert!(found.len() > 50, "the repository is found");
    found
}

fn is_text(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str);
    matches!(
        extension,
        Some("rs" | "py" | "md" | "toml" | "msg" | "yml" | "sh") | None
    )
}

fn is_generated(path: &Path) -> bool {
    path.components()
        .any(|part| part.as_os_str() == "generated")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(workspace_directory().join(path)).unwrap_or_default()
}

/// The words of `words` in a text, with the numbers of their lines.
fn saying(text: &str, words: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for word in words.iter().filter(|word| line.contains(word.as_str())) {
            found.push(format!("{}: {word}", number + 1));
        }
    }
    found
}

#[test]
fn no_file_says_what_is_banned() {
    let words = banned();
    let found: Vec<String> = files()
        .iter()
        .filter(|path| path.file_name() != Some(OsStr::new("LICENSE")))
        .flat_map(|path| {
            let place = path.display().to_string();
            saying(&read(path), &words)
                .into_iter()
                .map(move |line| format!("{place}:{line}"))
        })
        .collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_banned_word_is_found() {
    let words = banned();
    for word in &words {
        assert_eq!(
            saying(&format!("one\nsee {word} there"), &words).len(),
            1,
            "{word}"
        );
    }
}

#[test]
fn files_are_short() {
    let mut wrong = Vec::new();
    for path in files() {
        if path.extension() != Some(OsStr::new("rs")) || is_generated(&path) {
            continue;
        }
        let place = path.display().to_string();
        let exception = LONGER.iter().find(|(file, _)| *file == place);
        let limit = exception.map_or(LINES_MAX, |(_, lines)| *lines);
        let lines = read(&path).lines().count();
        if lines > limit {
            wrong.push(format!("{place} has {lines} lines, {limit} are allowed"));
        } else if exception.is_some() && lines < limit {
            wrong.push(format!(
                "{place} has only {lines} lines now: lower its number"
            ));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn files_have_names() {
    let nameless: Vec<PathBuf> = files()
        .into_iter()
        .filter(|path| BANNED_NAMES.iter().any(|name| path.ends_with(name)))
        .collect();
    assert_eq!(nameless, Vec::<PathBuf>::new());
}
