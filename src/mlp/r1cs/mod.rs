//! The R1CS of a quantised model: what a Groth16 proof of an inference states.
//!
//! Weights are constants of the circuit, so that a dense layer is a linear combination and costs no constraint.
//! What costs are ranges: n constraints for an input of n bits, and for a hidden neuron the bits of its
//! accumulator, bounded over all inputs, and up to 4 more. `docs/SECURITY.md` lists every range condition, why
//! it is needed and why no integer wraps in the field.

mod bounds;
mod hash;
mod neuron;
mod output;
mod range;
mod statement;
mod trace;

pub use super::options::{CircuitOptions, InputMode, OutputMode, OutputStatement, WeightMode};
pub use statement::{CircuitInterface, InputStatement, Statement};

use super::commitment::{self, ELEMENTS_PER_CALL};
use super::{Inference, QuantisedModel};
use crate::error::{Error, Result};
use crate::groth16::r1cs::{Assignment, Label, LinearCombination, R1cs, R1csBuilder};
use crate::kernels::{Field, Fr};
use bounds::{Activation, DenseBounds};
use neuron::Neuron;
use output::ClassOutput;
use std::sync::Arc;
use trace::Trace;
use zeroize::Zeroize;

/// The circuit of one model: its constraint system, and how an input becomes an assignment.
#[derive(Clone, Debug)]
pub struct MlpCircuit {
    model: QuantisedModel,
    interface: CircuitInterface,
    r1cs: Arc<R1cs>,
    /// Of each hidden layer.
    hidden: Vec<Vec<Neuron>>,
    class: Option<ClassOutput>,
}

impl MlpCircuit {
    /// Builds the constraint system of `model`.
    ///
    /// Public values are the outputs (one for each accumulator, or one class), then the commitment to the input
    /// or the inputs themselves. Cost: time and memory proportional to the number of weights; 8 bytes for each.
    ///
    /// Errors: [`Error::Model`] for shapes that do not fit or accumulators that could leave 62 bits;
    /// [`Error::Unsupported`] for private weights.
    pub fn new(model: &QuantisedModel, options: &CircuitOptions) -> Result<Self> {
        if options.weights == WeightMode::Private {
            return Err(Error::Unsupported {
                what: "a Groth16 circuit with private weights".into(),
                reason: "each weight would cost a constraint or more, and weights that nothing binds make the \
                         statement vacuous; the Halo2 system commits to the weights: use it, or public weights"
                    .into(),
            });
        }
        model.validate_shapes()?;
        let interface = CircuitInterface::new(model, options);
        let mut builder = R1csBuilder::new(interface.public_values());
        let mut activations = Self::build_input(&mut builder, &interface)?;
        let mut hidden = Vec::with_capacity(model.layers.len() - 1);
        let mut class = None;
        for (l, layer) in model.layers.iter().enumerate() {
            let bounds = DenseBounds::new(layer, &activations, l)?;
            let place = Label::new("").at("layer", l);
            if let Some(requantise) = layer.requantise {
                let neurons: Vec<Neuron> =
                    bounds.ranges.iter().map(|r| Neuron::plan(*r, requantise)).collect();
                let next = neurons.iter().enumerate().map(|(o, neuron)| {
                    let accumulator = || bounds.accumulator(layer, o, &activations);
                    neuron.build(&mut builder, accumulator, place.at("neuron", o))
                });
                activations = next.collect();
                hidden.push(neurons);
            } else {
                let accumulator = |o| bounds.accumulator(layer, o, &activations);
                match interface.output {
                    OutputMode::Accumulators => {
                        for o in 0..layer.outputs {
                            let mut lc: LinearCombination = accumulator(o);
                            lc.push(1 + o as u32, -Fr::ONE);
                            builder.enforce_zero(lc, Label::new("is the accumulator").at("output", o));
                        }
                    }
                    OutputMode::Class => {
                        let plan = ClassOutput::plan(&bounds.ranges);
                        plan.build(&mut builder, accumulator);
                        class = Some(plan);
                    }
                }
            }
        }
        let r1cs = Arc::new(builder.finish()?);
        Ok(Self { model: model.clone(), interface, r1cs, hidden, class })
    }

    /// The constraint system.
    pub fn r1cs(&self) -> &Arc<R1cs> {
        &self.r1cs
    }

    /// What a verifier must know of the circuit.
    pub fn interface(&self) -> &CircuitInterface {
        &self.interface
    }

    /// The model that the circuit was built from.
    pub fn model(&self) -> &QuantisedModel {
        &self.model
    }

