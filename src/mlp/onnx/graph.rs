//! The walk from a graph's input to its output.

use std::collections::{HashMap, HashSet};

use rten_onnx::onnx::{GraphProto, NodeProto, ValueInfoProto};

use super::operators::Chain;
use super::tensor::Constant;
use crate::error::{Error, Result};
use crate::mlp::model::{MAX_WIDTH, Model};

/// What the errors about operators list.
pub(super) const SUPPORTED: &str = "Gemm, MatMul, Add, Relu, Flatten, Reshape, Identity, Constant, and at the \
                                    end Softmax, LogSoftmax, ArgMax";

/// Nodes in a graph.
const MAX_NODES: usize = 4096;

/// Constants by name.
pub(super) type Constants<'a> = HashMap<&'a str, Constant<'a>>;

/// "node `fc1` (Conv)"; a node without a name goes by its output.
pub(super) fn location(node: &NodeProto) -> String {
    let op = node.op_type.as_deref().unwrap_or("no operator");
    match node.name.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => format!("node `{name}` ({op})"),
        None => format!("node of output `{}` ({op})", node.output.first().map_or("", String::as_str)),
    }
}

pub(super) fn read(name: &str, graph: &GraphProto, max_parameters: usize) -> Result<Model> {
    if graph.node.len() > MAX_NODES {
        let reason = format!("it has {} nodes; at most {MAX_NODES} are supported", graph.node.len());
        return Err(Error::model("graph", reason));
    }
    for node in &graph.node {
        if let Some(domain) = node.domain.as_deref().filter(|domain| !matches!(*domain, "" | "ai.onnx")) {
            let reason = format!("operators of domain `{domain}` are not supported; supported: {SUPPORTED}");
            return Err(Error::model(location(node), reason));
        }
        if !super::operators::is_supported(node.op_type.as_deref().unwrap_or("")) {
            return Err(Error::model(location(node), format!("is not supported; supported: {SUPPORTED}")));
        }
        let [output] = node.output.as_slice() else {
            let reason = format!("has {} outputs; one was expected", node.output.len());
            return Err(Error::model(location(node), reason));
        };
        if output.is_empty() {
            return Err(Error::model(location(node), "its output has no name"));
        }
    }

    let constants = constants(graph)?;
    let input = single_input(graph, &constants)?;
    let output = match graph.output.as_slice() {
        [output] => output.name.as_deref().unwrap_or(""),
        others => {
            let reason =
                format!("it has {} outputs ({}); one was expected", others.len(), names(others.iter()));
            return Err(Error::model("graph", reason));
        }
    };
    let chain = Chain::new(input_shape(input)?, &constants, max_parameters);
    walk(chain, graph, &constants, input, output)?.finish(name)
}

/// Initializers, Constant nodes, and Identity nodes of those. Checks that every value has one name and one
/// source.
fn constants(graph: &GraphProto) -> Result<Constants<'_>> {
    let mut constants = Constants::new();
    for tensor in &graph.initializer {
        let name = tensor.name.as_deref().unwrap_or("");
        if constants.insert(name, Constant::Tensor(tensor)).is_some() {
            return Err(Error::model(format!("tensor `{name}`"), "two initializers have this name"));
        }
    }
    let mut sources: HashSet<&str> = constants.keys().copied().collect();
    for node in &graph.node {
        let output = node.output[0].as_str();
        if !sources.insert(output) {
            let reason = format!("its output `{output}` already has a value from elsewhere");
            return Err(Error::model(location(node), reason));
        }
        match (node.op_type.as_deref(), node.input.as_slice()) {
            (Some("Constant"), []) => {
                constants.insert(output, constant(node)?);
            }
            (Some("Constant"), _) => {
                return Err(Error::model(location(node), "has inputs; none were expected"));
            }
            // Nodes are in topological order, so a constant is known before its Identity.
            (Some("Identity"), [input]) => {
                if let Some(constant) = constants.get(input.as_str()).cloned() {
                    constants.insert(output, constant);
                }
            }
            _ => {}
        }
    }
    Ok(constants)
}

fn constant(node: &NodeProto) -> Result<Constant<'_>> {
    let unsupported = || {
        Error::model(
            location(node),
            "holds something else than one tensor, float or integer, which is not supported",
        )
    };
    let [attribute] = node.attribute.as_slice() else { return Err(unsupported()) };
    match attribute.name.as_deref() {
        Some("value") => attribute.t.as_ref().map(Constant::Tensor),
        Some("value_float") => attribute.f.map(Constant::Float),
        Some("value_int") => attribute.i.map(Constant::Int),
        _ => None,
    }
    .ok_or_else(unsupported)
}

