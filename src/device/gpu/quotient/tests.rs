//! Programs against the CPU's interpreter.

use super::plan::{Plan, SEGMENT};
use crate::device::QuotientOps;
use crate::device::gpu::Gpu;
use crate::device::gpu::testing::{numbers, on_every_gpu, random};
use zkwatt_kernels::quotient::{Graph, NodeId, Program, run};
use zkwatt_kernels::{CpuPath, Field, Fr};

on_every_gpu! {
    random_graphs with [None];
    programs_in_pieces with [Some(1 << 22)];
    refusals_and_nothing with [None];
}

fn randoms(n: usize, seed: u64) -> Vec<Fr> {
    let mut numbers = numbers(seed);
    let special = [Fr::ZERO, Fr::ONE, -Fr::ONE];
    (0..n).map(|i| special.get(i % 7).copied().unwrap_or_else(|| random(&mut numbers))).collect()
}

fn expected(program: &Program, columns: &[Vec<Fr>], uniforms: &[Fr], n: usize) -> Vec<Vec<Fr>> {
    let mut outputs = vec![vec![-Fr::ONE; n]; program.outputs()];
    let columns: Vec<_> = columns.iter().map(Vec::as_slice).collect();
    let mut slices: Vec<_> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
    run(CpuPath::active(), program, &columns, uniforms, &mut slices).unwrap();
    outputs
}

fn actual<D: Gpu>(
    device: &D,
    program: &Program,
    columns: &[Vec<Fr>],
    uniforms: &[Fr],
    n: usize,
) -> Vec<Vec<Fr>> {
    let columns: Vec<_> = columns.iter().map(|column| device.upload(column).unwrap()).collect();
    let mut outputs: Vec<_> =
        (0..program.outputs()).map(|_| device.upload(&vec![-Fr::ONE; n]).unwrap()).collect();
    let columns: Vec<_> = columns.iter().collect();
    let mut slots: Vec<_> = outputs.iter_mut().collect();
    device.run_program(program, &columns, uniforms, &mut slots).unwrap();
    outputs.iter().map(|output| device.download_blocking(output).unwrap()).collect()
}

fn check<D: Gpu>(device: &D, program: &Program, columns: &[Vec<Fr>], uniforms: &[Fr], n: usize) {
    let (is, should_be) =
        (actual(device, program, columns, uniforms, n), expected(program, columns, uniforms, n));
    for (output, (is, should_be)) in is.iter().zip(&should_be).enumerate() {
        let row = is.iter().zip(should_be).position(|(a, b)| a != b);
        assert_eq!(row, None, "the first row that differs, of output {output}, with {n} rows");
    }
}

/// Random expressions in `columns` columns, of which some nodes are outputs.
fn random_program(seed: u64, columns: u32, n: usize, steps: usize) -> Program {
    let mut numbers = numbers(seed);
    let mut graph = Graph::new();
    let rotations = [0, 0, 0, 1, -1, 2, -7, 64, 65, 700, n as i32, -(n as i32) - 1, i32::MAX, i32::MIN];
    let mut nodes: Vec<NodeId> = (0..2 * columns)
        .map(|i| graph.column(i % columns, rotations[numbers() as usize % rotations.len()]))
        .collect();
    nodes.extend([graph.uniform(0), graph.uniform(1), graph.constant(Fr::from(5u64))]);
    for _ in 0..steps {
        let mut pick = || nodes[numbers() as usize % nodes.len()];
        let (a, b) = (pick(), pick());
        nodes.push(match numbers() % 8 {
            0 | 1 => graph.add(a, b),
            2 | 3 => graph.sub(a, b),
            4 | 5 => graph.mul(a, b),
            6 => graph.neg(a),
            _ => graph.square(a),
        });
    }
    // One output uses everything.
    let mut outputs: Vec<_> = nodes.iter().rev().step_by(steps / 3 + 1).copied().collect();
    let challenge = graph.uniform(1);
    outputs.push(graph.horner(&nodes, challenge));
    graph.compile(&outputs)
}

fn random_graphs<D: Gpu>(device: &D) {
    for seed in 0..24 {
        let n = [1, 2, 3, 5, 63, 64, 130, 1025][seed as usize % 8];
        let program = random_program(seed, 3 + seed as u32 % 9, n, 40);
        let columns: Vec<_> = (0..12).map(|column| randoms(n, 100 + column)).collect();
        check(device, &program, &columns, &randoms(2, seed), n);
    }
}

/// More rows than a piece, more instructions than a segment, more columns than bindings, and small bindings.
fn programs_in_pieces<D: Gpu>(device: &D) {
    for (columns, n, steps) in [(30, 2500, 200), (3, 1000, 3 * SEGMENT)] {
        let program = random_program(7, columns, n, steps);
        let columns: Vec<_> = (0..u64::from(columns)).map(|column| randoms(n, column)).collect();
        let plan = Plan::new(&program, n, (1 << 22) / 32);
        assert!(plan.rows < n || program.instructions().len() > SEGMENT, "one piece");
        check(device, &program, &columns, &randoms(2, 8), n);
    }
}

fn refusals_and_nothing<D: Gpu>(device: &D) {
    let mut graph = Graph::new();
    let (column, uniform) = (graph.column(1, 0), graph.uniform(2));
    let sum = graph.add(column, uniform);
    let program = graph.compile(&[sum, column]);
    let three = [Fr::ONE; 3];
    let result = |columns: &[usize], uniforms: &[Fr], outputs: &[usize]| {
        let buffers = |lens: &[usize]| -> Vec<_> {
            lens.iter().map(|&len| device.upload(&vec![Fr::ONE; len]).unwrap()).collect()
        };
        let (columns, mut outputs) = (buffers(columns), buffers(outputs));
        let columns: Vec<_> = columns.iter().collect();
        let mut outputs: Vec<_> = outputs.iter_mut().collect();
        device.run_program(&program, &columns, uniforms, &mut outputs).map_err(|error| error.to_string())
    };
    assert_eq!(result(&[0, 3], &three, &[3, 3]), Ok(()));
    assert_eq!(result(&[0, 0], &three, &[0, 0]), Ok(()));
    for (columns, uniforms, outputs, message) in [
        (&[3][..], 3, &[3, 3][..], "reads column 1"),
        (&[0, 3], 2, &[3, 3], "reads uniform 2"),
        (&[0, 0], 2, &[0, 0], "reads uniform 2"),
        (&[0, 3], 3, &[3], "2 outputs"),
        (&[0, 3], 3, &[3, 2], "output 1 has 2 rows"),
        (&[0, 2], 3, &[3, 3], "column 1 has 2 rows"),
    ] {
        let error = result(columns, &three[..uniforms], outputs).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
    let nothing = graph.compile(&[]);
    device.run_program(&nothing, &[], &[], &mut []).unwrap();
}
