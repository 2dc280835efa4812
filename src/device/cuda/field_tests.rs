//! Products that share a reduction, against the host's.

use super::kernels::source;
use crate::device::gpu::Stage;
use crate::device::gpu::field_tests::{BINDINGS, Element, operands, run};
use crate::device::gpu::testing::cuda;
use zkwatt_kernels::field::{FieldParams, FqParams, FrParams};
use zkwatt_kernels::{Fq, Fq2, Fr};

const MERGED: Stage = Stage::new("field_merged", source("field_merged")).bind(BINDINGS);

/// Pairs of a pair and the one as many places on: edges meet edges, and random ones.
const OFFSETS: [usize; 3] = [0, 1, 77];

fn sums_of_products_equal_the_hosts<F: Element, P: FieldParams>() {
    let Some(device) = cuda(None) else { return };
    let (a, b) = operands::<P>();
    let elements = |words: &[_]| words.chunks(F::PARTS).map(F::from_parts).collect::<Vec<F>>();
    let (left, right) = (elements(&a), elements(&b));
    let n = left.len();
    for offset in OFFSETS {
        for (operation, name) in [(0, "sum"), (1, "difference")] {
            let stage = MERGED.over(F::ARITHMETIC);
            let results = run(&device, &stage, operation, (&a, &b), n, &[offset as u32]);
            for (i, found) in results.chunks(F::PARTS).enumerate() {
                let j = (i + offset) % n;
                let (first, second) = (left[i] * right[i], left[j] * right[j]);
                let expected = if operation == 0 { first + second } else { first - second };
                assert_eq!(found, expected.to_parts(), "{name} of products {i} and {j}");
            }
        }
    }
}

#[test]
fn merged_products_of_fr_equal_the_hosts() {
    sums_of_products_equal_the_hosts::<Fr, FrParams>();
}

#[test]
fn merged_products_of_fq_equal_the_hosts() {
    sums_of_products_equal_the_hosts::<Fq, FqParams>();
}

#[test]
fn merged_products_of_fq2_equal_the_hosts() {
    sums_of_products_equal_the_hosts::<Fq2, FqParams>();
}
