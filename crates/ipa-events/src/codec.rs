//! Between events and records: what is written, and what can be read back.
//!
//! Writing cannot lose anything; reading can meet anything. What this program does not understand becomes
//! [`Unreadable`], never an error of the log.

mod upcast;

pub use upcast::{Upcaster, Upcasters};

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::envelope::Stamped;
use crate::store::{NewRecord, Position, RawRecord, Version};
use crate::task::TaskEvent;
use crate::value::StreamId;

/// A record that this program cannot read. It stays in the log; its task is read-only until it can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {version} of {stream} ({kind}, form {schema_version}) cannot be read: {why}")]
pub struct Unreadable {
    /// The stream.
    pub stream: StreamId,
    /// Its place in the stream.
    pub version: Version,
    /// Its place in the log.
    pub position: Position,
    /// Its type.
    pub kind: String,
    /// The form of its payload.
    pub schema_version: u32,
    /// Why it cannot be read, and what to do.
    pub why: String,
}

/// Writes and reads the events of tasks.
#[derive(Debug, Clone, Copy)]
pub struct Codec {
    upcasters: Upcasters,
}

impl Default for Codec {
    fn default() -> Self {
        Self { upcasters: Upcasters::CURRENT }
    }
}

impl Codec {
    /// Makes a codec that brings old forms up to date in this way.
    pub const fn with_upcasters(upcasters: Upcasters) -> Self {
        Self { upcasters }
    }

    /// Writes an event as a record.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] when the event has no JSON form; no event of this crate is like that.
    pub fn encode(&self, event: &Stamped<TaskEvent>) -> Result<NewRecord, EncodeError> {
        let mut value = serde_json::to_value(&event.event)?;
        let kind = value.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let payload = value.get_mut("payload").map_or_else(|| Value::Object(Map::new()), Value::take);
        Ok(NewRecord {
            schema_version: self.upcasters.current(&kind),
            kind,
            at: event.at,
            actor: event.actor.to_string(),
            via: event.via.to_string(),
            causation_id: event.cause.map(|cause| cause.to_string()),
            correlation_id: event.correlation.to_string(),
            payload: payload.to_string(),
            metadata: METADATA.to_owned(),
        })
    }

    /// Reads a record back.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] when its type, form, payload or envelope is not one that this program knows.
    pub fn decode(&self, raw: &RawRecord) -> Result<Stamped<TaskEvent>, Unreadable> {
        self.try_decode(raw).map_err(|why| Unreadable {
            stream: raw.stream.clone(),
            version: raw.version,
            position: raw.position,
            kind: raw.record.kind.clone(),
            schema_version: raw.record.schema_version,
            why,
        })
    }

    fn try_decode(&self, raw: &RawRecord) -> Result<Stamped<TaskEvent>, String> {
        let record = &raw.record;
        let event = if record.schema_version == self.upcasters.current(&record.kind) {
            read(&record.kind, serde_json::from_str(&record.payload).map_err(not_json)?)?
        } else {
            let payload: Value = serde_json::from_str(&record.payload).map_err(not_json)?;
            let payload = self.upcasters.upcast(&record.kind, record.schema_version, payload)?;
            read(&record.kind, &serde_json::value::to_raw_value(&payload).map_err(not_json)?)?
        };
        let cause = record.causation_id.as_deref().map(str::parse).transpose();
        Ok(Stamped {
            command_id: raw.id.command,
            index: raw.id.index,
            at: record.at,
            actor: record.actor.parse().map_err(|error| format!("actor: {error}"))?,
            via: record.via.parse().map_err(|error| format!("via: {error}"))?,
            cause: cause.map_err(|error| format!("causation: {error}"))?,
            correlation: record.correlation_id.parse().map_err(|error| format!("correlation: {error}"))?,
            event,
        })
    }
}

/// Reads an event of the current form. The payload is one whole JSON value by its type: it cannot leave its place.
fn read(kind: &str, payload: &RawValue) -> Result<TaskEvent, String> {
    let tagged = serde_json::to_string(&Tagged { kind, payload }).map_err(not_json)?;
    serde_json::from_str(&tagged).map_err(|error| error.to_string())
}

/// The form of [`TaskEvent`] in JSON.
#[derive(serde::Serialize)]
struct Tagged<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    payload: &'a RawValue,
}

#[expect(clippy::needless_pass_by_value, reason = "it stands where an error is mapped")]
fn not_json(error: serde_json::Error) -> String {
    format!("its payload is not JSON: {error}")
}

/// What every record says about its writer.
const METADATA: &str = concat!(r#"{"program":"ipa "#, env!("CARGO_PKG_VERSION"), r#""}"#);

/// An event has no JSON form.
#[derive(Debug, thiserror::Error)]
#[error("writing an event as JSON")]
pub struct EncodeError(#[from] serde_json::Error);
