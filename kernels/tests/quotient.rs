//! Programs against the reference and against arithmetic that no graph has simplified.

mod common;

use common::{mixed_vec, on_every_path, random_fr, random_vec, rng};
use rand_core::RngCore;
use std::time::{Duration, Instant};
use zkwatt_kernels::quotient::{
    Combined, Graph, Instruction, Node, NodeId, Operand, Program, QuotientError, UniformStep, run,
    scratch_bytes,
};
use zkwatt_kernels::{CpuPath, Field, Fr, reference};

/// Rows around nothing, a block, and a task.
const ROWS: [usize; 13] = [1, 2, 3, 5, 63, 64, 65, 127, 130, 1023, 1024, 1025, 2200];

fn views(columns: &[Vec<Fr>]) -> Vec<&[Fr]> {
    columns.iter().map(Vec::as_slice).collect()
}

/// All outputs of a program; the same on every path.
fn run_all(program: &Program, columns: &[Vec<Fr>], uniforms: &[Fr], n: usize) -> Vec<Vec<Fr>> {
    on_every_path(|path| {
        // What was there before must not show.
        let mut outputs = vec![vec![-Fr::ONE; n]; program.outputs()];
        let mut slices: Vec<_> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
        run(path, program, &views(columns), uniforms, &mut slices).unwrap();
        outputs
    })
}

fn rotated(column: &[Fr], rotation: i32) -> Vec<Fr> {
    let n = column.len() as i64;
    (0..n).map(|i| column[(i + i64::from(rotation)).rem_euclid(n) as usize]).collect()
}

fn map2(a: &[Fr], b: &[Fr], f: impl Fn(Fr, Fr) -> Fr) -> Vec<Fr> {
    a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect()
}

/// Random expressions, and what they are in every row.
struct Random {
    graph: Graph,
    nodes: Vec<(NodeId, Vec<Fr>)>,
    columns: Vec<Vec<Fr>>,
    uniforms: Vec<Fr>,
}

impl Random {
    fn new(seed: u64, n: usize, steps: usize) -> Self {
        let rng = &mut rng(seed);
        let columns: Vec<_> = (0..3).map(|_| mixed_vec(rng, n)).collect();
        let uniforms = [random_vec(rng, 2), vec![-Fr::ONE]].concat();
        let mut graph = Graph::new();
        let mut nodes = Vec::new();
        let rotations =
            [0, 0, 0, 1, -1, 2, -7, n as i32, -(n as i32) - 1, 3 * n as i32 + 2, i32::MAX, i32::MIN];
        for (column, values) in (0u32..).zip(&columns) {
            nodes.push((graph.column(column, 0), values.clone()));
            let rotation = rotations[rng.next_u32() as usize % rotations.len()];
            nodes.push((graph.column(column, rotation), rotated(values, rotation)));
        }
        for (uniform, &value) in (0u32..).zip(&uniforms) {
            nodes.push((graph.uniform(uniform), vec![value; n]));
        }
        for value in [Fr::ZERO, Fr::ONE, -Fr::ONE, Fr::from(2u64), random_fr(rng)] {
            nodes.push((graph.constant(value), vec![value; n]));
        }
        for _ in 0..steps {
            let pick = |rng: &mut dyn RngCore| nodes[rng.next_u32() as usize % nodes.len()].clone();
            let ((a, x), (b, y)) = (pick(rng), pick(rng));
            nodes.push(match rng.next_u32() % 9 {
                0 | 1 => (graph.add(a, b), map2(&x, &y, |x, y| x + y)),
                2 | 3 => (graph.sub(a, b), map2(&x, &y, |x, y| x - y)),
                4 | 5 => (graph.mul(a, b), map2(&x, &y, |x, y| x * y)),
                6 => (graph.neg(a), x.iter().map(|&x| -x).collect()),
                7 => (graph.square(a), map2(&x, &x, |x, y| x * y)),
                _ => (graph.double(a), map2(&x, &x, |x, y| x + y)),
            });
        }
        Self { graph, nodes, columns, uniforms }
    }

    /// Some nodes, one of them twice.
    fn outputs(&self, seed: u64, count: usize) -> (Vec<NodeId>, Vec<Vec<Fr>>) {
        let rng = &mut rng(seed);
        let some = (0..count).map(|_| rng.next_u32() as usize % self.nodes.len());
        let mut some: Vec<_> = some.collect();
        some.extend([self.nodes.len() - 1; 2]);
        some.into_iter().map(|i| self.nodes[i].clone()).unzip()
    }
}

