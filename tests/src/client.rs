//! The real clients and where to find them.

use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::{target_directory, workspace_directory};

/// A client that `tests/real_clients/install` installs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its name in the names of tests.
    pub name: &'static str,
    /// Its adapter in `tests/real_clients/python`, without `adapter_` and `.py`.
    pub adapter: &'static str,
    /// Its requirements and its virtual environment; none for kcat.
    environment: Option<&'static str>,
}

/// All of them.
pub const CLIENTS: &[Client] = &[
    Client {
        name: "kcat",
        adapter: "kcat",
        environment: None,
    },
    Client {
        name: "confluent_kafka",
        adapter: "confluent",
        environment: Some("confluent-kafka"),
    },
    Client {
        name: "kafka_python_3",
        adapter: "kafka_python",
        environment: Some("kafka-python-3"),
    },
    Client {
        name: "kafka_python_2_0_2",
        adapter: "kafka_python",
        environment: Some("kafka-python-2"),
    },
    Client {
        name: "aiokafka",
        adapter: "aiokafka",
        environment: Some("aiokafka"),
    },
];

impl Client {
    /// The client with this name.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn named(name: &str) -> Self {
        *CLIENTS
            .iter()
            .find(|client| client.name == name)
            .expect("a client of the list")
    }

    /// The Python that runs its programs.
    ///
    /// # Errors
    ///
    /// Why the client cannot be used, in words for a person.
    pub fn python(self) -> Result<PathBuf, String> {
        let Some(environment) = self.environment else {
            return ["kcat", "python3"]
                .into_iter()
                .try_fold(PathBuf::new(), |_, program| {
                    in_path(program)
                        .ok_or_else(|| not_installed(&format!("{program} is not in PATH")))
                });
        };
        let directory = target_directory().join("clients").join(environment);
        let requirements = requirements_directory().join(format!("{environment}.txt"));
        let wanted = std::fs::read(&requirements).map_err(|error| error.to_string())?;
        match std::fs::read(directory.join("installed.txt")) {
            Ok(installed) if installed == wanted => Ok(directory.join("bin/python")),
            Ok(_) => Err(not_installed(&format!(
                "{} is out of date",
                directory.display()
            ))),
            Err(_) => Err(not_installed(&format!(
                "{} is missing",
                directory.display()
            ))),
        }
    }
}

/// Where the Python programs are.
pub(crate) fn programs_directory() -> PathBuf {
    workspace_directory().join("tests/real_clients/python")
}

fn requirements_directory() -> PathBuf {
    workspace_directory().join("tests/real_clients/requirements")
}

fn not_installed(reason: &str) -> String {
    format!("{reason}; run tests/real_clients/install")
}

fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|candidate| runs(candidate))
}

fn runs(program: &Path) -> bool {
    program.is_file()
        && Command::new(program)
            .arg("-V")
            .output()
            .is_ok_and(|output| output.status.success())
}
