//! Operations on vectors of scalars.

mod evaluate;
mod scan;
#[cfg(test)]
mod tests;

use super::Access::{Read, ReadWrite};
use super::{
    ALIGNMENT, Arithmetic, BatchInverse, Binding, Gpu, GpuMemory, GpuWork, Source, Stage, fe_words, source,
};
use crate::device::{Buffer, VectorOps};
use crate::error::Result;
use evaluate::Evaluation;
use scan::{Recurrence, Recurrences};
use zkwatt_kernels::vector::{LengthMismatch, Scan};
use zkwatt_kernels::{Field, Fr};

const FE_BYTES: u64 = 32;

/// Elements of a dispatch at most: a twentieth of a second where 100 million products a second are made.
const PIECE: u64 = 1 << 22;

const SOURCE: Source = source!("vector");
const ADD_ASSIGN: Stage = binary("vector_add_assign");
const SUB_ASSIGN: Stage = binary("vector_sub_assign");
const MUL_ASSIGN: Stage = binary("vector_mul_assign");
const AXPY: Stage = binary("vector_axpy");
const SCALE: Stage = Stage::new("vector_scale", SOURCE).over(Arithmetic::Fr).bind(&[ReadWrite]);

const fn binary(name: &'static str) -> Stage {
    Stage::new(name, SOURCE).over(Arithmetic::Fr).bind(&[ReadWrite, Read])
}

/// Terms of a dispatch; with the sums they use seven of eight storage buffers, and all parameters but seven
/// words.
const TERMS: usize = 6;
const LINEAR_COMBINATION: Stage = Stage::new("linear_combination", source!("combination"))
    .over(Arithmetic::Fr)
    .bind(&[ReadWrite, Read, Read, Read, Read, Read, Read])
    .products(TERMS as u32);

/// All stages of this module, for [`catalogue`](super::catalogue).
pub(super) const STAGES: &[&[Stage]] =
    &[&[ADD_ASSIGN, SUB_ASSIGN, MUL_ASSIGN, AXPY, SCALE, LINEAR_COMBINATION], evaluate::STAGES, scan::STAGES];

impl<D: Gpu> VectorOps for D {
    fn add_assign(&self, a: &mut Self::Buf<Fr>, b: &Self::Buf<Fr>) -> Result<()> {
        self.element_wise(&ADD_ASSIGN, a, ("b", b), None)
    }

    fn sub_assign(&self, a: &mut Self::Buf<Fr>, b: &Self::Buf<Fr>) -> Result<()> {
        self.element_wise(&SUB_ASSIGN, a, ("b", b), None)
    }

    fn mul_assign(&self, a: &mut Self::Buf<Fr>, b: &Self::Buf<Fr>) -> Result<()> {
        self.element_wise(&MUL_ASSIGN, a, ("b", b), None)
    }

    fn axpy(&self, y: &mut Self::Buf<Fr>, a: Fr, x: &Self::Buf<Fr>) -> Result<()> {
        self.element_wise(&AXPY, y, ("x", x), Some(a))
    }

    fn scale(&self, a: &mut Self::Buf<Fr>, c: Fr) -> Result<()> {
        let mut work = self.work()?;
        for (start, len) in self.pieces(a.len() as u64) {
            work.dispatch(&SCALE, &[part(Self::raw(a), start, len)], &with_factor([len as u32], c), len)?;
        }
        work.submit()
    }

    fn batch_inverse(&self, a: &mut Self::Buf<Fr>) -> Result<()> {
        let mut work = self.work()?;
        self.batch_inverse_raw(&mut work, Arithmetic::CoordFr, Self::raw(a), a.len() as u64)?;
        work.submit()
    }

    fn prefix_sum(&self, a: &mut Self::Buf<Fr>, scan: Scan) -> Result<Fr> {
        self.wait(self.prefix_sum_async(a, scan))
    }

    fn prefix_product(&self, a: &mut Self::Buf<Fr>, scan: Scan) -> Result<Fr> {
        self.wait(self.prefix_product_async(a, scan))
    }

    fn evaluate(&self, coefficients: &Self::Buf<Fr>, x: Fr) -> Result<Fr> {
        self.wait(self.evaluate_async(coefficients, x))
    }

    fn evaluate_many(&self, polynomials: &[&Self::Buf<Fr>], x: Fr) -> Result<Vec<Fr>> {
        self.wait(self.evaluate_many_async(polynomials, x))
    }

    fn resized(&self, a: &Self::Buf<Fr>, len: usize) -> Result<Self::Buf<Fr>> {
        let to = self.room(len)?;
        let (kept, all) = (a.len().min(len) as u64 * FE_BYTES, len as u64 * FE_BYTES);
        let mut work = self.work()?;
        work.copy(Self::raw(a), 0, Self::raw(&to), 0, kept);
        work.clear_range(Self::raw(&to), kept, all - kept);
        work.submit()?;
        Ok(to)
    }

    fn linear_combination(&self, terms: &[(Fr, &Self::Buf<Fr>)], len: usize) -> Result<Self::Buf<Fr>> {
        if let Some((_, longer)) = terms.iter().find(|(_, v)| v.len() > len) {
            return Err(LengthMismatch { argument: "terms", expected: len, actual: longer.len() }.into());
        }
        let out = self.room(len)?;
        let mut work = self.work()?;
        for (start, piece) in self.pieces(len as u64) {
            self.combine_piece(&mut work, Self::raw(&out), terms, start, piece)?;
        }
        work.submit()?;
        Ok(out)
    }

