//! Packages of crates.io, whose tests are in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::places::{cargo, must_succeed};

/// One version of a package, known by its checksum.
pub(super) struct Package {
    pub name: &'static str,
    pub version: &'static str,
    pub sha256: &'static str,
}

impl Package {
    /// Unpacks the package below a directory, unless it is there, and says where.
    pub(super) fn unpack(&self, directory: &Path) -> Result<PathBuf> {
        let source = directory.join("source");
        let unpacked = directory.join("unpacked.txt");
        // Written last, so what is half-made is made again.
        if fs::read_to_string(&unpacked).is_ok_and(|found| found == self.sha256) {
            return Ok(source);
        }
        fs::remove_dir_all(directory)?;
        fs::create_dir_all(&source)?;
        let archive = match self.find_archive()? {
            Some(archive) => archive,
            None => self.fetch(&directory.join("fetch"))?,
        };
        let found = sha256(&archive)?;
        ensure!(
            found == self.sha256,
            "{} has the checksum {found}, not {}",
            archive.display(),
            self.sha256
        );
        must_succeed(
            Command::new("tar")
                .args(["--strip-components=1", "-xzf"])
                .arg(&archive)
                .arg("-C")
                .arg(&source),
        )?;
        fs::write(&unpacked, self.sha256)?;
        Ok(source)
    }

    /// Lets cargo fetch what a crate needs that depends on the package.
    fn fetch(&self, directory: &Path) -> Result<PathBuf> {
        // What stands behind a plus is no part of a requirement.
        let version = self.version.split('+').next().unwrap_or(self.version);
        let manifest = format!(
            "[package]\nname = \"fetch\"\nedition = \"2024\"\n[lib]\npath = \"empty.rs\"\n[workspace]\n\
             [dependencies]\n{} = {{ version = \"={version}\", default-features = false }}\n",
            self.name
        );
        fs::create_dir_all(directory)?;
        fs::write(directory.join("empty.rs"), "")?;
        fs::write(directory.join("Cargo.toml"), manifest)?;
        must_succeed(
            cargo()
                .args(["fetch", "--manifest-path"])
                .arg(directory.join("Cargo.toml")),
        )?;
        let archive = self.find_archive()?;
        archive.with_context(|| format!("cargo has not fetched {} {}", self.name, self.version))
    }

    /// Where cargo keeps the package as it was fetched.
    fn find_archive(&self) -> Result<Option<PathBuf>> {
        let cache = cargo_home()?.join("registry/cache");
        if !cache.exists() {
            return Ok(None);
        }
        let file = format!("{}-{}.crate", self.name, self.version);
        for registry in fs::read_dir(cache)? {
            let archive = registry?.path().join(&file);
            if archive.exists() {
                return Ok(Some(archive));
            }
        }
        Ok(None)
    }
}

fn cargo_home() -> Result<PathBuf> {
    if let Some(directory) = std::env::var_os("CARGO_HOME") {
        return Ok(directory.into());
    }
    let home = std::env::var_os("HOME").context("neither CARGO_HOME nor HOME is set")?;
    Ok(PathBuf::from(home).join(".cargo"))
}

fn sha256(file: &Path) -> Result<String> {
    let output = Command::new("sha256sum")
        .arg(file)
        .output()
        .context("run sha256sum")?;
    ensure!(
        output.status.success(),
        "sha256sum ended with {}",
        output.status
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let sum = text.split_whitespace().next();
    Ok(sum.context("sha256sum says nothing")?.to_owned())
}
