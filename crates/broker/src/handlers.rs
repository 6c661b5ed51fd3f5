//! One file per API. Its module doc says which versions are served, what was chosen where the
//! protocol leaves a choice, and what is not done.

pub(crate) mod api_versions;
pub(crate) mod fetch;
pub(crate) mod init_producer_id;
pub(crate) mod list_offsets;
pub(crate) mod metadata;
pub(crate) mod produce;
