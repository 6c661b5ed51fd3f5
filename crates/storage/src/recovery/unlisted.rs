//! Files that are left over.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use model::LogId;

use super::{Recovery, directory};
use crate::errors::OpenError;
use crate::marks::{Mark, mark};
use crate::settings::LogConfig;

impl Recovery {
    /// Removes files that no checkpoint lists. Returns those that only the older one lists, and the
    /// directories of logs that are gone, for the flusher.
    pub(super) fn remove_unlisted(
        &self,
        live: &BTreeMap<LogId, LogConfig>,
    ) -> Result<Vec<(PathBuf, bool)>, OpenError> {
        let has_damage = self.damages.iter().any(|damage| !damage.code.is_repaired());
        if self.is_read_only || has_damage {
            // What looks superfluous may be what is left of something.
            return Ok(Vec::new());
        }
        let fs = self.env.fs.as_ref();
        let logs = self.settings.data_dir.join("logs");
        let listed_by = |checkpoint: Option<&crate::format::checkpoint::Checkpoint>| {
            let logs = checkpoint.map_or(&[][..], |checkpoint| &checkpoint.logs);
            logs.iter()
                .map(|log| (log.log_id, directory::listed_files(log)))
                .collect::<HashMap<_, _>>()
        };
        let newest = listed_by(self.checkpoints.newest.as_ref());
        let older = listed_by(self.checkpoints.older.as_ref());
        let mut later = Vec::new();
        for entry in fs.list_dir(&logs).map_err(OpenError::io(&logs))? {
            let id = entry.name.parse::<u32>().ok();
            let Some(id) = id.filter(|id| entry.is_dir && format!("{id:010}") == entry.name) else {
                continue;
            };
            let path = logs.join(&entry.name);
            if !live.contains_key(&LogId(id)) {
                mark(Mark::DeletedLogDirectoryLeft);
                later.push((path, true));
                continue;
            }
            let is_in = |listed: &HashMap<u32, BTreeSet<String>>, name: &str| {
                listed.get(&id).is_some_and(|names| names.contains(name))
            };
            for file in fs.list_dir(&path).map_err(OpenError::io(&path))? {
                let file_path = path.join(&file.name);
                if is_in(&newest, &file.name) || file.is_dir {
                    continue;
                }
                if is_in(&older, &file.name) {
                    mark(Mark::UnlistedFileLeft);
                    later.push((file_path, false));
                } else {
                    mark(Mark::UnlistedFileRemoved);
                    fs.remove_file(&file_path)
                        .map_err(OpenError::io(&file_path))?;
                }
            }
        }
        Ok(later)
    }
}
