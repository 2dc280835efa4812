//! Where eight vectors lie in memory.

use super::step::{Finish, Sink, Source};
use crate::field::ifma::{Balanced, Ifma, LANES, Lanes, Stored, V, eight, transpose_8x8};
use crate::field::{Fr, FrParams};
use crate::prefetch::prefetch;
use core::marker::PhantomData;

type Element8 = Lanes<FrParams>;

/// An 8x8 piece of a matrix between the steps: the four words of each row's elements.
pub(in crate::ntt) type Tile = [[[u64; 8]; 4]; LANES];
const ELEMENT: usize = 4;
const TILE: usize = ELEMENT * LANES * LANES;

/// Memory that tasks share, of which each touches a part of its own.
#[derive(Copy, Clone)]
pub(super) struct Shared<'a> {
    words: *mut u64,
    len: usize,
    borrow: PhantomData<&'a mut [u64]>,
}

// SAFETY: whoever reads or writes words promises that no other task does so at the same time (see `Shared::words`).
unsafe impl Send for Shared<'_> {}
// SAFETY: as above.
unsafe impl Sync for Shared<'_> {}

impl<'a> Shared<'a> {
    pub(super) fn elements(column: &'a mut [Fr]) -> Self {
        // `Fr` is transparent over four words.
        Self { words: column.as_mut_ptr().cast(), len: ELEMENT * column.len(), borrow: PhantomData }
    }

    pub(super) fn tiles(tiles: &'a mut [Tile]) -> Self {
        Self { words: tiles.as_mut_ptr().cast(), len: TILE * tiles.len(), borrow: PhantomData }
    }

    /// The words from `first` on, as arrays of words.
    ///
    /// # Safety
    /// `T` is an array of `u64`, and nobody has another reference to these words while this one lives.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    unsafe fn words<T>(&self, first: usize) -> &mut T {
        assert!(first + size_of::<T>() / size_of::<u64>() <= self.len);
        // SAFETY: in bounds of an exclusive borrow; words are aligned for arrays of words.
        unsafe { &mut *self.words.add(first).cast() }
    }
}

impl Shared<'_> {
    /// Asks for the words from `first` on; beyond the end for nothing that is used.
    #[inline(always)]
    fn prefetch<T>(&self, first: usize) {
        prefetch(self.words.wrapping_add(first).cast::<T>());
    }
}

/// Rows that are asked for ahead: they are on different pages, which no hardware foresees.
const AHEAD: usize = 12;

/// An element of `factors` in all lanes, times `value`.
#[inline(always)]
fn scaled(value: Element8, factors: Option<&[[u64; 5]]>, i: usize) -> Element8 {
    match factors {
        None => value,
        Some(factors) => value.mul(Lanes::splat(value.ifma(), factors[i])),
    }
}

/// The lowest `bits` bits of i in reverse order; 1 ≤ bits.
#[inline(always)]
fn reverse(i: usize, bits: u32) -> usize {
    i.reverse_bits() >> (usize::BITS - bits)
}

#[inline(always)]
fn reverse_if(condition: bool, i: usize, bits: u32) -> usize {
    if condition { reverse(i, bits) } else { i }
}

/// Eight neighbouring columns of a matrix, a vector along each.
pub(super) struct Columns<'a> {
    data: Shared<'a>,
    /// Words of a row.
    stride: usize,
    group: usize,
}

impl<'a> Columns<'a> {
    /// Columns 8·`group` and on, of rows of 2^`log_row` elements.
    ///
    /// # Safety
    /// While this view is in use nothing else reads or writes a word of what it covers, be it through a view of another kind or
    /// through this one on another thread.
    pub(super) unsafe fn new(data: Shared<'a>, log_row: u32, group: usize) -> Self {
        Self { data, stride: ELEMENT << log_row, group }
    }

    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    fn row(&self, row: usize) -> &mut [[u64; 4]; 8] {
        // SAFETY: a task has columns of its own, and drops one reference before it takes another.
        unsafe { self.data.words(row * self.stride + ELEMENT * LANES * self.group) }
    }
}

impl Columns<'_> {
    #[inline(always)]
    fn prefetch(&self, row: usize) {
        self.data.prefetch::<[[u64; 4]; 8]>(row * self.stride + ELEMENT * LANES * self.group);
    }
}

impl Source for Columns<'_> {
    #[inline(always)]
    fn fill(&self, ifma: Ifma, buffer: &mut [Stored], reversed: bool, factors: Option<&[[u64; 5]]>) {
        let bits = buffer.len().ilog2();
        for i in 0..buffer.len() {
            let place = reverse_if(reversed, i, bits);
            self.prefetch(i + AHEAD);
            scaled(Lanes::load_raw(ifma, self.row(i)), factors, place).store(&mut buffer[place]);
        }
    }
}

impl Sink for Columns<'_> {
    #[inline(always)]
    fn drain<F: Finish>(&self, ifma: Ifma, buffer: &[Stored], reversed: bool, mut finish: F) {
        let bits = buffer.len().ilog2();
        for k in (0..buffer.len()).step_by(4) {
            macro_rules! one {
                ($($j:literal)*) => {$(
                    let entry = reverse(k + $j, bits);
                    let ahead = k + $j + AHEAD;
                    self.prefetch(if reversed { reverse(ahead, bits) } else { ahead });
                    let value = finish.finish::<$j>(Balanced::load(ifma, &buffer[entry]), k + $j);
                    value.store_raw(self.row(if reversed { entry } else { k + $j }));
                )*};
            }
            one!(0 1 2 3);
        }
    }
}

/// Eight neighbouring rows of a matrix, a vector along each.
pub(super) struct Rows<'a> {
    data: Shared<'a>,
    /// Words of a row.
    stride: usize,
    group: usize,
}

