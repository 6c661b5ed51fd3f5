//! Small input that promises much takes little memory.
//!
//! What is watched is the largest size that the address space ever had, which also counts memory
//! that was reserved and never used. For that it has to be the only thing in its process and to run
//! on the main thread, whose allocator reserves nothing ahead: hence no test harness.

use std::io::Write;

use bytes::Bytes;
use wire::compression::{Codec, DecompressError, decompress};
use wire::{Decoder, Message, Request};

const MIB: usize = 1 << 20;

/// A line of the kernel's account of this process, in bytes; 0 where there is no such account.
fn status_bytes(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .unwrap_or(": 0 kB");
    line.trim_matches(|c: char| !c.is_ascii_digit())
        .parse::<usize>()
        .unwrap()
        * 1024
}

/// By how many bytes memory grew at most while `work` ran.
fn grown_bytes(work: impl FnOnce()) -> usize {
    // What was given back since the peak would hide as much of the growth: take it again.
    let slack = status_bytes("VmPeak") - status_bytes("VmSize");
    let _ballast = Vec::<u8>::with_capacity(slack);
    let start = status_bytes("VmPeak");
    work();
    status_bytes("VmPeak") - start
}

fn decode_all<R: Request>(frame: &Bytes) {
    for version in R::VERSIONS {
        let _ = R::decode(&mut Decoder::new(frame.clone()), version);
        let _ = R::Response::decode(&mut Decoder::new(frame.clone()), version);
    }
}

macro_rules! decode_each {
    ($($name:ident = $key:literal, $versions:expr, $flexible_from:expr, $module:ident, $request:ident, $response:ident;)*) => {
        fn decode_everything(frame: &Bytes) {
            $(decode_all::<wire::messages::$module::$request>(frame);)*
        }
    };
}

wire::for_each_api!(decode_each);

/// Frames of 64 KiB, empty but for a count that promises gigabytes, at every place where one can be.
fn promises() -> impl Iterator<Item = Bytes> {
    let counts: [&[u8]; 4] = [
        &[0xfe, 0xff, 0xff, 0xff, 0x0f],
        &[0x7f, 0xff, 0xff, 0xff],
        &[0xff, 0xff, 0x03],
        &[0, 0, 0xff, 0xff],
    ];
    (0..48).flat_map(move |at| {
        counts.into_iter().flat_map(move |count| {
            [0, 1].map(|filling| {
                let mut frame = vec![filling; 64 * 1024];
                frame[at..at + count.len()].copy_from_slice(count);
                Bytes::from(frame)
            })
        })
    })
}

/// 64 MiB of zeros, compressed without ever being in memory.
fn bomb(codec: Codec) -> Vec<u8> {
    let zeros = [0; 32 * 1024];
    let times = 64 * MIB / zeros.len();
    let fill = |to: &mut dyn Write| (0..times).for_each(|_| to.write_all(&zeros).unwrap());
    match codec {
        Codec::None => unreachable!("nothing is compressed"),
        Codec::Gzip => {
            let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            fill(&mut to);
            to.finish().unwrap()
        }
        Codec::Snappy => {
            let block = snap::raw::Encoder::new().compress_vec(&zeros).unwrap();
            let chunk = [&(block.len() as u32).to_be_bytes(), block.as_slice()].concat();
            [
                b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01".as_slice(),
                &chunk.repeat(times),
            ]
            .concat()
        }
        Codec::Lz4 => {
            let mut to = lz4_flex::frame::FrameEncoder::new(Vec::new());
            fill(&mut to);
            to.finish().unwrap()
        }
        Codec::Zstd => {
            let mut to = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
            fill(&mut to);
            to.finish().unwrap()
        }
    }
}

fn main() {
    let grown = grown_bytes(|| promises().for_each(|frame| decode_everything(&frame)));
    assert!(grown < 2 * MIB, "decoding took {grown} bytes");

    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let bomb = bomb(codec);
        let grown = grown_bytes(|| {
            assert_eq!(
                decompress(codec, &bomb, MIB),
                Err(DecompressError::TooLarge),
                "{codec}"
            );
        });
        assert!(grown < 16 * MIB, "{codec} took {grown} bytes");
    }
}
