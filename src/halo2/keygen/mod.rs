//! Keys for the circuits of `halo2-axiom`, made on a device.
//!
//! The keys are those of upstream's `keygen_vk_custom` and `keygen_pk`, byte for byte; the constructors
//! `VerifyingKey::from_parts` and `ProvingKey::from_parts` (also those of the permutation's keys) are public there. What
//! upstream panics at (a fixed cell, selector or copy outside of the usable rows, a copy of a column without equality, an
//! extended domain that does not exist) is an error here. What a circuit's own code, or upstream's `ConstraintSystem`
//! while it is configured, panics at still panics.
//!
//! Beside the key itself, which upstream's types hold, keygen needs 12 bytes for each cell of the columns with
//! equality, and a few columns.

mod assembly;
mod permutation;

use super::device_srs::DeviceSrs;
use super::key::{Halo2Backend, KeyColumns, KeyOptions, PreparedKey, columns_read_by_value};
use crate::device::{G1, MsmOps, NttOps};
use crate::error::{Error, Result};
use crate::interop::halo2curves as interop;
use assembly::Assembly;
use halo2_axiom::plonk::{self, Circuit, ConstraintSystem, FloorPlanner, ProvingKey, VerifyingKey};
use halo2_axiom::poly::{EvaluationDomain, Polynomial};
use halo2curves_axiom::bn256;
use permutation::Cycles;
use zkwatt_kernels::Fr;
use zkwatt_kernels::msm::Scalars;
use zkwatt_kernels::ntt::{Direction, Generator, MAX_LOG_N, NttPlan};

/// What becomes of a circuit's selectors.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Selectors {
    /// A fixed column each; upstream's default.
    #[default]
    Direct,
    /// Selectors that are never on in the same row share fixed columns as far as the degree allows.
    Compressed,
}

/// A verifying key: upstream's `keygen_vk_custom`.
///
/// Cost: one synthesis of the circuit, one MSM of n scalars a fixed column and a column with equality.
///
/// # Errors
/// [`Error::InvalidArgument`] if the circuit does not fit n rows, or its synthesis fails;
/// [`Error::DomainTooLarge`] if its degree needs an extended domain beyond 2^28; those of the device.
pub fn keygen_vk<B, C>(
    srs: &DeviceSrs<B>,
    circuit: &C,
    selectors: Selectors,
) -> Result<VerifyingKey<bn256::G1Affine>>
where
    B: MsmOps<G1> + NttOps,
    C: Circuit<bn256::Fr>,
{
    let columns = Columns::synthesise(srs, circuit, selectors)?;
    let sigma = columns.sigma(srs)?;
    columns.verifying_key(srs, &sigma)
}

/// A proving key with its verifying key: upstream's `keygen_pk2`.
///
/// Cost: as [`keygen_vk`], and an inverse transform of each of these columns.
///
/// # Errors
/// As [`keygen_vk`].
pub fn keygen_pk<B, C>(
    srs: &DeviceSrs<B>,
    circuit: &C,
    selectors: Selectors,
) -> Result<ProvingKey<bn256::G1Affine>>
where
    B: MsmOps<G1> + NttOps,
    C: Circuit<bn256::Fr>,
{
    let columns = Columns::synthesise(srs, circuit, selectors)?;
    let sigma = columns.sigma(srs)?;
    let vk = columns.verifying_key(srs, &sigma)?;
    columns.proving_key(srs, vk, sigma)
}

/// A proving key for a verifying key that exists: upstream's `keygen_pk`. Commits to nothing.
///
/// # Errors
/// As [`keygen_vk`]; [`Error::Mismatch`] if the key's constraint system or size is not the circuit's. That its fixed
/// columns are the circuit's is not checked: proofs would not verify.
pub fn keygen_pk_from_vk<B, C>(
    srs: &DeviceSrs<B>,
    vk: VerifyingKey<bn256::G1Affine>,
    circuit: &C,
) -> Result<ProvingKey<bn256::G1Affine>>
where
    B: MsmOps<G1> + NttOps,
    C: Circuit<bn256::Fr>,
{
    let selectors = if vk.compress_selectors() { Selectors::Compressed } else { Selectors::Direct };
    let columns = Columns::synthesise(srs, circuit, selectors)?;
    let same_size = vk.get_domain().k() == columns.k;
    if !same_size || format!("{:?}", vk.cs().pinned()) != format!("{:?}", columns.cs.pinned()) {
        return Err(Error::Mismatch {
            what: "the verifying key",
            made_for: format!("another constraint system, or k = {}", vk.get_domain().k()),
            used_with: format!("this circuit and k = {}", columns.k),
            hint: "make the key with this circuit and an SRS of this size",
        });
    }
    let sigma = columns.sigma(srs)?;
    columns.proving_key(srs, vk, sigma)
}

