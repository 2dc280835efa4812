//! Single-party trusted setup, for development and tests.

use super::domain::Domain;
use super::{ProvingKey, R1cs, SparseMatrix, VerifyingKey, random};
use crate::error::{Error, Result};
use crate::interop::ark;
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;
use zkwatt_kernels::curve::fixed_base::FixedBase;
use zkwatt_kernels::{CpuPath, Field, Fq, Fq2, Fr, G1Affine, G2Affine, parallel, vector};

/// A proving key (with its verifying key) for `r1cs`, from secrets that this process alone draws.
///
/// **For development only.** Whoever ran this function could have kept the secrets and can then prove anything;
/// a key that others shall trust comes from a ceremony with many parties.
///
/// With secrets α, β, γ, δ, τ, the standard generators G and H, n rows (constraints, then one row for each instance
/// variable, up to the next power of two), L_j the Lagrange basis and Z(X) = Xⁿ − 1:
///
/// ```text
/// a_i = Σ_j A[j,i]·L_j(τ) (+ L_{constraints+i}(τ) for an instance variable i), b_i and c_i likewise from B and C
/// a_query = a_i·G     b_g1_query = b_i·G     b_g2_query = b_i·H     h_query = τ^i·Z(τ)/δ·G for i < n − 1
/// gamma_abc = (β·a_i + α·b_i + c_i)/γ·G for the instance     l_query = (β·a_i + α·b_i + c_i)/δ·G for the others
/// ```
///
/// These are the conventions of `ark-groth16` with `LibsnarkReduction`: its prover accepts the key as well.
/// The secrets are wiped. Time depends on them: run it where nobody measures.
///
/// # Errors
/// [`Error::DomainTooLarge`] beyond 2^28 rows; [`Error::InvalidArgument`] if a matrix and the number of variables
/// disagree.
pub fn setup(r1cs: &R1cs, rng: &mut (impl RngCore + CryptoRng)) -> Result<ProvingKey> {
    setup_with(r1cs, HBases::Powers, rng)
}

/// What `h_query` is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum HBases {
    /// τ^i·Z(τ)/δ·G for i < n − 1, as `ark-groth16` has it.
    Powers,
    /// L_(2i+1)(τ)/δ·G for i < n and the Lagrange basis L of 2n elements, as `.zkey` files have it; and γ is 1.
    OddLagrange,
}