#[test]
fn random_graphs() {
    for seed in 0..150 {
        let n = ROWS[seed as usize % ROWS.len()];
        let random = Random::new(seed, n, 40);
        let (outputs, expected) = random.outputs(seed, seed as usize % 8);
        if n < 200 {
            let columns = views(&random.columns);
            let reference = reference::evaluate_rows(&random.graph, &outputs, &columns, &random.uniforms, n);
            assert!(reference.unwrap() == expected, "reference, seed {seed}");
        }
        let program = random.graph.compile(&outputs);
        assert!(run_all(&program, &random.columns, &random.uniforms, n) == expected, "seed {seed}");
        check_program(&program);
    }
}

/// What backends rely on: registers are written before they are read and never by an instruction that reads them.
fn check_program(program: &Program) {
    let mut written = vec![false; program.registers()];
    let mut stored = vec![0; program.outputs()];
    let check = |operand: Operand, written: &[bool]| match operand {
        Operand::Register(register) => assert!(written[register as usize]),
        Operand::Uniform(step) => assert!((step as usize) < program.uniform_steps().len()),
        Operand::Column { column, rotation } => assert!(program.columns()[&column].contains(&rotation)),
    };
    for instruction in program.instructions() {
        match *instruction {
            Instruction::Compute { to, operation } => {
                operation.operands().for_each(|operand| check(operand, &written));
                assert!(operation.operands().all(|operand| operand != Operand::Register(to)));
                // Uniform work is not done in rows.
                assert!(operation.operands().any(|operand| !matches!(operand, Operand::Uniform(_))));
                written[to as usize] = true;
            }
            Instruction::Store { output, from } => {
                check(from, &written);
                stored[output as usize] += 1;
            }
        }
    }
    assert!(stored.iter().all(|&times| times == 1));
    assert!(written.iter().all(|&written| written), "a register that is never used");
    for (index, step) in program.uniform_steps().iter().enumerate() {
        if let UniformStep::Compute(operation) = step {
            assert!(operation.operands().all(|earlier| (earlier as usize) < index));
        }
    }
}

/// Residues at their largest, through sums, differences and fused operations.
#[test]
fn largest_values() {
    let mut graph = Graph::new();
    let columns: Vec<NodeId> = (0..4).map(|column| graph.column(column, 0)).collect();
    let [a, b, c, d] = columns[..] else { panic!() };
    let mut outputs = Vec::new();
    let ab = graph.mul(a, b);
    let mut value = graph.add(ab, c);
    for _ in 0..20 {
        let product = graph.mul(value, d);
        let twice = graph.double(value);
        let difference = graph.sub(twice, product);
        let square = graph.square(difference);
        value = graph.sub(square, value);
        let negative = graph.neg(product);
        outputs.extend([product, difference, value, negative]);
    }
    let program = graph.compile(&outputs);
    let limbs = common::edge_limbs(<Fr as zkwatt_kernels::PrimeField>::MODULUS);
    let edges: Vec<_> = limbs.into_iter().filter_map(Fr::from_montgomery).collect();
    let n = edges.len();
    for columns in [vec![vec![-Fr::ONE; n]; 4], vec![edges.clone(); 4], {
        (0..4).map(|c| rotated(&edges, 7 * c)).collect()
    }] {
        let expected = reference::evaluate_rows(&graph, &outputs, &views(&columns), &[], n).unwrap();
        assert!(run_all(&program, &columns, &[], n) == expected);
    }
}

