//! Names: directories whose changes are durable only once the directory is forced.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use super::Losses;
use super::image::Survival;
use crate::Dice;

/// What a name leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    File(u64),
    Dir(u64),
}

impl Node {
    /// The number of the file or directory.
    pub(crate) fn id(self) -> u64 {
        match self {
            Self::File(id) | Self::Dir(id) => id,
        }
    }
}

/// One name that gets another meaning, or none.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) dir: u64,
    pub(crate) name: String,
    pub(crate) node: Option<Node>,
}

#[derive(Clone, Debug, Default)]
struct Dir {
    cached: BTreeMap<String, Node>,
    durable: BTreeMap<String, Node>,
}

/// The directories. The root always exists.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    dirs: BTreeMap<u64, Dir>,
    /// Operations whose directory has not been forced since, in order. Each happens whole or not
    /// at all.
    pending: Vec<Vec<Change>>,
}

/// The number of the root.
pub(crate) const ROOT: u64 = 1;

impl Default for Tree {
    fn default() -> Self {
        Self {
            dirs: BTreeMap::from([(ROOT, Dir::default())]),
            pending: Vec::new(),
        }
    }
}

impl Tree {
    /// What a path leads to.
    pub(crate) fn find(&self, path: &Path) -> Option<Node> {
        let mut node = Node::Dir(ROOT);
        for name in names(path) {
            let Node::Dir(id) = node else { return None };
            node = *self.dirs.get(&id)?.cached.get(&name)?;
        }
        Some(node)
    }

    /// The directory and name of a path, if its parent exists.
    pub(crate) fn place(&self, path: &Path) -> Option<(u64, String)> {
        let name = names(path).pop()?;
        match self.find(path.parent()?)? {
            Node::Dir(dir) => Some((dir, name)),
            Node::File(_) => None,
        }
    }

    /// What a name in a directory leads to.
    pub(crate) fn entry(&self, dir: u64, name: &str) -> Option<Node> {
        self.dirs.get(&dir)?.cached.get(name).copied()
    }

    /// Whether this is the number of a directory.
    pub(crate) fn is_dir(&self, id: u64) -> bool {
        self.dirs.contains_key(&id)
    }

    /// A path to a file or directory. None if it has lost its name.
    pub(crate) fn path_to(&self, id: u64) -> Option<PathBuf> {
        let mut upwards = Vec::new();
        let mut at = id;
        while at != ROOT {
            let (dir, name) = self.dirs.iter().find_map(|(dir, entries)| {
                let mut entries = entries.cached.iter();
                let (name, _) = entries.find(|(_, node)| node.id() == at)?;
                Some((*dir, name))
            })?;
            upwards.push(name);
            at = dir;
        }
        let mut path = PathBuf::from("/");
        path.extend(upwards.into_iter().rev());
        Some(path)
    }

    /// Keeps of some files those that no name leads to, nor led to and may do so again after a loss of power.
    pub(crate) fn keep_nameless(&self, files: &mut BTreeSet<u64>) {
        let dirs = self.dirs.values();
        let named = dirs.flat_map(|dir| dir.cached.values().chain(dir.durable.values()));
        let pending = self.pending.iter().flatten();
        let nodes = named.chain(pending.filter_map(|change| change.node.as_ref()));
        for node in nodes {
            if let Node::File(file) = node {
                files.remove(file);
            }
        }
    }

    pub(crate) fn entries(&self, dir: u64) -> impl Iterator<Item = (&String, Node)> {
        self.dirs
            .get(&dir)
            .into_iter()
            .flat_map(|dir| dir.cached.iter().map(|(name, node)| (name, *node)))
    }

    /// Changes what is seen at once and what is on disk when the directory is forced.
    pub(crate) fn change(&mut self, changes: Vec<Change>) {
        for change in &changes {
            if let Some(Node::Dir(id)) = change.node {
                self.dirs.entry(id).or_default();
            }
            if let Some(dir) = self.dirs.get_mut(&change.dir) {
                put(&mut dir.cached, change);
            }
        }
        self.pending.push(changes);
    }

    pub(crate) fn force(&mut self, dir: u64) {
        let (forced, rest) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|changes| changes.iter().any(|change| change.dir == dir));
        self.pending = rest;
        for change in Vec::<Vec<Change>>::into_iter(forced).flatten() {
            if let Some(dir) = self.dirs.get_mut(&change.dir) {
                put(&mut dir.durable, &change);
            }
        }
    }

    /// The names as they are found after a loss of power.
    pub(crate) fn crash(
        mut self,
        survival: Survival,
        dice: &mut Dice,
        losses: &mut Losses,
    ) -> Self {
        for changes in std::mem::take(&mut self.pending) {
            let is_kept = match survival {
                Survival::Nothing => false,
                Survival::Everything => true,
                Survival::Mixed => dice.one_in(2),
            };
            if !is_kept {
                losses.names_lost += 1;
                // A change of a name from one to another is one of both.
                losses.renames_lost += u64::from(changes.len() > 1);
                continue;
            }
            losses.names_kept += 1;
            for change in changes {
                if let Some(dir) = self.dirs.get_mut(&change.dir) {
                    put(&mut dir.durable, &change);
                }
            }
        }
        for dir in self.dirs.values_mut() {
            dir.cached = dir.durable.clone();
        }
        let (dirs, _) = self.reachable();
        self.dirs.retain(|id, _| dirs.contains(id));
        self
    }

    /// The directories and files that have a name.
    pub(crate) fn reachable(&self) -> (BTreeSet<u64>, BTreeSet<u64>) {
        let mut dirs = BTreeSet::from([ROOT]);
        let mut files = BTreeSet::new();
        let mut open = vec![ROOT];
        while let Some(dir) = open.pop() {
            for (_, node) in self.entries(dir) {
                match node {
                    Node::File(id) => {
                        files.insert(id);
                    }
                    Node::Dir(id) => {
                        if dirs.insert(id) {
                            open.push(id);
                        }
                    }
                }
            }
        }
        (dirs, files)
    }
}

fn put(entries: &mut BTreeMap<String, Node>, change: &Change) {
    match change.node {
        Some(node) => entries.insert(change.name.clone(), node),
        None => entries.remove(&change.name),
    };
}

fn names(path: &Path) -> Vec<String> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
            _ => None,
        })
        .collect()
}
