//! The committed inputs: `corpus/TARGET/*`, what a fuzzer begins with, and `regressions/TARGET/*`, what
//! once went wrong.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::Target;

/// The directory of the inputs that a target begins with.
pub fn corpus_directory(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target.name)
}

/// The directory of the inputs that a target once failed with, each named for what was wrong.
pub fn regressions_directory(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("regressions")
        .join(target.name)
}

/// An input in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The name of the file.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The inputs in a directory, in the order of their names; none if there is no such directory.
///
/// # Errors
///
/// When it cannot be read.
pub fn inputs(directory: &Path) -> io::Result<Vec<Input>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut inputs = Vec::new();
    for entry in entries {
        let entry = entry?;
        inputs.push(Input {
            name: entry.file_name().to_string_lossy().into_owned(),
            bytes: fs::read(entry.path())?,
        });
    }
    inputs.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(inputs)
}

/// Writes the inputs that a target makes for itself into a directory, where a fuzzer finds them.
///
/// # Errors
///
/// When they cannot be written.
pub fn write_seeds(target: &Target, directory: &Path) -> io::Result<()> {
    for (number, seed) in (target.seeds)().into_iter().enumerate() {
        fs::write(directory.join(format!("seed-{number:04}")), seed)?;
    }
    Ok(())
}
