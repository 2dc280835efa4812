//! The prover: the rounds of a proof, in the order of upstream's verifier.

use super::channel::{Channel, Upstream};
use super::columns::Challenges;
use super::key::{Halo2Backend, PreparedKey};
use super::opening::{self, Openings};
use super::quotient;
use super::report::{ProveReport, Stopwatch};
use super::synthesis::{self, Shape};
use super::witness::{ColumnValues, PhaseWitness};
use crate::device::MsmScalars;
use crate::error::{Error, Result};
use crate::interop::halo2curves as interop;
use halo2_axiom::halo2curves::bn256::{Fr as HaloFr, G1Affine as HaloG1Affine};
use halo2_axiom::halo2curves::ff::Field as _;
use halo2_axiom::plonk::Circuit;
use halo2_axiom::transcript::{EncodedChallenge, TranscriptWrite};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;
use zkwatt_kernels::curve::Xyzz;
use zkwatt_kernels::msm::Scalars;
use zkwatt_kernels::ntt::Direction;
use zkwatt_kernels::quotient::Program;
use zkwatt_kernels::vector::Scan;
use zkwatt_kernels::{Field, Fr, G1Affine, parallel};

/// Proves that `circuits` are satisfied with `instances` (by circuit and column), all in one proof.
///
/// The proof goes to `transcript` as upstream's `create_proof` would write it: same messages, same size, accepted by
/// upstream's `verify_proof` with SHPLONK. The same key, circuits and random stream give the same bytes on every device
/// and for every number of threads: blinding is drawn in a fixed order, and permuted columns have a canonical order.
///
/// # Errors
/// [`Error::InvalidArgument`] for instances of another shape, or a circuit that does not fit the key;
/// [`Error::Unsatisfied`] if the witness does not satisfy the circuit (upstream returns a proof that nobody accepts);
/// [`Error::Unsupported`] for several circuits that end phases by themselves; what the device reports. What was
/// written to the transcript before an error is of no use.
pub fn create_proof<B, C, E, T>(
    key: &PreparedKey<B>,
    circuits: &[C],
    instances: &[&[&[HaloFr]]],
    rng: &mut (impl RngCore + CryptoRng),
    transcript: &mut T,
) -> Result<ProveReport>
where
    B: Halo2Backend,
    C: Circuit<HaloFr>,
    E: EncodedChallenge<HaloG1Affine>,
    T: TranscriptWrite<HaloG1Affine, E>,
{
    let mut channel = Upstream::new(transcript);
    let mut rounds = Rounds::begin(key, circuits.len(), instances, rng, &mut channel)?;
    rounds.assign_circuits(circuits, instances)?;
    Ok(rounds.finish()?.report)
}

/// As [`create_proof`], for witnesses that are made by phase and column.
///
/// # Errors
/// Those of [`create_proof`], and those of the witness.
pub fn create_proof_from_witness<B, W, E, T>(
    key: &PreparedKey<B>,
    witnesses: &[W],
    instances: &[&[&[HaloFr]]],
    rng: &mut (impl RngCore + CryptoRng),
    transcript: &mut T,
) -> Result<Proved>
where
    B: Halo2Backend,
    W: PhaseWitness,
    E: EncodedChallenge<HaloG1Affine>,
    T: TranscriptWrite<HaloG1Affine, E>,
{
    let mut channel = Upstream::new(transcript);
    let mut rounds = Rounds::begin(key, witnesses.len(), instances, rng, &mut channel)?;
    for phase in 0..key.shape.phases {
        for (i, witness) in witnesses.iter().enumerate() {
            let watch = rounds.watch.begin();
            let known: Vec<Fr> = rounds.known_challenges(phase).into_iter().flatten().collect();
            let columns = witness.columns(phase, &known)?;
            rounds.watch.witness(watch);
            rounds.commit_phase(i, phase, columns)?;
        }
        rounds.squeeze_phase(phase);
    }
    rounds.finish()
}

