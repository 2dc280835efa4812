//! Lookup arguments, in the obvious way.

use crate::field::{Field, Fr};
use std::collections::BTreeMap;

/// The order of canonical integers.
fn key(v: Fr) -> [u64; 4] {
    let [a, b, c, d] = v.to_canonical();
    [d, c, b, a]
}

/// m_j = #{i : f_i = t_j} at the first occurrence of each table value, 0 at later ones. `None` if a value is not in
/// the table.
pub fn multiplicities(values: &[Fr], table: &[Fr]) -> Option<Vec<u32>> {
    let mut first = BTreeMap::new();
    for (j, &t) in table.iter().enumerate() {
        first.entry(key(t)).or_insert(j);
    }
    let mut counts = vec![0; table.len()];
    for &v in values {
        counts[*first.get(&key(v))?] += 1;
    }
    Some(counts)
}

/// h_i = 1/(β + f_i) and t_j = m_j/(β + t_j). `None` if a denominator is zero.
pub fn logup_terms(
    values: &[Fr],
    table: &[Fr],
    multiplicities: &[u32],
    beta: Fr,
) -> Option<(Vec<Fr>, Vec<Fr>)> {
    let inverse = |&x: &Fr| (beta + x).inverse_vartime();
    let inputs = values.iter().map(inverse).collect::<Option<Vec<_>>>()?;
    let rows = table.iter().zip(multiplicities);
    let table = rows.map(|(t, &m)| Some(inverse(t)? * Fr::from(u64::from(m)))).collect::<Option<Vec<_>>>()?;
    Some((inputs, table))
}

/// φ_0 = 0, φ_{i+1} = φ_i + Σ_c inputs_{c,i} − table_i: the values φ_0 … φ_{n−1}, and φ_n.
pub fn grand_sum(inputs: &[&[Fr]], table: &[Fr]) -> (Vec<Fr>, Fr) {
    let mut phi = vec![];
    let mut acc = Fr::ZERO;
    for (i, &t) in table.iter().enumerate() {
        phi.push(acc);
        acc += inputs.iter().map(|column| column[i]).sum::<Fr>() - t;
    }
    (phi, acc)
}

/// (A', S'): A' is the input in ascending order; S' has A'_i where A'_i is new and, in ascending order from the first
/// row on, the remaining table values elsewhere. `None` if a value is not in the table or the lengths differ.
pub fn permuted_pair(input: &[Fr], table: &[Fr]) -> Option<(Vec<Fr>, Vec<Fr>)> {
    if input.len() != table.len() {
        return None;
    }
    let mut sorted = input.to_vec();
    sorted.sort_by_key(|&v| key(v));
    let mut left = table.to_vec();
    left.sort_by_key(|&v| key(v));
    let is_new = |i: usize| i == 0 || sorted[i] != sorted[i - 1];
    for i in (0..sorted.len()).filter(|&i| is_new(i)) {
        left.remove(left.iter().position(|&t| t == sorted[i])?);
    }
    let mut left = left.into_iter();
    let aligned = (0..sorted.len()).map(|i| if is_new(i) { Some(sorted[i]) } else { left.next() });
    Some((sorted.clone(), aligned.collect::<Option<Vec<_>>>()?))
}