    /// The values of all variables for `input`; it satisfies the constraint system.
    ///
    /// Errors: an input of the wrong length or range; a salt that is missing in [`InputMode::Committed`] or
    /// given in another mode.
    pub fn assign(&self, input: &[u32], salt: Option<Fr>) -> Result<Assignment> {
        self.check_salt(salt)?;
        let mut inference = self.model.infer(input)?;
        let mut trace = Trace::new(self.r1cs.num_variables());
        trace.push(Fr::ONE);
        match &self.class {
            None => inference.outputs().iter().for_each(|acc| trace.push(Fr::from(*acc))),
            Some(_) => trace.push(Fr::from(inference.class() as u64)),
        }
        let bits = self.interface.input_bits;
        match self.interface.input {
            InputMode::Public => input.iter().for_each(|x| trace.push(Fr::from(u64::from(*x)))),
            InputMode::Private => input.iter().for_each(|x| trace.push_ranged(u64::from(*x), bits)),
            InputMode::Committed => {
                let salt = salt.unwrap_or_default();
                let commitment_at = trace.reserve();
                input.iter().for_each(|x| trace.push_ranged(u64::from(*x), bits));
                trace.push(salt);
                let commitment = commitment::commit_with(salt, input, bits, |powers| {
                    powers.into_iter().for_each(|v| trace.push(v));
                })?;
                trace.set(commitment_at, commitment);
            }
        }
        for (neurons, accumulators) in self.hidden.iter().zip(&inference.accumulators) {
            neurons.iter().zip(accumulators).for_each(|(neuron, acc)| neuron.assign(&mut trace, *acc));
        }
        if let Some(class) = &self.class {
            class.assign(&mut trace, inference.outputs());
        }
        wipe(&mut inference);
        let values = trace.finish();
        if values.len() != self.r1cs.num_variables() {
            return Err(Error::SelfCheck("the assignment and the circuit disagree in length".into()));
        }
        Ok(Assignment::new(values))
    }

    /// The statement that a proof for `input` makes, with the outputs computed.
    ///
    /// Errors: as [`MlpCircuit::assign`].
    pub fn statement(&self, input: &[u32], salt: Option<Fr>) -> Result<Statement> {
        self.check_salt(salt)?;
        let mut inference = self.model.infer(input)?;
        let output = match self.interface.output {
            OutputMode::Accumulators => OutputStatement::Accumulators(inference.outputs().to_vec()),
            OutputMode::Class => OutputStatement::Class(inference.class()),
        };
        wipe(&mut inference);
        let input = match self.interface.input {
            InputMode::Public => InputStatement::Public(input.to_vec()),
            InputMode::Private => InputStatement::Private,
            InputMode::Committed => {
                let bits = self.interface.input_bits;
                InputStatement::Commitment(commitment::commit_input(salt.unwrap_or_default(), input, bits)?)
            }
        };
        Ok(Statement { input, output })
    }

    /// The public values that a verifier of `statement` uses; see [`CircuitInterface::public_inputs`].
    pub fn public_inputs(&self, statement: &Statement) -> Result<Vec<Fr>> {
        self.interface.public_inputs(statement)
    }

    fn check_salt(&self, salt: Option<Fr>) -> Result<()> {
        match (self.interface.input, salt) {
            (InputMode::Committed, None) => {
                Err(Error::invalid("salt", "is missing; a committed input needs one (`random_salt`)"))
            }
            (InputMode::Private | InputMode::Public, Some(_)) => {
                Err(Error::invalid("salt", "is given but the input is not committed; pass none"))
            }
            _ => Ok(()),
        }
    }

    fn build_input(builder: &mut R1csBuilder, interface: &CircuitInterface) -> Result<Vec<Activation>> {
        let (len, bits) = (interface.input_len, interface.input_bits);
        let first_public = interface.output_values() as u32 + 1;
        let variables: Vec<u32> = match interface.input {
            InputMode::Public => (first_public..).take(len).collect(),
            InputMode::Private | InputMode::Committed => (0..len)
                .map(|i| range::ranged(builder, bits, Label::new("").at("input", i), "value", "value bits"))
                .collect(),
        };
        if interface.input == InputMode::Committed {
            let radix = Fr::from(1u64 << bits);
            let mut elements: Vec<LinearCombination> = variables
                .chunks(commitment::values_per_element(bits))
                .map(|run| {
                    let mut weight = Fr::ONE;
                    let mut packed = LinearCombination::zero();
                    for x in run {
                        packed.push(*x, weight);
                        weight *= radix;
                    }
                    packed
                })
                .collect();
            elements.push(LinearCombination::constant(commitment::shape_element(len, bits)));
            let mut hash = LinearCombination::variable(builder.witness(Label::new("salt")));
            for (call, run) in elements.chunks(ELEMENTS_PER_CALL).enumerate() {
                let inputs: Vec<&LinearCombination> = core::iter::once(&hash).chain(run).collect();
                hash = hash::poseidon(builder, &inputs, Label::new("").at("commitment call", call))?;
            }
            hash.push(first_public, -Fr::ONE);
            builder.enforce_zero(hash, Label::new("is the hash of salt and input").at("commitment", 0));
        }
        let high = ((1u64 << bits) - 1) as u32;
        Ok(variables.into_iter().map(|index| Activation::Variable { index, low: 0, high }).collect())
    }
}

/// Overwrites what reveals the input.
fn wipe(inference: &mut Inference) {
    inference.activations.zeroize();
    inference.accumulators.zeroize();
}
