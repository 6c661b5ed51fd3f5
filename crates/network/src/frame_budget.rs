//! The memory that frames may hold while they arrive, shared by all connections.
//!
//! A frame takes its share before its buffer grows, and loses it with its connection when it does not
//! go on. When nothing is left it waits, and its socket is not read. So that half-sent frames cannot
//! wait for each other for ever, one frame at a time may go beyond the budget; it has a deadline, so
//! that it makes room for the next one.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The budget.
#[derive(Clone, Debug)]
pub(crate) struct FrameBudget {
    bytes_max: usize,
    bytes: Arc<Semaphore>,
    beyond: Arc<Semaphore>,
}

/// A frame's share; given back when dropped.
#[derive(Debug)]
pub(crate) enum FrameShare {
    /// Bytes of the budget.
    Within(OwnedSemaphorePermit),
    /// The right to go beyond it, up to any size.
    Beyond(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit),
}

impl FrameShare {
    /// Whether the share is enough for a buffer of this size.
    pub(crate) fn covers(&self, bytes: usize) -> bool {
        match self {
            Self::Within(permit) => permit.num_permits() >= bytes,
            Self::Beyond(_) => true,
        }
    }
}

impl FrameBudget {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let bytes_max = bytes_max.min(Semaphore::MAX_PERMITS);
        Self {
            bytes_max,
            bytes: Arc::new(Semaphore::new(bytes_max)),
            beyond: Arc::new(Semaphore::new(1)),
        }
    }

    /// Whether so little is left that nothing should be read that may have to be held.
    pub(crate) fn is_scarce(&self) -> bool {
        self.bytes.available_permits() < self.bytes_max / 8
    }

    /// A share for a buffer of this size in place of a smaller one, if it can be had at once;
    /// otherwise the smaller one comes back.
    pub(crate) fn try_grow(
        &self,
        share: Option<FrameShare>,
        bytes: usize,
    ) -> Result<FrameShare, Option<FrameShare>> {
        match share {
            Some(share) if share.covers(bytes) => Ok(share),
            Some(FrameShare::Within(mut permit)) => {
                let missing = as_permits(bytes - permit.num_permits());
                match Arc::clone(&self.bytes).try_acquire_many_owned(missing) {
                    Ok(more) => {
                        permit.merge(more);
                        Ok(FrameShare::Within(permit))
                    }
                    Err(_) => Err(Some(FrameShare::Within(permit))),
                }
            }
            share => match Arc::clone(&self.bytes).try_acquire_many_owned(as_permits(bytes)) {
                Ok(permit) => Ok(FrameShare::Within(permit)),
                Err(_) => Err(share),
            },
        }
    }

    /// A share for a buffer of this size in place of a smaller one, when it can be had.
    pub(crate) async fn grow(self, share: Option<FrameShare>, bytes: usize) -> FrameShare {
        let held = match &share {
            Some(FrameShare::Within(permit)) => permit.num_permits(),
            Some(FrameShare::Beyond(_)) | None => 0,
        };
        let missing = as_permits(bytes.saturating_sub(held));
        // The semaphores are never closed, so neither of the two can fail.
        tokio::select! {
            biased;
            // What can never be had is not queued for: those behind it would wait with it.
            Ok(more) = Arc::clone(&self.bytes).acquire_many_owned(missing),
                if bytes <= self.bytes_max => match share {
                Some(FrameShare::Within(mut permit)) => {
                    permit.merge(more);
                    FrameShare::Within(permit)
                }
                _ => FrameShare::Within(more),
            },
            // What the frame held of the budget goes back: it needs none of it any more.
            Ok(beyond) = Arc::clone(&self.beyond).acquire_owned() => FrameShare::Beyond(beyond),
            else => std::future::pending().await,
        }
    }

    /// Bytes that no frame has a share of.
    pub(crate) fn available(&self) -> usize {
        self.bytes.available_permits()
    }
}

fn as_permits(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
