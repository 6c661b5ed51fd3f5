//! Where the `ottla` binary is, and that it is the one of these sources unless another is named.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The root of the workspace.
pub fn workspace_directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .map(Path::to_path_buf)
            .unwrap_or_default()
    })
}

/// Cargo's target directory, found from the running program: a binary lies in `<target>/<profile>`, a
/// test below that.
pub fn target_directory() -> PathBuf {
    profile_directory()
        .parent()
        .map(Path::to_path_buf)
        .unwrap_or_default()
}

/// The path of the `ottla` binary. `OTTLA_BINARY` names another one, with a defect for example; a
/// relative path begins at the root of the workspace, wherever a test runs. Without it this is the one
/// of these sources, built now in the profile of the running program if it is not fresh: a package
/// that is not `ottla`'s own gets no path to it from cargo.
///
/// # Panics
///
/// When the variable names no file, or the binary cannot be built.
pub fn ottla_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(named) = std::env::var_os("OTTLA_BINARY") {
            let binary = workspace_directory().join(named);
            assert!(binary.is_file(), "OTTLA_BINARY: no file {binary:?}");
            return binary;
        }
        let directory = profile_directory();
        let profile = match directory.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => "dev",
            Some(profile) => profile,
        };
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args([
                "build",
                "--quiet",
                "--package",
                "ottla",
                "--profile",
                profile,
            ])
            .env("CARGO_TARGET_DIR", target_directory())
            .current_dir(workspace_directory())
            .output()
            .expect("cargo runs");
        assert!(
            output.status.success(),
            "ottla does not build:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        directory.join("ottla")
    })
}

fn profile_directory() -> PathBuf {
    let program = std::env::current_exe().expect("a running program has a path");
    let directory = program.parent().expect("a program lies in a directory");
    let is_below = ["deps", "examples"]
        .iter()
        .any(|name| directory.ends_with(name));
    match directory.parent() {
        Some(profile) if is_below => profile.to_path_buf(),
        _ => directory.to_path_buf(),
    }
}
