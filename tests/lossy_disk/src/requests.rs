//! What the kernel asks for, in its own terms.
//!
//! What is not here is refused, or done by the kernel itself: links and devices, extended
//! attributes, preallocation, holes, locks. Owners, modes and times are not kept.

use std::ffi::OsStr;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use env::SECTOR_BYTES;
use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory,
    ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use rustix::fs::OFlags;
use rustix::process::{getgid, getuid};
use sim::Attributes;

use crate::volume::Volume;

/// How long the kernel may answer by itself: never.
const VALID: Duration = Duration::ZERO;
/// Numbers of files are never used again, so one generation is enough.
const GENERATION: Generation = Generation(0);
/// How files are opened: each read and write comes here, none ends in the page cache.
const UNCACHED: FopenFlags = FopenFlags::FOPEN_DIRECT_IO;
const SECTOR: u32 = SECTOR_BYTES as u32;
const NAME_BYTES_MAX: u32 = 255;

/// The kernel's requests, answered from a volume.
pub(crate) struct Requests(pub(crate) Volume);

impl Filesystem for Requests {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        answer_entry(reply, self.0.find(parent.0, name));
    }

    fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.0.attributes(inode.0) {
            Ok(found) => reply.attr(&VALID, &attributes(found)),
            Err(error) => reply.error(errno(&error)),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        inode: INodeNo,
        _mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        _mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        handle: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let handle = handle.map(|handle| handle.0);
        let set = size.map_or(Ok(()), |bytes| self.0.set_len(inode.0, handle, bytes));
        match set.and_then(|()| self.0.attributes(inode.0)) {
            Ok(found) => reply.attr(&VALID, &attributes(found)),
            Err(error) => reply.error(errno(&error)),
        }
    }

    fn mkdir(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        reply: ReplyEntry,
    ) {
        answer_entry(reply, self.0.make_dir(parent.0, name));
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer(reply, self.0.remove_file(parent.0, name));
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer(reply, self.0.remove_dir(parent.0, name));
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        if !flags.is_empty() {
            return reply.error(Errno::EINVAL);
        }
        let renamed = self.0.rename((parent.0, name), (new_parent.0, new_name));
        answer(reply, renamed);
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        match self.0.make_file(parent.0, name) {
            Ok((made, handle)) => {
                let attributes = attributes(made);
                reply.created(
                    &VALID,
                    &attributes,
                    GENERATION,
                    FileHandle(handle),
                    UNCACHED,
                );
            }
            Err(error) => reply.error(errno(&error)),
        }
    }

    fn open(&self, _: &Request, inode: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        match self.0.open(inode.0) {
            Ok(handle) => reply.opened(FileHandle(handle), UNCACHED),
            Err(error) => reply.error(errno(&error)),
        }
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        position: u64,
        bytes: u32,
        flags: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        if is_refused(flags, position, bytes as usize) {
            return reply.error(Errno::EINVAL);
        }
        match self.0.read(handle.0, position, bytes) {
            Ok(bytes) => reply.data(&bytes),
            Err(error) => reply.error(errno(&error)),
        }
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        position: u64,
        bytes: &[u8],
        _: WriteFlags,
        flags: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        if is_refused(flags, position, bytes.len()) {
            return reply.error(Errno::EINVAL);
        }
        let mut written = self.0.write(handle.0, position, bytes);
        if has(flags, OFlags::DSYNC) {
            written = written.and_then(|()| self.0.force(handle.0));
        }
        match written {
            // No request is as large as 4 GiB.
            Ok(()) => reply.written(bytes.len() as u32),
            Err(error) => reply.error(errno(&error)),
        }
    }

    /// The kernel sends this when a file is closed, and after this answer never again. A process
    /// that ends with files open on a disk of its own would wait for itself otherwise.
    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.error(Errno::ENOSYS);
    }

    fn release(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        self.0.close(handle.0);
        reply.ok();
    }

    /// Of the whole file, whether or not more than its data is asked for.
    fn fsync(&self, _: &Request, _: INodeNo, handle: FileHandle, _: bool, reply: ReplyEmpty) {
        answer(reply, self.0.force(handle.0));
    }

    fn opendir(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(self.0.open_dir()), FopenFlags::empty());
    }

    fn readdir(
        &self,
        _: &Request,
        inode: INodeNo,
        handle: FileHandle,
        start: u64,
        mut reply: ReplyDirectory,
    ) {
        let entries = match self.0.list(inode.0, handle.0, start) {
            Ok(entries) => entries,
            Err(error) => return reply.error(errno(&error)),
        };
        for (next, entry) in (start + 1..).zip(entries) {
            let kind = kind(entry.is_dir);
            if reply.add(INodeNo(entry.inode), next, kind, entry.name) {
                break;
            }
        }
        reply.ok();
    }

    fn releasedir(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        reply: ReplyEmpty,
    ) {
        self.0.close_dir(handle.0);
        reply.ok();
    }

    fn fsyncdir(&self, _: &Request, inode: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        answer(reply, self.0.force_dir(inode.0));
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        match self.0.sectors() {
            Ok((free, all)) => reply.statfs(all, free, free, 0, 0, SECTOR, NAME_BYTES_MAX, SECTOR),
            Err(error) => reply.error(errno(&error)),
        }
    }
}

fn answer(reply: ReplyEmpty, result: io::Result<()>) {
    match result {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(errno(&error)),
    }
}

fn answer_entry(reply: ReplyEntry, result: io::Result<Attributes>) {
    match result {
        Ok(found) => reply.entry(&VALID, &attributes(found), GENERATION),
        Err(error) => reply.error(errno(&error)),
    }
}

fn kind(is_dir: bool) -> FileType {
    match is_dir {
        true => FileType::Directory,
        false => FileType::RegularFile,
    }
}

fn attributes(found: Attributes) -> FileAttr {
    FileAttr {
        ino: INodeNo(found.inode),
        size: found.bytes,
        blocks: found.used_bytes / 512,
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind: kind(found.is_dir),
        perm: if found.is_dir { 0o755 } else { 0o644 },
        nlink: 1,
        uid: getuid().as_raw(),
        gid: getgid().as_raw(),
        rdev: 0,
        blksize: SECTOR,
        flags: 0,
    }
}

fn has(flags: OpenFlags, flag: OFlags) -> bool {
    OFlags::from_bits_retain(flags.0.cast_unsigned()).contains(flag)
}

/// Direct reads and writes that are not aligned are refused, as by a disk.
fn is_refused(flags: OpenFlags, position: u64, bytes: usize) -> bool {
    let is_aligned =
        position.is_multiple_of(SECTOR_BYTES as u64) && bytes.is_multiple_of(SECTOR_BYTES);
    has(flags, OFlags::DIRECT) && !is_aligned
}

/// The kernel's number for an error. The simulation gives kinds where the reason is in the request.
fn errno(error: &io::Error) -> Errno {
    if let Some(number) = error.raw_os_error() {
        return Errno::from_i32(number);
    }
    match error.kind() {
        io::ErrorKind::NotFound => Errno::ENOENT,
        io::ErrorKind::AlreadyExists => Errno::EEXIST,
        io::ErrorKind::IsADirectory => Errno::EISDIR,
        io::ErrorKind::NotADirectory => Errno::ENOTDIR,
        io::ErrorKind::DirectoryNotEmpty => Errno::ENOTEMPTY,
        _ => Errno::EIO,
    }
}
