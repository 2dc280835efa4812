//! Seeded inputs.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use rayon::prelude::*;
use std::fmt;
use zkwatt::kernels::curve::{Affine, CurveField, Xyzz};
use zkwatt::kernels::{Field, Fr};

/// Seed of all inputs unless told otherwise.
pub const SEED: u64 = 0x7a6b_7761_7474;

/// Distributions of scalars.
#[derive(Copy, Clone, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Scalars {
    /// Uniform in the whole field.
    Uniform,
    /// 70 % zero, 15 % uniform signed 8-bit, 15 % uniform signed 16-bit, as in quantised networks.
    Zkml,
    /// All one.
    Ones,
}

impl Scalars {
    /// The name that records carry.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Zkml => "zkml",
            Self::Ones => "ones",
        }
    }

    /// `n` scalars.
    pub fn field_elements(self, n: usize, seed: u64) -> Vec<Fr> {
        match self {
            Self::Uniform => uniform(n, seed),
            Self::Zkml => zkml(n, seed).into_iter().map(|v| Fr::from(i64::from(v))).collect(),
            Self::Ones => vec![Fr::ONE; n],
        }
    }

    /// The same scalars as integers, where they are small.
    pub fn small(self, n: usize, seed: u64) -> Option<Vec<i16>> {
        match self {
            Self::Uniform => None,
            Self::Zkml => Some(zkml(n, seed)),
            Self::Ones => Some(vec![1; n]),
        }
    }
}

