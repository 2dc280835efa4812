//! Evaluations at the challenge, and their proof: SHPLONK (Boneh, Drake, Fisch, Gabizon, eprint 2020/081), as upstream
//! has it.
//!
//! Polynomials that are opened at the same set S of points are added up, N_S = Σ y^j·p_j. The first message commits to
//!
//! ```text
//! h = Σ_i v^i·(N_i − R_i)/Z_i,   R_i = N_i mod Z_i,   Z_i = Π_{s ∈ S_i} (X − s),
//! ```
//!
//! the second to (Σ_i v^i·z_i·(N_i − R_i(u)) − Z(u)·h)/((X − u)·z_0), where Z vanishes on all points and z_i = Z(u)/Z_i(u).
//! Synthetic division drops remainders and never sees constants it divides away, so R_i need not be known.

use super::columns::Challenges;
use super::key::{Halo2Backend, PreparedKey};
use super::prover::{CircuitColumns, Rounds};
use super::quotient;
use crate::device::MsmScalars;
use crate::error::{Error, Result};
use crate::interop::halo2curves as interop;
use halo2_axiom::poly::Rotation;
use std::collections::{BTreeMap, BTreeSet};
use zkwatt_kernels::{Field, Fr};

/// A polynomial of a proof that verifiers query.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Poly {
    /// A column of a circuit by its number.
    Of {
        circuit: usize,
        column: u32,
    },
    /// Σ x^(kn)·h_k.
    Quotient,
    Random,
}

/// A polynomial at ω^rotation·x.
type Query = (Poly, i32);

/// All evaluations of a proof.
pub(super) struct Openings<'a, B: Halo2Backend> {
    key: &'a PreparedKey<B>,
    x: Fr,
    polys: BTreeMap<Poly, Source<'a, B>>,
    /// In the order in which upstream's verifier opens them.
    queries: Vec<Query>,
    /// In the order in which they are sent.
    sent: Vec<Query>,
    values: BTreeMap<Query, Fr>,
}

enum Source<'a, B: Halo2Backend> {
    Kept(&'a B::Buf<Fr>),
    Made(B::Buf<Fr>),
}

impl<B: Halo2Backend> Source<'_, B> {
    fn buffer(&self) -> &B::Buf<Fr> {
        match self {
            Self::Kept(buffer) => buffer,
            Self::Made(buffer) => buffer,
        }
    }
}

impl<'a, B: Halo2Backend> Openings<'a, B> {
    /// Evaluates what the verifier asks for at `x` and its rotations.
    pub fn new(
        key: &'a PreparedKey<B>,
        circuits: &'a [CircuitColumns<B>],
        random: &'a B::Buf<Fr>,
        pieces: &[B::Buf<Fr>],
        x: Fr,
    ) -> Result<Self> {
        let (queries, sent) = queries(key, circuits.len());
        let mut polys = BTreeMap::new();
        for (poly, _) in &queries {
            let source = match *poly {
                Poly::Of { circuit, column } => {
                    let circuit = circuits
                        .get(circuit)
                        .ok_or_else(|| Error::SelfCheck("a query of no circuit".into()))?;
                    Source::Kept(quotient::coefficients(key, circuit, column)?)
                }
                Poly::Random => Source::Kept(random),
                Poly::Quotient => {
                    let step = x.pow_vartime(&[key.shape.n as u64]);
                    let mut power = Fr::ONE;
                    let terms = pieces.iter().map(|piece| {
                        let term = (power, piece);
                        power *= step;
                        term
                    });
                    Source::Made(key.backend.linear_combination(&terms.collect::<Vec<_>>(), key.shape.n)?)
                }
            };
            polys.entry(*poly).or_insert(source);
        }
        let mut openings = Self { key, x, polys, queries, sent, values: BTreeMap::new() };
        openings.values = openings.evaluate(openings.queries.iter().copied().collect())?;
        Ok(openings)
    }

    /// ω^rotation·x.
    fn point(&self, rotation: i32) -> Fr {
        let domain = self.key.vk.get_domain();
        interop::scalar(&domain.rotate_omega(interop::halo2_scalar(&self.x), Rotation(rotation)))
    }