/// What a proof leaves with its prover.
pub struct Proved {
    /// Where the time went.
    pub report: ProveReport,
    /// The rows behind the usable ones of every advice column, by circuit and column: what a
    /// [link](super::link) to a published commitment needs. Secret.
    pub blinding: Vec<Vec<Zeroizing<Vec<Fr>>>>,
}

/// One circuit of a proof.
pub(super) struct CircuitColumns<B: Halo2Backend> {
    pub instance: Vec<B::Buf<Fr>>,
    pub advice: Vec<B::Buf<Fr>>,
    pub permutation_products: Vec<B::Buf<Fr>>,
    pub lookups: Vec<LookupColumns<B>>,
    blinding: Vec<Zeroizing<Vec<Fr>>>,
}

/// One lookup of a circuit.
pub(super) struct LookupColumns<B: Halo2Backend> {
    pub product: B::Buf<Fr>,
    pub permuted_input: B::Buf<Fr>,
    pub permuted_table: B::Buf<Fr>,
}

/// A lookup between its two rounds.
struct Permuted<B: Halo2Backend> {
    input: B::Buf<Fr>,
    table: B::Buf<Fr>,
    permuted_input: B::Buf<Fr>,
    permuted_table: B::Buf<Fr>,
}

/// A proof in progress.
pub(super) struct Rounds<'a, B: Halo2Backend> {
    key: &'a PreparedKey<B>,
    channel: &'a mut dyn Channel,
    rng: &'a mut dyn RngCore,
    challenges: Challenges,
    circuits: Vec<CircuitColumns<B>>,
    watch: Stopwatch,
}

impl<'a, B: Halo2Backend> Rounds<'a, B> {
    fn begin(
        key: &'a PreparedKey<B>,
        circuits: usize,
        instances: &[&[&[HaloFr]]],
        rng: &'a mut dyn RngCore,
        channel: &'a mut dyn Channel,
    ) -> Result<Self> {
        let watch = Stopwatch::start();
        if circuits == 0 {
            return Err(Error::invalid("circuits", "there are none; a proof needs at least one"));
        }
        if circuits != instances.len() {
            return Err(Error::LengthMismatch {
                left: "circuits",
                left_len: circuits,
                right: "instances",
                right_len: instances.len(),
            });
        }
        channel.absorb(interop::scalar(&key.vk.transcript_repr()))?;
        let challenges = Challenges {
            of_circuit: vec![Fr::ZERO; key.shape.challenge_phases.len()],
            ..Challenges::default()
        };
        let mut rounds = Self { key, channel, rng, challenges, circuits: Vec::new(), watch };
        for instance in instances {
            let circuit = rounds.circuit(instance)?;
            rounds.circuits.push(circuit);
        }
        Ok(rounds)
    }

    /// Takes a circuit's instance columns.
    fn circuit(&mut self, instance: &[&[HaloFr]]) -> Result<CircuitColumns<B>> {
        let shape = &self.key.shape;
        let expected = self.key.vk.cs().num_instance_columns();
        if instance.len() != expected {
            return Err(Error::invalid(
                "instances",
                format!("{} columns are given, but the circuit has {expected}", instance.len()),
            ));
        }
        let mut columns = Vec::with_capacity(expected);
        for (i, values) in instance.iter().enumerate() {
            if values.len() > shape.usable_rows {
                return Err(Error::invalid(
                    "instances",
                    format!(
                        "column {i} has {} values, but k = {} has {} usable rows",
                        values.len(),
                        shape.k,
                        shape.usable_rows
                    ),
                ));
            }
            let values = interop::scalars(values);
            values.iter().try_for_each(|value| self.channel.absorb(*value))?;
            let mut column = values.to_vec();
            column.resize(shape.n, Fr::ZERO);
            columns.push(self.key.backend.upload(&column)?);
        }
        Ok(CircuitColumns {
            instance: columns,
            advice: Vec::new(),
            permutation_products: Vec::new(),
            lookups: Vec::new(),
            blinding: Vec::new(),
        })
    }

