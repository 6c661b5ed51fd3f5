//! Which cluster a command is for.

use std::env;

use anyhow::Context as _;
use clap::Args;
use client::{Admin, Brokers};

use super::UsageError;
use super::profile::Profiles;

/// The brokers of an `ottla serve` without options on the same machine.
const DEFAULT: &str = "127.0.0.1:9092";

/// Where the cluster is.
#[derive(Debug, Args)]
pub(crate) struct Connection {
    /// Brokers to ask first: HOST:PORT, several separated by commas [env: OTTLA_BROKERS] [default:
    /// those of the profile, else 127.0.0.1:9092]
    #[arg(short, long, global = true, value_name = "BROKERS")]
    pub(crate) brokers: Option<Brokers>,
    /// Take the brokers of this profile [env: OTTLA_PROFILE] [default: the current one]
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "brokers")]
    profile: Option<String>,
}

impl Connection {
    /// Connects for administrative requests.
    pub(crate) async fn admin(&self) -> anyhow::Result<Admin> {
        Ok(Admin::connect(&self.brokers()?).await?)
    }

    /// The brokers to ask first. What is said to the command is stronger than the environment, and that
    /// is stronger than what was kept.
    pub(crate) fn brokers(&self) -> anyhow::Result<Brokers> {
        if let Some(brokers) = &self.brokers {
            return Ok(brokers.clone());
        }
        if let Some(profile) = &self.profile {
            return Profiles::load()?.brokers(profile);
        }
        if let Some(brokers) = variable("OTTLA_BROKERS") {
            let brokers = brokers.parse();
            return brokers.map_err(|error| UsageError(format!("OTTLA_BROKERS: {error}")).into());
        }
        let profiles = Profiles::load()?;
        if let Some(profile) = variable("OTTLA_PROFILE") {
            return profiles.brokers(&profile).context("OTTLA_PROFILE");
        }
        match profiles.current() {
            Some(profile) => profiles.brokers(profile),
            None => Ok(DEFAULT.parse()?),
        }
    }
}

/// A variable of the environment; an empty one is none.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
