//! What the kernel tests share: values, sizes, and runs over every path and thread count.
#![allow(dead_code)] // each test binary uses its part

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use zkwatt_kernels::{CpuPath, Field, Fr, PrimeField};

/// The chunk of vector kernels.
pub const CHUNK: usize = 4096;

/// Sizes around nothing, one lane group, and one and several chunks.
pub const SIZES: [usize; 16] = [
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    9,
    CHUNK - 1,
    CHUNK,
    CHUNK + 1,
    CHUNK + 3,
    2 * CHUNK,
    2 * CHUNK + 1,
    3 * CHUNK - 1,
];

pub fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

pub fn random_limbs(rng: &mut impl RngCore) -> [u64; 4] {
    core::array::from_fn(|_| rng.next_u64())
}

pub fn random_fr(rng: &mut impl RngCore) -> Fr {
    Fr::from_u256_reduced(random_limbs(rng))
}

pub fn random_vec(rng: &mut impl RngCore, n: usize) -> Vec<Fr> {
    (0..n).map(|_| random_fr(rng)).collect()
}

/// Mostly random, every few elements 0, 1 or p − 1.
pub fn mixed_vec(rng: &mut impl RngCore, n: usize) -> Vec<Fr> {
    let mut values = random_vec(rng, n);
    for value in &mut values {
        match rng.next_u32() % 16 {
            0 | 1 => *value = Fr::ZERO,
            2 => *value = Fr::ONE,
            3 => *value = -Fr::ONE,
            _ => (),
        }
    }
    values
}

/// Inputs of n elements: all 0, all 1, all p − 1, mixed, random.
pub fn inputs(n: usize) -> Vec<Vec<Fr>> {
    let rng = &mut rng(n as u64);
    let constants = [Fr::ZERO, Fr::ONE, -Fr::ONE].map(|v| vec![v; n]);
    constants.into_iter().chain([mixed_vec(rng, n), random_vec(rng, n)]).collect()
}

/// n elements whose limbs break carry chains, from a different one on for each `seed`.
pub fn edge_vec(seed: usize, n: usize) -> Vec<Fr> {
    let edges = edge_limbs(Fr::MODULUS);
    (0..n).map(|i| Fr::from_montgomery(edges[(seed + i * 7) % edges.len()]).unwrap()).collect()
}

/// The result of `f`, which must be the same for every path and with one and three threads.
pub fn on_every_path<R: PartialEq + Send>(f: impl Fn(CpuPath) -> R + Sync) -> R {
    let mut results = vec![];
    for path in CpuPath::available() {
        for threads in [1, 3] {
            results.push((path, threads, with_threads(threads, || f(path))));
        }
    }
    let (first_path, first_threads, first) = results.remove(0);
    for (path, threads, result) in results {
        assert!(
            result == first,
            "{path} with {threads} threads differs from {first_path} with {first_threads}"
        );
    }
    first
}

#[cfg(feature = "parallel")]
pub fn with_threads<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(f)
}

#[cfg(not(feature = "parallel"))]
pub fn with_threads<R: Send>(_: usize, f: impl FnOnce() -> R + Send) -> R {
    f()
}

/// Order of canonical integers.
pub fn canonical_key(v: &Fr) -> [u64; 4] {
    let [a, b, c, d] = PrimeField::to_canonical(*v);
    [d, c, b, a]
}

/// Integers below the prime `p` that break carry chains, and prime-adjacent ones.
pub fn edge_limbs(p: [u64; 4]) -> Vec<[u64; 4]> {
    let below_p = |d: u64| [p[0] - d, p[1], p[2], p[3]];
    let m = u64::MAX;
    let mut edges = vec![[0; 4], [1, 0, 0, 0], [2, 0, 0, 0], below_p(1), below_p(2)];
    // 2^256 mod p = 2^256 − 5p for both primes.
    let mut r = [0u64; 4];
    for _ in 0..5 {
        let mut borrow = false;
        for i in 0..4 {
            let (d, b0) = r[i].overflowing_sub(p[i]);
            let (d, b1) = d.overflowing_sub(borrow as u64);
            (r[i], borrow) = (d, b0 | b1);
        }
    }
    edges.push(r);
    // Saturated limbs, the top one kept below that of p.
    let top = p[3] - 1;
    for bits in 0..16u32 {
        let limb = |i: u32, value: u64| if bits >> i & 1 == 1 { value } else { 0 };
        edges.push([limb(0, m), limb(1, m), limb(2, m), limb(3, top)]);
        edges.push([limb(0, m - 1), limb(1, m), limb(2, m), limb(3, top)]);
        edges.push([limb(0, 1 << 63), limb(1, 1 << 63), limb(2, 1 << 63), limb(3, p[3] >> 1)]);
        edges.push([limb(0, p[0]), limb(1, p[1]), limb(2, p[2]), limb(3, top)]);
    }
    // (p ± 1)/2: doubling ends at both sides of p.
    let half: [u64; 4] = core::array::from_fn(|i| p[i] >> 1 | if i < 3 { p[i + 1] << 63 } else { 0 });
    edges.extend([half, [half[0] + 1, half[1], half[2], half[3]]]);
    edges.sort_unstable();
    edges.dedup();
    edges
}
