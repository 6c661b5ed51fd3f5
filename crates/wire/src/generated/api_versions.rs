//! ApiVersions, API 18, versions 0 to 4, flexible from 3.
//!
//! Answers which APIs and versions the broker serves. The answer's header is version 0 in every
//! version, and a version above the broker's is answered in version 0 (KIP-511).
//!
//! - 1: throttle time (KIP-124)
//! - 2: throttled clients hold back by themselves (KIP-219)
//! - 3: flexible (KIP-482); the client's name (KIP-511); features (KIP-584)
//! - 4: supported features that begin at 0 are answered too (KIP-1022)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of ApiVersions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApiVersionsRequest {
    /// Name of the client library. Versions 3+.
    pub client_software_name: Text,
    /// Its version. Versions 3+.
    pub client_software_version: Text,
}

impl Field for ApiVersionsRequest {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            client_software_name: from.read_if(v >= 3, Text::EMPTY)?,
            client_software_version: from.read_if(v >= 3, Text::EMPTY)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 3, &self.client_software_name);
        to.write_if(v >= 3, &self.client_software_version);
        Tags::default().write(to);
    }
}

message!(ApiVersionsRequest, 0..=4, 3, ApiVersions => ApiVersionsResponse);

/// The answer to [`ApiVersionsRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct ApiVersionsResponse {
    /// Error code.
    pub error_code: i16,
    /// The APIs served.
    pub api_keys: Vec<ApiVersion>,
    /// How long the client was or is held back by a quota, in ms. Versions 1+.
    pub throttle_time_ms: i32,
    /// Features that the broker knows. Versions 3+.
    pub supported_features: Vec<SupportedFeatureKey>,
    /// Counts changes of the finalized features; -1 when unknown. Versions 3+.
    pub finalized_features_epoch: i64,
    /// Features in force in the cluster. Versions 3+.
    pub finalized_features: Vec<FinalizedFeatureKey>,
    /// Whether a migration from ZooKeeper may begin; of no use here. Versions 3+.
    pub zk_migration_ready: bool,
}

impl Default for ApiVersionsResponse {
    fn default() -> Self {
        Self {
            error_code: 0,
            api_keys: Vec::new(),
            throttle_time_ms: 0,
            supported_features: Vec::new(),
            finalized_features_epoch: -1,
            finalized_features: Vec::new(),
            zk_migration_ready: false,
        }
    }
}

impl Field for ApiVersionsResponse {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let mut this = Self {
            error_code: from.read()?,
            api_keys: from.read()?,
            throttle_time_ms: from.read_if(v >= 1, 0)?,
            supported_features: Vec::new(),
            finalized_features_epoch: -1,
            finalized_features: Vec::new(),
            zk_migration_ready: false,
        };
        from.read_tags(|from, tag| {
            match tag {
                0 => this.supported_features = from.read()?,
                1 => this.finalized_features_epoch = from.read()?,
                2 => this.finalized_features = from.read()?,
                3 => this.zk_migration_ready = from.read()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_error(&self.error_code);
        to.write(&self.api_keys);
        to.write_if(v >= 1, &self.throttle_time_ms);
        let mut tags = Tags::default();
        tags.add(
            to,
            0,
            !self.supported_features.is_empty(),
            &self.supported_features,
        );
        tags.add(
            to,
            1,
            self.finalized_features_epoch != -1,
            &self.finalized_features_epoch,
        );
        tags.add(
            to,
            2,
            !self.finalized_features.is_empty(),
            &self.finalized_features,
        );
        tags.add(to, 3, self.zk_migration_ready, &self.zk_migration_ready);
        tags.write(to);
    }
}

message!(ApiVersionsResponse, 0..=4, 3, ApiVersions with throttle_time_ms);

/// An API and the versions served.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApiVersion {
    /// API key.
    pub api_key: i16,
    /// Lowest version served.
    pub min_version: i16,
    /// Highest version served.
    pub max_version: i16,
}

impl Field for ApiVersion {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            api_key: from.read()?,
            min_version: from.read()?,
            max_version: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.api_key);
        to.write(&self.min_version);
        to.write(&self.max_version);
        Tags::default().write(to);
    }
}

/// A feature that the broker knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SupportedFeatureKey {
    /// Its name. Versions 3+.
    pub name: Text,
    /// Lowest level known. Versions 3+.
    pub min_version: i16,
    /// Highest level known. Versions 3+.
    pub max_version: i16,
}

impl Field for SupportedFeatureKey {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            name: from.read_if(v >= 3, Text::EMPTY)?,
            min_version: from.read_if(v >= 3, 0)?,
            max_version: from.read_if(v >= 3, 0)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 3, &self.name);
        to.write_if(v >= 3, &self.min_version);
        to.write_if(v >= 3, &self.max_version);
        Tags::default().write(to);
    }
}

/// A feature in force.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FinalizedFeatureKey {
    /// Its name. Versions 3+.
    pub name: Text,
    /// Level in force. Versions 3+.
    pub max_version_level: i16,
    /// Lowest level still accepted. Versions 3+.
    pub min_version_level: i16,
}

impl Field for FinalizedFeatureKey {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            name: from.read_if(v >= 3, Text::EMPTY)?,
            max_version_level: from.read_if(v >= 3, 0)?,
            min_version_level: from.read_if(v >= 3, 0)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 3, &self.name);
        to.write_if(v >= 3, &self.max_version_level);
        to.write_if(v >= 3, &self.min_version_level);
        Tags::default().write(to);
    }
}
