//! Products in lanes by themselves, for measurements.

use super::{LANES, LaneParams, Lanes, V, kernel, to_limbs};
use crate::dispatch::CpuPath;
use crate::field::{Fp, Fr, FrParams};

/// Vectors that take turns: together they hide the latency of one product and fit an L1 cache.
const VECTORS: usize = 4;

/// Chains of [`mul_chains`].
pub const CHAINS: usize = VECTORS * LANES;

/// Instructions of the vector ports for eight products: 101 multiplications, 10 for carries inside, 12 for those of the result.
///
/// Clearing a register takes none, and operands from memory are fused.
pub const PRODUCT_UOPS: u32 = 101 + 10 + 12;

/// Vector ports of 512 bits.
pub const PORTS: u32 = 2;

/// Cycles of [`wait_cycles`] for each round.
pub const CYCLES_A_ROUND: u32 = 4;

/// Multiplies each chain by `y`, `rounds` times. False where `path` has no lanes; nothing is done then.
pub fn mul_chains(path: CpuPath, chains: &mut [Fr; CHAINS], y: Fr, rounds: usize) -> bool {
    let Some(ifma) = path.lanes() else { return false };
    // The lanes divide by 2^260, elements by 2^256: the factor is taken 2^4 times.
    let y = y * Fp::from_montgomery_unchecked(LaneParams::<FrParams>::ONE);
    multiply(ifma, chains, to_limbs(y.to_montgomery()), rounds);
    true
}

/// Multiplications that wait for each other, [`CYCLES_A_ROUND`] for each of `rounds`, beside enough others to keep the
/// ports at three quarters of what products ask of them. False where `path` has no lanes.
pub fn wait_cycles(path: CpuPath, rounds: usize) -> bool {
    let Some(ifma) = path.lanes() else { return false };
    core::hint::black_box(wait(ifma, core::hint::black_box(LaneParams::<FrParams>::P), rounds));
    true
}

kernel! {
    fn multiply(ifma: Ifma, chains: &mut [Fr; CHAINS], y: [u64; 5], rounds: usize) {
        let y = Lanes::<FrParams>::splat(ifma, y);
        let mut vectors = [y; VECTORS];
        for i in 0..VECTORS {
            vectors[i] = Lanes::load_raw(ifma, &core::array::from_fn(|j| chains[i * LANES + j].to_montgomery()));
        }
        for _ in 0..rounds {
            for vector in &mut vectors {
                *vector = vector.mul(y);
            }
        }
        for i in 0..VECTORS {
            let words = vectors[i].reduce().lanes_to_words();
            for j in 0..LANES {
                chains[i * LANES + j] = Fp::from_montgomery_unchecked(words[j]);
            }
        }
    }

    fn wait(ifma: Ifma, seeds: [u64; 5], rounds: usize) -> [u64; 8] {
        let factor = ifma.splat(seeds[0]);
        let mut t: [V; 6] = [factor; 6];
        for i in 1..6 {
            t[i] = ifma.splat(seeds[i - 1]);
        }
        for _ in 0..rounds {
            for t in &mut t {
                *t = t.madd_lo(factor, factor);
            }
        }
        t[0].add(t[1]).add(t[2].add(t[3])).add(t[4].add(t[5])).to_array()
    }
}
