//! Expressions over rows, in the obvious way.

use crate::field::Fr;
use crate::quotient::{Graph, Node, NodeId};

/// The values of `outputs` in rows 0..n, each node computed in each row. `None` if a column or uniform is missing or a
/// column is shorter than n.
pub fn evaluate_rows(
    graph: &Graph,
    outputs: &[NodeId],
    columns: &[&[Fr]],
    uniforms: &[Fr],
    n: usize,
) -> Option<Vec<Vec<Fr>>> {
    let mut results = vec![Vec::new(); outputs.len()];
    for row in 0..n {
        let mut values: Vec<Fr> = Vec::new();
        for node in graph.nodes() {
            let value = |id: NodeId| values[id.index()];
            values.push(match *node {
                Node::Column { column, rotation } => {
                    let at = (row as i128 + i128::from(rotation)).rem_euclid(n as i128);
                    *columns.get(column as usize)?.get(at as usize)?
                }
                Node::Uniform(index) => *uniforms.get(index as usize)?,
                Node::Constant(value) => value,
                Node::Add(a, b) => value(a) + value(b),
                Node::Sub(a, b) => value(a) - value(b),
                Node::Mul(a, b) => value(a) * value(b),
                Node::Neg(a) => -value(a),
                Node::Square(a) => value(a) * value(a),
                Node::Double(a) => value(a) + value(a),
            });
        }
        for (result, output) in results.iter_mut().zip(outputs) {
            result.push(*values.get(output.index())?);
        }
    }
    Some(results)
}