impl<'a> Rows<'a> {
    /// Rows 8·`group` and on, of 2^`log_row` elements.
    ///
    /// # Safety
    /// While this view is in use nothing else reads or writes a word of what it covers, be it through a view of another kind or
    /// through this one on another thread.
    pub(super) unsafe fn new(data: Shared<'a>, log_row: u32, group: usize) -> Self {
        Self { data, stride: ELEMENT << log_row, group }
    }

    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    fn pair(&self, row: usize, pair: usize) -> &mut [u64; 8] {
        // SAFETY: a task has rows of its own, and drops one reference before it takes another.
        unsafe { self.data.words((LANES * self.group + row) * self.stride + 2 * ELEMENT * pair) }
    }
}

impl Source for Rows<'_> {
    #[inline(always)]
    fn fill(&self, ifma: Ifma, buffer: &mut [Stored], reversed: bool, factors: Option<&[[u64; 5]]>) {
        let bits = buffer.len().ilog2();
        for i in 0..buffer.len() / 2 {
            let [a, b, c, d, e, f, g, h] = transpose_8x8(eight!(I => ifma.load(self.pair(I, i))));
            let (even, odd) = (reverse_if(reversed, 2 * i, bits), reverse_if(reversed, 2 * i + 1, bits));
            scaled(Lanes::from_words([a, b, c, d]), factors, even).store(&mut buffer[even]);
            scaled(Lanes::from_words([e, f, g, h]), factors, odd).store(&mut buffer[odd]);
        }
    }
}

impl Sink for Rows<'_> {
    #[inline(always)]
    fn drain<F: Finish>(&self, ifma: Ifma, buffer: &[Stored], reversed: bool, mut finish: F) {
        let bits = buffer.len().ilog2();
        for i in (0..buffer.len()).step_by(4) {
            macro_rules! one {
                ($j:literal) => {{
                    let (k, entry) = if reversed {
                        (reverse(i + $j, bits), i + $j)
                    } else {
                        (i + $j, reverse(i + $j, bits))
                    };
                    finish.finish::<$j>(Balanced::load(ifma, &buffer[entry]), k).to_words()
                }};
            }
            self.store(i / 2, one!(0), one!(1));
            self.store(i / 2 + 1, one!(2), one!(3));
        }
    }
}

impl Rows<'_> {
    #[inline(always)]
    fn store(&self, pair: usize, even: [V; 4], odd: [V; 4]) {
        let rows = transpose_8x8([even[0], even[1], even[2], even[3], odd[0], odd[1], odd[2], odd[3]]);
        eight!(I => rows[I].store(self.pair(I, pair)));
    }
}

/// Tiles between the steps, of which the first writes a column and the second reads a row.
pub(super) struct Tiles<'a> {
    tiles: Shared<'a>,
    first: usize,
    stride: usize,
}

impl<'a> Tiles<'a> {
    /// Tile column `group` of rows of `row` tiles.
    ///
    /// # Safety
    /// While this view is in use nothing else reads or writes a word of what it covers, be it through a view of another kind or
    /// through this one on another thread.
    pub(super) unsafe fn column(tiles: Shared<'a>, row: usize, group: usize) -> Self {
        Self { tiles, first: group, stride: row }
    }

    /// Tile row `group` of rows of `row` tiles.
    ///
    /// # Safety
    /// While this view is in use nothing else reads or writes a word of what it covers, be it through a view of another kind or
    /// through this one on another thread.
    pub(super) unsafe fn row(tiles: Shared<'a>, row: usize, group: usize) -> Self {
        Self { tiles, first: group * row, stride: 1 }
    }

    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    fn tile(&self, i: usize) -> &mut Tile {
        // SAFETY: a task has a row or column of its own, and drops one reference before it takes another.
        unsafe { self.tiles.words(TILE * (self.first + i * self.stride)) }
    }
}

impl Source for Tiles<'_> {
    #[inline(always)]
    fn fill(&self, ifma: Ifma, buffer: &mut [Stored], _: bool, _: Option<&[[u64; 5]]>) {
        for (i, entries) in buffer.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            self.tiles.prefetch::<Tile>(TILE * (self.first + (i + 1) * self.stride));
            let tile = self.tile(i);
            let w0 = transpose_8x8(eight!(I => ifma.load(&tile[I][0])));
            let w1 = transpose_8x8(eight!(I => ifma.load(&tile[I][1])));
            let w2 = transpose_8x8(eight!(I => ifma.load(&tile[I][2])));
            let w3 = transpose_8x8(eight!(I => ifma.load(&tile[I][3])));
            for j in 0..LANES {
                Element8::from_words([w0[j], w1[j], w2[j], w3[j]]).store(&mut entries[j]);
            }
        }
    }
}

impl Sink for Tiles<'_> {
    #[inline(always)]
    fn drain<F: Finish>(&self, ifma: Ifma, buffer: &[Stored], _: bool, mut finish: F) {
        let bits = buffer.len().ilog2();
        for k in (0..buffer.len()).step_by(4) {
            let tile = self.tile(k / LANES);
            self.tiles.prefetch::<[u64; TILE / 2]>(
                TILE * (self.first + (k / LANES + 1) * self.stride) + k % LANES * (TILE / LANES),
            );
            macro_rules! one {
                ($($j:literal)*) => {$(
                    let entry = &buffer[reverse(k + $j, bits)];
                    let words = finish.finish::<$j>(Balanced::load(ifma, entry), k + $j).to_words();
                    for i in 0..4 {
                        words[i].store(&mut tile[k % LANES + $j][i]);
                    }
                )*};
            }
            one!(0 1 2 3);
        }
    }
}
