//! Vectors to a scalar and a scalar to a vector.

#[cfg(target_arch = "x86_64")]
use super::lanes;
use super::{CHUNK, FrOn, LANES, LengthMismatch};
use crate::dispatch::{CpuPath, with_arith};
use crate::field::{Arith, Field, Fr, cast, cast_slice, cast_slice_mut, uncast};
#[cfg(target_arch = "x86_64")]
use crate::field::{words, words_mut};
use crate::parallel::{for_each_chunk_mut, map_chunks, map_range};

/// Σ v_i; zero for no elements.
pub fn sum(path: CpuPath, values: &[Fr]) -> Fr {
    with_arith!(path, A => {
        let values = cast_slice::<Fr, A>(values);
        let parts = map_chunks(values.len(), CHUNK, |range| values[range].iter().copied().sum::<FrOn<A>>());
        uncast::<Fr, A>(parts.into_iter().sum())
    })
}

/// Σ a_i·b_i; zero for no elements. Cost: n products; n/2 on eight lanes, where 64 share a reduction.
///
/// Error: `b` is not as long as `a`.
pub fn inner_product(path: CpuPath, a: &[Fr], b: &[Fr]) -> Result<Fr, LengthMismatch> {
    LengthMismatch::check("b", b.len(), a.len())?;
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = path.lanes() {
        let (a, b) = (words(a), words(b));
        let parts =
            map_chunks(a.len(), CHUNK, |range| lanes::inner_product(ifma, &a[range.clone()], &b[range]));
        return Ok(parts.into_iter().sum());
    }
    with_arith!(path, A => {
        let (a, b) = (cast_slice::<Fr, A>(a), cast_slice::<Fr, A>(b));
        let parts = map_chunks(a.len(), CHUNK, |range| {
            // acc < 2p, a product < 2p: their sum is < 4p.
            let acc = a[range.clone()]
                .iter()
                .zip(&b[range])
                .fold(FrOn::<A>::ZERO, |acc, (&a, &b)| acc.add_lazy(a.mul_lazy(b)).reduce_to_2p());
            acc.reduce_once()
        });
        Ok(uncast::<Fr, A>(parts.into_iter().sum()))
    })
}

/// Σ `coefficients`_i·x^i, lowest degree first; zero for no coefficients.
///
/// Cost: n products; n/2 on eight lanes, where 64 share a reduction. Horner's rule in chunks, each in interleaved chains of
/// every fourth coefficient, or of blocks of 512.
pub fn evaluate(path: CpuPath, coefficients: &[Fr], x: Fr) -> Fr {
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = path.lanes().filter(|_| coefficients.len() >= MIN_EVALUATED) {
        let at = lanes::Evaluation::of_polynomials(x, coefficients.len());
        let coefficients = words(coefficients);
        let parts =
            map_chunks(coefficients.len(), CHUNK, |range| lanes::evaluate(ifma, &coefficients[range], &at));
        return horner(&parts, x.pow_vartime(&[CHUNK as u64]));
    }
    with_arith!(path, A => {
        let (coefficients, x) = (cast_slice::<Fr, A>(coefficients), cast::<Fr, A>(x));
        let parts = map_chunks(coefficients.len(), CHUNK, |range| evaluate_chunk(&coefficients[range], x));
        let step = x.pow_vartime(&[CHUNK as u64]);
        uncast::<Fr, A>(horner(&parts, step))
    })
}