    fn evaluate(&self, queries: BTreeSet<Query>) -> Result<BTreeMap<Query, Fr>> {
        let mut by_rotation: BTreeMap<i32, Vec<Poly>> = BTreeMap::new();
        queries.into_iter().for_each(|(poly, rotation)| by_rotation.entry(rotation).or_default().push(poly));
        let mut values = BTreeMap::new();
        for (rotation, polys) in by_rotation {
            let buffers: Vec<&B::Buf<Fr>> =
                polys.iter().filter_map(|p| self.polys.get(p)).map(Source::buffer).collect();
            let evaluated = self.key.backend.evaluate_many(&buffers, self.point(rotation))?;
            values.extend(polys.into_iter().map(|poly| (poly, rotation)).zip(evaluated));
        }
        Ok(values)
    }

    /// The evaluations that are sent, in their order.
    pub fn messages(&self) -> Vec<Fr> {
        self.sent.iter().filter_map(|query| self.values.get(query)).copied().collect()
    }

    /// Sends both messages of the multi-opening.
    pub fn prove(&self, rounds: &mut Rounds<'_, B>) -> Result<()> {
        let (backend, n) = (&self.key.backend, self.key.shape.n);
        let (y, v) = (rounds.squeeze(), rounds.squeeze());
        let sets = self.sets();
        let (mut sums, mut quotients) = (Vec::new(), Vec::new());
        for (rotations, polys) in &sets {
            let factors = powers(y).zip(polys.iter().filter_map(|poly| self.polys.get(poly)));
            let terms: Vec<_> = factors.map(|(factor, source)| (factor, source.buffer())).collect();
            let sum = backend.linear_combination(&terms, n)?;
            let mut quotient = backend.resized(&sum, n)?;
            for rotation in rotations {
                backend.divide_by_linear(&mut quotient, self.point(*rotation))?;
            }
            sums.push(sum);
            quotients.push(quotient);
        }
        let h = backend.linear_combination(&powers(v).zip(&quotients).collect::<Vec<_>>(), n)?;
        drop(quotients);
        let point = backend.msm(&self.key.powers, MsmScalars::Device(&h))?;
        rounds.write_points(&[point])?;
        let u = rounds.squeeze();

        let all: BTreeSet<i32> = sets.iter().flat_map(|(rotations, _)| rotations).copied().collect();
        let vanishing = |rotations: &mut dyn Iterator<Item = i32>| {
            rotations.fold(Fr::ONE, |product, rotation| product * (u - self.point(rotation)))
        };
        let outside: Vec<Fr> =
            sets.iter().map(|(rotations, _)| vanishing(&mut all.difference(rotations).copied())).collect();
        let first = outside.first().and_then(|z| z.inverse_vartime());
        let first = first.ok_or_else(|| {
            Error::SelfCheck("a challenge of the multi-opening is one of its points".into())
        })?;
        let mut terms: Vec<(Fr, &B::Buf<Fr>)> =
            powers(v).zip(&outside).map(|(v, z)| v * *z * first).zip(&sums).collect();
        terms.push((-(vanishing(&mut all.iter().copied()) * first), &h));
        let mut last = backend.linear_combination(&terms, n)?;
        backend.divide_by_linear(&mut last, u)?;
        let point = backend.msm(&self.key.powers, MsmScalars::Device(&last))?;
        rounds.write_points(&[point])
    }

    /// Polynomials by the rotations at which they are opened; sets and members in order of first appearance.
    fn sets(&self) -> Vec<(BTreeSet<i32>, Vec<Poly>)> {
        let mut order: Vec<Poly> = Vec::new();
        let mut rotations: BTreeMap<Poly, BTreeSet<i32>> = BTreeMap::new();
        for &(poly, rotation) in &self.queries {
            let set = rotations.entry(poly).or_insert_with(|| {
                order.push(poly);
                BTreeSet::new()
            });
            set.insert(rotation);
        }
        let mut sets: Vec<(BTreeSet<i32>, Vec<Poly>)> = Vec::new();
        for poly in order {
            let Some(of_poly) = rotations.remove(&poly) else { continue };
            match sets.iter_mut().find(|(set, _)| *set == of_poly) {
                Some((_, members)) => members.push(poly),
                None => sets.push((of_poly, vec![poly])),
            }
        }
        sets
    }
}

/// 1, x, x², …
fn powers(x: Fr) -> impl Iterator<Item = Fr> {
    std::iter::successors(Some(Fr::ONE), move |power| Some(*power * x))
}