/// A key for our own prover, without upstream's proving key: each column is committed to, uploaded and freed, so that
/// no column is in memory twice.
///
/// # Errors
/// As [`keygen_vk`], and those of [`PreparedKey::new`].
pub fn prepare<B, C>(
    srs: &DeviceSrs<B>,
    circuit: &C,
    selectors: Selectors,
    options: KeyOptions,
) -> Result<PreparedKey<B>>
where
    B: Halo2Backend,
    C: Circuit<bn256::Fr>,
{
    let columns = Columns::synthesise(srs, circuit, selectors)?;
    let sigma = columns.sigma(srs)?;
    let vk = columns.verifying_key(srs, &sigma)?;
    let device = &**srs.device();
    let plan = NttPlan::new(columns.k, Direction::Inverse)?.generator(Generator::Seven);
    let interpolated = |values: &[bn256::Fr]| {
        let mut column = device.upload(interop::scalars(values))?;
        device.ntt(&mut column, &plan)?;
        Ok::<_, Error>(column)
    };
    let needed = columns_read_by_value(vk.cs());
    let [first_row, last_row, active_rows] = row_indicators(columns.k, columns.cs.blinding_factors());
    let mut key = KeyColumns {
        fixed_values: Vec::with_capacity(columns.fixed.len()),
        fixed: Vec::with_capacity(columns.fixed.len()),
        sigma_values: Vec::with_capacity(sigma.len()),
        sigma: Vec::with_capacity(sigma.len()),
        first_row: interpolated(&first_row)?,
        last_row: interpolated(&last_row)?,
        active_rows: interpolated(&active_rows)?,
    };
    for (values, needed) in columns.fixed.into_iter().zip(needed) {
        key.fixed.push(interpolated(&values)?);
        key.fixed_values.push(needed.then(|| device.upload(interop::scalars(&values))).transpose()?);
    }
    for values in sigma {
        key.sigma.push(interpolated(&values)?);
        key.sigma_values.push(device.upload(interop::scalars(&values))?);
    }
    let bases = [srs.srs().g(), srs.srs().g_lagrange()];
    PreparedKey::assemble(srs.device().clone(), bases, vk, key, options)
}

/// Columns that are transformed at once; bounds the copies that this takes.
const BATCH: usize = 8;

/// What synthesis leaves of a circuit.
struct Columns {
    k: u32,
    domain: EvaluationDomain<bn256::Fr>,
    /// Without selectors.
    cs: ConstraintSystem<bn256::Fr>,
    /// The circuit's own, then those of selectors.
    fixed: Vec<Vec<bn256::Fr>>,
    /// Those of the verifying key: none unless compressed.
    selectors: Vec<Vec<bool>>,
    mode: Selectors,
    cycles: Cycles,
}

impl Columns {
    fn synthesise<B, C>(srs: &DeviceSrs<B>, circuit: &C, mode: Selectors) -> Result<Self>
    where
        B: MsmOps<G1>,
        C: Circuit<bn256::Fr>,
    {
        let k = srs.srs().k();
        let n = 1usize << k;
        let mut cs = ConstraintSystem::default();
        let config = C::configure_with_params(&mut cs, circuit.params());
        if n < cs.minimum_rows() {
            return Err(upstream_error(plonk::Error::NotEnoughRowsAvailable { current_k: k }));
        }
        let domain = domain(&cs, k)?;
        let usable = n - (cs.blinding_factors() + 1);
        let mut assembly = Assembly::new(k, usable, &cs)?;
        C::FloorPlanner::synthesize(&mut assembly, circuit, config, cs.constants().clone())
            .map_err(upstream_error)?;
        let parts = assembly.finish().map_err(upstream_error)?;
        let (mut fixed, selectors) = (parts.fixed, parts.selectors);
        let (cs, of_selectors, selectors) = match mode {
            Selectors::Compressed => {
                let (cs, columns) = cs.compress_selectors(selectors.clone());
                (cs, columns, selectors)
            }
            Selectors::Direct => {
                let (cs, columns) = cs.directly_convert_selectors_to_fixed(selectors);
                (cs, columns, Vec::new())
            }
        };
        fixed.extend(of_selectors);
        Ok(Self { k, domain, cs, fixed, selectors, mode, cycles: parts.cycles })
    }

    /// The columns σ_i of the permutation.
    fn sigma<B: MsmOps<G1>>(&self, srs: &DeviceSrs<B>) -> Result<Vec<Vec<bn256::Fr>>> {
        Ok(srs.device().on_host(|| self.cycles.sigma(self.k)))
    }

