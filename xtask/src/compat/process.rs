//! One process for each test: one that hangs or crashes takes no other with it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

const PAUSE: Duration = Duration::from_millis(20);

/// What a process has said, and whether it ended by itself and well.
pub(super) struct Ended {
    pub is_success: bool,
    pub output: String,
}

/// A directory for what the tests of a run say, without what those of the run before said.
pub(super) fn empty_outputs(directory: &Path) -> Result<PathBuf> {
    let outputs = directory.join("output");
    if outputs.exists() {
        fs::remove_dir_all(&outputs)?;
    }
    fs::create_dir_all(&outputs)?;
    Ok(outputs)
}

/// Runs a command to its end, or kills it when the limit has passed. What it says goes to a file.
pub(super) fn run(command: &mut Command, output: &Path, limit: Duration) -> Result<Ended> {
    let file = File::create(output)?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .with_context(|| format!("start {}", command.get_program().display()))?;
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if began.elapsed() >= limit {
            child.kill()?;
            child.wait()?;
            break None;
        }
        std::thread::park_timeout(PAUSE);
    };
    Ok(Ended {
        is_success: status.is_some_and(|status| status.success()),
        // Some print bytes of records.
        output: String::from_utf8_lossy(&fs::read(output)?).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Ended {
        let name = format!("xtask-process-{}-{}", std::process::id(), script.len());
        let file = std::env::temp_dir().join(name);
        let ended = run(Command::new("sh").args(["-c", script]), &file, limit).unwrap();
        fs::remove_file(file).unwrap();
        ended
    }

    #[test]
    fn what_ends_well_is_told_from_what_does_not() {
        let minute = Duration::from_secs(60);
        let well = shell("echo one; echo two >&2", minute);
        assert!(well.is_success);
        assert_eq!(well.output, "one\ntwo\n");
        assert!(!shell("echo one; exit 3", minute).is_success);
    }

    #[test]
    fn what_hangs_is_killed() {
        let ended = shell("echo one; exec sleep 600", Duration::from_millis(300));
        assert!(!ended.is_success);
        assert_eq!(ended.output, "one\n");
    }
}