/// The one input that is no initializer (files of IR version 3 list those as inputs too).
fn single_input<'a>(graph: &'a GraphProto, constants: &Constants<'_>) -> Result<&'a ValueInfoProto> {
    let produced: HashSet<&str> = graph.node.iter().map(|node| node.output[0].as_str()).collect();
    let is_initializer = |name: &str| constants.contains_key(name) && !produced.contains(name);
    let inputs: Vec<_> =
        graph.input.iter().filter(|i| !is_initializer(i.name.as_deref().unwrap_or(""))).collect();
    let [input] = inputs.as_slice() else {
        let reason =
            format!("it has {} inputs ({}); one was expected", inputs.len(), names(inputs.iter().copied()));
        return Err(Error::model("graph", reason));
    };
    let name = input.name.as_deref().unwrap_or("");
    if name.is_empty() {
        return Err(Error::model("graph", "its input has no name"));
    }
    if let Some(node) = graph.node.iter().find(|node| node.output[0] == name) {
        let reason = format!("its output `{name}` has the name of the graph's input");
        return Err(Error::model(location(node), reason));
    }
    Ok(input)
}

/// The input's shape for one sample: a symbolic first dimension is 1. `None` if the file does not say.
fn input_shape(input: &ValueInfoProto) -> Result<Option<Vec<usize>>> {
    let tensor = input.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
    let Some(shape) = tensor.and_then(|t| t.shape.as_ref()) else { return Ok(None) };
    let location = format!("input `{}`", input.name.as_deref().unwrap_or(""));
    let mut dims = Vec::with_capacity(shape.dim.len());
    for (i, dim) in shape.dim.iter().enumerate() {
        dims.push(match dim.dim_value {
            Some(value @ 1..) if value <= MAX_WIDTH as i64 => value as usize,
            // Exporters write a dynamic batch as a name, as nothing, as 0 or as -1.
            None | Some(-1 | 0) if i == 0 && shape.dim.len() > 1 => 1,
            Some(value) => {
                let reason = format!("dimension {i} is {value}; 1 to {MAX_WIDTH} are supported");
                return Err(Error::model(location, reason));
            }
            None => {
                let reason =
                    format!("dimension {i} is not fixed; only the first of several, the batch, may be open");
                return Err(Error::model(location, reason));
            }
        });
    }
    let len = dims.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim));
    if len.is_none_or(|len| len > MAX_WIDTH) {
        let reason = format!("has the shape {dims:?}; at most {MAX_WIDTH} values are supported");
        return Err(Error::model(location, reason));
    }
    Ok(Some(dims))
}

/// Appends every node from the input to the output to `chain`.
fn walk<'a>(
    mut chain: Chain<'a>,
    graph: &GraphProto,
    constants: &Constants<'_>,
    input: &ValueInfoProto,
    output: &str,
) -> Result<Chain<'a>> {
    let mut consumers: HashMap<&str, Vec<&NodeProto>> = HashMap::new();
    let mut open = 0usize;
    for node in graph.node.iter().filter(|node| !constants.contains_key(node.output[0].as_str())) {
        open += 1;
        for value in &node.input {
            consumers.entry(value).or_default().push(node);
        }
    }
    let mut value = input.name.as_deref().unwrap_or("");
    let mut visited = HashSet::new();
    loop {
        let next = consumers.get(value).map_or(&[][..], Vec::as_slice);
        let node = match next {
            [] if value == output => break,
            [] => {
                let reason = format!(
                    "value `{value}` leads nowhere; a chain from input to output `{output}` was expected"
                );
                return Err(Error::model("graph", reason));
            }
            [node, ..] if value == output => {
                let reason = format!("uses the graph's output `{output}`; nothing may follow the output");
                return Err(Error::model(location(node), reason));
            }
            [node] => *node,
            [node, ..] => {
                let all: Vec<_> = next.iter().map(|node| location(node)).collect();
                let reason = format!(
                    "value `{value}` goes to {}; branches are not supported, only one chain from \
                     input to output",
                    all.join(" and ")
                );
                return Err(Error::model(location(node), reason));
            }
        };
        if !visited.insert(node.output[0].as_str()) {
            return Err(Error::model(location(node), "is part of a cycle"));
        }
        chain.push(node, value)?;
        value = &node.output[0];
    }
    if visited.len() != open {
        let stray = graph.node.iter().find(|n| {
            !constants.contains_key(n.output[0].as_str()) && !visited.contains(n.output[0].as_str())
        });
        let location = stray.map_or_else(|| "graph".to_owned(), location);
        let reason = format!("is not on the chain from the input to the output `{output}`");
        return Err(Error::model(location, reason));
    }
    Ok(chain)
}

fn names<'a>(values: impl Iterator<Item = &'a ValueInfoProto>) -> String {
    let names: Vec<_> = values.map(|v| v.name.as_deref().unwrap_or("")).collect();
    names.join(", ")
}