    fn verifying_key<B: MsmOps<G1>>(
        &self,
        srs: &DeviceSrs<B>,
        sigma: &[Vec<bn256::Fr>],
    ) -> Result<VerifyingKey<bn256::G1Affine>> {
        let commit = |columns: &[Vec<bn256::Fr>]| {
            let commitment =
                |column: &Vec<bn256::Fr>| srs.commit_lagrange(Scalars::Field(interop::scalars(column)));
            let points = columns.iter().map(commitment).collect::<Result<Vec<_>>>()?;
            Ok::<_, Error>(interop::halo2_g1_points(&points).to_vec())
        };
        Ok(VerifyingKey::from_parts(
            self.domain.clone(),
            commit(&self.fixed)?,
            plonk::permutation::VerifyingKey::from_commitments(commit(sigma)?),
            self.cs.clone(),
            self.selectors.clone(),
            self.mode == Selectors::Compressed,
        ))
    }

    fn proving_key<B: MsmOps<G1> + NttOps>(
        self,
        srs: &DeviceSrs<B>,
        vk: VerifyingKey<bn256::G1Affine>,
        sigma: Vec<Vec<bn256::Fr>>,
    ) -> Result<ProvingKey<bn256::G1Affine>> {
        let device = &**srs.device();
        let fixed_polys = interpolate(device, &self.fixed, self.k)?;
        let sigma_polys = interpolate(device, &sigma, self.k)?;
        let mut rows = interpolate(device, &row_indicators(self.k, self.cs.blinding_factors()), self.k)?;
        let mut next = || Polynomial::new(rows.pop().unwrap_or_default());
        let (l_active_row, l_last, l0) = (next(), next(), next());
        Ok(ProvingKey::from_parts(
            vk,
            l0,
            l_last,
            l_active_row,
            polynomials(self.fixed),
            polynomials(fixed_polys),
            plonk::permutation::ProvingKey::from_parts(polynomials(sigma), polynomials(sigma_polys)),
        ))
    }
}

fn polynomials<T>(columns: Vec<Vec<bn256::Fr>>) -> Vec<Polynomial<bn256::Fr, T>> {
    columns.into_iter().map(Polynomial::new).collect()
}

/// The domain of a circuit with 2^k rows. Upstream panics where the extended one does not exist.
fn domain(cs: &ConstraintSystem<bn256::Fr>, k: u32) -> Result<EvaluationDomain<bn256::Fr>> {
    let parts = (cs.degree() as u64).saturating_sub(1).max(1);
    let log_n = u64::BITS - (parts - 1).leading_zeros() + k;
    let degree = u32::try_from(cs.degree()).ok().filter(|_| log_n <= MAX_LOG_N);
    let degree = degree.ok_or(Error::DomainTooLarge { log_n, max: MAX_LOG_N })?;
    Ok(EvaluationDomain::new(degree, k))
}

/// Values of l_0 (one in the first row), l_last (one in the row before the blinding ones) and l_active (one in all rows
/// before that).
fn row_indicators(k: u32, blinding_factors: usize) -> [Vec<bn256::Fr>; 3] {
    let n = 1usize << k;
    let last = n - blinding_factors - 1;
    let indicator = |rows: std::ops::Range<usize>| {
        let mut column = vec![bn256::Fr::zero(); n];
        column[rows].fill(bn256::Fr::one());
        column
    };
    [indicator(0..1), indicator(last..last + 1), indicator(0..last)]
}

/// The coefficients of columns of 2^k values.
fn interpolate<B: NttOps>(device: &B, columns: &[Vec<bn256::Fr>], k: u32) -> Result<Vec<Vec<bn256::Fr>>> {
    let plan = NttPlan::new(k, Direction::Inverse)?.generator(Generator::Seven);
    let n = plan.n();
    let mut out = Vec::with_capacity(columns.len());
    for batch in columns.chunks(BATCH) {
        let data: Vec<Fr> = batch.iter().flat_map(|column| interop::scalars(column)).copied().collect();
        let mut buffer = device.upload(&data)?;
        drop(data);
        device.ntt(&mut buffer, &plan)?;
        let coefficients = device.download_blocking(&buffer)?;
        out.extend(coefficients.chunks_exact(n).map(|column| interop::halo2_scalars(column).to_vec()));
    }
    Ok(out)
}

/// Upstream's error as ours.
fn upstream_error(error: plonk::Error) -> Error {
    match error {
        plonk::Error::NotEnoughRowsAvailable { current_k } => Error::invalid(
            "circuit",
            format!("does not fit the usable ones of 2^{current_k} rows; use a larger k and SRS"),
        ),
        other => Error::invalid("circuit", format!("its synthesis failed: {other}")),
    }
}
