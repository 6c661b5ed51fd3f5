//! `ottla debug log verify`

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use storage::VerifyReport;

use super::number;
use crate::cli::output::OutputArguments;
use crate::cli::table::{Fields, Table};
use crate::cli::{AlreadyTold, complain, note};

#[derive(Debug, Args)]
pub(crate) struct Command {
    /// The data directory to check; of a broker that runs, what it writes meanwhile may look damaged
    #[arg(
        long,
        value_name = "DIR",
        env = "OTTLA_DATA_DIR",
        hide_env_values = true,
        default_value = "./ottla-data"
    )]
    data_dir: PathBuf,
    #[command(flatten)]
    output: OutputArguments,
}

/// What was checked and what is wrong, as one JSON object.
#[derive(Serialize)]
struct Description {
    #[serde(flatten)]
    checked: Fields,
    damages: Table,
}

pub(super) fn run(command: &Command) -> anyhow::Result<()> {
    let fs = env::real::env().fs;
    let dir = command.data_dir.display();
    let report = storage::verify(&*fs, &command.data_dir)
        .with_context(|| format!("cannot check {dir}; is it a data directory?"))?;
    let description = describe(&report);
    let mut sections = vec![("CHECKED", description.checked.text())];
    if !report.damages.is_empty() {
        sections.push(("DAMAGES", description.damages.text()));
    }
    command.output.sections(&sections, &description)?;
    let repaired = report
        .damages
        .iter()
        .filter(|damage| damage.code.is_repaired())
        .count();
    let lasting = report.damages.len() - repaired;
    if repaired > 0 {
        note(&format!("{} repaired by the next start", places(repaired)));
    }
    if report.is_damaged() {
        complain(&format!(
            "{dir}: {} that no start repairs; see DAMAGES",
            places(lasting)
        ));
        return Err(AlreadyTold.into());
    }
    Ok(())
}

fn places(count: usize) -> String {
    match count {
        1 => "1 damaged place".to_owned(),
        count => format!("{count} damaged places"),
    }
}

fn describe(report: &VerifyReport) -> Description {
    let mut damages = Table::new(&["CODE", "PATH", "POSITION", "REPAIRED", "MESSAGE"]);
    for damage in &report.damages {
        damages.row([
            damage.code.as_str().into(),
            damage.path.display().to_string().into(),
            number(damage.position),
            damage.code.is_repaired().into(),
            damage.message.as_str().into(),
        ]);
    }
    let status = if report.is_damaged() {
        "damaged"
    } else {
        "sound"
    };
    Description {
        checked: Fields::default()
            .field("STATUS", status)
            .field("FILES", number(report.files))
            .field("ROUNDS", number(report.rounds))
            .field("BATCHES", number(report.batches))
            .field("BYTES", number(report.bytes))
            .field("CUT-ROUNDS", number(report.cut_rounds)),
        damages,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::{Damage, DamageCode};

    #[test]
    fn damage_is_named_by_code_file_and_position() {
        let damage = |code| Damage {
            code,
            path: "d/wal/slot-00".into(),
            position: 4096,
            message: "it is broken".to_owned(),
        };
        let mut report = VerifyReport {
            files: 2,
            damages: vec![damage(DamageCode::Index)],
            ..VerifyReport::default()
        };
        let text = describe(&report).checked.text();
        assert!(
            text.starts_with("STATUS      sound\nFILES       2\n"),
            "{text}"
        );
        report.damages.push(damage(DamageCode::WalPayload));
        let description = describe(&report);
        let text = description.checked.text();
        assert!(text.starts_with("STATUS      damaged\n"), "{text}");
        assert_eq!(
            description.damages.text(),
            "CODE         PATH           POSITION  REPAIRED  MESSAGE\n\
             index        d/wal/slot-00  4096      true      it is broken\n\
             wal-payload  d/wal/slot-00  4096      false     it is broken\n"
        );
        let json = serde_json::to_value(&description).unwrap();
        assert_eq!(json["status"], "damaged");
        assert_eq!(json["damages"][1]["position"], 4096);
    }
}
