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
    /// How its members join groups.
    pub protocol: GroupProtocol,
    /// What must be installed for it; the first one has the Python that runs its programs. None
    /// for kcat.
    installations: &'static [Installation],
}

/// The ways of being a member of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupProtocol {
    /// The members divide the partitions.
    Classic,
    /// The broker divides them (KIP-848).
    Consumer,
}

/// A directory under `target/clients`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Installation {
    directory: &'static str,
    /// What it is made from, in `tests/real_clients`. When one of these files has changed, it is out
    /// of date.
    made_from: &'static [&'static str],
}

const CONFLUENT_KAFKA: Installation = Installation {
    directory: "confluent-kafka",
    made_from: &["requirements/confluent-kafka.txt"],
};

const JAVA: Installation = Installation {
    directory: "java",
    made_from: &[
        "java/pom.xml",
        "java/AdminClient.java",
        "java/ClientProgram.java",
        "java/ConsumerClient.java",
        "java/ProducerClient.java",
        "java/TransformerClient.java",
        "java/Wire.java",
    ],
};

const TOOLS: Installation = Installation {
    directory: "tools",
    made_from: &["tools/pom.xml", "tools/ToolsProgram.java"],
};

const GO: Installation = Installation {
    directory: "go",
    made_from: &[
        "go/go.mod",
        "go/go.sum",
        "go/franz_go/admin.go",
        "go/franz_go/consumer.go",
        "go/franz_go/main.go",
        "go/franz_go/producer.go",
        "go/franz_go/transformer.go",
        "go/program/program.go",
        "go/sarama/admin.go",
        "go/sarama/consumer.go",
        "go/sarama/main.go",
        "go/sarama/producer.go",
    ],
};

const NODE: Installation = Installation {
    directory: "node",
    made_from: &[
        "node/package.json",
        "node/package-lock.json",
        "node/program.js",
        "node/kafkajs/admin.js",
        "node/kafkajs/consumer.js",
        "node/kafkajs/main.js",
        "node/kafkajs/producer.js",
        "node/node_rdkafka/admin.js",
        "node/node_rdkafka/client.js",
        "node/node_rdkafka/consumer.js",
        "node/node_rdkafka/errors.js",
        "node/node_rdkafka/main.js",
        "node/node_rdkafka/producer.js",
    ],
};

/// Apart from its program: it takes minutes to compile.
const NODE_RDKAFKA: Installation = Installation {
    directory: "node-rdkafka",
    made_from: &[
        "node/node_rdkafka/package.json",
        "node/node_rdkafka/package-lock.json",
    ],
};

/// All of them.
pub const CLIENTS: &[Client] = &[
    Client {
        name: "kcat",
        adapter: "kcat",
        protocol: GroupProtocol::Classic,
        installations: &[],
    },
    Client {
        name: "confluent_kafka",
        adapter: "confluent",
        protocol: GroupProtocol::Classic,
        installations: &[CONFLUENT_KAFKA],
    },
    Client {
        name: "confluent_kafka_consumer_protocol",
        adapter: "confluent_consumer",
        protocol: GroupProtocol::Consumer,
        installations: &[CONFLUENT_KAFKA],
    },
    Client {
        name: "java",
        adapter: "java",
        protocol: GroupProtocol::Classic,
        installations: &[CONFLUENT_KAFKA, JAVA],
    },
    Client {
        name: "java_consumer_protocol",
        adapter: "java_consumer",
        protocol: GroupProtocol::Consumer,
        installations: &[CONFLUENT_KAFKA, JAVA],
    },
    Client {
        name: "franz_go",
        adapter: "franz_go",
        protocol: GroupProtocol::Classic,
        installations: &[CONFLUENT_KAFKA, GO],
    },
    Client {
        name: "franz_go_consumer_protocol",
        adapter: "franz_go_consumer",
        protocol: GroupProtocol::Consumer,
        installations: &[CONFLUENT_KAFKA, GO],
    },
    Client {
        name: "franz_go_as_brod",
        adapter: "franz_go_as_brod",
        protocol: GroupProtocol::Classic,
        installations: &[CONFLUENT_KAFKA, GO],
    },
    Client {
        name: "sarama",
        adapter: "sarama",
        protocol: GroupProtocol::Classic,
        installations: &[CONFLUENT_KAFKA, GO],
    },
    Client {
        name: "kafka_tools",
        adapter: "kafka_tools",
        protocol: GroupProtocol::Classic,
        installations: &[CONFLUENT_KAFKA, TOOLS],
    },
    // Cargo builds its program.
    Client {
        name: "rdkafka",
        adapter: "rdkafka",
        protocol: GroupProtocol::Classic,
        installations: &[CONFLUENT_KAFKA],
    },
    Client {
        name: "kafkajs",
        adapter: "kafkajs",
        protocol: GroupProtocol::Classic,
        installations: &[CONFLUENT_KAFKA, NODE],
    },
    Client {
        name: "node_rdkafka",
        adapter: "node_rdkafka",
        protocol: GroupProtocol::Classic,
        installations: &[CONFLUENT_KAFKA, NODE, NODE_RDKAFKA],
    },
    Client {
        name: "kafka_python_3",
        adapter: "kafka_python",
        protocol: GroupProtocol::Classic,
        installations: &[Installation {
            directory: "kafka-python-3",
            made_from: &["requirements/kafka-python-3.txt"],
        }],
    },
    Client {
        name: "kafka_python_2_0_2",
        adapter: "kafka_python",
        protocol: GroupProtocol::Classic,
        installations: &[Installation {
            directory: "kafka-python-2",
            made_from: &["requirements/kafka-python-2.txt"],
        }],
    },
    Client {
        name: "aiokafka",
        adapter: "aiokafka",
        protocol: GroupProtocol::Classic,
        installations: &[Installation {
            directory: "aiokafka",
            made_from: &["requirements/aiokafka.txt"],
        }],
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
        for installation in self.installations {
            installation.check()?;
        }
        if let Some(first) = self.installations.first() {
            return Ok(first.path().join("bin/python"));
        }
        ["kcat", "python3"]
            .into_iter()
            .try_fold(PathBuf::new(), |_, program| {
                in_path(program).ok_or_else(|| not_installed(&format!("{program} is not in PATH")))
            })
    }
}

impl Installation {
    fn path(self) -> PathBuf {
        target_directory().join("clients").join(self.directory)
    }

    fn check(self) -> Result<(), String> {
        let directory = self.path();
        let mut wanted = Vec::new();
        for file in self.made_from {
            let bytes = std::fs::read(real_clients_directory().join(file));
            wanted.extend(bytes.map_err(|error| format!("{file}: {error}"))?);
        }
        match std::fs::read(directory.join("installed.txt")) {
            Ok(installed) if installed == wanted => Ok(()),
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
    real_clients_directory().join("python")
}

fn real_clients_directory() -> PathBuf {
    workspace_directory().join("tests/real_clients")
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