/// As [`setup`], with bases of either kind.
pub(super) fn setup_with(
    r1cs: &R1cs,
    bases: HBases,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<ProvingKey> {
    let path = CpuPath::active();
    let domain = Domain::of(r1cs)?;
    let doubled = match bases {
        HBases::Powers => None,
        HBases::OddLagrange => Some(domain.doubled()?),
    };
    let mut secrets = Zeroizing::new(Secrets::draw(rng, doubled.unwrap_or(domain)));
    if doubled.is_some() {
        secrets.gamma = Fr::ONE;
    }
    let columns = Columns::evaluate(path, r1cs, domain, &secrets)?;
    // γ and δ are not zero.
    let gamma_inv = Zeroizing::new(secrets.gamma.inverse_vartime().unwrap_or(Fr::ZERO));
    let delta_inv = Zeroizing::new(secrets.delta.inverse_vartime().unwrap_or(Fr::ZERO));
    let (instance, variables) = (r1cs.num_instance(), r1cs.num_variables());
    let gamma_abc = columns.combine(&secrets, 0..instance, *gamma_inv);
    let l = columns.combine(&secrets, instance..variables, *delta_inv);
    let h = match doubled {
        None => {
            let start = Zeroizing::new(domain.vanishing(secrets.tau) * *delta_inv);
            Zeroizing::new(vector::powers(path, *start, secrets.tau, domain.len() - 1))
        }
        Some(doubled) => {
            let lagrange = doubled.lagrange_at(path, secrets.tau, doubled.len());
            Zeroizing::new(lagrange.iter().skip(1).step_by(2).map(|l| *l * *delta_inv).collect())
        }
    };

    let n1 = 2 * variables + h.len() + variables;
    let g1 = FixedBase::<Fq>::new(path, G1Affine::generator(), n1);
    let g2 = FixedBase::<Fq2>::new(path, G2Affine::generator(), columns.b.len());
    let g1_query = |scalars: &[Fr]| ark::ark_g1_points(&g1.mul_batch_vartime(path, scalars)).to_vec();
    let g2_query = |scalars: &[Fr]| ark::ark_g2_points(&g2.mul_batch_vartime(path, scalars)).to_vec();
    let g1_point = |k: Fr| ark::ark_g1_point(&one(&g1.mul_batch_vartime(path, &[k])));
    let g2_point = |k: Fr| ark::ark_g2_point(&one(&g2.mul_batch_vartime(path, &[k])));
    Ok(ProvingKey {
        vk: VerifyingKey {
            alpha_g1: g1_point(secrets.alpha),
            beta_g2: g2_point(secrets.beta),
            gamma_g2: g2_point(secrets.gamma),
            delta_g2: g2_point(secrets.delta),
            gamma_abc_g1: g1_query(&gamma_abc),
        },
        beta_g1: g1_point(secrets.beta),
        delta_g1: g1_point(secrets.delta),
        a_query: g1_query(&columns.a),
        b_g1_query: g1_query(&columns.b),
        b_g2_query: g2_query(&columns.b),
        h_query: g1_query(&h),
        l_query: g1_query(&l),
    })
}

/// The only point of a batch of one.
fn one<T: Copy + Default>(points: &[T]) -> T {
    points.first().copied().unwrap_or_default()
}

/// What nobody may know.
#[derive(Clone, Copy, Default)]
struct Secrets {
    alpha: Fr,
    beta: Fr,
    gamma: Fr,
    delta: Fr,
    tau: Fr,
}

impl zeroize::DefaultIsZeroes for Secrets {}

impl Secrets {
    /// All are non-zero, and τ is outside of the domain.
    fn draw(rng: &mut (impl RngCore + CryptoRng), domain: Domain) -> Self {
        let [alpha, beta, gamma, delta] = [(); 4].map(|()| random::nonzero_scalar(rng));
        loop {
            let tau = random::nonzero_scalar(rng);
            if !domain.vanishing(tau).is_zero() {
                return Self { alpha, beta, gamma, delta, tau };
            }
        }
    }
}

/// The polynomials of all variables at τ.
struct Columns {
    a: Zeroizing<Vec<Fr>>,
    b: Zeroizing<Vec<Fr>>,
    c: Zeroizing<Vec<Fr>>,
}

impl Columns {
    fn evaluate(path: CpuPath, r1cs: &R1cs, domain: Domain, secrets: &Secrets) -> Result<Self> {
        let (constraints, instance) = (r1cs.num_constraints(), r1cs.num_instance());
        if instance == 0 || r1cs.num_variables() < instance {
            return Err(Error::invalid(
                "r1cs",
                format!(
                    "has {} variables, {instance} of them public; the constant one is public, so that is impossible",
                    r1cs.num_variables()
                ),
            ));
        }
        let lagrange = domain.lagrange_at(path, secrets.tau, constraints + instance);
        let column = |matrix: &SparseMatrix| scatter(matrix, &lagrange[..constraints], r1cs.num_variables());
        let (a, (b, c)) =
            parallel::join(|| column(r1cs.a()), || parallel::join(|| column(r1cs.b()), || column(r1cs.c())));
        let mut a = a?;
        for (a, l) in a.iter_mut().zip(&lagrange[constraints..]) {
            *a += *l;
        }
        Ok(Self { a, b: b?, c: c? })
    }

    /// (β·a_i + α·b_i + c_i)·factor
    fn combine(&self, secrets: &Secrets, range: std::ops::Range<usize>, factor: Fr) -> Zeroizing<Vec<Fr>> {
        let start = range.start;
        Zeroizing::new(parallel::map_range(range.len(), |i| {
            let i = start + i;
            (secrets.beta * self.a[i] + secrets.alpha * self.b[i] + self.c[i]) * factor
        }))
    }
}

/// Mᵀ·u
fn scatter(matrix: &SparseMatrix, u: &[Fr], columns: usize) -> Result<Zeroizing<Vec<Fr>>> {
    let mut out = Zeroizing::new(vec![Fr::ZERO; columns]);
    for (j, u) in u.iter().enumerate() {
        for (column, coefficient) in matrix.row(j) {
            let slot = out.get_mut(column).ok_or_else(|| {
                Error::invalid("r1cs", format!("row {j} names variable {column} of {columns}"))
            })?;
            *slot += coefficient * *u;
        }
    }
    Ok(out)
}
