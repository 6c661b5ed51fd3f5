//! Writing behind the end of a file, in few and large writes.

use std::io;
use std::sync::Arc;

use env::{File, SECTOR_BYTES};

use crate::buffers::{AlignedBuffer, BufferPool};

/// How much is gathered for one write.
const WRITE_BYTES: usize = 1 << 20;

/// Appends to a file. What is appended stands in it after [`Appender::write_gathered`].
pub(super) struct Appender {
    file: Arc<dyn File>,
    /// Where in the file the gathered bytes belong.
    position: u64,
    gathered: Gathered,
}

enum Gathered {
    /// For the page cache.
    Cached(Vec<u8>),
    Direct(WholeSectors),
}

/// What goes past the page cache, as far as it fills sectors; the rest goes into it.
struct WholeSectors {
    direct: Arc<dyn File>,
    /// From the beginning of a sector on.
    buffer: AlignedBuffer,
    /// How many bytes at the front stand in the file already.
    skip: usize,
}

impl Appender {
    /// Writes into the page cache.
    pub(super) fn cached(file: Arc<dyn File>, position: u64) -> Self {
        Self {
            file,
            position,
            gathered: Gathered::Cached(Vec::new()),
        }
    }

    /// Writes whole sectors through `direct`, which is the same file open for direct writes.
    pub(super) fn direct(
        file: Arc<dyn File>,
        direct: Arc<dyn File>,
        position: u64,
        buffers: &BufferPool,
    ) -> Self {
        let skip = (position % SECTOR_BYTES as u64) as usize;
        let mut buffer = buffers.take(WRITE_BYTES);
        buffer.extend_blank(skip);
        Self {
            file,
            position,
            gathered: Gathered::Direct(WholeSectors {
                direct,
                buffer,
                skip,
            }),
        }
    }

    /// Appends bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.gathered {
            Gathered::Direct(sectors) => {
                let mut rest = bytes;
                while !rest.is_empty() {
                    let room = WRITE_BYTES - sectors.buffer.as_slice().len();
                    let (now, later) = rest.split_at(room.min(rest.len()));
                    sectors.buffer.extend(now);
                    if now.len() == room {
                        self.position = sectors.write(self.file.as_ref(), self.position)?;
                    }
                    rest = later;
                }
                Ok(())
            }
            Gathered::Cached(gathered) => {
                if gathered.len() + bytes.len() > WRITE_BYTES {
                    self.position = write(self.file.as_ref(), gathered, self.position)?;
                    gathered.clear();
                }
                if bytes.len() >= WRITE_BYTES / 4 && gathered.is_empty() {
                    self.position = write(self.file.as_ref(), bytes, self.position)?;
                } else {
                    gathered.extend_from_slice(bytes);
                }
                Ok(())
            }
        }
    }

    /// Writes what has been gathered.
    pub(super) fn write_gathered(&mut self) -> io::Result<()> {
        let file = self.file.as_ref();
        match &mut self.gathered {
            Gathered::Direct(sectors) => {
                self.position = sectors.write(file, self.position)?;
                self.position = sectors.write_rest(file, self.position)?;
            }
            Gathered::Cached(gathered) => {
                self.position = write(file, gathered, self.position)?;
                gathered.clear();
            }
        }
        Ok(())
    }

    /// Forces what was written.
    pub(super) fn force(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Whether all that was written went into the page cache.
    pub(super) fn is_cached(&self) -> bool {
        matches!(self.gathered, Gathered::Cached(_))
    }
}

impl WholeSectors {
    /// Writes the sectors that are full. The first belongs to the page cache if a part of it stands in the file: that
    /// is there, or is read to fill it. Returns the position behind them.
    fn write(&mut self, file: &dyn File, position: u64) -> io::Result<u64> {
        let whole = self.buffer.as_slice().len() / SECTOR_BYTES * SECTOR_BYTES;
        if whole == 0 {
            return Ok(position);
        }
        let full = self.buffer.as_slice().get(..whole).unwrap_or_default();
        let begun = match self.skip {
            0 => 0,
            _ => SECTOR_BYTES,
        };
        let (first, rest) = full.split_at(begun);
        let first = first.get(self.skip..).unwrap_or_default();
        let position = write(file, first, position)?;
        let position = write(self.direct.as_ref(), rest, position)?;
        let buffered = self.buffer.as_mut_slice();
        let left = buffered.len() - whole;
        buffered.copy_within(whole.., 0);
        self.buffer.truncate(left);
        self.skip = 0;
        Ok(position)
    }

    /// Writes what does not fill a sector. It stays in front of what comes next.
    fn write_rest(&mut self, file: &dyn File, position: u64) -> io::Result<u64> {
        let rest = self.buffer.as_slice().get(self.skip..).unwrap_or_default();
        let position = write(file, rest, position)?;
        self.skip += rest.len();
        Ok(position)
    }
}

/// Writes bytes, if there are any. Returns the position behind them.
fn write(file: &dyn File, bytes: &[u8], position: u64) -> io::Result<u64> {
    if !bytes.is_empty() {
        file.write_all_at(bytes, position)?;
    }
    Ok(position + bytes.len() as u64)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use env::OpenMode;

    use super::*;

    /// What stands in a file after pieces were appended to what it had.
    fn appended(before: usize, pieces: &[usize], is_direct: bool) -> (Vec<u8>, Vec<u8>) {
        let (env, _) = sim::env(1);
        let path = Path::new("/file");
        let mut bytes = (0_u32..).map(|number| (number / 3) as u8);
        let mut expected: Vec<u8> = bytes.by_ref().take(before).collect();
        let file = env.fs.open(path, OpenMode::CreateNew).unwrap();
        file.write_all_at(&expected, 0).unwrap();
        let pool = BufferPool::new(4 << 20);
        let position = before as u64;
        let mut appender = match is_direct {
            true => {
                let direct = env.fs.open(path, OpenMode::WriteDirect).unwrap();
                Appender::direct(file, direct, position, &pool)
            }
            false => Appender::cached(file, position),
        };
        assert_eq!(appender.is_cached(), !is_direct);
        for (number, piece) in pieces.iter().enumerate() {
            let piece: Vec<u8> = bytes.by_ref().take(*piece).collect();
            appender.push(&piece).unwrap();
            expected.extend(piece);
            if number % 3 == 2 {
                appender.write_gathered().unwrap();
                assert!(env.fs.read(path).unwrap() == expected);
            }
        }
        appender.write_gathered().unwrap();
        (env.fs.read(path).unwrap(), expected)
    }

    #[test]
    fn what_is_appended_stands_in_the_file() {
        let sector = SECTOR_BYTES;
        for before in [0, 1, sector - 1, sector, sector + 1, 3 * sector + 17] {
            for pieces in [
                &[][..],
                &[1],
                &[sector - 1, 1, 1, sector],
                &[sector, 2 * sector, 5],
                &[WRITE_BYTES - 1, 1, 1, WRITE_BYTES, WRITE_BYTES + 1],
                &[100, 2 * WRITE_BYTES + 100, WRITE_BYTES / 4, 7, 7, 7, 7],
                &[WRITE_BYTES / 2; 7],
            ] {
                for is_direct in [false, true] {
                    let (found, expected) = appended(before, pieces, is_direct);
                    assert!(found == expected, "{pieces:?} behind {before}: {is_direct}");
                }
            }
        }
    }
}
