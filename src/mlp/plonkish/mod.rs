//! The MLP circuit for Halo2: what a proof of an inference of a quantised model states, at a fraction of a cell for
//! each multiplication.
//!
//! # Dense layers
//!
//! Let acc⁽ˡ⁾ be the accumulators of layer l, x⁽ˡ⁾ its inputs, with the bias as one more weight whose input is 1. After
//! inputs, limbs and private weights are committed and the instance is absorbed, the verifier draws r, and the circuit
//! checks for each layer
//!
//! ```text
//! Σ_i r^(O−1−i)·acc_i⁽ˡ⁾  =  Σ_j x_j⁽ˡ⁾ · (Σ_i r^(O−1−i)·W_ij⁽ˡ⁾)
//! ```
//!
//! with one row for each input and C weights in a row. Both sides are polynomials in r whose coefficients are fixed before,
//! of degree below O + C (unused cells of private columns are coefficients too); unless acc⁽ˡ⁾ = W·x + b they agree with
//! probability at most (O + C)/|F_r|, below 2^−230. (Freivalds' check, with powers of a challenge for the random vector.)
//! The left side is the running sum T over the rows of the accumulators, which lie right above the layer's rows; the
//! right side is S, from the layer's last row to its first; they are compared in the first. Several inferences share the
//! weights: accumulators and inputs are combined with powers of a second, independent challenge ρ, which adds the batch
//! to the degree. (r would not do: r^i·r^b collides.)
//!
//! | column | phase | gate |
//! |---|---|---|
//! | x, limbs | 1 | all cells are bytes (`logup.rs`, or the permuted argument); `forms.rs` says what follows from them |
//! | W | fixed, or 1 | the model; w + 128 if private |
//! | U | 2 | U = Σ_c r^c·W_c + \[group goes on\]·r^C·U'; only where a layer has more than C neurons, else the sum itself |
//! | S | 2 | S = (\[value\]·x + bias)·U + S', without S' at the layer's last group; S = T at its first row |
//! | T | 2 | T' = acc + r·T; T' = acc for a layer's first accumulator, T' = T in rows without any |
//!
//! where ' is the next row. The accumulator of a hidden neuron is an expression in its limbs and has no cell; those of the
//! outputs are the instance. The hidden neuron lies in the row in which the next layer reads it: no copies, no
//! permutation argument.
//!
//! # Integers
//!
//! Values are below 2^16, private weights below 2^7 and biases below 2^55 in magnitude, the model's accumulators below
//! 2^62 ([`QuantisedModel::validate`](crate::mlp::QuantisedModel::validate)), expressions in limbs below 2^112: nothing
//! wraps modulo r ≈ 2^254, so equality in the field is equality of integers.
//!
//! # Private weights
//!
//! The proof alone is about *some* weights of the field: close to vacuous. It is meant to be linked: the commitments of
//! the columns [`PlonkishCircuit::weight_columns`] to those of a [`RangeCircuit`], proved once, and both to the
//! published commitment of the model. In the same way [`PlonkishCircuit::input_columns`] binds an input. The layout of
//! private weights depends on the model's shape, shifts and bit widths only.
//!
//! # Class
//!
//! With M the largest accumulator, a cell that is the same in all rows of the outputs, and c the class,
//! `acc_i = M − [i < c] − margin_i`, margin_i ≥ 0 by bytes and margin_c = 0: so acc_c = M, acc_c ≥ acc_i, and
//! acc_c > acc_i for i < c. M needs no range: margin_c = 0 makes it an accumulator.

mod bounds;
mod circuit;
mod combine;
mod forms;
mod gates;
mod layout;
mod logup;
mod plan;
mod range;
mod statement;
#[cfg(test)]
mod tests;
mod witness;

pub use circuit::PlonkishCircuit;
pub use forms::{LIMB_BITS, NeuronForm, ValueForm};
pub use gates::Config;
pub use layout::{ByteLookup, ColumnMap, LayerRows, Layout, LayoutChoice, MAX_COLUMNS, MAX_LOG_N};
pub use plan::{Objective, Planner, PlonkishPlan, SMALL_SLOWDOWN};
pub use range::{RangeCircuit, RangeConfig, RangeLayout, RangeWitness};
pub use statement::{InferenceStatement, PlonkishInterface};
pub use witness::MlpWitness;