    /// The advice of circuits that assign cells.
    fn assign_circuits<C: Circuit<HaloFr>>(
        &mut self,
        circuits: &[C],
        instances: &[&[&[HaloFr]]],
    ) -> Result<()> {
        let key = self.key;
        let shape = Shape {
            column_phases: &key.shape.column_phases,
            phases: key.shape.phases,
            usable_rows: key.shape.usable_rows,
            n: key.shape.n,
            k: key.shape.k,
        };
        let constants = key.vk.cs().constants();
        if let ([circuit], [instances]) = (circuits, instances) {
            let known = vec![None; key.shape.challenge_phases.len()];
            return synthesis::synthesize(
                circuit,
                constants,
                shape,
                instances,
                known,
                &mut |phase, columns| {
                    self.commit_phase(0, phase, columns)?;
                    self.squeeze_phase(phase);
                    Ok(self.known_challenges(phase + 1))
                },
            );
        }
        for phase in 0..shape.phases {
            for (i, (circuit, instances)) in circuits.iter().zip(instances).enumerate() {
                let known = self.known_challenges(phase);
                let columns =
                    synthesis::synthesize_phase(circuit, constants, shape, instances, phase, known)?;
                self.commit_phase(i, phase, columns)?;
            }
            self.squeeze_phase(phase);
        }
        Ok(())
    }

    /// Challenges by index; those of `phase` and later ones are not known yet.
    fn known_challenges(&self, phase: u8) -> Vec<Option<Fr>> {
        let phases = &self.key.shape.challenge_phases;
        phases.iter().zip(&self.challenges.of_circuit).map(|(p, c)| (*p < phase).then_some(*c)).collect()
    }

    /// Blinds, commits to and keeps the columns of one phase of one circuit.
    fn commit_phase(&mut self, circuit: usize, phase: u8, columns: Vec<ColumnValues>) -> Result<()> {
        let shape = &self.key.shape;
        let indices: Vec<usize> =
            (0..).zip(&shape.column_phases).filter(|(_, p)| **p == phase).map(|(i, _)| i).collect();
        if columns.len() != indices.len() {
            return Err(Error::invalid(
                "witness",
                format!(
                    "phase {phase} has {} advice columns, but {} were given",
                    indices.len(),
                    columns.len()
                ),
            ));
        }
        if let Some((i, column)) = indices.iter().zip(&columns).find(|(_, c)| c.len() > shape.usable_rows) {
            return Err(Error::invalid(
                "witness",
                format!(
                    "advice column {i} has {} rows, but k = {} has {} usable ones",
                    column.len(),
                    shape.k,
                    shape.usable_rows
                ),
            ));
        }
        let blinding: Vec<Zeroizing<Vec<Fr>>> = columns.iter().map(|_| self.random_tail(0)).collect();
        let watch = self.watch.begin();
        let points = self.commit_columns(&columns, &blinding)?;
        let buffers =
            columns.into_iter().zip(&blinding).map(|(values, tail)| self.upload_column(values, tail));
        let buffers = buffers.collect::<Result<Vec<_>>>()?;
        self.watch.commit(watch);
        self.write_points(&points)?;

        // Phases come in order, but the columns of a phase may lie between those of others.
        let kept = &mut self.circuits[circuit];
        let mut merged = Vec::with_capacity(kept.advice.len() + buffers.len());
        let mut earlier = kept.advice.drain(..).zip(kept.blinding.drain(..));
        let mut new = buffers.into_iter().zip(blinding);
        for p in shape.column_phases.iter().filter(|p| **p <= phase) {
            merged.extend(if *p == phase { new.next() } else { earlier.next() });
        }
        drop(earlier);
        (kept.advice, kept.blinding) = merged.into_iter().unzip();
        Ok(())
    }

    fn squeeze_phase(&mut self, phase: u8) {
        for i in 0..self.key.shape.challenge_phases.len() {
            if self.key.shape.challenge_phases[i] == phase {
                self.challenges.of_circuit[i] = self.squeeze();
            }
        }
    }

