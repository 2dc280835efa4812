//! The hash index of a table of scalars.

use super::{LookupError, check_rows, plan};
use crate::field::Fr;
use crate::parallel::map_chunks;
use std::hash::{BuildHasher, RandomState};

/// Finds the first row of a table that holds a value. Build it once for all columns that are looked up in a table.
///
/// Open addressing with linear probing. The hash is keyed at random (the standard library's SipHash), so values chosen
/// by an adversary cannot make it slow; the key never shows in a result.
#[derive(Clone, Debug)]
pub struct TableIndex<'a> {
    table: &'a [Fr],
    key: RandomState,
    /// 0, or the upper half of a hash above row + 1.
    slots: Vec<u64>,
}

const ROW_BITS: u64 = 0xffff_ffff;

impl<'a> TableIndex<'a> {
    /// Indexes a table. Cost: one hash a row, in parallel, then one random access a row.
    ///
    /// Error: [`LookupError::TooManyRows`].
    pub fn new(table: &'a [Fr]) -> Result<Self, LookupError> {
        check_rows("table", table.len())?;
        let slots = vec![0; plan::index_slots(table.len())];
        let mut index = Self { table, key: RandomState::new(), slots };
        let hashes = map_chunks(table.len(), crate::vector::CHUNK, |range| {
            table[range].iter().map(|v| index.hash(v)).collect::<Vec<_>>()
        });
        for (row, hash) in hashes.into_iter().flatten().enumerate() {
            if let Err(free) = index.probe(hash, &table[row]) {
                index.slots[free] = hash & !ROW_BITS | (row as u64 + 1);
            }
        }
        Ok(index)
    }

    /// The table.
    pub fn table(&self) -> &'a [Fr] {
        self.table
    }

    /// The first row that holds `value`.
    pub fn find(&self, value: &Fr) -> Option<u32> {
        self.probe(self.hash(value), value).ok()
    }

    fn hash(&self, value: &Fr) -> u64 {
        self.key.hash_one(value.to_montgomery())
    }

    /// The row of `value`, or the slot where the search for it ended.
    fn probe(&self, hash: u64, value: &Fr) -> Result<u32, usize> {
        let mask = self.slots.len() - 1;
        let mut place = hash as usize & mask;
        // Ends: at least half of the slots are free.
        loop {
            let slot = self.slots[place];
            if slot == 0 {
                return Err(place);
            }
            let row = (slot & ROW_BITS) as u32 - 1;
            if (slot ^ hash) & !ROW_BITS == 0 && self.table[row as usize] == *value {
                return Ok(row);
            }
            place = (place + 1) & mask;
        }
    }
}
