//! A gate of a plonkish circuit over columns, in arkworks' arithmetic.

use crate::Conforming;
use crate::support::{CHUNK, all_ours, ark, arks, assert_same, mixed, randoms};
use zkwatt::kernels::quotient::Graph;

/// s·(a·b + a(ω·X) − c²) + y·(c − u·a(X/ω)), and the same without s.
pub fn gates<D: Conforming>(device: &D) {
    let mut graph = Graph::new();
    let [a, b, c, s] = [0, 1, 2, 3].map(|column| graph.column(column, 0));
    let (next, before) = (graph.column(0, 1), graph.column(0, -1));
    let (y, u) = (graph.uniform(0), graph.uniform(1));
    let (product, square) = (graph.mul(a, b), graph.square(c));
    let first = graph.add(product, next);
    let first = graph.sub(first, square);
    let selected = graph.mul(s, first);
    let scaled = graph.mul(u, before);
    let second = graph.sub(c, scaled);
    let outputs = [graph.horner(&[second, selected], y), graph.horner(&[second, first], y)];
    let program = graph.compile(&outputs);
    let uniforms = randoms(2, 1);
    for n in [1, 2, 64, 100, CHUNK + 1] {
        let columns: Vec<_> = (0..4).map(|seed| mixed(n, seed)).collect();
        let [a, b, c, s] = [0, 1, 2, 3].map(|i: usize| arks(&columns[i]));
        let (y, u) = (ark(&uniforms[0]), ark(&uniforms[1]));
        let row = |i: usize, s: ark_bn254::Fr| {
            s * (a[i] * b[i] + a[(i + 1) % n] - c[i] * c[i]) + y * (c[i] - u * a[(i + n - 1) % n])
        };
        let expected: Vec<_> = (0..n).map(|i| row(i, s[i])).collect();
        let without: Vec<_> = (0..n).map(|i| row(i, 1.into())).collect();

        let buffers: Vec<_> = columns.iter().map(|column| device.upload(column).unwrap()).collect();
        let buffers: Vec<_> = buffers.iter().collect();
        let mut outputs = [randoms(n, 2), randoms(n, 3)].map(|before| device.upload(&before).unwrap());
        device.run_program(&program, &buffers, &uniforms, &mut outputs.each_mut()).unwrap();
        let [with_selector, without_selector] =
            outputs.each_ref().map(|output| device.download_blocking(output).unwrap());
        assert_same(&with_selector, &all_ours(&expected), "gates");
        assert_same(&without_selector, &all_ours(&without), "gates without selector");
    }
}
