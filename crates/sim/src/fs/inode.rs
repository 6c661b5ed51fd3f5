//! The same files by number, as a kernel asks for them.
//!
//! Whoever puts a [`SimFs`] below a kernel turns its requests into numbers where they are about one
//! file or directory, and into paths ([`SimFs::path_to`]) where they are about names.

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use env::{File, OpenMode, SECTOR_BYTES};

use super::file::SimFile;
use super::state::not_found;
use super::tree::{Node, ROOT};
use super::{Operation, SimFs};

/// What can be told of a file or directory without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Its number: never another's on the same disk, and the same after a loss of power.
    pub inode: u64,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// The length in bytes; 0 for a directory.
    pub bytes: u64,
    /// The bytes that it takes on the disk.
    pub used_bytes: u64,
}

impl SimFs {
    /// The number of the directory `/`.
    pub const ROOT_INODE: u64 = ROOT;

    /// What is known of a file or directory, with or without a name.
    ///
    /// # Errors
    ///
    /// When there is none of this number, or the power has gone.
    pub fn attributes(&self, inode: u64) -> io::Result<Attributes> {
        let mut state = self.state.lock();
        state.check_power()?;
        if state.tree.is_dir(inode) {
            return Ok(Attributes {
                inode,
                is_dir: true,
                bytes: 0,
                used_bytes: 0,
            });
        }
        let image = state.image(inode).ok_or_else(not_found)?;
        Ok(Attributes {
            inode,
            is_dir: false,
            bytes: image.len(),
            used_bytes: image.sectors() * SECTOR_BYTES as u64,
        })
    }

    /// The number that a name in a directory leads to.
    ///
    /// # Errors
    ///
    /// When the directory or the name does not exist, or the power has gone.
    pub fn lookup(&self, directory: u64, name: &str) -> io::Result<u64> {
        let state = self.state.lock();
        state.check_power()?;
        let node = state.tree.entry(directory, name);
        node.map(Node::id).ok_or_else(not_found)
    }

    /// A path that leads to this number.
    ///
    /// # Errors
    ///
    /// When no name leads there, or the power has gone.
    pub fn path_to(&self, inode: u64) -> io::Result<PathBuf> {
        let state = self.state.lock();
        state.check_power()?;
        state.tree.path_to(inode).ok_or_else(not_found)
    }

    /// Opens a file that has a name, for reading and writing.
    ///
    /// # Errors
    ///
    /// When no name leads there, or the power has gone, or a fault is due.
    pub fn open_inode(&self, inode: u64) -> io::Result<Arc<dyn File>> {
        let path = self.path_to(inode)?;
        let mut state = self.state.lock();
        state.read(Operation::Open, &path)?;
        if state.tree.is_dir(inode) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let file = SimFile::open(&self.state, &mut state, inode, path, OpenMode::Write);
        Ok(Arc::new(file))
    }
}
