//! The file that remembers named clusters: `ottla/profiles.toml` under the user's directory of
//! settings.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use anyhow::{Context as _, bail};
use client::Brokers;
use serde::{Deserialize, Serialize};

/// All profiles, and which of them is used when nothing else is said.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profiles {
    current: Option<String>,
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    brokers: String,
}

impl Profiles {
    /// Reads the file of this user; there are no profiles if there is none.
    pub(crate) fn load() -> anyhow::Result<Self> {
        match path(env::var_os("XDG_CONFIG_HOME"), env::var_os("HOME")) {
            Some(path) => Self::read(&path),
            None => Ok(Self::default()),
        }
    }

    /// Writes the file of this user.
    pub(crate) fn save(&self) -> anyhow::Result<()> {
        match path(env::var_os("XDG_CONFIG_HOME"), env::var_os("HOME")) {
            Some(path) => self.write(&path),
            None => bail!("profiles are kept in your home directory, and HOME does not name it"),
        }
    }

    fn read(path: &Path) -> anyhow::Result<Self> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        toml::from_str(&text).with_context(|| path.display().to_string())
    }

    /// Whoever reads the file meanwhile finds all of the old one or all of the new one.
    fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = toml::to_string(self)?;
        let new = path.with_extension("toml.new");
        let written = match path.parent() {
            Some(parent) => fs::create_dir_all(parent),
            None => Ok(()),
        };
        written
            .and_then(|()| fs::write(&new, text))
            .and_then(|()| fs::rename(&new, path))
            .with_context(|| path.display().to_string())
    }

    /// The name of the profile that is used when nothing else is said.
    pub(crate) fn current(&self) -> Option<&str> {
        self.current.as_deref()
    }

    /// Names and brokers, by name.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        let profiles = self.profiles.iter();
        profiles.map(|(name, profile)| (name.as_str(), profile.brokers.as_str()))
    }

    /// The brokers of a profile.
    pub(crate) fn brokers(&self, name: &str) -> anyhow::Result<Brokers> {
        let profile = self.profiles.get(name).with_context(|| unknown(name))?;
        let brokers = profile.brokers.parse();
        brokers.with_context(|| format!("profile {name}"))
    }

    /// Adds a profile.
    pub(crate) fn add(&mut self, name: &str, brokers: &Brokers) -> anyhow::Result<()> {
        if self.profiles.contains_key(name) {
            bail!("there is a profile {name} already");
        }
        let brokers = brokers.to_string();
        self.profiles.insert(name.to_owned(), Profile { brokers });
        Ok(())
    }

    /// Makes a profile the one that is used when nothing else is said.
    pub(crate) fn select(&mut self, name: &str) -> anyhow::Result<()> {
        if !self.profiles.contains_key(name) {
            bail!(unknown(name));
        }
        self.current = Some(name.to_owned());
        Ok(())
    }

    /// Removes a profile; if it was the current one, none is.
    pub(crate) fn remove(&mut self, name: &str) -> anyhow::Result<()> {
        if self.profiles.remove(name).is_none() {
            bail!(unknown(name));
        }
        if self.current() == Some(name) {
            self.current = None;
        }
        Ok(())
    }
}

fn unknown(name: &str) -> String {
    format!("there is no profile {name} (`ottla profile list` shows all)")
}

/// The directory of settings is where the XDG Base Directory Specification says.
fn path(config_home: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let config_home = config_home.map(PathBuf::from);
    // A relative one is to be ignored.
    let config_home = config_home.filter(|path| path.is_absolute());
    let home = home.map(PathBuf::from).filter(|path| path.is_absolute());
    let directory = config_home.or_else(|| Some(home?.join(".config")))?;
    Some(directory.join("ottla").join("profiles.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brokers(text: &str) -> Brokers {
        text.parse().unwrap()
    }

    #[test]
    fn the_file_is_where_users_keep_their_settings() {
        let path = |config_home: &str, home: &str| {
            let some = |text: &str| (!text.is_empty()).then(|| OsString::from(text));
            path(some(config_home), some(home)).map(|path| path.display().to_string())
        };
        let in_home = Some("/home/you/.config/ottla/profiles.toml".to_owned());
        assert_eq!(path("", "/home/you"), in_home);
        assert_eq!(path("settings", "/home/you"), in_home);
        let elsewhere = Some("/settings/ottla/profiles.toml".to_owned());
        assert_eq!(path("/settings", "/home/you"), elsewhere);
        assert_eq!(path("/settings", ""), elsewhere);
        assert_eq!(path("", ""), None);
    }

    #[test]
    fn what_is_written_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new").join("profiles.toml");
        assert_eq!(Profiles::read(&path).unwrap(), Profiles::default());
        let mut profiles = Profiles::default();
        profiles.write(&path).unwrap();
        assert_eq!(Profiles::read(&path).unwrap(), profiles);
        profiles.add("east", &brokers("a:1,b:2")).unwrap();
        profiles.add("west", &brokers("[::1]:3")).unwrap();
        profiles.select("west").unwrap();
        profiles.write(&path).unwrap();
        let read = Profiles::read(&path).unwrap();
        assert_eq!(read, profiles);
        assert_eq!(read.brokers("east").unwrap(), brokers("a:1,b:2"));
        assert_eq!(read.current(), Some("west"));
    }

    #[test]
    fn a_file_that_makes_no_sense_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("profiles.toml");
        for text in [
            "current = 1",
            "profile = {}",
            "[profiles.a]\nbroker = \"b\"",
            "x",
        ] {
            fs::write(&path, text).unwrap();
            let error = format!("{:#}", Profiles::read(&path).unwrap_err());
            assert!(error.contains("profiles.toml"), "{error}");
        }
        fs::write(&path, "[profiles.a]\nbrokers = \"http://b\"").unwrap();
        let read = Profiles::read(&path).unwrap();
        assert!(format!("{:#}", read.brokers("a").unwrap_err()).contains("profile a"));
    }

    #[test]
    fn what_is_not_there_cannot_be_used() {
        let mut profiles = Profiles::default();
        profiles.add("east", &brokers("a")).unwrap();
        assert!(profiles.add("east", &brokers("b")).is_err());
        assert!(profiles.select("west").is_err());
        assert!(profiles.brokers("west").is_err());
        assert!(profiles.remove("west").is_err());
        profiles.select("east").unwrap();
        profiles.remove("east").unwrap();
        assert_eq!(profiles, Profiles::default());
    }
}
