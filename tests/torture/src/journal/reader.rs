//! Reading a journal.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::entry::Line;

/// Gives every line of every actor to `take`: the actors in the order of their names, the lines of
/// each in the order in which they were written. A last line without its end is passed over: its
/// writer was interrupted.
///
/// # Errors
///
/// When a file cannot be read or a line is no entry.
pub fn read(directory: &Path, mut take: impl FnMut(&str, Line)) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(directory).with_context(|| directory.display().to_string())?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "jsonl")
        {
            paths.push(path);
        }
    }
    paths.sort();
    for path in paths {
        read_file(&path, &mut take).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn read_file(path: &PathBuf, take: &mut impl FnMut(&str, Line)) -> anyhow::Result<()> {
    let actor = path.file_stem().unwrap_or_default().to_string_lossy();
    let mut file = BufReader::new(File::open(path)?);
    let mut text = Vec::new();
    for number in 1.. {
        text.clear();
        file.read_until(b'\n', &mut text)?;
        if text.pop() != Some(b'\n') {
            break;
        }
        let line = serde_json::from_slice(&text).with_context(|| format!("line {number}"))?;
        take(&actor, line);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write as _;

    use super::*;
    use crate::journal::{Entry, Held, Journal, Operation, Outcome, Place, Spot};

    #[test]
    fn what_is_written_is_read() {
        let directory = std::env::temp_dir().join(format!("journal-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory");
        let place = Place {
            topic: 1,
            partition: 2,
        };
        let entries = vec![
            Entry::Start(place, None),
            Entry::Seen(
                place,
                Held {
                    offset: 7,
                    producer: 3,
                    sequence: 4,
                    digest: u64::MAX,
                    timestamp: -1,
                },
            ),
            Entry::ReadBack(0, 5, vec![Spot(place, -1)]),
            Entry::Answered(1, Operation::Create, Outcome::Unknown("gone".to_owned())),
            Entry::LoadOver,
        ];
        let journal = Journal::new(&directory);
        let pen = journal.pen("actor").expect("a file");
        pen.note_all(entries.clone());
        // The beginning of a line that was not finished.
        let mut file = OpenOptions::new()
            .append(true)
            .open(directory.join("actor.jsonl"))
            .expect("the file");
        file.write_all(b"[12,{\"sta").expect("written");
        journal.check().expect("all is written");
        let mut found = Vec::new();
        read(&directory, |actor, Line(_, entry)| {
            assert_eq!(actor, "actor");
            found.push(entry);
        })
        .expect("readable");
        assert_eq!(found, entries);
        std::fs::remove_dir_all(&directory).expect("removed");
    }
}
