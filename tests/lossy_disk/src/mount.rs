//! Mounting and unmounting, as root and without the help of other programs.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use anyhow::Context;
use fuser::{BackgroundSession, Config, Session, SessionACL};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};
use rustix::process::{getgid, getuid};

use crate::requests::Requests;

const DEVICE: &str = "/dev/fuse";

/// A mount and the thread that answers the kernel.
#[derive(Debug)]
pub(crate) struct Mount {
    path: PathBuf,
    /// None once it has ended.
    session: Option<BackgroundSession>,
}

impl Mount {
    pub(crate) fn new(path: &Path, requests: Requests) -> anyhow::Result<Self> {
        let device = attach(path).with_context(|| {
            format!(
                "no lossy disk on {}: it takes root and {DEVICE}",
                path.display()
            )
        })?;
        let answer = || {
            let acl = SessionACL::default();
            Session::from_fd(requests, device, acl, Config::default())?.spawn()
        };
        match answer() {
            Ok(session) => Ok(Self {
                path: path.to_owned(),
                session: Some(session),
            }),
            Err(error) => {
                detach(path)?;
                Err(error).context("the kernel and the lossy disk do not understand each other")
            }
        }
    }

    /// Takes the mount away, whoever still uses it.
    pub(crate) fn end(mut self) -> io::Result<()> {
        self.take_away()
    }

    fn take_away(&mut self) -> io::Result<()> {
        let Some(session) = self.session.take() else {
            return Ok(());
        };
        detach(&self.path)?;
        // The kernel has given up the connection, so the thread ends even if files are open.
        match session.join() {
            // What it hears if the connection went while it was taking over a request.
            Err(error) if error.raw_os_error() == Some(Errno::CONNABORTED.raw_os_error()) => Ok(()),
            ended => ended,
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Where there is nobody to tell, the next mount on this directory clears what is left.
        let _ = self.take_away();
    }
}

/// Makes a directory ready for a mount: it exists, and nothing is on it that a program has left
/// which was killed.
pub(crate) fn clear(path: &Path) -> io::Result<()> {
    match std::fs::metadata(path) {
        Err(error) if error.raw_os_error() == Some(Errno::NOTCONN.raw_os_error()) => detach(path),
        _ => std::fs::create_dir_all(path),
    }
}

/// Mounts and returns the kernel's end of the connection.
fn attach(path: &Path) -> io::Result<OwnedFd> {
    let device = rustix::fs::open(DEVICE, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    let options = format!(
        "fd={},rootmode=40000,user_id={},group_id={}",
        device.as_raw_fd(),
        getuid().as_raw(),
        getgid().as_raw(),
    );
    let options = CString::new(options)?;
    let flags = MountFlags::NODEV | MountFlags::NOSUID | MountFlags::NOATIME;
    rustix::mount::mount("lossy-disk", path, "fuse", flags, options.as_c_str())?;
    Ok(device)
}

/// Takes the name away and ends all requests, also those that wait for an answer.
fn detach(path: &Path) -> io::Result<()> {
    let flags = UnmountFlags::FORCE | UnmountFlags::DETACH;
    Ok(rustix::mount::unmount(path, flags)?)
}
