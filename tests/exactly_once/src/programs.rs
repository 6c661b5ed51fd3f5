//! The programs in Java, and processes of them.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testkit::{ProcessLog, target_directory, workspace_directory};

const SIGKILL: i32 = 9;

/// How long it may take until all is read that a killed process has printed.
const OUTPUT_LIMIT: Duration = Duration::from_secs(60);

/// What Maven has built and fetched: our programs with the jars of Streams, and the jars of Connect.
#[derive(Debug)]
pub(crate) struct Programs {
    directory: PathBuf,
}

/// The projects, each with what Maven does there.
const PROJECTS: [(&str, &[&str]); 2] = [
    ("java", &["compile", "dependency:copy-dependencies"]),
    ("connect", &["dependency:copy-dependencies"]),
];

/// Artifacts whose versions a result names.
const ARTIFACTS: [&str; 3] = ["kafka-streams", "connect-runtime", "connect-file"];

impl Programs {
    /// Lets Maven build the programs and fetch what they need, below a directory. What it fetches
    /// lies beside what it has fetched for the real clients.
    pub(crate) fn build(directory: &Path) -> Result<Self> {
        let cache = target_directory().join("clients/cache/maven");
        let programs = Self {
            directory: directory.join("programs"),
        };
        for (project, goals) in PROJECTS {
            // What an earlier version needed would stay on the class path.
            remove_if_there(&programs.built(project))?;
            let sources = workspace_directory().join("tests/exactly_once");
            let status = Command::new("mvn")
                .args(["--quiet", "--batch-mode", "--file"])
                .arg(sources.join(project).join("pom.xml"))
                .arg(format!("-Dmaven.repo.local={}", cache.display()))
                .arg(format!(
                    "-Dinstallation={}",
                    programs.directory.join(project).display()
                ))
                .args(goals)
                .status()
                .context("run mvn")?;
            ensure!(status.success(), "mvn ended with {status}");
        }
        Ok(programs)
    }

    /// Where Maven puts what it makes of a project.
    fn built(&self, project: &str) -> PathBuf {
        self.directory.join(project).join("build")
    }

    /// Where Maven puts the jars that a project needs.
    fn jars(&self, project: &str) -> PathBuf {
        self.built(project).join("dependency")
    }

    /// The versions of what is Kafka's in it, as its jars tell them, and of Java.
    pub(crate) fn versions(&self) -> Result<Value> {
        let mut versions = json!({});
        for (project, _) in PROJECTS {
            for jar in fs::read_dir(self.jars(project))? {
                let name = jar?.file_name().to_string_lossy().into_owned();
                for artifact in ARTIFACTS {
                    let version = name
                        .strip_prefix(artifact)
                        .and_then(|rest| rest.strip_prefix('-')?.strip_suffix(".jar"));
                    if let Some(version) = version {
                        versions[artifact] = version.into();
                    }
                }
            }
        }
        let java = Command::new("java").arg("-version").output()?;
        let text = String::from_utf8_lossy(&java.stderr).into_owned();
        versions["java"] = text.lines().next().unwrap_or_default().into();
        Ok(versions)
    }

    /// The words after `java` that run a class of our programs.
    pub(crate) fn ours(&self, class: &str, arguments: &[&str]) -> Vec<String> {
        let class_path = format!(
            "{}:{}/*",
            self.built("java").join("classes").display(),
            self.jars("java").display()
        );
        words(&class_path, class, arguments)
    }

    /// The same for a class of Connect.
    pub(crate) fn connect(&self, class: &str, arguments: &[&str]) -> Vec<String> {
        let class_path = format!("{}/*", self.jars("connect").display());
        words(&class_path, class, arguments)
    }
}

/// Removes a directory with all that is in it.
pub(crate) fn remove_if_there(directory: &Path) -> Result<()> {
    if directory.exists() {
        fs::remove_dir_all(directory)?;
    }
    Ok(())
}

fn words(class_path: &str, class: &str, arguments: &[&str]) -> Vec<String> {
    [
        "-Xmx384m",
        // Several of them share the machine, and none lives long.
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=info",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
        "--class-path",
        class_path,
        class,
    ]
    .iter()
    .chain(arguments)
    .map(|&word| word.to_owned())
    .collect()
}

/// A process of a program that can be killed and started again. It is killed when this value goes.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    words: Vec<String>,
    log: PathBuf,
    child: Child,
    input: Option<ChildStdin>,
    output: ProcessLog,
}

impl Process {
    /// Starts `java` with these words. What it says to standard error is added to a file in the
    /// directory.
    pub(crate) fn start(name: &str, words: Vec<String>, directory: &Path) -> Result<Self> {
        let log = directory.join(format!("{name}.log"));
        let (child, input, output) = spawn(&words, &log)?;
        Ok(Self {
            name: name.to_owned(),
            words,
            log,
            child,
            input: Some(input),
            output,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The lines that this life has printed.
    pub(crate) fn output(&self) -> &ProcessLog {
        &self.output
    }

    /// Gives it lines to read.
    pub(crate) fn say(&mut self, lines: &str) -> Result<()> {
        let input = self.input.as_mut().context("the input has ended")?;
        input
            .write_all(lines.as_bytes())
            .with_context(|| format!("{} is gone; see {}", self.name, self.log.display()))
    }

    /// Kills it, as `kill -9` does. It must be alive until then. What it has printed is there
    /// afterwards.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        let status = self.child.wait()?;
        ensure!(
            self.output.wait_for_end(OUTPUT_LIMIT),
            "the output of {} does not end; see {}",
            self.name,
            self.log.display()
        );
        ensure!(
            status.signal() == Some(SIGKILL),
            "{} ended by itself with {status}; see {}",
            self.name,
            self.log.display()
        );
        Ok(())
    }

    /// Starts it again after it has ended.
    pub(crate) fn start_again(&mut self) -> Result<()> {
        let (child, input, output) = spawn(&self.words, &self.log)?;
        self.child = child;
        self.input = Some(input);
        self.output = output;
        Ok(())
    }

    /// Ends its input, which tells it to end, and waits for that.
    pub(crate) fn finish(&mut self, limit: Duration) -> Result<ExitStatus> {
        self.input = None;
        self.wait(limit)
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        ensure!(
            self.output.wait_for_end(limit),
            "{} does not end within {limit:?}; see {}",
            self.name,
            self.log.display()
        );
        // Its output ends with it.
        Ok(self.child.wait()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended is no matter.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(words: &[String], log: &Path) -> Result<(Child, ChildStdin, ProcessLog)> {
    let log = File::options().create(true).append(true).open(log)?;
    let mut child = Command::new("java")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .context("start java")?;
    let input = child.stdin.take().context("standard input is piped")?;
    let output = child.stdout.take().context("standard output is piped")?;
    Ok((child, input, ProcessLog::follow(output)))
}
