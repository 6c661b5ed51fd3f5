//! Files as a log needs them: reads and writes at a position, force, and the order of the two.
//!
//! The contract is the weak one that disks keep: what was written and not forced may be lost, kept
//! in part, or kept out of order; what was created, renamed or removed may come undone until its
//! directory is forced; after a force that failed, nothing is known about what was not forced
//! before, and what reads return may differ from what is on disk until the cache is dropped.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The unit in which direct writes are aligned and in which a power cut tears.
pub const SECTOR_BYTES: usize = 4096;

/// How a file is opened. All files can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// An existing file, not written to.
    Read,
    /// An existing file, written to.
    Write,
    /// An existing file, written to past the cache where the file system can do it. Positions,
    /// lengths and memory of its writes and reads must be multiples of [`SECTOR_BYTES`].
    WriteDirect,
    /// A file that must not exist yet.
    CreateNew,
    /// A file that is made, or made empty.
    CreateOrTruncate,
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirEntry {
    /// The name without its directory.
    pub name: String,
    /// Whether it is a directory.
    pub is_dir: bool,
}

/// A file system.
pub trait Fs: Send + Sync {
    /// Opens or makes a file.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>>;
    /// Makes a directory and its missing parents; an existing one is fine.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty directory.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// Renames a file, replacing what has the new name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// The entries of a directory in order of their names.
    fn list_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>>;
    /// Makes what was created, renamed and removed directly in this directory durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Takes the lock of a data directory until the returned value is dropped. Errs with
    /// [`io::ErrorKind::WouldBlock`] when somebody else holds it.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Send + Sync>>;
    /// Bytes of the file system that holds the path, used ones included.
    fn total_bytes(&self, path: &Path) -> io::Result<u64>;
    /// Bytes that can still be written to the file system that holds the path.
    fn available_bytes(&self, path: &Path) -> io::Result<u64>;

    /// Opens a file to read, if the file system finds it without waiting for the disk.
    fn open_at_once(&self, path: &Path) -> Option<Arc<dyn File>> {
        let _ = path;
        None
    }

    /// A whole file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let file = self.open(path, OpenMode::Read)?;
        let mut bytes = vec![0; usize::try_from(file.len()?).map_err(io::Error::other)?];
        let read = file.read_at(&mut bytes, 0)?;
        bytes.truncate(read);
        Ok(bytes)
    }

    /// Whether a file or directory has this path.
    fn exists(&self, path: &Path) -> io::Result<bool> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(true);
        };
        match self.list_dir(parent) {
            Ok(entries) => Ok(entries.iter().any(|entry| name == entry.name.as_str())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// An open file. All methods may be called from several threads at once.
pub trait File: Send + Sync {
    /// The path it was opened with, for messages.
    fn path(&self) -> &PathBuf;
    /// Reads until the buffer is full or the file ends; returns the bytes read.
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize>;
    /// Writes the whole buffer. After an error an unknown part of it may have been written.
    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()>;
    /// Makes what was written durable, with the length that is needed to read it back. After an
    /// error no later success means anything for what was written before.
    fn sync_data(&self) -> io::Result<()>;
    /// Makes later reads come from the disk and not from the cache. What was not forced may be lost.
    fn drop_cache(&self) -> io::Result<()>;
    /// Cuts or extends the file; an extension reads as zeros.
    fn set_len(&self, bytes: u64) -> io::Result<()>;
    /// The length of the file in bytes.
    fn len(&self) -> io::Result<u64>;

    /// The file as the kernel can send it, if these bytes of it are in the page cache, so that sending
    /// them does not wait for the disk. That is found out by samples.
    fn to_send(&self, position: u64, bytes: usize) -> Option<Arc<std::fs::File>> {
        let _ = (position, bytes);
        None
    }

    /// Whether the file has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}