    /// Commitments to columns with their blinding rows.
    fn commit_columns(
        &self,
        columns: &[ColumnValues],
        tails: &[Zeroizing<Vec<Fr>>],
    ) -> Result<Vec<G1Affine>> {
        let key = self.key;
        let scalars = columns.iter().map(|column| match column {
            ColumnValues::Field(values) => MsmScalars::Host(Scalars::Field(values)),
            ColumnValues::Small(values) => MsmScalars::Host(Scalars::I32(values)),
        });
        let heads = key.backend.msm_batch(&key.lagrange, scalars.collect())?;
        let tails = tails.iter().map(|tail| MsmScalars::Host(Scalars::Field(tail)));
        let tails = key.backend.msm_batch(&key.lagrange_tail, tails.collect())?;
        Ok(heads.into_iter().zip(tails).map(|(head, tail)| sum(head, tail)).collect())
    }

    /// Values, zeros and blinding as one column on the device.
    fn upload_column(&self, values: ColumnValues, tail: &[Fr]) -> Result<B::Buf<Fr>> {
        let shape = &self.key.shape;
        let mut column = Zeroizing::new(Vec::with_capacity(shape.n));
        match &values {
            ColumnValues::Field(values) => column.extend_from_slice(values),
            ColumnValues::Small(values) => {
                column.extend(parallel::map_range(values.len(), |i| Fr::from(i64::from(values[i]))));
            }
        }
        column.resize(shape.usable_rows, Fr::ZERO);
        column.extend_from_slice(tail);
        self.key.backend.upload(&column)
    }

    /// What follows the advice.
    fn finish(mut self) -> Result<Proved> {
        let watch = self.watch.begin();
        let permuted = self.permute_lookups()?;
        self.watch.lookups(watch);

        self.challenges.beta = self.squeeze();
        self.challenges.gamma = self.squeeze();
        let watch = self.watch.begin();
        for circuit in 0..self.circuits.len() {
            self.permutation_products(circuit)?;
        }
        self.watch.permutation(watch);
        let watch = self.watch.begin();
        for (circuit, lookups) in permuted.into_iter().enumerate() {
            for lookup in lookups {
                let columns = self.lookup_product(lookup)?;
                self.circuits[circuit].lookups.push(columns);
            }
        }
        self.watch.lookups(watch);

        // Blinds the evaluation of the quotient.
        let random: Zeroizing<Vec<Fr>> =
            Zeroizing::new((0..self.key.shape.n).map(|_| self.random()).collect());
        let random = self.key.backend.upload(&random)?;
        let watch = self.watch.begin();
        let point = self.key.backend.msm(&self.key.powers, MsmScalars::Device(&random))?;
        self.watch.commit(watch);
        self.write_points(&[point])?;
        self.challenges.y = self.squeeze();

        let watch = self.watch.begin();
        self.interpolate()?;
        let circuits = std::mem::take(&mut self.circuits);
        let pieces = quotient::pieces(self.key, &circuits, &self.challenges)?;
        self.watch.quotient(watch);
        let watch = self.watch.begin();
        let scalars = pieces.iter().map(MsmScalars::Device).collect();
        let points = self.key.backend.msm_batch(&self.key.powers, scalars)?;
        self.watch.commit(watch);
        self.write_points(&points)?;

        let x = self.squeeze();
        let watch = self.watch.begin();
        let openings = Openings::new(self.key, &circuits, &random, &pieces, x)?;
        opening::check_constraints(&openings, self.key, &circuits, &self.challenges)?;
        openings.messages().into_iter().try_for_each(|value| self.channel.send_scalar(value))?;
        self.watch.evaluation(watch);
        let watch = self.watch.begin();
        openings.prove(&mut self)?;
        self.watch.opening(watch);
        let blinding = circuits.into_iter().map(|circuit| circuit.blinding).collect();
        Ok(Proved { report: self.watch.report(), blinding })
    }

