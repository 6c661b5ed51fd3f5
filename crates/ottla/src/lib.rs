//! The broker and the commands around it, as one program. A library only so that its readers of text can
//! be reached from outside; the binary is one call of [`run`].

mod cli;
#[doc(hidden)]
pub mod fuzzing;
mod serve;
mod settings;

pub use cli::run;
