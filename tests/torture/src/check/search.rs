//! Where a lost record is: still in the files of the data directory, or not even there.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::content::{Identity, MARKER_BYTES};
use crate::findings::{Findings, Violation};
use crate::plan::Plan;

/// How much of a file is looked at at a time.
const PIECE_BYTES: usize = 1 << 20;

type Marker = [u8; MARKER_BYTES];

/// Says of each lost record whether the files hold it: then it was not delivered, else it is lost on
/// disk. Compressed values cannot be seen in them.
pub(super) fn explain(plan: &Plan, data_dir: &Path, findings: &mut Findings) -> anyhow::Result<()> {
    let mut wanted: HashMap<Marker, Option<String>> = HashMap::new();
    let lost = |violation| matches!(violation, Violation::Lost | Violation::Disagreement);
    for example in findings.examples() {
        if let (true, Some(marker)) = (lost(example.violation), marker_in(&example.text)) {
            wanted.insert(marker, None);
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    for path in files(data_dir)? {
        // The broker works on: a file may be gone by now.
        if let Ok(file) = File::open(&path) {
            search(file, |marker, position| {
                if let Some(found) = wanted.get_mut(marker) {
                    let place = format!("{} at byte {position}", path.display());
                    found.get_or_insert(place);
                }
            })
            .with_context(|| path.display().to_string())?;
        }
    }
    for example in findings.examples_mut() {
        let Some(marker) = marker_in(&example.text).filter(|_| lost(example.violation)) else {
            continue;
        };
        let place = wanted.get(&marker).and_then(Option::as_ref);
        let explanation = match place {
            Some(place) => format!("not delivered: {place}"),
            None if is_compressed(plan, &marker) => {
                "its batch was compressed, so the files do not show it".to_owned()
            }
            None => "lost on disk: no file holds it".to_owned(),
        };
        example.text.push_str("; ");
        example.text.push_str(&explanation);
    }
    Ok(())
}

/// The first marker in a text.
fn marker_in(text: &str) -> Option<Marker> {
    let mut windows = text.as_bytes().windows(MARKER_BYTES);
    let found = windows.find(|window| Identity::of(window).is_some())?;
    found.try_into().ok()
}

fn is_compressed(plan: &Plan, marker: &Marker) -> bool {
    let producer = Identity::of(marker).map(|identity| usize::from(identity.producer));
    producer
        .and_then(|producer| plan.producers.get(producer))
        .is_none_or(|producer| producer.codec != "none")
}

/// All files below a directory.
fn files(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut directories = vec![directory.to_path_buf()];
    while let Some(directory) = directories.pop() {
        let Ok(entries) = std::fs::read_dir(&directory) else {
            continue;
        };
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                directories.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Gives every marker in a file, with its position.
fn search(mut file: File, mut found: impl FnMut(&Marker, u64)) -> anyhow::Result<()> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut kept = 0;
    let mut position = 0_u64;
    loop {
        let read = file.read(&mut piece[kept..])?;
        if read == 0 {
            return Ok(());
        }
        let filled = kept + read;
        for (index, window) in piece[..filled].windows(MARKER_BYTES).enumerate() {
            // The dot first: it is rare among what values are made of.
            if window[2] == b'.'
                && Identity::of(window).is_some()
                && let Ok(marker) = window.try_into()
            {
                found(marker, position + index as u64);
            }
        }
        // A marker may lie across the border to the next piece.
        let next = filled.saturating_sub(MARKER_BYTES - 1);
        piece.copy_within(next..filled, 0);
        kept = filled - next;
        position += next as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_found_anywhere_and_once() {
        let path = std::env::temp_dir().join(format!("search-{}", std::process::id()));
        let mut bytes = vec![b'x'; 3 * PIECE_BYTES];
        let places = [
            0,
            PIECE_BYTES - 4,
            2 * PIECE_BYTES,
            bytes.len() - MARKER_BYTES,
        ];
        for (sequence, place) in (0..).zip(places) {
            let identity = Identity {
                producer: 1,
                sequence,
            };
            bytes[place..place + MARKER_BYTES].copy_from_slice(&identity.marker());
        }
        std::fs::write(&path, &bytes).expect("written");
        let mut found = Vec::new();
        search(File::open(&path).expect("there"), |marker, position| {
            found.push((Identity::of(marker).expect("a marker").sequence, position));
        })
        .expect("readable");
        std::fs::remove_file(&path).expect("removed");
        let wanted: Vec<_> = (0..).zip(places.map(|place| place as u64)).collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn losses_are_explained() {
        let directory = std::env::temp_dir().join(format!("explain-{}", std::process::id()));
        std::fs::create_dir_all(directory.join("logs/1")).expect("a directory");
        std::fs::write(directory.join("logs/1/0.log"), "..00.0000007..").expect("written");
        let mut findings = Findings::default();
        findings.add(Violation::Lost, "record 00.0000007 (none)");
        findings.add(Violation::Lost, "record 00.0000008 (none)");
        findings.add(Violation::Lost, "record 04.0000009 (zstd)");
        explain(&Plan::new(1, true), &directory, &mut findings).expect("readable");
        std::fs::remove_dir_all(&directory).expect("removed");
        let texts: Vec<_> = findings.examples().iter().map(|one| &one.text).collect();
        assert!(texts[0].contains("not delivered") && texts[0].contains("0.log at byte 2"));
        assert!(texts[1].contains("lost on disk"), "{texts:?}");
        assert!(texts[2].contains("compressed"), "{texts:?}");
    }
}
