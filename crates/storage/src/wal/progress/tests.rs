use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;

fn poll(future: impl Future<Output = Answer>) -> Option<Answer> {
    let mut future = pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}

#[test]
fn waiting_ends_when_the_number_is_reached() {
    let progress = Progress::default();
    let mut written = Box::pin(progress.wait(Sequence(2), Durability::Written));
    let mut durable = Box::pin(progress.wait(Sequence(2), Durability::Durable));
    progress.advance(Sequence(1), Durability::Written);
    assert_eq!(poll(written.as_mut()), None);
    progress.advance(Sequence(2), Durability::Written);
    assert_eq!(poll(written.as_mut()), Some(Ok(())));
    assert_eq!(poll(durable.as_mut()), None);
    progress.advance(Sequence(3), Durability::Durable);
    assert_eq!(poll(durable.as_mut()), Some(Ok(())));
    assert!(progress.has_reached(Sequence(3), Durability::Durable));
    let at_once = progress.wait(Sequence(1), Durability::Durable);
    assert_eq!(poll(at_once), Some(Ok(())));
}

#[test]
fn a_failure_answers_who_waits_and_if_final_who_comes() {
    let progress = Progress::default();
    progress.advance(Sequence(1), Durability::Durable);
    let mut waits = Box::pin(progress.wait(Sequence(2), Durability::Durable));
    progress.fail(CommitError::DiskFull, false);
    assert_eq!(poll(waits.as_mut()), Some(Err(CommitError::DiskFull)));
    let mut waits = Box::pin(progress.wait(Sequence(2), Durability::Durable));
    assert_eq!(poll(waits.as_mut()), None);
    progress.fail(CommitError::Poisoned, true);
    assert_eq!(poll(waits.as_mut()), Some(Err(CommitError::Poisoned)));
    let later = progress.wait(Sequence(2), Durability::Durable);
    assert_eq!(poll(later), Some(Err(CommitError::Poisoned)));
    let earlier = progress.wait(Sequence(1), Durability::Durable);
    assert_eq!(poll(earlier), Some(Ok(())), "what was durable stays so");
}
