//! A page cache that holds what a test says. What the kernel keeps is not for a test to know: it drops pages when memory is
//! short, and a quick disk has a page read while it is asked whether it is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use env::{Env, File};
use sim::{Intercept, InterceptedFs};

/// It holds the beginning of each file, up to a position.
pub(crate) struct PageCache {
    held_bytes: AtomicU64,
}

impl PageCache {
    /// One that holds everything, and this machine with it.
    pub(crate) fn new() -> (Arc<Self>, Env) {
        let cache = Arc::new(Self {
            held_bytes: AtomicU64::new(u64::MAX),
        });
        let mut env = env::real::env();
        env.fs = Arc::new(InterceptedFs::new(env.fs, cache.clone()));
        (cache, env)
    }

    /// How much of each file it holds from now on.
    pub(crate) fn hold(&self, bytes: u64) {
        self.held_bytes.store(bytes, Ordering::Relaxed);
    }
}

impl Intercept for PageCache {
    fn to_send(&self, file: &dyn File, position: u64, bytes: usize) -> Option<Arc<std::fs::File>> {
        let held_bytes = self.held_bytes.load(Ordering::Relaxed);
        let is_held = position + bytes as u64 <= held_bytes.min(file.len().ok()?);
        is_held.then(|| Arc::new(std::fs::File::open(file.path()).unwrap()))
    }
}
