//! Poseidon in the circuit: 3 constraints for each S-box, none for the linear layers.

use crate::error::Result;
use crate::groth16::r1cs::{Label, LinearCombination, R1csBuilder};
use crate::kernels::{Field, Fr};
use crate::mlp::poseidon::Parameters;

/// Poseidon of linear combinations, as a linear combination of the last round's S-boxes.
///
/// Every S-box output is a variable. Lanes are dense coefficient vectors over 1 and the variables that occur: the
/// inputs' before the first round, the last full round's S-boxes and those of the partial rounds since then
/// afterwards. So the number of non-zeros is bounded: about 21,000 for 16 inputs, in 612 constraints.
/// The variables are (x², x⁴, x⁵) of each S-box, in the order of rounds and lanes.
pub(super) fn poseidon(
    builder: &mut R1csBuilder,
    inputs: &[&LinearCombination],
    place: Label,
) -> Result<LinearCombination> {
    let parameters = Parameters::for_inputs(inputs.len())?;
    let width = parameters.width;
    let mut basis = vec![0];
    for (variable, _) in inputs.iter().flat_map(|input| input.terms()) {
        if *variable != 0 {
            basis.push(*variable);
        }
    }
    basis.sort_unstable();
    basis.dedup();
    let mut lanes = vec![vec![Fr::ZERO; basis.len()]; width];
    for (lane, input) in lanes[1..].iter_mut().zip(inputs) {
        for (variable, coefficient) in input.terms() {
            if let Ok(position) = basis.binary_search(variable) {
                lane[position] += *coefficient;
            }
        }
    }
    for round in 0..parameters.rounds() {
        for (lane, constant) in lanes.iter_mut().zip(parameters.constants(round)) {
            lane[0] += *constant;
        }
        let active = parameters.s_boxes(round);
        let outputs: Vec<u32> =
            lanes[..active].iter().map(|lane| s_box(builder, &basis, lane, place)).collect();
        if active == width {
            basis.truncate(1);
            basis.extend(&outputs);
            for (i, lane) in lanes.iter_mut().enumerate() {
                lane.clear();
                lane.push(Fr::ZERO);
                lane.extend((0..width).map(|j| Fr::from(i == j)));
            }
        } else {
            basis.extend(&outputs);
            for (i, lane) in lanes.iter_mut().enumerate() {
                if i == 0 {
                    lane.fill(Fr::ZERO);
                }
                lane.push(Fr::from(i == 0));
            }
        }
        lanes = (0..width).map(|i| mix(parameters.mds_row(i), &lanes)).collect();
    }
    Ok(combination(&basis, &lanes[0]))
}

/// Σ_j row\[j\] · lanes\[j\]
fn mix(row: &[Fr], lanes: &[Vec<Fr>]) -> Vec<Fr> {
    let mut mixed = vec![Fr::ZERO; lanes[0].len()];
    for (factor, lane) in row.iter().zip(lanes) {
        for (sum, coefficient) in mixed.iter_mut().zip(lane) {
            if !coefficient.is_zero() {
                *sum += *factor * *coefficient;
            }
        }
    }
    mixed
}

/// The variable that holds lane^5.
fn s_box(builder: &mut R1csBuilder, basis: &[u32], lane: &[Fr], place: Label) -> u32 {
    let x = combination(basis, lane);
    let [square, fourth, fifth] = [(); 3].map(|()| builder.witness(place.with("S-box powers")));
    let variable = LinearCombination::variable;
    builder.enforce(x.clone(), x.clone(), variable(square), place.with("S-box square"));
    builder.enforce(variable(square), variable(square), variable(fourth), place.with("S-box fourth power"));
    // x stands in B already; the fourth power need not, which would cost the prover a term in G2.
    builder.enforce(variable(fourth), x, variable(fifth), place.with("S-box fifth power"));
    fifth
}

fn combination(basis: &[u32], lane: &[Fr]) -> LinearCombination {
    let mut lc = LinearCombination::zero();
    for (variable, coefficient) in basis.iter().zip(lane) {
        lc.push(*variable, *coefficient);
    }
    lc
}
