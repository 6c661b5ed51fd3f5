//! DescribeCluster, API 60, versions 0 to 2, flexible from 0.
//!
//! Describes the cluster and its nodes (KIP-700).
//!
//! - 1: brokers or controllers (KIP-919)
//! - 2: fenced brokers (KIP-1073)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of DescribeCluster.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeClusterRequest {
    /// Whether to answer what the client may do with the cluster.
    pub include_cluster_authorized_operations: bool,
    /// 1 for brokers, 2 for controllers. Versions 1+.
    pub endpoint_type: i8,
    /// Whether to list brokers that take no part for now. Version 2.
    pub include_fenced_brokers: bool,
}

impl Default for DescribeClusterRequest {
    fn default() -> Self {
        Self {
            include_cluster_authorized_operations: false,
            endpoint_type: 1,
            include_fenced_brokers: false,
        }
    }
}

impl Field for DescribeClusterRequest {
    const SIZE_MIN: usize = 2;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            include_cluster_authorized_operations: from.read()?,
            endpoint_type: from.read_if(v >= 1, 1)?,
            include_fenced_brokers: from.read_if(v >= 2, false)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.include_cluster_authorized_operations);
        to.write_if(v >= 1, &self.endpoint_type);
        to.write_if(v >= 2, &self.include_fenced_brokers);
        Tags::default().write(to);
    }
}

message!(DescribeClusterRequest, 0..=2, 0, DescribeCluster => DescribeClusterResponse);

/// The answer to [`DescribeClusterRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeClusterResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Error code.
    pub error_code: i16,
    /// What is wrong; null when nothing is.
    pub error_message: Option<Text>,
    /// 1 for brokers, 2 for controllers. Versions 1+.
    pub endpoint_type: i8,
    /// Cluster id.
    pub cluster_id: Text,
    /// Node id of the controller; -1 when unknown.
    pub controller_id: i32,
    /// The nodes.
    pub brokers: Vec<DescribeClusterBroker>,
    /// Bits of the operations allowed on the cluster; the smallest number when not asked for.
    pub cluster_authorized_operations: i32,
}

impl Default for DescribeClusterResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            error_message: None,
            endpoint_type: 1,
            cluster_id: Text::EMPTY,
            controller_id: -1,
            brokers: Vec::new(),
            cluster_authorized_operations: i32::MIN,
        }
    }
}

impl Field for DescribeClusterResponse {
    const SIZE_MIN: usize = 18;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            throttle_time_ms: from.read()?,
            error_code: from.read()?,
            error_message: from.read()?,
            endpoint_type: from.read_if(v >= 1, 1)?,
            cluster_id: from.read()?,
            controller_id: from.read()?,
            brokers: from.read()?,
            cluster_authorized_operations: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.throttle_time_ms);
        to.write_error(&self.error_code);
        to.write(&self.error_message);
        to.write_if(v >= 1, &self.endpoint_type);
        to.write(&self.cluster_id);
        to.write(&self.controller_id);
        to.write(&self.brokers);
        to.write(&self.cluster_authorized_operations);
        Tags::default().write(to);
    }
}

message!(DescribeClusterResponse, 0..=2, 0, DescribeCluster with throttle_time_ms);

/// A node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeClusterBroker {
    /// Node id.
    pub broker_id: i32,
    /// Host name or address.
    pub host: Text,
    /// TCP port.
    pub port: i32,
    /// Rack, if it has one.
    pub rack: Option<Text>,
    /// Whether it takes no part for now. Version 2.
    pub is_fenced: bool,
}

impl Field for DescribeClusterBroker {
    const SIZE_MIN: usize = 11;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            broker_id: from.read()?,
            host: from.read()?,
            port: from.read()?,
            rack: from.read()?,
            is_fenced: from.read_if(v >= 2, false)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.broker_id);
        to.write(&self.host);
        to.write(&self.port);
        to.write(&self.rack);
        to.write_if(v >= 2, &self.is_fenced);
        Tags::default().write(to);
    }
}
