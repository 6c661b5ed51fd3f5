//! The files of the data directory other than slots and segments.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use env::{Env, Fs, OpenMode};

use crate::errors::OpenError;
use crate::flush::write_forced;
use crate::format::checkpoint::{Checkpoint, FILE_NAMES, LogCheckpoint};
use crate::format::data_format::{self, DataFormat, DataFormatError};
use crate::marks::{Mark, mark};
use crate::segment::{SNAPSHOT, SUFFIXES, file_name, segment_file_name};

/// The name under which the format file is made before it gets its own.
const NEW_FORMAT_FILE: &str = "format.new";

/// Reads the format file; makes it, with the directories, if the data directory is empty.
pub(crate) fn open_format(env: &Env, data_dir: &Path) -> Result<DataFormat, OpenError> {
    let fs = env.fs.as_ref();
    let path = data_dir.join(data_format::FILE_NAME);
    let found = match fs.read(&path) {
        Ok(bytes) => Some(decode_format(&path, &bytes)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(OpenError::Io { path, error }),
    };
    let wal = data_dir.join("wal");
    let logs = data_dir.join("logs");
    if let Some(format) = found {
        // Who made it may have been killed before its name was durable.
        fs.sync_dir(data_dir).map_err(OpenError::io(data_dir))?;
        // A start that was cut short may have left them out; a later one must find them.
        for directory in [&wal, &logs] {
            if !fs.exists(directory).map_err(OpenError::io(directory))? {
                fs.create_dir_all(directory)
                    .map_err(OpenError::io(directory))?;
                fs.sync_dir(data_dir).map_err(OpenError::io(data_dir))?;
            }
        }
        if format.is_older {
            // Before anything is written that the earlier version does not know.
            write_format(fs, data_dir, format.wal_id)?;
        }
        return Ok(format);
    }
    for name in FILE_NAMES {
        let checkpoint = data_dir.join(name);
        if fs.exists(&checkpoint).map_err(OpenError::io(&checkpoint))? {
            return Err(missing_format(path));
        }
    }
    let slots = super::scan::list_slots(fs, &wal).map_err(OpenError::io(&wal))?;
    if !slots.is_empty() {
        return Err(missing_format(path));
    }
    mark(Mark::DirectoryMade);
    sync_ancestors(fs, data_dir)?;
    fs.create_dir_all(&wal).map_err(OpenError::io(&wal))?;
    fs.create_dir_all(&logs).map_err(OpenError::io(&logs))?;
    write_format(fs, data_dir, env.rng.random_u64())
}

/// Puts a format file of this version in place.
fn write_format(fs: &dyn Fs, data_dir: &Path, wal_id: u64) -> Result<DataFormat, OpenError> {
    let format = DataFormat {
        wal_id,
        is_older: false,
    };
    let path = data_dir.join(data_format::FILE_NAME);
    let new_path = data_dir.join(NEW_FORMAT_FILE);
    write_forced(fs, &new_path, &format.encode()).map_err(OpenError::io(&new_path))?;
    fs.rename(&new_path, &path).map_err(OpenError::io(&path))?;
    fs.sync_dir(data_dir).map_err(OpenError::io(data_dir))?;
    Ok(format)
}

/// Makes the name of the data directory durable. It may be as new as those above it; those that are
/// not ours to open have been there before. Comes before the format file, so that a directory with
/// one need not be looked at again.
fn sync_ancestors(fs: &dyn Fs, data_dir: &Path) -> Result<(), OpenError> {
    for directory in data_dir.ancestors().skip(1) {
        match fs.sync_dir(directory) {
            Ok(()) => {}
            // The parent of a relative path's first part has no name.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::PermissionDenied
                        | io::ErrorKind::NotFound
                        | io::ErrorKind::ReadOnlyFilesystem
                        | io::ErrorKind::InvalidInput
                        | io::ErrorKind::Unsupported
                ) =>
            {
                break;
            }
            Err(error) => return Err(OpenError::io(directory)(error)),
        }
    }
    Ok(())
}

fn missing_format(path: PathBuf) -> OpenError {
    OpenError::NotOurs {
        path,
        message: "the directory holds logs, but this file, which says in which format, is missing"
            .to_owned(),
    }
}

/// Reads what a format file holds.
pub(crate) fn decode_format(path: &Path, bytes: &[u8]) -> Result<DataFormat, OpenError> {
    DataFormat::decode(bytes).map_err(|error| match error {
        DataFormatError::Malformed => OpenError::NotOurs {
            path: path.to_owned(),
            message: "this is not the format file of a data directory, or it is damaged".to_owned(),
        },
        DataFormatError::Newer(found) => OpenError::NewerFormat {
            path: path.to_owned(),
            found,
            supported: data_format::VERSION,
        },
    })
}

/// The checkpoints that were found.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints {
    /// The sound one that counts.
    pub newest: Option<Checkpoint>,
    /// The other one, if it is sound.
    pub older: Option<Checkpoint>,
    /// Which of the two files is written next.
    pub next_file: usize,
    /// Files that exist and are not sound. A crash while one was written leaves it so.
    pub unsound: Vec<PathBuf>,
}

/// Reads both checkpoints. If `repairs`, what is in the cache only is forced first.
pub(crate) fn read_checkpoints(
    fs: &dyn Fs,
    data_dir: &Path,
    wal_id: u64,
    repairs: bool,
) -> Result<Checkpoints, OpenError> {
    let mut found = Checkpoints::default();
    for (number, name) in FILE_NAMES.iter().enumerate() {
        let path = data_dir.join(name);
        let read = if repairs {
            read_durable(fs, &path)
        } else {
            fs.read(&path)
        };
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(OpenError::Io { path, error }),
        };
        let sound = Checkpoint::decode(&bytes).filter(|checkpoint| checkpoint.wal_id == wal_id);
        let Some(checkpoint) = sound else {
            mark(Mark::UnsoundCheckpoint);
            found.unsound.push(path);
            continue;
        };
        let is_newer = found
            .newest
            .as_ref()
            .is_none_or(|newest| newest.generation < checkpoint.generation);
        if is_newer {
            found.older = found.newest.replace(checkpoint);
            found.next_file = 1 - number;
        } else {
            found.older = Some(checkpoint);
        }
    }
    match (&found.newest, &found.older) {
        (None, _) => mark(Mark::NoCheckpoint),
        (Some(_), Some(_)) => mark(Mark::NewestOfTwoCheckpoints),
        (Some(_), None) => {}
    }
    Ok(found)
}

/// Reads what is on disk of a file. Rounds are given up for what a checkpoint says, so it must not
/// be in the cache only: its writer may have been killed before the force, or the force failed.
fn read_durable(fs: &dyn Fs, path: &Path) -> io::Result<Vec<u8>> {
    let file = fs.open(path, OpenMode::Write)?;
    file.sync_data()?;
    file.drop_cache()?;
    fs.read(path)
}

/// The files of a log that a checkpoint lists.
pub(crate) fn listed_files(log: &LogCheckpoint) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for segment in &log.segments {
        names.extend(
            SUFFIXES
                .map(|suffix| segment_file_name(segment.base_offset, segment.generation, suffix)),
        );
    }
    if log.snapshot_offset >= 0 {
        names.insert(file_name(log.snapshot_offset, SNAPSHOT));
    }
    names
}
