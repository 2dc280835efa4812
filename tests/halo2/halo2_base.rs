//! Circuits of halo2-base: its gate, its range check by lookups, several columns of each, constants.

use crate::support::{device, params, prove, upstream_proof, verify};
use halo2_axiom::halo2curves::bn256::Fr;
use halo2_axiom::plonk::{keygen_pk, keygen_vk};
use halo2_base::gates::circuit::CircuitBuilderStage;
use halo2_base::gates::circuit::builder::RangeCircuitBuilder;
use halo2_base::gates::{GateInstructions, RangeChip, RangeInstructions};
use halo2_base::{Context, QuantumCell};
use zkwatt::halo2::PreparedKey;
use zkwatt::kernels::CpuPath;

const BLINDING_ROWS: usize = 9;

/// Makes keys with `keygen_input` and proves with `input`, by `logic`.
fn check(
    k: u32,
    lookup_bits: Option<usize>,
    keygen_input: u64,
    input: u64,
    logic: impl Fn(&mut Context<Fr>, &RangeChip<Fr>, u64),
) {
    let range = |builder: &RangeCircuitBuilder<Fr>| {
        RangeChip::new(lookup_bits.unwrap_or(1), builder.lookup_manager().clone())
    };
    let mut builder = RangeCircuitBuilder::from_stage(CircuitBuilderStage::Keygen).use_k(k as usize);
    if let Some(bits) = lookup_bits {
        builder.set_lookup_bits(bits);
    }
    let chip = range(&builder);
    logic(builder.pool(0).main(), &chip, keygen_input);
    let config = builder.calculate_params(Some(BLINDING_ROWS));
    let params = params(k);
    let vk = keygen_vk(&params, &builder).unwrap();
    let pk = keygen_pk(&params, vk, &builder).unwrap();
    let break_points = builder.break_points();

    let prover = || {
        let mut builder = RangeCircuitBuilder::prover(config.clone(), break_points.clone());
        let chip = range(&builder);
        logic(builder.pool(0).main(), &chip, input);
        builder
    };
    let key = PreparedKey::new(device(2, CpuPath::active()), &params, &pk).unwrap();
    let proof = prove(&key, &[prover()], &[&[]]).unwrap();
    verify(&params, pk.get_vk(), &[&[]], &proof).unwrap();
    let mut flipped = proof.clone();
    flipped[proof.len() / 2] ^= 1;
    assert!(verify(&params, pk.get_vk(), &[&[]], &flipped).is_err());
    assert_eq!(upstream_proof(&params, &pk, &[prover()], &[&[]]).len(), proof.len());
}

#[test]
fn gates_without_lookups() {
    check(8, None, 0, 5, |ctx, chip, input| {
        let a = ctx.load_witness(Fr::from(input));
        let b = ctx.load_constant(Fr::from(12));
        let c = chip.gate().mul_add(ctx, a, b, QuantumCell::Constant(Fr::from(7)));
        chip.gate().inner_product(ctx, [a, b, c], [c, a, b].map(QuantumCell::Existing));
        chip.gate().num_to_bits(ctx, a, 10);
    });
}

#[test]
fn range_checks() {
    check(9, Some(8), 0, 100, |ctx, chip, input| {
        let a = ctx.load_witness(Fr::from(input));
        chip.range_check(ctx, a, 20);
        let b = ctx.load_witness(Fr::from(input + 1));
        chip.check_less_than(ctx, a, b, 64);
        let less = chip.is_less_than(ctx, b, a, 20);
        chip.gate().assert_is_const(ctx, &less, &Fr::from(0));
    });
}

#[test]
fn several_columns_of_gates_and_lookups() {
    check(7, Some(6), 1, 77, |ctx, chip, input| {
        for i in 0..40 {
            let a = ctx.load_witness(Fr::from(input + i));
            chip.range_check(ctx, a, 30);
            chip.div_mod(ctx, a, 9u64, 12);
        }
    });
}
