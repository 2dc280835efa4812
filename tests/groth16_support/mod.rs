//! Circuits that the tests of Groth16 share.
#![allow(dead_code)]

use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use zkwatt::device::{CpuDevice, CpuOptions};
use zkwatt::groth16::r1cs::{Assignment, Label, LinearCombination, R1cs, R1csBuilder};
use zkwatt::kernels::{Field, Fr};

pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub fn random_fr(rng: &mut impl RngCore) -> Fr {
    Fr::from_u256_reduced([(); 4].map(|()| rng.next_u64()))
}

/// Constraints (random combination)·(random combination) = product, over values that are zero, small, negative and
/// wide. Some variables occur in no matrix, some only in C.
pub fn circuit(public: usize, constraints: usize, rng: &mut impl RngCore) -> (R1cs, Assignment) {
    let mut builder = R1csBuilder::new(public);
    let mut z = vec![Fr::ONE];
    z.extend((0..public).map(|_| random_fr(rng)));
    let free = 3 + constraints / 8;
    for i in 0..free {
        builder.witness(Label::new("free"));
        z.push(match i % 4 {
            0 => Fr::ZERO,
            1 => Fr::from(rng.next_u64() % 256),
            2 => -Fr::from(rng.next_u64() % 256),
            _ => random_fr(rng),
        });
    }
    let combine = |z: &[Fr], rng: &mut dyn RngCore| {
        let mut lc = LinearCombination::zero();
        let mut value = Fr::ZERO;
        for _ in 0..rng.next_u32() % 4 {
            // The last free variable is never used.
            let v = match rng.next_u32() as usize % z.len() {
                v if v == public + free => 0,
                v => v,
            };
            let coefficient =
                if rng.next_u32().is_multiple_of(2) { Fr::ONE } else { -Fr::from(rng.next_u64()) };
            lc.push(v as u32, coefficient);
            value += coefficient * z[v];
        }
        (lc, value)
    };
    for _ in 0..constraints {
        let (a, a_value) = combine(&z, rng);
        let (b, b_value) = combine(&z, rng);
        let product = builder.witness(Label::new("product"));
        z.push(a_value * b_value);
        builder.enforce(a, b, LinearCombination::variable(product), Label::new("product of combinations"));
    }
    (builder.finish().unwrap(), Assignment::new(z))
}

pub fn cpu() -> CpuDevice {
    CpuDevice::new(CpuOptions::default()).unwrap()
}
