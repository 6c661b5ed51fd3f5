//! What the applications have shown, and the result that comes out of it.

use std::time::Duration;

use anyhow::{Error, Result};
use serde_json::{Value, json};

/// So many findings of each application are told.
const TOLD_MAX: usize = 20;

/// What a run with one application has shown.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Counts for the result.
    pub report: Value,
    /// What is wrong, a sentence each.
    pub findings: Vec<String>,
}

impl Outcome {
    /// What a step of the run has given. That it fails is a finding: nothing that was found before is
    /// lost by it, and whatever an application meets once it is set up may be the broker's fault.
    pub(crate) fn note<T>(&mut self, step: Result<T>) -> Option<T> {
        step.inspect_err(|error| self.findings.push(format!("{error:#}")))
            .ok()
    }
}

/// What all applications have shown.
#[derive(Debug)]
pub(crate) struct Verdict {
    result: Value,
    found: usize,
    /// The first findings of each application.
    told: Vec<String>,
    errors: Vec<Error>,
}

impl Verdict {
    /// Nothing has been shown yet; the result begins with this.
    pub(crate) fn new(result: Value) -> Self {
        Self {
            result,
            found: 0,
            told: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Adds what an application has shown, or why it could not be set up.
    pub(crate) fn add(&mut self, name: &str, outcome: Result<Outcome>, took: Duration) {
        let report = match outcome {
            Ok(outcome) => self.add_outcome(name, outcome),
            Err(error) => {
                let report = json!({ "error": format!("{error:#}") });
                self.add_error(error.context(name.to_owned()));
                report
            }
        };
        self.result[name] = report;
        self.result[name]["seconds"] = took.as_secs().into();
    }

    fn add_outcome(&mut self, name: &str, outcome: Outcome) -> Value {
        let Outcome {
            mut report,
            findings,
        } = outcome;
        println!("{name}: {report}");
        self.found += findings.len();
        let told = &findings[..findings.len().min(TOLD_MAX)];
        report["findings"] = told.into();
        self.told
            .extend(told.iter().map(|finding| format!("{name}: {finding}")));
        report
    }

    /// Adds why something could not be shown or kept.
    pub(crate) fn add_error(&mut self, error: Error) {
        self.errors.push(error);
    }

    /// The result as JSON.
    pub(crate) fn result(&self) -> Value {
        let mut result = self.result.clone();
        result["passed"] = (self.exit_code() == 0).into();
        result
    }

    /// Prints what is wrong.
    pub(crate) fn tell(&self) {
        for finding in &self.told {
            println!("FOUND {finding}");
        }
        for error in &self.errors {
            eprintln!("error: {error:#}");
        }
    }

    /// How many findings there are.
    pub(crate) fn found(&self) -> usize {
        self.found
    }

    /// 1 if anything was found. 2 if nothing was, and an application has shown nothing.
    pub(crate) fn exit_code(&self) -> u8 {
        match (self.found, self.errors.len()) {
            (0, 0) => 0,
            (0, _) => 2,
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    fn verdict(outcomes: Vec<Result<Outcome>>) -> Verdict {
        let mut verdict = Verdict::new(json!({ "seed": 1 }));
        for (name, outcome) in ["streams", "connect"].into_iter().zip(outcomes) {
            verdict.add(name, outcome, Duration::from_secs(3));
        }
        verdict
    }

    fn found(number: usize) -> Outcome {
        Outcome {
            report: json!({ "lines": 7 }),
            findings: (0..number).map(|each| format!("wrong {each}")).collect(),
        }
    }

    #[test]
    fn a_step_that_fails_is_a_finding_and_takes_none_away() {
        let mut outcome = found(1);
        assert_eq!(outcome.note(Ok(5)), Some(5));
        let step: Result<()> = Err(anyhow!("it ended").context("the broker"));
        assert_eq!(outcome.note(step), None);
        assert_eq!(outcome.findings, ["wrong 0", "the broker: it ended"]);
    }

    #[test]
    fn without_findings_it_passes() {
        let verdict = verdict(vec![Ok(found(0)), Ok(found(0))]);
        assert_eq!(verdict.exit_code(), 0);
        let streams = json!({ "lines": 7, "findings": [], "seconds": 3 });
        assert_eq!(verdict.result()["streams"], streams);
        assert_eq!(verdict.result()["passed"], true);
        assert_eq!(verdict.result()["seed"], 1);
    }

    #[test]
    fn an_application_that_could_not_be_set_up_hides_nothing_of_the_other() {
        let shows_nothing = verdict(vec![Err(anyhow!("no java")), Ok(found(0))]);
        assert_eq!(shows_nothing.exit_code(), 2);
        assert_eq!(shows_nothing.result()["passed"], false);
        let error = &shows_nothing.result()["streams"]["error"];
        assert_eq!(error, "no java");

        for outcomes in [
            vec![Err(anyhow!("no java")), Ok(found(2))],
            vec![Ok(found(2)), Err(anyhow!("no java"))],
        ] {
            let verdict = verdict(outcomes);
            assert_eq!(verdict.exit_code(), 1);
            assert_eq!(verdict.told.len(), 2);
        }
    }

    #[test]
    fn many_findings_of_one_application_leave_room_for_the_other() {
        let verdict = verdict(vec![Ok(found(1_000)), Ok(found(1))]);
        assert_eq!(verdict.found, 1_001);
        assert_eq!(verdict.told.last().unwrap(), "connect: wrong 0");
    }
}