/// Queries in the order of the multi-opening, and in the order in which evaluations are sent.
fn queries<B: Halo2Backend>(key: &PreparedKey<B>, circuits: usize) -> (Vec<Query>, Vec<Query>) {
    let (cs, columns, shape) = (key.vk.cs(), &key.columns, &key.shape);
    let (sets, lookups) = (shape.permutation_sets, cs.lookups().len());
    let last_row = -(cs.blinding_factors() as i32 + 1);
    let advice = |circuit| {
        let query = move |column, rotation: Rotation| (Poly::Of { circuit, column }, rotation.0);
        cs.advice_queries()
            .iter()
            .map(move |(column, rotation)| query(columns.advice(column.index()), *rotation))
    };
    // What belongs to no circuit counts as the first one's.
    let of_key = |column, rotation| (Poly::Of { circuit: 0, column }, rotation);
    let fixed =
        cs.fixed_queries().iter().map(|(column, rotation)| of_key(columns.fixed(column.index()), rotation.0));
    let sigma = (0..key.sigma.len()).map(|i| of_key(columns.sigma(i), 0));

    let mut opened = Vec::new();
    for circuit in 0..circuits {
        let of = |column, rotation| (Poly::Of { circuit, column }, rotation);
        opened.extend(advice(circuit));
        for set in 0..sets {
            opened.extend([0, 1].map(|rotation| of(columns.permutation_product(set), rotation)));
        }
        opened.extend((0..sets).rev().skip(1).map(|set| of(columns.permutation_product(set), last_row)));
        for lookup in 0..lookups {
            let (z, input, table) = (
                columns.lookup_product(lookup),
                columns.permuted_input(lookup),
                columns.permuted_table(lookup),
            );
            opened.extend([(z, 0), (input, 0), (table, 0), (input, -1), (z, 1)].map(|(c, r)| of(c, r)));
        }
    }
    opened.extend(fixed.clone().chain(sigma.clone()));
    opened.extend([(Poly::Quotient, 0), (Poly::Random, 0)]);

    let mut sent: Vec<Query> = (0..circuits).flat_map(advice).collect();
    sent.extend(fixed);
    sent.push((Poly::Random, 0));
    sent.extend(sigma);
    for circuit in 0..circuits {
        let of = |column, rotation| (Poly::Of { circuit, column }, rotation);
        for set in 0..sets {
            let z = columns.permutation_product(set);
            sent.extend([of(z, 0), of(z, 1)]);
            sent.extend((set + 1 < sets).then_some(of(z, last_row)));
        }
    }
    for circuit in 0..circuits {
        for lookup in 0..lookups {
            let (z, input, table) = (
                columns.lookup_product(lookup),
                columns.permuted_input(lookup),
                columns.permuted_table(lookup),
            );
            let of = |(column, rotation)| (Poly::Of { circuit, column }, rotation);
            sent.extend([(z, 0), (z, 1), (input, 0), (input, -1), (table, 0)].map(of));
        }
    }
    (opened, sent)
}

/// Checks C(x) = h(x)·(x^n − 1): that the witness satisfies the circuit, up to an error of degree/r.
pub(super) fn check_constraints<B: Halo2Backend>(
    openings: &Openings<'_, B>,
    key: &PreparedKey<B>,
    circuits: &[CircuitColumns<B>],
    challenges: &Challenges,
) -> Result<()> {
    let program = &key.programs.quotient;
    let uniforms = challenges.uniforms();
    let mut sum = Fr::ZERO;
    for (i, circuit) in circuits.iter().enumerate() {
        let mut values = BTreeMap::new();
        for &(column, rotation) in &program.reads {
            // Columns of the key were opened as the first circuit's.
            let of = if key.columns.is_of_key(column) { 0 } else { i };
            let value = match openings.values.get(&(Poly::Of { circuit: of, column }, rotation)) {
                Some(value) => *value,
                None => {
                    let coefficients = quotient::coefficients(key, circuit, column)?;
                    key.backend.evaluate(coefficients, openings.point(rotation))?
                }
            };
            values.insert((column, rotation), value);
        }
        sum = program.evaluate_at_point(&values, &uniforms, sum);
    }
    let quotient = openings.values.get(&(Poly::Quotient, 0)).copied().unwrap_or(Fr::ZERO);
    if sum == quotient * (openings.x.pow_vartime(&[key.shape.n as u64]) - Fr::ONE) {
        return Ok(());
    }
    Err(super::diagnosis::first_failure(key, circuits, challenges)?)
}
