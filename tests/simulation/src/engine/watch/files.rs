//! Which bytes and which names are sure to be on disk, as the operations tell it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use env::Fs;
use sim::SimFs;

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    bytes: u64,
    /// What was written from here on has not been forced.
    unforced_from: Option<u64>,
    /// A force failed for what was written from here on: nobody knows what is on disk.
    lost_from: Option<u64>,
    is_name_durable: bool,
}

/// All files and directories.
#[derive(Clone, Debug, Default)]
pub(super) struct Files {
    known: BTreeMap<PathBuf, Known>,
}

impl Files {
    /// A file or directory was made, or a file emptied.
    pub(super) fn create(&mut self, path: &Path) {
        let known = self.known.entry(path.to_owned()).or_default();
        known.bytes = 0;
        known.unforced_from = Some(0);
    }

    pub(super) fn write(&mut self, path: &Path, position: u64, bytes: u64) {
        if bytes == 0 {
            return;
        }
        let known = self.known.entry(path.to_owned()).or_default();
        known.bytes = known.bytes.max(position + bytes);
        known.unforced_from = Some(known.unforced_from.map_or(position, |at| at.min(position)));
    }

    pub(super) fn set_length(&mut self, path: &Path, bytes: u64) {
        let known = self.known.entry(path.to_owned()).or_default();
        let from = known.bytes.min(bytes);
        known.bytes = bytes;
        known.unforced_from = Some(known.unforced_from.map_or(from, |at| at.min(from)));
        // What is cut off and written again is written anew, whatever became of it before.
        known.lost_from = known.lost_from.filter(|lost| *lost < bytes);
    }

    pub(super) fn force(&mut self, path: &Path, is_ok: bool) {
        let Some(known) = self.known.get_mut(path) else {
            return;
        };
        let unforced = known.unforced_from.take();
        if !is_ok {
            known.lost_from = known.lost_from.into_iter().chain(unforced).min();
        }
    }

    pub(super) fn force_directory(&mut self, path: &Path) {
        for (each, known) in &mut self.known {
            known.is_name_durable |= each.parent() == Some(path);
        }
    }

    pub(super) fn remove(&mut self, path: &Path) {
        self.known.remove(path);
    }

    /// Whether the first bytes of a file are sure to be found after a power cut.
    pub(super) fn holds(&self, path: &Path, bytes: u64) -> bool {
        let Some(known) = self.known.get(path) else {
            return false;
        };
        let from = known.unforced_from.into_iter().chain(known.lost_from).min();
        self.is_named(path) && bytes <= known.bytes && from.is_none_or(|from| bytes <= from)
    }

    /// Whether a name is sure to be found after a power cut.
    pub(super) fn is_named(&self, path: &Path) -> bool {
        path.ancestors().all(|path| {
            path.parent().is_none()
                || self
                    .known
                    .get(path)
                    .is_some_and(|known| known.is_name_durable)
        })
    }

    /// Looks at the disk of a new start. After a power cut all that is there is durable; else what
    /// is not known is not.
    pub(super) fn look(&mut self, fs: &SimFs, is_power_cut: bool) -> Result<(), String> {
        let mut found = BTreeMap::new();
        let mut open = vec![PathBuf::from("/")];
        while let Some(directory) = open.pop() {
            let error = |error| format!("{} cannot be listed: {error}", directory.display());
            for entry in fs.list_dir(&directory).map_err(error)? {
                let path = directory.join(&entry.name);
                let bytes = match entry.is_dir {
                    true => 0,
                    false => fs.read(&path).map_err(error)?.len() as u64,
                };
                if entry.is_dir {
                    open.push(path.clone());
                }
                let unknown = Known {
                    bytes,
                    unforced_from: (!is_power_cut).then_some(0),
                    lost_from: None,
                    is_name_durable: is_power_cut,
                };
                let known = self.known.get(&path).filter(|_| !is_power_cut);
                found.insert(path, known.copied().unwrap_or(unknown));
            }
        }
        self.known = found;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_of_what_was_not_written() {
        let (root, file) = (Path::new("/"), Path::new("/file"));
        let mut files = Files::default();
        files.create(file);
        files.write(file, 0, 10);
        files.force(file, true);
        files.force_directory(root);
        assert!(files.holds(file, 10));
        files.write(file, 10, 0);
        files.force(file, false);
        assert!(files.holds(file, 10));
        files.write(file, 10, 5);
        assert!(!files.holds(file, 15));
        files.force(file, true);
        assert!(files.holds(file, 15));
        // But what was written is lost for good with a force that fails.
        files.write(file, 15, 5);
        files.force(file, false);
        files.write(file, 15, 5);
        files.force(file, true);
        assert!(!files.holds(file, 20));
    }
}