/// The value at x of each polynomial, coefficients lowest degree first; zero for no coefficients.
///
/// Cost: as [`evaluate`] for each. Chunks of all polynomials are the parallel work, so many short ones are too.
pub fn evaluate_many(path: CpuPath, polynomials: &[&[Fr]], x: Fr) -> Vec<Fr> {
    #[cfg(target_arch = "x86_64")]
    let longest = polynomials.iter().map(|p| p.len()).max().unwrap_or_default();
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = path.lanes().filter(|_| longest >= MIN_EVALUATED) {
        let at = lanes::Evaluation::of_polynomials(x, longest);
        return evaluate_chunks(polynomials, x, |chunk| lanes::evaluate(ifma, words(chunk), &at));
    }
    with_arith!(path, A => {
        let at = cast::<Fr, A>(x);
        evaluate_chunks(polynomials, x, |chunk| uncast::<Fr, A>(evaluate_chunk(cast_slice::<Fr, A>(chunk), at)))
    })
}

/// The value of each polynomial from those of its chunks.
fn evaluate_chunks(polynomials: &[&[Fr]], x: Fr, evaluate: impl Fn(&[Fr]) -> Fr + Send + Sync) -> Vec<Fr> {
    let chunks: Vec<&[Fr]> = polynomials.iter().flat_map(|p| p.chunks(CHUNK)).collect();
    let mut parts = &map_range(chunks.len(), |i| evaluate(chunks[i]))[..];
    let step = x.pow_vartime(&[CHUNK as u64]);
    let values = polynomials.iter().map(|p| {
        let (own, rest) = parts.split_at(p.len().div_ceil(CHUNK));
        parts = rest;
        horner(own, step)
    });
    values.collect()
}

/// Fewest coefficients for which powers of the point are worth it.
#[cfg(target_arch = "x86_64")]
const MIN_EVALUATED: usize = 128;

fn horner<F: Field>(coefficients: &[F], x: F) -> F {
    coefficients.iter().rev().fold(F::ZERO, |acc, &c| acc * x + c)
}

pub(super) fn evaluate_chunk<A: Arith>(coefficients: &[FrOn<A>], x: FrOn<A>) -> FrOn<A> {
    let step = x.pow_vartime(&[LANES as u64]);
    // Lane l holds Σ c_{LANES·j + l}·x^(LANES·j). A short last group leaves its missing lanes at zero.
    let mut lanes = [FrOn::<A>::ZERO; LANES];
    for group in coefficients.chunks(LANES).rev() {
        for (lane, &c) in lanes.iter_mut().zip(group) {
            // A lane < 3p times a step < p is < 2p, and a coefficient is < p: the lane stays < 3p.
            *lane = lane.mul_lazy(step).add_lazy(c);
        }
    }
    horner(&lanes.map(|lane| lane.reduce_to_2p().reduce_once()), x)
}

/// The vector of n elements `first`·`ratio`^i. Cost: n products, and some 100 a chunk of 4096.
pub fn powers(path: CpuPath, first: Fr, ratio: Fr, n: usize) -> Vec<Fr> {
    let mut out = vec![Fr::ZERO; n];
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = path.lanes().filter(|_| n >= 4 * lanes::MIN_LEN) {
        let of = lanes::Powers::new(ratio);
        for_each_chunk_mut(words_mut(&mut out), CHUNK, |start, chunk| {
            lanes::powers(ifma, chunk, first * ratio.pow_vartime(&[start as u64]), &of);
        });
        return out;
    }
    with_arith!(path, A => fill_powers(cast_slice_mut::<Fr, A>(&mut out), cast::<Fr, A>(first), cast::<Fr, A>(ratio)));
    out
}

fn fill_powers<A: Arith>(out: &mut [FrOn<A>], first: FrOn<A>, ratio: FrOn<A>) {
    let step = ratio.pow_vartime(&[LANES as u64]);
    for_each_chunk_mut(out, CHUNK, |start, chunk| {
        let mut lanes = [first * ratio.pow_vartime(&[start as u64]); LANES];
        for lane in 1..LANES {
            lanes[lane] = lanes[lane - 1] * ratio;
        }
        for group in chunk.chunks_mut(LANES) {
            for (out, lane) in group.iter_mut().zip(&mut lanes) {
                *out = *lane;
                *lane *= step;
            }
        }
    });
}
