//! What a process uses, as the kernel tells it.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::time::ClockId;
use nix::unistd::Pid;

/// In which the kernel tells times in `/proc/stat`, whatever it counts in itself.
const TICKS_PER_SECOND: f64 = 100.0;

/// Sees to it that this process and those that it starts may have so many files open.
pub(crate) fn allow_open_files(files: u64) -> Result<()> {
    let (current, maximum) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if current < files {
        setrlimit(Resource::RLIMIT_NOFILE, files, maximum).with_context(|| {
            format!("{files} open files are wanted: `ulimit -Hn` allows {maximum}")
        })?;
    }
    Ok(())
}

/// What a process has used since it began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Of all its threads, in the program and in the kernel, also of those that have ended.
    pub(crate) cpu_seconds: f64,
    /// Handed to the disk.
    pub(crate) written_bytes: f64,
    /// In which a processor had something to do and was not let by the host: of all processors, whatever they had to do.
    pub(crate) stolen_seconds: f64,
}

impl Usage {
    pub(crate) fn of(pid: u32) -> Result<Self> {
        // `/proc/PID/stat` tells the same in ticks of 10 ms, which are a few in a hundred of a small load.
        let clock = ClockId::pid_cpu_clock_id(Pid::from_raw(pid.cast_signed()))?;
        let used = Duration::from(clock.now()?);
        let io = fs::read_to_string(format!("/proc/{pid}/io"))?;
        Ok(Self {
            cpu_seconds: used.as_secs_f64(),
            written_bytes: field(&io, "write_bytes:")?,
            stolen_seconds: stolen_seconds(&fs::read_to_string("/proc/stat")?)?,
        })
    }

    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            cpu_seconds: self.cpu_seconds - earlier.cpu_seconds,
            written_bytes: self.written_bytes - earlier.written_bytes,
            stolen_seconds: self.stolen_seconds - earlier.stolen_seconds,
        }
    }
}

/// What all processors together were not let do since the machine began: the eighth of their times.
fn stolen_seconds(stat: &str) -> Result<f64> {
    let times = stat.lines().find_map(|line| line.strip_prefix("cpu "));
    let stolen = times.and_then(|times| times.split_whitespace().nth(7));
    Ok(stolen.context("no stolen time")?.parse::<f64>()? / TICKS_PER_SECOND)
}

/// Memory of a process in bytes; pages that it shares are divided among those who share them.
pub(crate) fn memory_bytes(pid: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    Ok(field(&text, "Pss:")? * 1024.0)
}

/// The same without the mappings that begin within `from..to`.
pub(crate) fn memory_bytes_outside(pid: u32, from: u64, to: u64) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps"))?;
    Ok(bytes_outside(&text, from, to))
}

fn bytes_outside(smaps: &str, from: u64, to: u64) -> f64 {
    let (mut is_outside, mut kilobytes) = (true, 0.0);
    for line in smaps.lines() {
        let begin = line
            .split_once('-')
            .and_then(|(begin, _)| u64::from_str_radix(begin, 16).ok());
        if let Some(begin) = begin {
            is_outside = !(from..to).contains(&begin);
        } else if is_outside {
            kilobytes += field(line, "Pss:").unwrap_or_default();
        }
    }
    kilobytes * 1024.0
}

/// The number behind a name at the beginning of a line.
fn field(text: &str, name: &str) -> Result<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let word = line.and_then(|rest| rest.split_whitespace().next());
    Ok(word.with_context(|| format!("no {name}"))?.parse()?)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn numbers_of_a_process_are_read() {
        let io = "rchar: 5\nwrite_bytes: 4096\ncancelled_write_bytes: 1\n";
        assert_eq!(field(io, "write_bytes:").unwrap(), 4096.0);
        assert!(field(io, "Pss:").is_err());
    }

    #[test]
    fn the_stolen_time_of_all_processors_is_read() {
        let stat = "cpu  11 12 13 14 15 16 17 1850 19 20\ncpu0 1 2 3 4 5 6 7 900 9 10\nintr 5\n";
        assert_eq!(stolen_seconds(stat).unwrap(), 18.5);
        assert!(stolen_seconds("cpu0 1 2 3 4 5 6 7 900 9 10\n").is_err());
        assert!(stolen_seconds("cpu  1 2 3 4\n").is_err());
    }

    #[test]
    fn a_busy_process_uses_a_processor() {
        let began = Instant::now();
        let before = Usage::of(std::process::id()).unwrap();
        // As its clock goes, not as time goes: others may have the processor.
        while Usage::of(std::process::id())
            .unwrap()
            .since(before)
            .cpu_seconds
            < 0.02
        {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "its clock stands"
            );
        }
    }

    #[test]
    fn mappings_of_a_range_are_left_out() {
        let smaps = "1000-2000 rw-p 0 00:00 0 [heap]\nRss: 9 kB\nPss: 2 kB\nPss_Dirty: 2 kB\n\
                     c000-d000 rw-p 0 00:00 0\nPss: 100 kB\n\
                     ff000-fff00 rw-p 0 00:00 0\nPss: 3 kB\n";
        assert_eq!(bytes_outside(smaps, 0xc000, 0xd000), 5.0 * 1024.0);
    }
}
