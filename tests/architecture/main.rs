//! The shape of the workspace, held by tests: which crate may know which, how long a file may be,
//! and what no file may say.

mod dependencies;
mod files;
