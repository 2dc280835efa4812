//! Proving keys on a device.

use super::columns::Columns;
use super::programs::Programs;
use super::quotient::{self, CosetColumns};
use super::{KzgParams, Srs, lagrange_bases};
use crate::device::{G1, LookupOps, MsmOps, NttOps, QuotientOps, VectorOps};
use crate::error::{Error, Result};
use crate::interop::halo2curves as interop;
use halo2_axiom::halo2curves::bn256::{Fr as HaloFr, G1Affine as HaloG1Affine};
use halo2_axiom::plonk::{Any, ConstraintSystem, Expression, ProvingKey, VerifyingKey};
use halo2_axiom::poly::commitment::ParamsProver;
use std::sync::Arc;
use zkwatt_kernels::msm::BaseHints;
use zkwatt_kernels::ntt::{Direction, Generator, NttPlan};
use zkwatt_kernels::{Field, Fr, G1Affine};

/// What a device must do for Halo2.
pub trait Halo2Backend: MsmOps<G1> + NttOps + VectorOps + LookupOps + QuotientOps {}

impl<B: MsmOps<G1> + NttOps + VectorOps + LookupOps + QuotientOps> Halo2Backend for B {}

/// What a [`PreparedKey`] spends on being faster.
///
/// With 80 MiB of tables and 160 MiB of cosets, a proof of `bench-prove --system halo2 --model synthetic-lookups-15`
/// took 4.7 s of processor time instead of 6.0 s (AMD EPYC, `--threads 2`, a shared machine).
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyOptions {
    /// Bytes of tables of multiples of the bases. By count, some fifty sums of full-width scalars pay for them; none by
    /// default.
    pub table_bytes: u64,
    /// Bytes of the key's columns on the cosets of the quotient, which are else computed for every proof; none by
    /// default.
    pub coset_bytes: u64,
}

/// A proving key and its SRS on a device, uploaded and compiled once; makes any number of proofs.
///
/// Upstream's key is not needed any more once this is made.
pub struct PreparedKey<B: Halo2Backend> {
    pub(super) backend: Arc<B>,
    pub(super) vk: VerifyingKey<HaloG1Affine>,
    pub(super) shape: KeyShape,
    /// [τ^i]₁, and [L_i(τ)]₁ of all rows and of the rows behind the usable ones.
    pub(super) powers: B::Bases,
    pub(super) lagrange: B::Bases,
    pub(super) lagrange_tail: B::Bases,
    pub(super) columns: Columns,
    pub(super) programs: Programs,
    /// Values of those fixed columns that lookups or copy constraints read.
    pub(super) fixed_values: Vec<Option<B::Buf<Fr>>>,
    /// Values of σ, and of X.
    pub(super) sigma_values: Vec<B::Buf<Fr>>,
    pub(super) x_values: B::Buf<Fr>,
    /// Coefficients.
    pub(super) fixed: Vec<B::Buf<Fr>>,
    pub(super) sigma: Vec<B::Buf<Fr>>,
    pub(super) first_row: B::Buf<Fr>,
    pub(super) last_row: B::Buf<Fr>,
    pub(super) active_rows: B::Buf<Fr>,
    pub(super) x: B::Buf<Fr>,
    /// For the first cosets of the quotient: the columns of the key there, by number.
    pub(super) cosets: Vec<CosetColumns<B>>,
}

/// The columns of a key on a device: values of those that are read by value, coefficients of all.
pub(super) struct KeyColumns<B: Halo2Backend> {
    pub fixed_values: Vec<Option<B::Buf<Fr>>>,
    pub fixed: Vec<B::Buf<Fr>>,
    pub sigma_values: Vec<B::Buf<Fr>>,
    pub sigma: Vec<B::Buf<Fr>>,
    pub first_row: B::Buf<Fr>,
    pub last_row: B::Buf<Fr>,
    pub active_rows: B::Buf<Fr>,
}

/// The sizes that a key implies.
#[derive(Clone, Debug)]
pub(super) struct KeyShape {
    pub k: u32,
    pub n: usize,
    /// Rows that circuits may use; the others are for blinding.
    pub usable_rows: usize,
    /// The quotient has this many pieces of n coefficients.
    pub quotient_pieces: usize,
    /// Columns that share a product of the permutation argument.
    pub set_len: usize,
    pub permutation_sets: usize,
    pub column_phases: Vec<u8>,
    pub challenge_phases: Vec<u8>,
    pub phases: u8,
}

