//! What can go wrong between this process and a cluster.

use std::fmt;
use std::time::Duration;

use model::ErrorCode;

use crate::brokers::Address;

/// Why a request got no useful answer. The text says what to do about it where that is known.
#[derive(Clone, Debug)]
pub enum ClientError {
    /// No broker of the list could be connected to; each address with its reason.
    Unreachable(Vec<(Address, String)>),
    /// A broker did not answer in time.
    Timeout {
        /// The broker.
        address: Address,
        /// Name of the API that was asked.
        api: &'static str,
        /// How long the answer was waited for.
        waited: Duration,
    },
    /// A connection broke, or a peer does not speak the protocol.
    Connection {
        /// The broker.
        address: Address,
        /// What happened.
        reason: String,
    },
    /// A broker and this client share no version of an API.
    Unsupported {
        /// The broker.
        address: Address,
        /// Name of the API.
        api: &'static str,
    },
    /// The cluster refused the request.
    Refused(Refusal),
    /// The embedded librdkafka reported an error.
    Library(String),
}

/// An error code that a broker answered, with its message if it gave one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The number on the wire, which may be one that this client does not know.
    pub code: i16,
    /// The broker's own words.
    pub message: Option<String>,
}

impl Refusal {
    /// `Ok` for code 0.
    pub(crate) fn check(code: i16, message: Option<&str>) -> Result<(), Self> {
        if code == ErrorCode::None.code() {
            return Ok(());
        }
        let message = message.filter(|text| !text.is_empty()).map(str::to_owned);
        Err(Self { code, message })
    }

    /// The refusal with this code and no words.
    pub(crate) fn of(code: ErrorCode) -> Self {
        Self::of_code(code.code())
    }

    /// The refusal with this number for its code and no words.
    pub fn of_code(code: i16) -> Self {
        Self {
            code,
            message: None,
        }
    }

    /// Whether the code is this one.
    pub fn is(&self, code: ErrorCode) -> bool {
        self.code == code.code()
    }

    /// Whether asking again may help.
    pub(crate) fn is_retriable(&self) -> bool {
        ErrorCode::from_code(self.code).is_some_and(ErrorCode::is_retriable)
    }

    /// Kafka's name of the code.
    pub fn name(&self) -> String {
        match ErrorCode::from_code(self.code) {
            Some(code) => code.name().to_owned(),
            None => format!("ERROR_CODE_{}", self.code),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())?;
        match &self.message {
            Some(message) => write!(f, ": {message}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(attempts) => {
                let (several, it) = match attempts.len() {
                    1 => ("a broker at ", "it"),
                    _ => ("any broker: ", "one"),
                };
                write!(f, "cannot reach {several}")?;
                for (index, (address, reason)) in attempts.iter().enumerate() {
                    let semicolon = if index == 0 { "" } else { ", " };
                    write!(f, "{semicolon}{address}: {reason}")?;
                }
                write!(
                    f,
                    "; is {it} running? (start one with `ottla serve`, or name another with -b HOST:PORT)"
                )
            }
            Self::Timeout {
                address,
                api,
                waited,
            } => write!(
                f,
                "{address} did not answer {api} within {} s; is it a Kafka broker, and is it healthy?",
                waited.as_secs()
            ),
            Self::Connection { address, reason } => {
                write!(f, "the connection to {address} failed: {reason}")
            }
            Self::Unsupported { address, api } => write!(
                f,
                "the broker at {address} does not serve {api} in a version this client knows"
            ),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Library(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for ClientError {}

impl std::error::Error for Refusal {}

impl From<Refusal> for ClientError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
