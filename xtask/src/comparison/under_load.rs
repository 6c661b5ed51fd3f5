//! Rows for which both brokers are up and warm, and by turns under load.

use std::time::Instant;

use anyhow::Result;

use super::block_of;
use super::contender::{Contender, Measured, Name};
use super::load::Load;
use super::results::{self, Block, Profile};
use super::rows::{Cores, Kind, Row};

/// Both brokers. They go from one row to the next if the peer is a virtual machine: what it has made fast stays so.
pub(super) struct Pair {
    cores: Cores,
    ottla: Contender,
    peer: Contender,
    is_warm: bool,
}

impl Pair {
    pub(super) fn start(cores: Cores, peer: Name) -> Result<Self> {
        Ok(Self {
            cores,
            ottla: Contender::start_to_hold(Name::Ottla, cores)?,
            peer: Contender::start_to_hold(peer, cores)?,
            is_warm: false,
        })
    }

    /// Whether a row can be measured with these.
    pub(super) fn is_for(&self, row: &Row) -> bool {
        let is_worth_it = self.peer.name.is_virtual_machine();
        is_worth_it && matches!(row.kind, Kind::Load(_)) && row.cores == self.cores
    }
}

/// A pair with the load of a row. The one that is not measured is held.
pub(super) struct UnderLoad<'a> {
    pair: &'a mut Pair,
    row: &'a Row,
    load: &'a Load,
    seconds: u32,
}

impl<'a> UnderLoad<'a> {
    /// Puts both under the load of the row until they are at their speed.
    pub(super) fn warm_up(
        pair: &'a mut Pair,
        row: &'a Row,
        load: &'a Load,
        profile: Profile,
    ) -> Result<Self> {
        for contender in [&mut pair.ottla, &mut pair.peer] {
            let is_slow = contender.name.is_virtual_machine() && !pair.is_warm;
            let seconds = profile.warm_up_seconds[usize::from(is_slow)];
            match pair.is_warm {
                true => contender.let_go()?,
                false => contender.fill_up()?,
            }
            let began = Instant::now();
            // A backlog is read to its end in less time than a virtual machine takes to come to its speed.
            while began.elapsed().as_secs() < u64::from(seconds) {
                contender.load(load, row.durability, seconds)?;
            }
            contender.hold()?;
        }
        pair.is_warm = true;
        Ok(Self {
            pair,
            row,
            load,
            seconds: profile.block_seconds,
        })
    }

    /// One of them, in one block: Ottla twice, so that it can be compared with itself.
    fn measure(&mut self, name: Name) -> Result<Vec<Measured>> {
        let (contender, times) = match name {
            Name::Ottla => (&mut self.pair.ottla, 2),
            _ => (&mut self.pair.peer, 1),
        };
        let mut measured = Vec::new();
        for _ in 0..times {
            contender.let_go()?;
            measured.push(contender.load(self.load, self.row.durability, self.seconds)?);
            contender.hold()?;
        }
        Ok(measured)
    }

    /// The control, and the blocks: `count` of them, and `more` if the control is not quiet then.
    pub(super) fn blocks(&mut self, count: usize, more: usize) -> Result<[Vec<Block>; 2]> {
        let (mut control, mut blocks) = (Vec::new(), Vec::new());
        let mut wanted = count;
        while blocks.len() < wanted {
            let number = blocks.len();
            let both = [Name::Ottla, self.pair.peer.name];
            let [ours, theirs] = block_of(number, both, |name| self.measure(name))?;
            control.push(Block::of_control(self.row, number, &ours));
            let block = Block::of(self.row, number, &ours, &theirs);
            println!("  block {}: {block}", number + 1);
            blocks.push(block);
            // Looked at once: looking after each would end with the first that is quiet by chance.
            if blocks.len() == count && !results::void(self.row, &control)?.is_empty() {
                wanted += more;
            }
        }
        for (figure, drift) in results::drifts(self.row, &control)? {
            println!("  {figure} differs from itself by {:.1} %", drift * 100.0);
        }
        Ok([control, blocks])
    }

    /// Leaves nothing of the row to the next one.
    pub(super) fn end(self) -> Result<()> {
        for contender in [&mut self.pair.ottla, &mut self.pair.peer] {
            contender.let_go()?;
            contender.delete_topic()?;
            contender.hold()?;
        }
        Ok(())
    }
}
