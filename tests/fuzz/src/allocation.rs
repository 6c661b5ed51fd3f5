//! An allocator that watches: how much one input makes its thread allocate, at a time and together.
//!
//! The rule that it is for: whatever is received, memory is taken only as what has been received
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

/// What a thread may allocate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLimits {
    /// The largest single allocation, in bytes.
    pub at_once_bytes: usize,
    /// All that is held at the same time, in bytes.
    pub held_bytes: usize,
}

/// What a thread has allocated that went over a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excess {
    /// A single allocation of so many bytes.
    AtOnce(usize),
    /// So many bytes held together.
    Held(usize),
}

/// The limits of a thread that is not watched.
const NOT_WATCHED: MemoryLimits = MemoryLimits {
    at_once_bytes: usize::MAX,
    held_bytes: usize::MAX,
};

thread_local! {
    // None of them has a destructor, so they can be used as long as the thread lives.
    static LIMITS: Cell<MemoryLimits> = const { Cell::new(NOT_WATCHED) };
    static HELD_BYTES: Cell<usize> = const { Cell::new(0) };
    static EXCESS: Cell<Option<Excess>> = const { Cell::new(None) };
}

/// Runs `work` and answers what went over the limits first, if anything did. Where it was asked for is
/// printed.
pub(crate) fn excess_over(limits: MemoryLimits, work: impl FnOnce()) -> Option<Excess> {
    EXCESS.set(None);
    HELD_BYTES.set(0);
    LIMITS.set(limits);
    let _until_the_end = StopWatching;
    work();
    EXCESS.get()
}

/// Runs what an input is not to blame for.
pub(crate) fn unwatched<T>(work: impl FnOnce() -> T) -> T {
    let (limits, held) = (LIMITS.replace(NOT_WATCHED), HELD_BYTES.get());
    let done = work();
    HELD_BYTES.set(held);
    LIMITS.set(limits);
    done
}

/// Ends the watch however the work ends.
struct StopWatching;

impl Drop for StopWatching {
    fn drop(&mut self) {
        LIMITS.set(NOT_WATCHED);
    }
}

fn note_taken(bytes: usize) {
    let held = HELD_BYTES.get().saturating_add(bytes);
    HELD_BYTES.set(held);
    let limits = LIMITS.get();
    let excess = if bytes > limits.at_once_bytes {
        Excess::AtOnce(bytes)
    } else if held > limits.held_bytes {
        Excess::Held(held)
    } else {
        return;
    };
    // What a panic allocates to tell where it was is nobody's doing, and the lock for that is taken.
    if std::thread::panicking() {
        return;
    }
    // Printing allocates too.
    LIMITS.set(NOT_WATCHED);
    EXCESS.set(Some(excess));
    eprintln!("{excess:?}:\n{}", Backtrace::force_capture());
}

/// Less may have been taken on this thread than is given back: some was taken before, or elsewhere.
fn note_given_back(bytes: usize) {
    HELD_BYTES.set(HELD_BYTES.get().saturating_sub(bytes));
}

#[allow(unsafe_code, reason = "this is what a global allocator is made of")]
// SAFETY: every call is handed to the system's allocator as it came; noting the size neither changes
// what is asked for nor what is answered, and does not unwind.
unsafe impl GlobalAlloc for WatchingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note_taken(layout.size());
        // SAFETY: the caller's promises about `layout` are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note_taken(layout.size());
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        note_given_back(layout.size());
        note_taken(bytes);
        // SAFETY: `block` came from `System` with this layout, because all allocations do.
        unsafe { System.realloc(block, layout, bytes) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        note_given_back(layout.size());
        // SAFETY: as in `realloc`.
        unsafe { System.dealloc(block, layout) }
    }
}