    /// Compresses, permutes and commits to the columns of all lookups.
    fn permute_lookups(&mut self) -> Result<Vec<Vec<Permuted<B>>>> {
        let key = self.key;
        self.challenges.theta = self.squeeze();
        let mut all = Vec::with_capacity(self.circuits.len());
        for circuit in 0..self.circuits.len() {
            let mut lookups = Vec::with_capacity(key.programs.compress.len());
            for (i, program) in key.programs.compress.iter().enumerate() {
                let [input, table] = self.run_on_values(program, circuit)?;
                let usable = key.shape.usable_rows;
                let pair = {
                    let (input, table) =
                        (key.backend.resized(&input, usable)?, key.backend.resized(&table, usable)?);
                    key.backend.permuted_pair(&input, &table).map_err(|e| self.lookup_error(i, e))?
                };
                let [permuted_input, permuted_table] = pair;
                let permuted_input = self.blinded(&permuted_input)?;
                let permuted_table = self.blinded(&permuted_table)?;
                let both = [&permuted_input, &permuted_table].map(MsmScalars::Device);
                let points = key.backend.msm_batch(&key.lagrange, both.into())?;
                self.write_points(&points)?;
                lookups.push(Permuted { input, table, permuted_input, permuted_table });
            }
            all.push(lookups);
        }
        Ok(all)
    }

    /// The usable rows of a column with blinding behind them.
    fn blinded(&mut self, usable: &B::Buf<Fr>) -> Result<B::Buf<Fr>> {
        let (backend, shape) = (&self.key.backend, &self.key.shape);
        let mut column = backend.resized(usable, shape.n)?;
        let tail = self.random_tail(0);
        self.key.backend.write(&mut column, self.key.shape.usable_rows, &tail)?;
        Ok(column)
    }

    /// A value that is not in the table means an unsatisfied circuit; other errors stay what they are.
    fn lookup_error(&self, lookup: usize, error: Error) -> Error {
        match error {
            Error::InvalidArgument { argument: "lookup", reason } => {
                let name = self.key.vk.cs().lookups().get(lookup).map_or("", |l| l.name()).to_owned();
                Error::Unsatisfied { constraint: lookup, description: format!("lookup `{name}`: {reason}") }
            }
            other => other,
        }
    }

    /// Runs a program over the values of a circuit's columns; two outputs.
    fn run_on_values(&self, program: &Program, circuit: usize) -> Result<[B::Buf<Fr>; 2]> {
        let (key, circuit) = (self.key, &self.circuits[circuit]);
        let columns = &key.columns;
        let mut table: Vec<&B::Buf<Fr>> = vec![&key.x_values; columns.end() as usize];
        let mut place = |number: u32, buffer| {
            if let Some(slot) = table.get_mut(number as usize) {
                *slot = buffer;
            }
        };
        for (i, buffer) in key.fixed_values.iter().enumerate() {
            if let Some(buffer) = buffer {
                place(columns.fixed(i), buffer);
            }
        }
        circuit.advice.iter().enumerate().for_each(|(i, buffer)| place(columns.advice(i), buffer));
        circuit.instance.iter().enumerate().for_each(|(i, buffer)| place(columns.instance(i), buffer));
        key.sigma_values.iter().enumerate().for_each(|(i, buffer)| place(columns.sigma(i), buffer));
        self.run(program, &table)
    }

    fn run(&self, program: &Program, columns: &[&B::Buf<Fr>]) -> Result<[B::Buf<Fr>; 2]> {
        let (backend, n) = (&self.key.backend, self.key.shape.n);
        let (mut a, mut b) = (backend.alloc(n)?, backend.alloc(n)?);
        backend.run_program(program, columns, &self.challenges.uniforms(), &mut [&mut a, &mut b])?;
        Ok([a, b])
    }

