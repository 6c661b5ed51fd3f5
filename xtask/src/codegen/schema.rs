//! What a declaration says.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

/// One API: request, response and their structures.
pub(crate) struct Api {
    pub(crate) module: String,
    pub(crate) doc: Vec<String>,
    pub(crate) name: String,
    pub(crate) key: i16,
    pub(crate) versions: Versions,
    /// First flexible version; `i16::MAX` for none.
    pub(crate) flexible_from: i16,
    pub(crate) structs: Vec<Struct>,
}

/// First and last version, both included.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Versions {
    pub(crate) first: i16,
    pub(crate) last: i16,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Request,
    Response,
    Part,
}

pub(crate) struct Struct {
    pub(crate) role: Role,
    pub(crate) name: String,
    pub(crate) doc: String,
    pub(crate) fields: Vec<Field>,
}

pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// First version in which null is allowed.
    pub(crate) nullable_from: Option<i16>,
    pub(crate) versions: Versions,
    pub(crate) tag: Option<u32>,
    pub(crate) default: Option<String>,
    pub(crate) doc: String,
}

pub(crate) enum Kind {
    /// Rust type of a number.
    Number(String),
    Bool,
    Uuid,
    Text,
    Bytes,
    Records,
    Struct(String),
    Array(Box<Kind>),
}

impl Versions {
    pub(crate) fn contains(self, version: i16) -> bool {
        (self.first..=self.last).contains(&version)
    }
}

impl Api {
    pub(crate) fn find(&self, name: &str) -> Result<&Struct> {
        let found = self.structs.iter().find(|candidate| candidate.name == name);
        found.with_context(|| format!("there is no structure {name}"))
    }

    /// The structures that are null somewhere.
    pub(crate) fn nullable_structs(&self) -> BTreeSet<&str> {
        let fields = self.structs.iter().flat_map(|part| &part.fields);
        let nullable = fields.filter(|field| field.nullable_from.is_some());
        nullable
            .filter_map(|field| match &field.kind {
                Kind::Struct(name) => Some(name.as_str()),
                _ => None,
            })
            .collect()
    }

    /// Fewest bytes that a structure takes in any version that has something of it.
    pub(crate) fn size_min(&self, of: &Struct) -> Result<usize> {
        let mut least = usize::MAX;
        for version in self.versions.first..=self.versions.last {
            if of
                .fields
                .iter()
                .any(|field| field.versions.contains(version))
            {
                least = least.min(self.size_in(of, version)?);
            }
        }
        Ok(if least == usize::MAX { 1 } else { least.max(1) })
    }

    fn size_in(&self, of: &Struct, version: i16) -> Result<usize> {
        let mut size = usize::from(version >= self.flexible_from);
        for field in &of.fields {
            if field.tag.is_none() && field.versions.contains(version) {
                size += self.field_size_in(field, version)?;
            }
        }
        Ok(size)
    }

    fn field_size_in(&self, field: &Field, version: i16) -> Result<usize> {
        let is_flexible = version >= self.flexible_from;
        Ok(match &field.kind {
            Kind::Number(name) => {
                name.trim_start_matches(|c: char| c.is_alphabetic())
                    .parse::<usize>()?
                    / 8
            }
            Kind::Bool => 1,
            Kind::Uuid => 16,
            _ if is_flexible && !matches!(field.kind, Kind::Struct(_)) => 1,
            Kind::Text => 2,
            Kind::Bytes | Kind::Records | Kind::Array(_) => 4,
            Kind::Struct(_) if field.nullable_from.is_some() => 1,
            Kind::Struct(name) => self.size_in(self.find(name)?, version)?,
        })
    }
}
