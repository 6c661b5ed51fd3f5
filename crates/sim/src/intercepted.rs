//! A disk that a test stands in front of.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use env::{DirEntry, File, Fs, OpenMode};

/// What a test does with what is asked of a disk. What it does not mention goes through.
pub trait Intercept: Send + Sync {
    /// Called before a file or directory is forced, which an error keeps from happening.
    fn before_force(&self) -> io::Result<()> {
        Ok(())
    }

    /// What [`File::to_send`] says of a file.
    fn to_send(&self, file: &dyn File, position: u64, bytes: usize) -> Option<Arc<std::fs::File>> {
        file.to_send(position, bytes)
    }
}

/// A file system that does what another one does, as far as a test lets it.
pub struct InterceptedFs {
    fs: Arc<dyn Fs>,
    intercept: Arc<dyn Intercept>,
}

impl InterceptedFs {
    /// Stands in front of a file system.
    pub fn new(fs: Arc<dyn Fs>, intercept: Arc<dyn Intercept>) -> Self {
        Self { fs, intercept }
    }
}

struct InterceptedFile {
    file: Arc<dyn File>,
    intercept: Arc<dyn Intercept>,
}

impl Fs for InterceptedFs {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(InterceptedFile {
            file: self.fs.open(path, mode)?,
            intercept: Arc::clone(&self.intercept),
        }))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.fs.create_dir_all(path)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.fs.remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.fs.remove_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.fs.rename(from, to)
    }

    fn list_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        self.fs.list_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.intercept.before_force()?;
        self.fs.sync_dir(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Send + Sync>> {
        self.fs.lock(path)
    }

    fn total_bytes(&self, path: &Path) -> io::Result<u64> {
        self.fs.total_bytes(path)
    }

    fn available_bytes(&self, path: &Path) -> io::Result<u64> {
        self.fs.available_bytes(path)
    }

    /// Whether a directory is in memory is not for a test to know, so every file is found at once.
    fn open_at_once(&self, path: &Path) -> Option<Arc<dyn File>> {
        self.open(path, OpenMode::Read).ok()
    }
}

impl File for InterceptedFile {
    fn path(&self) -> &PathBuf {
        self.file.path()
    }

    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        self.file.read_at(buffer, position)
    }

    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, position)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.intercept.before_force()?;
        self.file.sync_data()
    }

    fn drop_cache(&self) -> io::Result<()> {
        self.file.drop_cache()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn to_send(&self, position: u64, bytes: usize) -> Option<Arc<std::fs::File>> {
        self.intercept.to_send(self.file.as_ref(), position, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SimFs;

    struct NothingIsForced;

    impl Intercept for NothingIsForced {
        fn before_force(&self) -> io::Result<()> {
            Err(io::ErrorKind::Other.into())
        }
    }

    #[test]
    fn neither_files_nor_directories_are_forced_against_the_will_of_a_test() {
        let fs = InterceptedFs::new(Arc::new(SimFs::new(1)), Arc::new(NothingIsForced));
        let directory = Path::new("/");
        let file = fs
            .open(&directory.join("file"), OpenMode::CreateNew)
            .unwrap();
        file.write_all_at(b"!", 0).unwrap();
        file.sync_data().unwrap_err();
        fs.sync_dir(directory).unwrap_err();
    }
}
