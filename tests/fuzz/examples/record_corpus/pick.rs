//! Which of the recorded frames are worth keeping, and under which names.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use bytes::Bytes;
use fuzz::{Target, corpus};
use wire::apis::ApiKey;
use wire::batch::{BatchView, Batches};
use wire::compression::Codec;
use wire::messages::produce::ProduceRequest;
use wire::messages::sync_group::SyncGroupRequest;
use wire::{Chunks, Decoder, Message, RequestHeader};

use crate::proxy::Exchange;

/// Inputs of one kind that are kept: the smallest ones.
const PER_KIND_MAX: usize = 2;

/// Inputs above this size are not kept.
const INPUT_BYTES_MAX: usize = 16 * 1024;

/// What is kept, by target and kind.
#[derive(Debug, Default)]
pub(crate) struct Picked {
    kinds: BTreeMap<(&'static str, String), Vec<Vec<u8>>>,
}

/// How much was written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Written {
    pub(crate) files: usize,
    pub(crate) bytes: usize,
}

impl Picked {
    /// Keeps what is worth it of an exchange.
    pub(crate) fn add(&mut self, client: &str, exchange: &Exchange) {
        let Some(api) = ApiKey::from_key(exchange.api_key) else {
            return;
        };
        let version = exchange.version;
        let name = format!("{}-v{version}-{client}", snake_case(api.name()));
        self.put("requests", &name, exchange.request.clone());
        if let Some(response) = &exchange.response {
            let head = [exchange.api_key, version].map(i16::to_be_bytes).concat();
            self.put("responses", &name, [head, response.clone()].concat());
        }
        match api {
            ApiKey::Produce => self.add_batches(client, exchange),
            ApiKey::SyncGroup => self.add_assignments(client, exchange),
            _ => {}
        }
    }

    fn add_batches(&mut self, client: &str, exchange: &Exchange) {
        let Some(request) = body::<ProduceRequest>(exchange) else {
            return;
        };
        let partitions = request
            .topic_data
            .iter()
            .flat_map(|topic| &topic.partition_data);
        for records in partitions.filter_map(|partition| partition.records.clone()) {
            let bytes = Chunks::into_bytes(records);
            for batch in Batches::new(&bytes).map_while(Result::ok) {
                let name = format!("{}-{client}", codec_of(&batch));
                self.put("record_batches", &name, batch.bytes().to_vec());
                let opened = [&[batch.attributes.0 as u8 & 7], batch.payload()].concat();
                self.put("compression", &name, opened);
            }
        }
    }

    fn add_assignments(&mut self, client: &str, exchange: &Exchange) {
        let Some(request) = body::<SyncGroupRequest>(exchange) else {
            return;
        };
        for assignment in request.assignments {
            self.put("assignments", client, assignment.assignment.to_vec());
        }
    }

    fn put(&mut self, target: &'static str, kind: &str, input: Vec<u8>) {
        if input.len() > INPUT_BYTES_MAX {
            return;
        }
        // Several clients have one library below them, and say the same.
        let mut others = self.kinds.iter().filter(|((name, _), _)| *name == target);
        if others.any(|(_, kept)| kept.contains(&input)) {
            return;
        }
        let kept = self.kinds.entry((target, kind.to_owned())).or_default();
        // One of each size: those that differ only in a number say nothing new.
        if kept.iter().all(|other| other.len() != input.len()) {
            kept.push(input);
            kept.sort_by_key(Vec::len);
            kept.truncate(PER_KIND_MAX);
        }
    }

    /// Puts all of it in place of what was recorded before.
    pub(crate) fn write(&self) -> io::Result<Written> {
        let mut written = Written::default();
        for target in [
            "requests",
            "responses",
            "record_batches",
            "compression",
            "assignments",
        ] {
            let target = Target::named(target).expect("the target is there");
            let directory = corpus::corpus_directory(target);
            fs::create_dir_all(&directory)?;
            remove_recorded(&directory)?;
            let kinds = self.kinds.iter();
            for ((_, kind), inputs) in kinds.filter(|((name, _), _)| *name == target.name) {
                for input in inputs {
                    write_input(&directory, kind, input)?;
                    written.files += 1;
                    written.bytes += input.len();
                }
            }
        }
        Ok(written)
    }
}

/// Removes what was recorded before; what a fuzzer found has no dash in its name.
fn remove_recorded(directory: &Path) -> io::Result<()> {
    for input in corpus::inputs(directory)? {
        if input.name.contains('-') {
            fs::remove_file(directory.join(input.name))?;
        }
    }
    Ok(())
}

fn write_input(directory: &Path, kind: &str, input: &[u8]) -> io::Result<()> {
    let hash = crc_fast::crc32_iscsi(input);
    fs::write(directory.join(format!("{kind}-{hash:08x}")), input)
}

/// The body of a request; `None` if it does not parse.
fn body<M: Message>(exchange: &Exchange) -> Option<M> {
    let mut decoder = Decoder::new(Bytes::copy_from_slice(&exchange.request));
    RequestHeader::decode(&mut decoder).ok()?;
    M::decode(&mut decoder, exchange.version).ok()
}

fn codec_of(batch: &BatchView<'_>) -> Codec {
    batch.attributes.codec().unwrap_or_default()
}

/// `ListOffsets` as `list_offsets`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (at, character) in name.char_indices() {
        if character.is_uppercase() && at > 0 {
            snake.push('_');
        }
        snake.extend(character.to_lowercase());
    }
    snake
}