#[test]
fn simplifications() {
    let g = &mut Graph::new();
    let (x, y, u, v) = (g.column(0, 0), g.column(1, -1), g.uniform(0), g.uniform(1));
    let (zero, one, two) = (g.constant(Fr::ZERO), g.constant(Fr::ONE), g.constant(Fr::from(2u64)));
    let minus_one = g.constant(-Fr::ONE);
    assert_eq!((zero, one), (Graph::ZERO, Graph::ONE));
    assert_eq!((g.add(x, zero), g.add(zero, x), g.sub(x, zero), g.mul(x, one)), (x, x, x, x));
    assert_eq!((g.mul(x, zero), g.sub(x, x)), (zero, zero));
    let (minus_x, minus_y) = (g.neg(x), g.neg(y));
    assert_eq!((g.sub(zero, x), g.mul(minus_one, x), g.neg(minus_x)), (minus_x, minus_x, x));
    assert_eq!((g.add(x, x), g.mul(x, two)), (g.double(x), g.double(x)));
    assert_eq!((g.mul(x, x), g.mul(minus_x, minus_x)), (g.square(x), g.square(x)));
    assert_eq!((g.add(x, y), g.mul(x, y)), (g.add(y, x), g.mul(y, x)));
    let difference = g.sub(x, y);
    assert_eq!(
        (g.add(x, minus_y), g.add(minus_y, x), g.sub(minus_y, minus_x)),
        (difference, difference, difference)
    );
    assert_eq!((g.neg(difference), g.mul(minus_x, minus_y)), (g.sub(y, x), g.mul(x, y)));
    let three = g.add(one, two);
    assert_eq!(g.node(three), Node::Constant(Fr::from(3u64)));
    // Uniforms come together: u·(v·x) = (u·v)·x, and the same for sums; −u·x costs no negation.
    let (uv, vx) = (g.mul(u, v), g.mul(v, x));
    assert_eq!(g.mul(u, vx), g.mul(uv, x));
    let (u_plus_v, v_plus_x) = (g.add(u, v), g.add(x, v));
    assert_eq!(g.add(v_plus_x, u), g.add(u_plus_v, x));
    let (u_minus_v, x_minus_v) = (g.sub(u, v), g.sub(x, v));
    assert_eq!(g.add(u, x_minus_v), g.add(u_minus_v, x));
    let minus_u = g.neg(u);
    assert_eq!(g.mul(u, minus_x), g.mul(minus_u, x));
    // Nothing that a simplification has made unnecessary is left behind in programs.
    let unused = g.add(vx, v_plus_x);
    let program = g.compile(&[difference]);
    assert!(unused.index() > 0 && program.products_per_row() == 0 && program.additions_per_row() == 1);
}

#[test]
fn sums_and_horner() {
    let rng = &mut rng(1);
    let n = 70;
    let columns: Vec<_> = (0..5).map(|_| random_vec(rng, n)).collect();
    let uniforms = random_vec(rng, 1);
    let mut graph = Graph::new();
    let mut terms: Vec<_> = (0..4).map(|column| graph.column(column, 0)).collect();
    terms.insert(2, Graph::ONE);
    let (challenge, last) = (graph.uniform(0), graph.column(4, 0));
    let outputs = [
        graph.sum(&terms),
        graph.horner(&terms, challenge),
        graph.horner(&terms, last),
        graph.sum(&[]),
        graph.horner(&[], challenge),
        graph.horner(&terms[..1], challenge),
    ];
    let value = |row: usize, f: &dyn Fn(&[Fr]) -> Fr| {
        let mut values: Vec<_> = (0..4).map(|column| columns[column][row]).collect();
        values.insert(2, Fr::ONE);
        f(&values)
    };
    let horner = |values: &[Fr], x: Fr| values.iter().fold(Fr::ZERO, |acc, &v| acc * x + v);
    let results = run_all(&graph.compile(&outputs), &columns, &uniforms, n);
    for row in 0..n {
        assert_eq!(results[0][row], value(row, &|v| v.iter().copied().sum()));
        assert_eq!(results[1][row], value(row, &|v| horner(v, uniforms[0])));
        assert_eq!(results[2][row], value(row, &|v| horner(v, columns[4][row])));
        assert_eq!((results[3][row], results[4][row]), (Fr::ZERO, Fr::ZERO));
        assert_eq!(results[5][row], columns[0][row]);
    }
}