    /// z_0 = 1, z_{i+1} = z_i·numerator_i/denominator_i over all sets one after the other.
    fn permutation_products(&mut self, circuit: usize) -> Result<()> {
        let mut first = Fr::ONE;
        for program in &self.key.programs.permutation {
            let [numerator, denominator] = self.run_on_values(program, circuit)?;
            let (product, last) = self.running_product(numerator, denominator, first)?;
            self.circuits[circuit].permutation_products.push(product);
            first = last;
        }
        let columns = &self.circuits[circuit].permutation_products;
        let points = self
            .key
            .backend
            .msm_batch(&self.key.lagrange, columns.iter().map(MsmScalars::Device).collect())?;
        self.write_points(&points)
    }

    fn lookup_product(&mut self, lookup: Permuted<B>) -> Result<LookupColumns<B>> {
        let Permuted { input, table, permuted_input, permuted_table } = lookup;
        let columns = [&input, &table, &permuted_input, &permuted_table];
        let [numerator, denominator] = self.run(&self.key.programs.lookup_factors, &columns)?;
        let (product, _) = self.running_product(numerator, denominator, Fr::ONE)?;
        let point = self.key.backend.msm(&self.key.lagrange, MsmScalars::Device(&product))?;
        self.write_points(&[point])?;
        Ok(LookupColumns { product, permuted_input, permuted_table })
    }

    /// z with z_0 = `first` and z_{i+1} = z_i·numerator_i/denominator_i for usable rows i, blinded behind row u; and z_u.
    fn running_product(
        &mut self,
        mut numerator: B::Buf<Fr>,
        mut denominator: B::Buf<Fr>,
        first: Fr,
    ) -> Result<(B::Buf<Fr>, Fr)> {
        let (backend, shape) = (&self.key.backend, &self.key.shape);
        backend.batch_inverse(&mut denominator)?;
        backend.mul_assign(&mut numerator, &denominator)?;
        drop(denominator);
        let mut product = backend.resized(&numerator, shape.usable_rows)?;
        drop(numerator);
        let mut last = backend.prefix_product(&mut product, Scan::Exclusive)?;
        if first != Fr::ONE {
            backend.scale(&mut product, first)?;
            last *= first;
        }
        let mut product = backend.resized(&product, shape.n)?;
        let mut tail = self.random_tail(1);
        tail[0] = last;
        self.key.backend.write(&mut product, self.key.shape.usable_rows, &tail)?;
        Ok((product, last))
    }

    /// Turns the values of all columns into coefficients.
    fn interpolate(&mut self) -> Result<()> {
        let plan = self.key.shape.transform(Direction::Inverse)?;
        let mut all = Vec::new();
        for circuit in &mut self.circuits {
            let lookups = circuit.lookups.iter_mut().flat_map(|lookup| {
                [&mut lookup.product, &mut lookup.permuted_input, &mut lookup.permuted_table]
            });
            let columns = circuit.instance.iter_mut().chain(&mut circuit.advice);
            all.extend(columns.chain(&mut circuit.permutation_products).chain(lookups));
        }
        self.key.backend.ntt_batch(all, &plan)
    }

    /// Random values for the rows behind the usable ones; the first `keep` stay zero.
    fn random_tail(&mut self, keep: usize) -> Zeroizing<Vec<Fr>> {
        let mut tail = Zeroizing::new(vec![Fr::ZERO; self.key.shape.tail()]);
        for value in tail.iter_mut().skip(keep) {
            *value = self.random();
        }
        tail
    }

    fn random(&mut self) -> Fr {
        interop::scalar(&HaloFr::random(&mut *self.rng))
    }

    pub(super) fn squeeze(&mut self) -> Fr {
        self.channel.challenge()
    }

    pub(super) fn write_points(&mut self, points: &[G1Affine]) -> Result<()> {
        points.iter().try_for_each(|point| self.channel.send_point(*point))
    }
}

fn sum(a: G1Affine, b: G1Affine) -> G1Affine {
    Xyzz::IDENTITY.add_affine(a).add_affine(b).to_affine()
}
