//! The limit of open files, which is often lower than a benchmark wants connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::cli::UsageError;

/// Files that are open besides the connections: standard streams, the runtime's, timers.
const OTHER_FILES: u64 = 64;

/// Sees to it that so many connections, each with a timer, may be open: raises the limit as far as this
/// process may, or says who can.
pub(super) fn connections_allowed(connections: u64) -> Result<(), UsageError> {
    let files = connections.saturating_mul(2).saturating_add(OTHER_FILES);
    let limit = getrlimit(Resource::Nofile);
    let allows = |limit: Option<u64>| limit.is_none_or(|limit| limit >= files);
    if allows(limit.current) {
        return Ok(());
    }
    let raised = Rlimit {
        current: Some(files),
        maximum: limit.maximum,
    };
    if allows(limit.maximum) && setrlimit(Resource::Nofile, raised).is_ok() {
        return Ok(());
    }
    let most = limit.maximum.unwrap_or(u64::MAX);
    Err(UsageError(format!(
        "{connections} connections take {files} open files and {most} are allowed: \
         raise the limit with `ulimit -Hn {files}` as root, or take fewer"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_or_named() {
        assert!(connections_allowed(1).is_ok());
        let limit = getrlimit(Resource::Nofile);
        if let Some(maximum) = limit.maximum {
            let error = connections_allowed(maximum).unwrap_err().to_string();
            assert!(error.contains("ulimit -Hn"), "{error}");
            let most = (maximum - OTHER_FILES) / 2;
            connections_allowed(most).unwrap();
            let raised = getrlimit(Resource::Nofile).current;
            assert!(raised >= limit.current && raised >= Some(2 * most));
        }
    }
}