#[test]
fn programs_without_work_in_rows() {
    let n = 67;
    let columns = vec![random_vec(&mut rng(2), n)];
    let uniforms = random_vec(&mut rng(3), 2);
    let mut graph = Graph::new();
    let (u, v) = (graph.uniform(0), graph.uniform(1));
    let product = graph.mul(u, v);
    let shifted = graph.add(product, Graph::ONE);
    let (column, next) = (graph.column(0, 0), graph.column(0, 1));
    let program = graph.compile(&[shifted, column, next, column, Graph::ZERO]);
    assert_eq!((program.products_per_row(), program.additions_per_row(), program.registers()), (0, 0, 0));
    let results = run_all(&program, &columns, &uniforms, n);
    assert_eq!(results[0], vec![uniforms[0] * uniforms[1] + Fr::ONE; n]);
    assert_eq!((&results[1], &results[3]), (&columns[0], &columns[0]));
    assert_eq!(results[2], rotated(&columns[0], 1));
    assert_eq!(results[4], vec![Fr::ZERO; n]);
    // Uniforms alone need no column.
    assert_eq!(run_all(&graph.compile(&[shifted]), &[], &uniforms, 3)[0][2], results[0][0]);
    // Nothing at all, and no rows.
    let empty = graph.compile(&[]);
    assert_eq!((empty.instructions().len(), empty.outputs(), empty.columns().len()), (0, 0, 0));
    run(CpuPath::PLAIN, &empty, &[], &[], &mut []).unwrap();
    run(CpuPath::PLAIN, &program, &[&[]], &uniforms, &mut [&mut [], &mut [], &mut [], &mut [], &mut []])
        .unwrap();
    assert_eq!(scratch_bytes(&empty, 0), 0);
}

#[test]
fn what_programs_cost() {
    let mut graph = Graph::new();
    let [a, b, c, s] = [0, 1, 2, 3].map(|column| graph.column(column, 0));
    let a_next = graph.column(0, 1);
    let y = graph.uniform(0);
    // s·(a·b − c) and s·(a·b + a'), folded by y: a·b is shared, each other product once.
    let ab = graph.mul(a, b);
    let first = graph.sub(ab, c);
    let second = graph.add(ab, a_next);
    let gates = [first, second].map(|gate| graph.mul(s, gate));
    let folded = graph.horner(&gates, y);
    let program = graph.compile(&[folded]);
    assert_eq!(program.products_per_row(), 4);
    assert_eq!(program.additions_per_row(), 3);
    assert!(program.registers() <= 3, "{program:?}");
    let columns: Vec<_> =
        program.columns().iter().map(|(column, rotations)| (*column, rotations.clone())).collect();
    assert_eq!(columns, [(0, vec![0, 1]), (1, vec![0]), (2, vec![0]), (3, vec![0])]);
    // y is the only uniform, read as it is given.
    assert_eq!(program.uniform_steps(), [UniformStep::Given(0)]);
    assert_eq!(program.uniforms(&[Fr::from(7u64)]).unwrap(), [Fr::from(7u64)]);
    // A product that two sums use is not computed twice.
    let program = graph.compile(&[first, second]);
    assert_eq!((program.products_per_row(), program.additions_per_row()), (1, 2));
    // (a + b)·(c + s) folded with more of its kind, in a balanced tree of 64 leaves: one register a level, and one.
    let mut level: Vec<_> = (0..64).map(|column| graph.column(column, 5)).collect();
    while level.len() > 1 {
        level = level.chunks(2).map(|pair| graph.mul(pair[0], pair[1])).collect();
    }
    assert_eq!(graph.compile(&level).registers(), 7);
}

/// As deep as the terms are many: neither the stack nor the registers may grow with it.
#[test]
fn deep_graphs() {
    let mut graph = Graph::new();
    let column = graph.column(0, 0);
    let mut left = column;
    let mut right = column;
    for i in 0..100_000u64 {
        let constant = graph.constant(Fr::from(i + 3));
        let product = graph.mul(constant, column);
        let square = graph.square(left);
        left = graph.add(square, product);
        right = graph.mul(right, constant);
    }
    let program = graph.compile(&[left, right]);
    assert!(program.registers() <= 3, "{}", program.registers());
    assert_eq!(program.products_per_row(), 200_001);
}

