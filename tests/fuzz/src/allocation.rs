//! An allocator that watches: how much one input makes its thread allocate at a time.
//!
//! The rule that it is for: whatever is received, no allocation is larger than what has been received
//! justifies. What C code allocates for itself (zstd) is not seen here; `crates/wire/tests/memory.rs`
//! watches that by the size of the process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::backtrace::Backtrace;
use std::cell::Cell;

/// Watches in place of the system's allocator, which does the work.
#[derive(Debug)]
pub struct WatchingAllocator;

#[global_allocator]
static ALLOCATOR: WatchingAllocator = WatchingAllocator;

/// The limit of a thread that is not watched.
const NOT_WATCHED: usize = usize::MAX;

thread_local! {
    // Neither has a destructor, so both can be used as long as the thread lives.
    static LIMIT_BYTES: Cell<usize> = const { Cell::new(NOT_WATCHED) };
    static EXCESS_BYTES: Cell<usize> = const { Cell::new(0) };
}

/// Runs `work` and answers the size of the first allocation of this thread above the limit, if there
/// was one. Where it was asked for is printed.
pub(crate) fn excess_over(limit_bytes: usize, work: impl FnOnce()) -> Option<usize> {
    EXCESS_BYTES.set(0);
    LIMIT_BYTES.set(limit_bytes);
    let _until_the_end = StopWatching;
    work();
    match EXCESS_BYTES.get() {
        0 => None,
        bytes => Some(bytes),
    }
}

/// Ends the watch however the work ends.
struct StopWatching;

impl Drop for StopWatching {
    fn drop(&mut self) {
        LIMIT_BYTES.set(NOT_WATCHED);
    }
}

fn note(bytes: usize) {
    if bytes <= LIMIT_BYTES.get() {
        return;
    }
    // Printing allocates too.
    LIMIT_BYTES.set(NOT_WATCHED);
    EXCESS_BYTES.set(bytes);
    eprintln!("{bytes} bytes at once:\n{}", Backtrace::force_capture());
}

#[allow(unsafe_code, reason = "this is what a global allocator is made of")]
// SAFETY: every call is handed to the system's allocator as it came; noting the size neither changes
// what is asked for nor what is answered, and does not unwind.
unsafe impl GlobalAlloc for WatchingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: the caller's promises about `layout` are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        note(bytes);
        // SAFETY: `block` came from `System` with this layout, because all allocations do.
        unsafe { System.realloc(block, layout, bytes) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as in `realloc`.
        unsafe { System.dealloc(block, layout) }
    }
}
