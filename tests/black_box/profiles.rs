//! Named clusters, completions and manual pages. None of it needs a broker.

use std::path::Path;

use serde_json::{Value, json};
use workspace_tests::{Finished, finish, ottla};

/// The command line of a user with this home.
struct User<'a> {
    home: &'a Path,
}

impl User<'_> {
    fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> anyhow::Result<Finished> {
        let mut command = ottla(arguments);
        for variable in ["XDG_CONFIG_HOME", "OTTLA_BROKERS", "OTTLA_PROFILE"] {
            command.env_remove(variable);
        }
        command.env("HOME", self.home);
        command.envs(variables.iter().copied());
        finish(command, "")
    }

    fn run(&self, arguments: &[&str]) -> anyhow::Result<Finished> {
        self.run_with(&[], arguments)
    }

    fn profiles(&self) -> anyhow::Result<Value> {
        self.run(&["profile", "list", "--format", "json"])?.json()
    }

    /// The port of the broker that a command has tried to reach; nobody listens there.
    fn tried(&self, variables: &[(&str, &str)], arguments: &[&str]) -> anyhow::Result<String> {
        let failed = self.run_with(variables, &[&["topic", "list"], arguments].concat())?;
        assert_eq!(failed.code, Some(1), "{failed:#?}");
        let behind = failed.stderr.split("127.0.0.1:").nth(1).unwrap_or_default();
        Ok(behind.chars().take_while(char::is_ascii_digit).collect())
    }
}

#[test]
fn a_profile_says_which_cluster_is_meant() -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let user = User { home: home.path() };
    assert_eq!(user.profiles()?, json!([]));
    for (name, brokers) in [("east", "127.0.0.1:1"), ("west", "127.0.0.1:2")] {
        let create = ["profile", "create", name, "-b", brokers];
        user.run(&create)?.success()?;
    }
    let row = |name: &str, brokers: &str, current: bool| json!({"name": name, "brokers": brokers, "current": current});
    let east = row("east", "127.0.0.1:1", false);
    let west = row("west", "127.0.0.1:2", true);
    assert_eq!(user.profiles()?, json!([east, west]));
    assert!(home.path().join(".config/ottla/profiles.toml").exists());

    // What is said is stronger than the environment, and that than what is kept.
    let brokers = ("OTTLA_BROKERS", "127.0.0.1:3");
    let profile = ("OTTLA_PROFILE", "east");
    assert_eq!(user.tried(&[], &[])?, "2");
    assert_eq!(user.tried(&[profile], &[])?, "1");
    assert_eq!(user.tried(&[profile, brokers], &[])?, "3");
    assert_eq!(user.tried(&[brokers], &["--profile", "east"])?, "1");
    assert_eq!(
        user.tried(&[brokers, profile], &["-b", "127.0.0.1:4"])?,
        "4"
    );
    user.run(&["profile", "use", "east"])?.success()?;
    assert_eq!(user.tried(&[], &[])?, "1");

    for (wrong, code) in [
        (&["profile", "use", "north"][..], 1),
        (&["profile", "create", "east", "-b", "a"], 1),
        (&["profile", "create", "north"], 2),
        (&["--profile", "north", "topic", "list"], 1),
    ] {
        let refused = user.run(wrong)?;
        assert_eq!(refused.code, Some(code), "{refused:#?}");
        assert!(!refused.stderr.is_empty(), "{refused:#?}");
    }
    user.run(&["profile", "delete", "east", "west"])?
        .success()?;
    assert_eq!(user.profiles()?, json!([]));
    Ok(())
}

#[test]
fn shells_and_readers_learn_every_command() -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let user = User { home: home.path() };
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = user.run(&["completions", shell])?.success()?;
        for word in ["offset-delete", "aggregate-into"] {
            assert!(script.contains(word), "{word} is not in that of {shell}");
        }
    }
    let page = user.run(&["man"])?.success()?;
    assert!(page.contains("ottla\\-topic(1)"), "{page}");
    let page = user.run(&["man", "topic", "trim"])?.success()?;
    assert!(page.contains(".TH ottla-topic-trim 1"), "{page}");
    let wrong = user.run(&["man", "topic", "shrink"])?;
    assert_eq!(wrong.code, Some(2), "{wrong:#?}");
    let pages = home.path().join("pages");
    let directory = pages.display().to_string();
    user.run(&["man", "--directory", &directory])?.success()?;
    for page in ["ottla.1", "ottla-cluster-quotas-set.1"] {
        assert!(pages.join(page).exists(), "{page}");
    }
    Ok(())
}