#[test]
fn refusals() {
    let mut graph = Graph::new();
    let (column, uniform) = (graph.column(1, 0), graph.uniform(2));
    let sum = graph.add(column, uniform);
    let program = graph.compile(&[sum, column]);
    let (three, two, empty) = ([Fr::ONE; 3], [Fr::ONE; 2], [Fr::ONE; 0]);
    let result = |columns: &[&[Fr]], uniforms: &[Fr], lengths: &[usize]| {
        let mut outputs: Vec<_> = lengths.iter().map(|&n| vec![-Fr::ONE; n]).collect();
        let mut slices: Vec<_> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
        let result = run(CpuPath::PLAIN, &program, columns, uniforms, &mut slices);
        assert!(
            result.is_ok() || outputs.iter().flatten().all(|&v| v == -Fr::ONE),
            "written in spite of an error"
        );
        result
    };
    assert_eq!(result(&[&empty, &three], &three, &[3, 3]), Ok(()), "column 0 is not read");
    assert_eq!(result(&[&three], &three, &[3, 3]), Err(QuotientError::MissingColumn { column: 1, given: 1 }));
    assert_eq!(
        result(&[&empty, &three], &two, &[3, 3]),
        Err(QuotientError::MissingUniform { uniform: 2, given: 2 })
    );
    assert_eq!(
        result(&[&empty, &three], &three, &[3]),
        Err(QuotientError::Outputs { expected: 2, given: 1 })
    );
    assert_eq!(
        result(&[&empty, &three], &three, &[3, 2]),
        Err(QuotientError::OutputLength { output: 1, actual: 2, expected: 3 })
    );
    assert_eq!(
        result(&[&empty, &two], &three, &[3, 3]),
        Err(QuotientError::ColumnLength { column: 1, actual: 2, expected: 3 })
    );
    assert_eq!(graph.evaluate_uniforms(&[uniform, sum], &three), Err(QuotientError::NotUniform { index: 1 }));
    assert_eq!(
        graph.evaluate_uniforms(&[uniform], &two),
        Err(QuotientError::MissingUniform { uniform: 2, given: 2 })
    );
    // Nodes of a larger graph are no reason to stop.
    let mut small = Graph::new();
    let foreign = small.add(sum, sum);
    assert_eq!(foreign, Graph::ZERO);
    assert_eq!(run_all(&small.compile(&[sum]), &[], &[], 1), [[Fr::ZERO]]);
}

// Linear sub-expressions.

/// The columns of a random graph and the virtual ones, by the terms of the combinations.
fn with_virtual(
    graph: &Graph,
    combined: &Combined,
    columns: &[Vec<Fr>],
    uniforms: &[Fr],
    n: usize,
) -> Vec<Vec<Fr>> {
    let mut all = columns.to_vec();
    for combination in &combined.combinations {
        assert_eq!(combination.column as usize, all.len());
        assert!(combination.terms.len() >= 2);
        let (indices, nodes): (Vec<_>, Vec<_>) = combination.terms.iter().copied().unzip();
        let mut column = vec![Fr::ZERO; n];
        for (index, coefficient) in
            indices.into_iter().zip(graph.evaluate_uniforms(&nodes, uniforms).unwrap())
        {
            column = reference::axpy(&column, coefficient, &columns[index as usize]);
        }
        all.push(column);
    }
    all
}

#[test]
fn combining_keeps_values() {
    let (n, mut combinations, mut left_alone) = (5, 0, 0);
    for seed in 0..300 {
        let rng = &mut rng(seed);
        let mut graph = Graph::new();
        let columns: Vec<_> = (0..7).map(|_| random_vec(rng, n)).collect();
        let uniforms = random_vec(rng, 2);
        let coefficients = [Graph::ONE, graph.uniform(0), graph.uniform(1), graph.constant(-Fr::from(3u64))];
        let gate = graph.column(6, 0);
        let mut roots: Vec<NodeId> = Vec::new();
        let mut inner = Graph::ZERO;
        for _ in 0..1 + rng.next_u32() % 4 {
            // A sum of some columns, sometimes on top of the one before.
            let mut linear = if rng.next_u32().is_multiple_of(2) { inner } else { Graph::ZERO };
            for _ in 0..1 + rng.next_u32() % 6 {
                let column = graph.column(rng.next_u32() % 6, i32::from(rng.next_u32().is_multiple_of(4)));
                let term = graph.mul(coefficients[rng.next_u32() as usize % 4], column);
                linear = if rng.next_u32().is_multiple_of(3) {
                    graph.sub(linear, term)
                } else {
                    graph.add(linear, term)
                };
            }
            inner = graph.add(linear, coefficients[rng.next_u32() as usize % 4]);
            roots.push(match rng.next_u32() % 4 {
                0 => graph.square(inner),
                1 => linear,
                _ => graph.mul(inner, gate),
            });
        }
        let folded = graph.horner(&roots, coefficients[1]);
        roots.push(folded);
        let expected = reference::evaluate_rows(&graph, &roots, &views(&columns), &uniforms, n).unwrap();
        let before = graph.compile(&roots);
        let combined = graph.combine_linear(&roots, 7, (seed % 20) as u32);
        let all = with_virtual(&graph, &combined, &columns, &uniforms, n);
        let after = graph.compile(&combined.roots);
        assert!(run_all(&after, &all, &uniforms, n) == expected, "seed {seed}");
        match combined.combinations.len() {
            0 => {
                left_alone += 1;
                assert_eq!(before, after);
            }
            new => {
                combinations += new;
                assert!(after.columns().len() < before.columns().len(), "seed {seed}");
            }
        }
    }
    assert!(combinations > 50 && left_alone > 50, "{combinations} {left_alone}");
}

