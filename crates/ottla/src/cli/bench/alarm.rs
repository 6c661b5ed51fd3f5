//! A timer that is exact: the runtime's own rounds up to whole milliseconds, which is ten times what
//! is measured here.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;

/// Wakes one task at a time.
#[derive(Debug)]
pub(super) struct Alarm {
    /// The runtime waits for any descriptor that can be read as for the end of a pipe.
    timer: pipe::Receiver,
    /// What the timer was last set to.
    set_to: Option<Instant>,
}

impl Alarm {
    pub(super) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Self {
            timer: pipe::Receiver::from_file_unchecked(File::from(timer))?,
            set_to: None,
        })
    }

    /// Returns at this time, at once if it has passed. The wait may be given up and begun again.
    pub(super) async fn at(&mut self, when: Instant) -> io::Result<()> {
        loop {
            let left = when.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            if self.set_to != Some(when) {
                self.set(left)?;
                self.set_to = Some(when);
            }
            // A timer that went off yields a number of eight bytes. The room for more spares the runtime
            // from asking whether more is there.
            let _number_bytes = self.timer.read(&mut [0; 16]).await?;
            self.set_to = None;
        }
    }

    fn set(&self, after: Duration) -> io::Result<()> {
        let timespec = |duration: Duration| Timespec {
            tv_sec: duration.as_secs().cast_signed(),
            tv_nsec: duration.subsec_nanos().into(),
        };
        let once = Itimerspec {
            it_interval: timespec(Duration::ZERO),
            it_value: timespec(after),
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_never_wakes_early_and_takes_another_time_in_place_of_the_first() {
        let mut alarm = Alarm::new().unwrap();
        let far = Instant::now() + Duration::from_secs(3600);
        for after_us in [0, 50, 700, 1300] {
            let when = Instant::now() + Duration::from_micros(after_us);
            // A wait that is given up must not be what is waited for next.
            tokio::select! {
                biased;
                woken = alarm.at(far) => panic!("an hour has passed: {woken:?}"),
                () = std::future::ready(()) => {}
            }
            alarm.at(when).await.unwrap();
            assert!(Instant::now() >= when);
        }
    }
}