impl KeyShape {
    fn new(vk: &VerifyingKey<HaloG1Affine>) -> Result<Self> {
        let (cs, domain) = (vk.cs(), vk.get_domain());
        let n = 1usize << domain.k();
        let quotient_pieces = domain.get_quotient_poly_degree();
        check_degrees(cs, quotient_pieces + 1)?;
        let usable_rows = n.checked_sub(cs.blinding_factors() + 1).filter(|rows| *rows > 0);
        let usable_rows = usable_rows.ok_or_else(|| {
            Error::invalid("proving key", format!("k = {} leaves no usable rows", domain.k()))
        })?;
        let permuted = cs.permutation().get_columns().len();
        // Upstream keeps the degree to itself; the size of the quotient tells it.
        let set_len = quotient_pieces.saturating_sub(1).max(1);
        let column_phases = cs.advice_column_phase();
        Ok(Self {
            k: domain.k(),
            n,
            usable_rows,
            quotient_pieces,
            set_len,
            permutation_sets: permuted.div_ceil(set_len),
            phases: column_phases.iter().max().copied().unwrap_or(0) + 1,
            column_phases,
            challenge_phases: cs.challenge_phase(),
        })
    }

    /// The transform of a column.
    pub fn transform(&self, direction: Direction) -> Result<NttPlan> {
        Ok(NttPlan::new(self.k, direction)?.generator(Generator::Seven))
    }

    /// Rows behind the usable ones.
    pub fn tail(&self) -> usize {
        self.n - self.usable_rows
    }
}

/// Upstream caps the degree at `MAX_DEGREE` (5 by default): a key whose expressions go beyond yields proofs that nobody
/// accepts.
fn check_degrees(cs: &ConstraintSystem<HaloFr>, degree: usize) -> Result<()> {
    let largest =
        |expressions: &[Expression<HaloFr>]| expressions.iter().map(|e| e.degree()).max().unwrap_or(0);
    let gates = cs.gates().iter().map(|gate| ("gate", gate.name(), largest(gate.polynomials())));
    let lookups = cs.lookups().iter().map(|lookup| {
        let (input, table) = (largest(lookup.input_expressions()), largest(lookup.table_expressions()));
        ("lookup", lookup.name(), (2 + input.max(1) + table.max(1)).max(4))
    });
    match gates.chain(lookups).find(|(_, _, needed)| *needed > degree) {
        None => Ok(()),
        Some((kind, name, needed)) => Err(Error::invalid(
            "proving key",
            format!(
                "{kind} `{name}` has degree {needed}, but the key was made for degree {degree}; set the environment \
                 variable MAX_DEGREE or call set_minimum_degree({needed}), and make the key again"
            ),
        )),
    }
}

impl<B: Halo2Backend> PreparedKey<B> {
    /// Uploads a key and its SRS to `backend` (a device, or an `Arc` of one that is shared), and compiles its
    /// expressions.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if SRS and key differ in k; [`Error::InvalidArgument`] for a key with gates beyond its
    /// degree; what the device reports.
    pub fn new(
        backend: impl Into<Arc<B>>,
        params: &KzgParams,
        pk: &ProvingKey<HaloG1Affine>,
    ) -> Result<Self> {
        Self::with_options(backend, params, pk, KeyOptions::default())
    }

    /// As [`PreparedKey::new`], with options.
    ///
    /// # Errors
    /// As [`PreparedKey::new`].
    pub fn with_options(
        backend: impl Into<Arc<B>>,
        params: &KzgParams,
        pk: &ProvingKey<HaloG1Affine>,
        options: KeyOptions,
    ) -> Result<Self> {
        let lagrange = lagrange_bases(params)?;
        let bases = [interop::g1_points(params.get_g()), interop::g1_points(&lagrange)];
        Self::of_proving_key(backend.into(), bases, pk, options)
    }

    /// As [`PreparedKey::with_options`], for an [`Srs`].
    ///
    /// # Errors
    /// As [`PreparedKey::new`].
    pub fn from_srs(
        backend: impl Into<Arc<B>>,
        srs: &Srs,
        pk: &ProvingKey<HaloG1Affine>,
        options: KeyOptions,
    ) -> Result<Self> {
        Self::of_proving_key(backend.into(), [srs.g(), srs.g_lagrange()], pk, options)
    }