#[test]
fn forms() {
    let g = &mut Graph::new();
    let (x, y, y_next, u) = (g.column(0, 0), g.column(1, 0), g.column(1, 1), g.uniform(0));
    // u·(2x − y) − (y − u·y') + u + 1 − x·u·2
    let twice = g.double(x);
    let difference = g.sub(twice, y);
    let first = g.mul(u, difference);
    let scaled_next = g.mul(y_next, u);
    let second = g.sub(y, scaled_next);
    let constant = g.add(u, Graph::ONE);
    let node = g.sub(first, second);
    let node = g.add(node, constant);
    let last = g.mul(twice, u);
    let node = g.sub(node, last);
    let form = g.linear_form(node).unwrap();
    let minus_u = g.neg(u);
    let y_coefficient = g.sub(minus_u, Graph::ONE);
    let terms: Vec<_> = form.terms.iter().map(|t| (t.column, t.rotation)).collect();
    assert_eq!(terms, [(1, 0), (1, 1)], "x cancels");
    let nodes = [form.terms[0].coefficient, form.terms[1].coefficient, form.constant, y_coefficient];
    let values = g.evaluate_uniforms(&nodes, &[Fr::from(5u64)]).unwrap();
    assert_eq!(values, [-Fr::from(6u64), Fr::from(5u64), Fr::from(6u64), -Fr::from(6u64)]);
    let (square, product) = (g.square(x), g.mul(x, y));
    assert_eq!((g.linear_form(square), g.linear_form(product)), (None, None));
    assert!(g.linear_form(u).unwrap().terms.is_empty());
}

/// A Horner chain over many columns times another column: one virtual column in place of all.
#[test]
fn long_chain() {
    let start = Instant::now();
    for helper in [false, true] {
        let mut graph = Graph::new();
        let columns: Vec<_> = (0..342).map(|column| graph.column(column, 0)).collect();
        let (challenge, gate) = (graph.uniform(0), graph.column(342, 0));
        let chain = if helper {
            graph.horner(&columns, challenge)
        } else {
            columns.iter().fold(Graph::ZERO, |acc, &column| {
                let product = graph.mul(acc, challenge);
                graph.add(product, column)
            })
        };
        let root = graph.mul(chain, gate);
        let combined = graph.combine_linear(&[root], 1000, 16);
        assert_eq!((combined.combinations.len(), combined.combinations[0].terms.len()), (1, 342));
        let program = graph.compile(&combined.roots);
        assert_eq!(program.columns().keys().copied().collect::<Vec<_>>(), [342, 1000]);
        assert_eq!((program.products_per_row(), program.additions_per_row()), (1, 0));
        assert!(program.uniform_steps().is_empty() && graph.nodes().len() < 3000);
        // Coefficients are powers of the challenge, highest first.
        let nodes: Vec<_> = combined.combinations[0].terms.iter().map(|term| term.1).collect();
        let x = random_fr(&mut rng(4));
        let powers = reference::powers(Fr::ONE, x, 342);
        assert!(graph.evaluate_uniforms(&nodes, &[x]).unwrap().iter().eq(powers.iter().rev()));
    }
    assert!(start.elapsed() < Duration::from_secs(2));
}