impl fmt::Display for Scalars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A generator of this seed and stream.
pub fn rng(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

/// A uniform 256-bit integer modulo r; its bias, below 2^−2, does not matter to speed.
fn random_element(rng: &mut ChaCha8Rng) -> Fr {
    Fr::from_u256_reduced(random_limbs(rng))
}

fn random_limbs(rng: &mut ChaCha8Rng) -> [u64; 4] {
    [rng.next_u64(), rng.next_u64(), rng.next_u64(), rng.next_u64()]
}

/// `n` full-width field elements.
pub fn uniform(n: usize, seed: u64) -> Vec<Fr> {
    let mut rng = rng(seed, 1);
    (0..n).map(|_| random_element(&mut rng)).collect()
}

/// 70 % zero, 15 % uniform signed 8-bit, 15 % uniform signed 16-bit.
pub fn zkml(n: usize, seed: u64) -> Vec<i16> {
    let mut rng = rng(seed, 2);
    let mut scalar = || {
        let word = rng.next_u64();
        // The upper half chooses the class, the lower half the value.
        match ((word >> 32) * 100) >> 32 {
            0..70 => 0,
            70..85 => i16::from(word as i8),
            _ => word as i16,
        }
    };
    (0..n).map(|_| scalar()).collect()
}

/// Points of a block, and number of blocks up to 2^20 points.
const BLOCK: usize = 1 << 10;

/// `n` distinct points of the group, S_i + T_j for random multiples S_i, T_j of the generator.
///
/// Cost: about 6 products a point, with one inversion a block of 1024, on the current rayon pool.
pub fn bases<F: CurveField>(n: usize, seed: u64) -> Vec<Affine<F>> {
    let multiples = |count: usize, stream: u64| -> Vec<Affine<F>> {
        let mut rng = rng(seed, stream);
        // 128 bits are plenty for distinctness and half the work.
        let scalars: Vec<[u64; 2]> = (0..count).map(|_| [rng.next_u64(), rng.next_u64()]).collect();
        let generator = Xyzz::from(Affine::<F>::generator());
        scalars.par_iter().map(|k| generator.mul_vartime(k).to_affine()).collect()
    };
    let steps = multiples(n.min(BLOCK), 3);
    let starts = multiples(n.div_ceil(BLOCK), 4);
    let mut points = vec![Affine::IDENTITY; n];
    points.par_chunks_mut(BLOCK).zip(starts).for_each(|(points, start)| add_to_all(points, &steps, start));
    points
}

/// points[j] = steps[j] + start, with one inversion. No steps[j] equals ±start.
fn add_to_all<F: Field>(points: &mut [Affine<F>], steps: &[Affine<F>], start: Affine<F>) {
    // points[j].x holds the product of the differences before j until it is overwritten.
    let mut product = F::ONE;
    for (point, step) in points.iter_mut().zip(steps) {
        point.x = product;
        product *= step.x - start.x;
    }
    // A zero product needs ±start among 1024 random points of a group of 2^254.
    let mut inverse = product.inverse_vartime().unwrap_or(F::ZERO);
    for (point, step) in points.iter_mut().zip(steps).rev() {
        let difference = step.x - start.x;
        let lambda = (step.y - start.y) * inverse * point.x;
        inverse *= difference;
        let x = lambda.square() - step.x - start.x;
        *point = Affine::new_unchecked(x, lambda * (start.x - x) - start.y);
    }
}

/// `n` values in 0..2^`log_table`, Zipf-like: half of them among the 16 smallest entries, as activations are.
pub fn lookup_values(n: usize, log_table: u32, seed: u64) -> Vec<u32> {
    let mut rng = rng(seed, 5);
    let mask = (1u32 << log_table) - 1;
    let mut value = || {
        let word = rng.next_u64();
        let small = word >> 63 == 1;
        word as u32 & if small { mask & 15 } else { mask }
    };
    (0..n).map(|_| value()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use zkwatt::kernels::{G1Affine, G2Affine};

    #[test]
    fn zkml_has_the_stated_distribution() {
        let n = 200_000;
        let values = zkml(n, SEED);
        let share = |count: usize| count as f64 / n as f64;
        let zero = share(values.iter().filter(|v| **v == 0).count());
        let byte = share(values.iter().filter(|v| **v != 0 && i8::try_from(**v).is_ok()).count());
        let wide = share(values.iter().filter(|v| i8::try_from(**v).is_err()).count());
        // 0.15/256 of the bytes are zero, and 0.15/256 of the 16-bit values are bytes.
        assert!((zero - 0.7006).abs() < 0.005, "{zero}");
        assert!((byte - 0.1500).abs() < 0.005, "{byte}");
        assert!((wide - 0.1494).abs() < 0.005, "{wide}");
        let negative = share(values.iter().filter(|v| **v < 0).count());
        assert!((negative - 0.15).abs() < 0.005, "{negative}");
        assert!(values.contains(&i16::MIN) || values.iter().any(|v| *v < -32_000));
    }

    #[test]
    fn inputs_depend_on_the_seed_only() {
        assert_eq!(uniform(10, 1), uniform(10, 1));
        assert_ne!(uniform(10, 1), uniform(10, 2));
        assert_eq!(zkml(10, 1)[..5], zkml(5, 1));
    }

    #[test]
    fn small_and_field_scalars_agree() {
        let small = Scalars::Zkml.small(100, SEED).unwrap();
        let field = Scalars::Zkml.field_elements(100, SEED);
        assert!(small.iter().zip(field).all(|(s, f)| Fr::from(i64::from(*s)) == f));
    }

    #[test]
    fn bases_are_distinct_points_of_the_curve() {
        for n in [0, 1, 3, BLOCK, BLOCK + 1, 2 * BLOCK + 7] {
            let points: Vec<G1Affine> = bases(n, SEED);
            assert_eq!(points.len(), n);
            assert!(points.iter().all(|p| p.is_on_curve() && !p.is_identity()));
            assert_eq!(points.iter().collect::<HashSet<_>>().len(), n);
        }
        let points: Vec<G2Affine> = bases(40, SEED);
        assert!(points.iter().all(|p| p.is_on_curve() && !p.is_identity()));
    }

    #[test]
    fn lookup_values_fit_the_table() {
        assert!(lookup_values(1000, 4, SEED).iter().all(|v| *v < 16));
        assert!(lookup_values(1000, 12, SEED).iter().any(|v| *v > 2048));
    }
}