    fn divide_by_linear(&self, coefficients: &mut Self::Buf<Fr>, z: Fr) -> Result<Fr> {
        self.wait(self.divide_by_linear_async(coefficients, z))
    }
}

/// The operations of [`VectorOps`] that return values, for callers that may not block.
pub(crate) trait VectorAsync: Gpu {
    /// As [`VectorOps::prefix_sum`].
    async fn prefix_sum_async(&self, a: &mut Self::Buf<Fr>, scan: Scan) -> Result<Fr> {
        self.run_recurrence(a, Recurrence::Sum(scan)).await
    }

    /// As [`VectorOps::prefix_product`].
    async fn prefix_product_async(&self, a: &mut Self::Buf<Fr>, scan: Scan) -> Result<Fr> {
        self.run_recurrence(a, Recurrence::Product(scan)).await
    }

    /// As [`VectorOps::evaluate`].
    async fn evaluate_async(&self, coefficients: &Self::Buf<Fr>, x: Fr) -> Result<Fr> {
        let values = self.evaluate_many_async(&[coefficients], x).await?;
        Ok(values.first().copied().unwrap_or(Fr::ZERO))
    }

    /// As [`VectorOps::evaluate_many`].
    async fn evaluate_many_async(&self, polynomials: &[&Self::Buf<Fr>], x: Fr) -> Result<Vec<Fr>> {
        self.evaluate_all(polynomials, x).await
    }

    /// As [`VectorOps::divide_by_linear`].
    async fn divide_by_linear_async(&self, coefficients: &mut Self::Buf<Fr>, z: Fr) -> Result<Fr> {
        self.run_recurrence(coefficients, Recurrence::Division(z)).await
    }
}

impl<D: Gpu> VectorAsync for D {}

/// Vectors in pieces of what one dispatch takes.
trait VectorPieces: Gpu {
    fn element_wise(
        &self,
        stage: &Stage,
        left: &Self::Buf<Fr>,
        (argument, right): (&'static str, &Self::Buf<Fr>),
        factor: Option<Fr>,
    ) -> Result<()> {
        let n = left.len();
        if right.len() != n {
            return Err(LengthMismatch { argument, expected: n, actual: right.len() }.into());
        }
        let mut work = self.work()?;
        for (start, len) in self.pieces(n as u64) {
            let bindings = [part(Self::raw(left), start, len), part(Self::raw(right), start, len)];
            let params = with_factor([len as u32], factor.unwrap_or(Fr::ZERO));
            work.dispatch(stage, &bindings, &params, len)?;
        }
        work.submit()
    }

    /// Start and length of pieces of 0..n that one dispatch and one binding take.
    fn pieces(&self, n: u64) -> impl Iterator<Item = (u64, u64)> + use<Self> {
        let piece = self.piece();
        (0..n).step_by(piece as usize).map(move |start| (start, piece.min(n - start)))
    }

    /// Scalars of a piece, whole alignments of bindings.
    fn piece(&self) -> u64 {
        PIECE.min(self.limits().max_binding_bytes / ALIGNMENT * ALIGNMENT / FE_BYTES)
    }

    /// The elements start..start + len of Σⱼ aⱼ·vⱼ.
    fn combine_piece(
        &self,
        work: &mut Self::Work<'_>,
        out: &Self::Memory,
        terms: &[(Fr, &Self::Buf<Fr>)],
        start: u64,
        len: u64,
    ) -> Result<()> {
        let reaches = |(factor, v): &&(Fr, &Self::Buf<Fr>)| !factor.is_zero() && v.len() as u64 > start;
        let terms: Vec<_> = terms.iter().filter(reaches).collect();
        if terms.is_empty() {
            work.clear_range(out, start * FE_BYTES, len * FE_BYTES);
        }
        for (i, terms) in terms.chunks(TERMS).enumerate() {
            let lens: Vec<u64> = terms.iter().map(|(_, v)| (v.len() as u64 - start).min(len)).collect();
            let mut params = [0; 2 + TERMS + 8 * TERMS + 1];
            params[0] = len as u32;
            params[1] = terms.len() as u32;
            for (j, ((factor, _), len)) in terms.iter().zip(&lens).enumerate() {
                params[2 + j] = *len as u32;
                params[2 + TERMS + 8 * j..][..8].copy_from_slice(&fe_words(*factor));
            }
            params[2 + TERMS + 8 * TERMS] = u32::from(i > 0);
            let vectors = terms.iter().zip(&lens).map(|((_, v), len)| part(Self::raw(v), start, *len));
            // Bindings without a term see the first one's; both only read.
            let unused = vectors.clone().take(1).cycle();
            let bindings: Vec<_> =
                [part(out, start, len)].into_iter().chain(vectors.chain(unused).take(TERMS)).collect();
            work.dispatch(&LINEAR_COMBINATION, &bindings, &params, len)?;
        }
        Ok(())
    }
}

impl<D: Gpu> VectorPieces for D {}

/// The scalars start..start + len.
fn part<M: GpuMemory>(memory: &M, start: u64, len: u64) -> Binding<'_, M> {
    memory.range(start * FE_BYTES, len * FE_BYTES)
}

/// Parameters from word 0 on, and a scalar in words 8 to 15.
fn with_factor<const N: usize>(words: [u32; N], factor: Fr) -> [u32; 16] {
    let mut params = [0; 16];
    params[..N].copy_from_slice(&words);
    params[8..].copy_from_slice(&fe_words(factor));
    params
}
