//! Stage `evaluate`: polynomials side by side, level by level.

use super::{FE_BYTES, VectorPieces, part, with_factor};
use crate::device::Buffer;
use crate::device::gpu::Access::{Read, ReadWrite};
use crate::device::gpu::{Arithmetic, Gpu, GpuWork, Stage, source};
use crate::error::Result;
use zkwatt_kernels::{Field, Fr};

/// Coefficients of one thread where there are threads enough; a level leaves n/32.
const CHUNK: u64 = 32;

/// Threads of one polynomial at most: enough to fill a large GPU, and so many fewer parts for long
/// polynomials.
const MAX_THREADS: u64 = 1 << 14;

/// Threads of one polynomial at least: their parts then lie at whole alignments of bindings.
const MIN_THREADS: u64 = 8;

/// Parts that the host sums up.
const LAST: u64 = 32;

const EVALUATE: Stage =
    Stage::new("evaluate", source!("evaluate")).over(Arithmetic::Fr).bind(&[Read, ReadWrite]);

/// A piece of a polynomial that one binding holds.
pub(super) struct Piece<'a, M> {
    memory: &'a M,
    start: u64,
    len: u64,
}

/// All stages of this module, for [`catalogue`](crate::device::wgpu::catalogue).
pub(super) const STAGES: &[Stage] = &[EVALUATE];

pub(super) trait Evaluation: Gpu + VectorPieces {
    /// The value at x of each polynomial. Cost: a product a coefficient; one download.
    async fn evaluate_all(&self, polynomials: &[&Self::Buf<Fr>], x: Fr) -> Result<Vec<Fr>> {
        let of_polynomial = |polynomial: &&'_ Self::Buf<Fr>| self.pieces(polynomial.len() as u64).count();
        let counts: Vec<usize> = polynomials.iter().map(of_polynomial).collect();
        let pieces: Vec<_> = polynomials.iter().flat_map(|p| self.pieces_of(p)).collect();
        let longest = pieces.iter().map(|piece| piece.len).max().unwrap_or(0);
        let levels = levels(longest);
        let last = levels.last().copied().unwrap_or(MIN_THREADS);
        let parts = self.scratch(pieces.len() as u64 * last * FE_BYTES)?;
        let mut work = self.work()?;
        // Threads of all polynomials of a group together are as many as a dispatch may have.
        let group = (self.piece() / levels.first().copied().unwrap_or(MIN_THREADS)).max(1) as usize;
        for (i, pieces) in pieces.chunks(group).enumerate() {
            self.record_group(&mut work, pieces, &levels, x, (&parts, (i * group) as u64 * last))?;
        }
        work.submit()?;
        let parts: Vec<Fr> = self.read(&parts, 0, pieces.len() * last as usize).await?;
        let mut values = parts.chunks(last as usize).map(|parts| horner(parts, x));
        let step = x.pow_vartime(&[self.piece()]);
        Ok(counts
            .iter()
            .map(|count| horner(&values.by_ref().take(*count).collect::<Vec<_>>(), step))
            .collect())
    }

    fn pieces_of<'a>(&self, polynomial: &&'a Self::Buf<Fr>) -> impl Iterator<Item = Piece<'a, Self::Memory>> {
        let memory = Self::raw(polynomial);
        self.pieces(polynomial.len() as u64).map(move |(start, len)| Piece { memory, start, len })
    }

    /// Leaves the parts of all pieces in `last` from its element on.
    fn record_group(
        &self,
        work: &mut Self::Work<'_>,
        pieces: &[Piece<'_, Self::Memory>],
        levels: &[u64],
        x: Fr,
        (last, last_start): (&Self::Memory, u64),
    ) -> Result<()> {
        let count = pieces.len() as u64;
        let mut coefficients: Option<(Self::Memory, u64)> = None;
        for (level, &threads) in levels.iter().enumerate() {
            let step = x.pow_vartime(&[threads]);
            let (parts, start) = match level + 1 == levels.len() {
                true => (last.clone(), last_start),
                false => (self.scratch(count * threads * FE_BYTES)?, 0),
            };
            match &coefficients {
                None => {
                    for (k, piece) in (0..).zip(pieces) {
                        let from = part(piece.memory, piece.start, piece.len);
                        let to = part(&parts, start + k * threads, threads);
                        let params = with_factor([threads as u32, piece.len as u32, threads as u32], step);
                        let products = piece.len.div_ceil(threads) as u32;
                        work.dispatch(&EVALUATE.products(products), &[from, to], &params, threads)?;
                    }
                }
                Some((from, n)) => {
                    let bindings = [part(from, 0, count * n), part(&parts, start, count * threads)];
                    let all = count * threads;
                    let params = with_factor([all as u32, *n as u32, threads as u32], step);
                    work.dispatch(&EVALUATE.products(CHUNK as u32), &bindings, &params, all)?;
                }
            }
            coefficients = Some((parts, threads));
        }
        Ok(())
    }
}

impl<D: Gpu> Evaluation for D {}

/// Threads of a polynomial of `n` coefficients, level by level; powers of two.
fn levels(n: u64) -> Vec<u64> {
    let level = |n: u64| n.div_ceil(CHUNK).next_power_of_two().clamp(MIN_THREADS, MAX_THREADS);
    let mut levels = vec![level(n)];
    while let Some(&threads) = levels.last().filter(|threads| **threads > LAST) {
        levels.push(level(threads));
    }
    levels
}

fn horner(coefficients: &[Fr], x: Fr) -> Fr {
    coefficients.iter().rev().fold(Fr::ZERO, |sum, c| sum * x + *c)
}
