//! The disk as the kernel knows it: by numbers, names and handles.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use env::{File, Fs, OpenMode, SECTOR_BYTES};
use parking_lot::Mutex;
use rustix::io::Errno;
use sim::{Attributes, SimFs};

/// One life of the disk, between two power cuts.
pub(crate) struct Volume {
    disk: SimFs,
    forces_count: Arc<AtomicBool>,
    open: Mutex<Handles>,
}

/// What programs have open.
#[derive(Default)]
struct Handles {
    last: u64,
    files: BTreeMap<u64, Arc<dyn File>>,
    /// Directories being listed, as they were when the listing began.
    listings: BTreeMap<u64, Vec<Entry>>,
}

/// One name in a directory.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) inode: u64,
    pub(crate) is_dir: bool,
    pub(crate) name: String,
}

impl Handles {
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}

impl Volume {
    pub(crate) fn new(disk: SimFs, forces_count: Arc<AtomicBool>) -> Self {
        Self {
            disk,
            forces_count,
            open: Mutex::default(),
        }
    }

    pub(crate) fn attributes(&self, inode: u64) -> io::Result<Attributes> {
        self.disk.attributes(inode)
    }

    pub(crate) fn find(&self, parent: u64, name: &OsStr) -> io::Result<Attributes> {
        self.attributes(self.disk.lookup(parent, text(name)?)?)
    }

    pub(crate) fn make_file(&self, parent: u64, name: &OsStr) -> io::Result<(Attributes, u64)> {
        let path = self.path(parent, name)?;
        let file = self.disk.open(&path, OpenMode::CreateNew)?;
        Ok((self.find(parent, name)?, self.hand_out(file)))
    }

    pub(crate) fn make_dir(&self, parent: u64, name: &OsStr) -> io::Result<Attributes> {
        self.disk.create_dir_all(&self.path(parent, name)?)?;
        self.find(parent, name)
    }

    pub(crate) fn remove_file(&self, parent: u64, name: &OsStr) -> io::Result<()> {
        self.disk.remove_file(&self.path(parent, name)?)
    }

    pub(crate) fn remove_dir(&self, parent: u64, name: &OsStr) -> io::Result<()> {
        self.disk.remove_dir(&self.path(parent, name)?)
    }

    pub(crate) fn rename(&self, from: (u64, &OsStr), to: (u64, &OsStr)) -> io::Result<()> {
        let (from, to) = (self.path(from.0, from.1)?, self.path(to.0, to.1)?);
        self.disk.rename(&from, &to)
    }

    pub(crate) fn open(&self, inode: u64) -> io::Result<u64> {
        Ok(self.hand_out(self.disk.open_inode(inode)?))
    }

    pub(crate) fn close(&self, handle: u64) {
        self.open.lock().files.remove(&handle);
    }

    /// By a handle if there is one: a file that is open may have no name any more.
    pub(crate) fn set_len(&self, inode: u64, handle: Option<u64>, bytes: u64) -> io::Result<()> {
        let file = match handle {
            Some(handle) => self.file(handle)?,
            None => self.disk.open_inode(inode)?,
        };
        file.set_len(bytes)
    }

    pub(crate) fn read(&self, handle: u64, position: u64, bytes: u32) -> io::Result<Vec<u8>> {
        let mut buffer = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
        let read = self.file(handle)?.read_at(&mut buffer, position)?;
        buffer.truncate(read);
        Ok(buffer)
    }

    pub(crate) fn write(&self, handle: u64, position: u64, bytes: &[u8]) -> io::Result<()> {
        self.file(handle)?.write_all_at(bytes, position)
    }

    pub(crate) fn force(&self, handle: u64) -> io::Result<()> {
        let file = self.file(handle)?;
        match self.forces_count.load(Ordering::Relaxed) {
            true => file.sync_data(),
            false => Ok(()),
        }
    }

    pub(crate) fn force_dir(&self, inode: u64) -> io::Result<()> {
        let path = self.disk.path_to(inode)?;
        match self.forces_count.load(Ordering::Relaxed) {
            true => self.disk.sync_dir(&path),
            false => Ok(()),
        }
    }

    pub(crate) fn open_dir(&self) -> u64 {
        self.open.lock().next()
    }

    pub(crate) fn close_dir(&self, handle: u64) {
        self.open.lock().listings.remove(&handle);
    }

    /// The entries of a directory from number `start` on. They stay those that there were when the
    /// first one was asked for, so that none is missed while others are removed.
    pub(crate) fn list(&self, inode: u64, handle: u64, start: u64) -> io::Result<Vec<Entry>> {
        let mut open = self.open.lock();
        if start == 0 {
            open.listings.insert(handle, self.entries(inode)?);
        }
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let rest = open.listings.get(&handle).and_then(|all| all.get(start..));
        Ok(rest.unwrap_or_default().to_vec())
    }

    /// Free sectors and those in all.
    pub(crate) fn sectors(&self) -> io::Result<(u64, u64)> {
        let free = self.disk.available_bytes("/".as_ref())? / SECTOR_BYTES as u64;
        Ok((free, free + self.disk.used_bytes() / SECTOR_BYTES as u64))
    }

    fn path(&self, parent: u64, name: &OsStr) -> io::Result<PathBuf> {
        Ok(self.disk.path_to(parent)?.join(text(name)?))
    }

    fn hand_out(&self, file: Arc<dyn File>) -> u64 {
        let mut open = self.open.lock();
        let handle = open.next();
        open.files.insert(handle, file);
        handle
    }

    fn file(&self, handle: u64) -> io::Result<Arc<dyn File>> {
        let open = self.open.lock();
        let file = open.files.get(&handle).cloned();
        file.ok_or_else(|| Errno::BADF.into())
    }

    fn entries(&self, directory: u64) -> io::Result<Vec<Entry>> {
        // What is above a directory, the kernel knows better.
        let mut entries: Vec<Entry> = [".", ".."]
            .map(|name| Entry {
                inode: directory,
                is_dir: true,
                name: name.to_owned(),
            })
            .into();
        for entry in self.disk.list_dir(&self.disk.path_to(directory)?)? {
            entries.push(Entry {
                inode: self.disk.lookup(directory, &entry.name)?,
                is_dir: entry.is_dir,
                name: entry.name,
            });
        }
        Ok(entries)
    }
}

/// The simulation knows names that are text, as the broker's are.
fn text(name: &OsStr) -> io::Result<&str> {
    name.to_str().ok_or_else(|| Errno::ILSEQ.into())
}