    fn of_proving_key(
        backend: Arc<B>,
        bases: [&[G1Affine]; 2],
        pk: &ProvingKey<HaloG1Affine>,
        options: KeyOptions,
    ) -> Result<Self> {
        let upload = |poly: &[HaloFr]| backend.upload(interop::scalars(poly));
        let needed = columns_read_by_value(pk.get_vk().cs());
        let values = pk.fixed_values().iter().zip(&needed);
        let sigma = pk.permutation();
        let columns = KeyColumns {
            fixed_values: values
                .map(|(poly, needed)| needed.then(|| upload(poly.values())).transpose())
                .collect::<Result<_>>()?,
            fixed: pk.fixed_polys().iter().map(|p| upload(p.values())).collect::<Result<_>>()?,
            sigma_values: sigma.permutations().iter().map(|p| upload(p.values())).collect::<Result<_>>()?,
            sigma: sigma.polys().iter().map(|p| upload(p.values())).collect::<Result<_>>()?,
            first_row: upload(pk.l0().values())?,
            last_row: upload(pk.l_last().values())?,
            active_rows: upload(pk.l_active_row().values())?,
        };
        Self::assemble(backend, bases, pk.get_vk().clone(), columns, options)
    }

    /// A key from columns that are on the device already.
    pub(super) fn assemble(
        backend: Arc<B>,
        [powers, lagrange]: [&[G1Affine]; 2],
        vk: VerifyingKey<HaloG1Affine>,
        columns: KeyColumns<B>,
        options: KeyOptions,
    ) -> Result<Self> {
        let shape = KeyShape::new(&vk)?;
        if powers.len() != shape.n || lagrange.len() != shape.n {
            return Err(Error::Mismatch {
                what: "the proving key",
                made_for: format!("parameters with k = {}", shape.k),
                used_with: format!("parameters of {} rows", lagrange.len()),
                hint: "downsize the parameters to the key's k",
            });
        }
        let KeyColumns { fixed_values, fixed, sigma_values, sigma, first_row, last_row, active_rows } =
            columns;
        let numbers = Columns::new(vk.cs(), shape.permutation_sets);
        let programs = Programs::compile(vk.cs(), numbers, &shape);
        let mut x = vec![Fr::ZERO; shape.n];
        if let Some(coefficient) = x.get_mut(1) {
            *coefficient = Fr::ONE;
        }
        let x = backend.upload(&x)?;
        let mut x_values = backend.copy(&x)?;
        backend.ntt(&mut x_values, &shape.transform(Direction::Forward)?)?;
        // Three sets of bases share the bytes: powers, Lagrange bases, and the latter's prefix sums.
        let table = BaseHints { repeats: false, table_bytes: options.table_bytes / 3 };
        let of_lagrange = BaseHints { repeats: true, table_bytes: options.table_bytes / 3 * 2 };
        let mut key = Self {
            powers: backend.prepare_with(powers, table)?,
            lagrange: backend.prepare_with(lagrange, of_lagrange)?,
            lagrange_tail: backend.prepare(lagrange.get(shape.usable_rows..).unwrap_or_default())?,
            fixed_values,
            sigma_values,
            fixed,
            sigma,
            first_row,
            last_row,
            active_rows,
            x,
            x_values,
            columns: numbers,
            programs,
            shape,
            vk,
            backend,
            cosets: Vec::new(),
        };
        key.cosets = quotient::key_cosets(&key, options.coset_bytes)?;
        Ok(key)
    }

    /// The device.
    pub fn backend(&self) -> &Arc<B> {
        &self.backend
    }

    /// The verifying key.
    pub fn verifying_key(&self) -> &VerifyingKey<HaloG1Affine> {
        &self.vk
    }

    /// Rows that a circuit may use; the rest of the 2^k is for blinding.
    pub fn usable_rows(&self) -> usize {
        self.shape.usable_rows
    }
}

/// Which fixed columns occur in lookups or copy constraints: the prover needs their values.
pub(super) fn columns_read_by_value(cs: &ConstraintSystem<HaloFr>) -> Vec<bool> {
    let mut needed = vec![false; cs.num_fixed_columns()];
    let mut mark = |index: usize| {
        if let Some(needed) = needed.get_mut(index) {
            *needed = true;
        }
    };
    for column in cs.permutation().get_columns() {
        if matches!(column.column_type(), Any::Fixed) {
            mark(column.index());
        }
    }
    for lookup in cs.lookups() {
        for expression in lookup.input_expressions().iter().chain(lookup.table_expressions()) {
            expression.extract_fixed().into_iter().for_each(&mut mark);
        }
    }
    needed
}