/// Every prefix of a chain is used by itself: forms of all lengths, and none worth a column.
#[test]
fn prefixes_of_a_chain() {
    let mut graph = Graph::new();
    let challenge = graph.uniform(0);
    let mut chain = Graph::ZERO;
    let mut squares = Vec::new();
    for column in 0..342 {
        let (product, column) = (graph.mul(chain, challenge), graph.column(column, 0));
        chain = graph.add(product, column);
        squares.push(graph.square(chain));
    }
    let start = Instant::now();
    let combined = graph.combine_linear(&squares, 1000, 16);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!((combined.combinations.len(), combined.roots), (0, squares));
}

/// Columns of products (Σ of some columns)·(column 9), one for each list.
fn products(graph: &mut Graph, lists: &[&[(u32, i32)]]) -> Vec<NodeId> {
    let gate = graph.column(9, 0);
    let product = |list: &&[(u32, i32)]| {
        let terms: Vec<_> = list.iter().map(|&(column, rotation)| graph.column(column, rotation)).collect();
        let sum = graph.sum(&terms);
        graph.mul(sum, gate)
    };
    lists.iter().map(product).collect()
}

/// The columns of the combinations that are made of these lists.
fn combined(lists: &[&[(u32, i32)]], log_n: u32) -> Vec<Vec<u32>> {
    let mut graph = Graph::new();
    let roots = products(&mut graph, lists);
    let combined = graph.combine_linear(&roots, 100, log_n);
    combined.combinations.iter().map(|c| c.terms.iter().map(|term| term.0).collect()).collect()
}

#[test]
fn what_is_worth_combining() {
    type Case<'a> = (&'a str, &'a [&'a [(u32, i32)]], &'a [&'a [u32]]);
    let cases: &[Case<'_>] = &[
        ("two columns become one", &[&[(0, 0), (1, 0)]], &[&[0, 1]]),
        ("one of them is needed by itself", &[&[(0, 0), (1, 0)], &[(1, 0)]], &[]),
        ("also at another rotation", &[&[(0, 0), (1, 0)], &[(1, 5)]], &[]),
        ("two of three are not", &[&[(0, 0), (1, 0), (2, 0)], &[(1, 5)]], &[&[0, 1, 2]]),
        ("no two at one rotation", &[&[(0, 0), (1, 1)]], &[]),
        ("as many groups as columns", &[&[(0, 0), (1, 0)], &[(0, 1), (1, 1), (9, 1)]], &[]),
        ("one group at two rotations", &[&[(0, 0), (1, 0)], &[(0, 1), (1, 1)]], &[&[0, 1]]),
        ("two groups in one sum", &[&[(0, 0), (1, 0), (2, 1), (3, 1)], &[(8, 0)]], &[&[0, 1], &[2, 3]]),
        (
            "two groups that share columns",
            &[&[(0, 0), (1, 0), (2, 0)], &[(1, 0), (2, 0), (3, 0)]],
            &[&[0, 1, 2], &[1, 2, 3]],
        ),
    ];
    for (what, lists, expected) in cases {
        // Four sums of two groups that share columns cost more than half a transform of 2^8.
        let log_n = if what.contains("share") { 20 } else { 8 };
        assert_eq!(combined(lists, log_n), *expected, "{what}");
    }
    // A transform of 2^0 is two products: as much as two sums.
    assert_eq!(combined(&[&[(0, 0), (1, 0)]], 0), [[0u32; 0]; 0]);
}

#[test]
fn rotations_and_constants_of_combinations() {
    let mut graph = Graph::new();
    let (u, gate) = (graph.uniform(0), graph.column(2, 0));
    let roots: Vec<_> = [0, 3]
        .map(|rotation| {
            let (x, y) = (graph.column(0, rotation), graph.column(1, rotation));
            let sum = graph.add(x, y);
            let sum = graph.add(sum, u);
            graph.mul(sum, gate)
        })
        .to_vec();
    let combined = graph.combine_linear(&roots, 3, 10);
    let program = graph.compile(&combined.roots);
    let columns: Vec<_> =
        program.columns().iter().map(|(column, rotations)| (*column, rotations.clone())).collect();
    assert_eq!(columns, [(2, vec![0]), (3, vec![0, 3])]);
    // A linear root is a column.
    let (x, y) = (graph.column(0, -1), graph.column(1, -1));
    let sum = graph.sub(x, y);
    let combined = graph.combine_linear(&[sum, Graph::ONE], 3, 10);
    assert_eq!(combined.roots, [graph.column(3, -1), Graph::ONE]);
}
