//! ONNX files: every supported operator against hand-computed results, every refusal with its message.
#![cfg(feature = "onnx")]

mod mlp_support;

use mlp_support::onnx_writer::*;
use zkwatt::mlp::Model;
use zkwatt::{Error, ErrorKind};

const X: [f32; 3] = [1.0, -2.0, 0.5];
/// 2 x 3
const W: [[f32; 3]; 2] = [[1.0, 2.0, 4.0], [-3.0, 0.25, 8.0]];
/// 2 x 2
const V: [[f32; 2]; 2] = [[1.0, -1.0], [0.5, 2.0]];

fn rows<const N: usize>(matrix: &[[f32; N]]) -> Vec<f32> {
    matrix.concat()
}

fn columns<const N: usize>(matrix: &[[f32; N]]) -> Vec<f32> {
    (0..N).flat_map(|c| matrix.iter().map(move |row| row[c])).collect()
}

fn read(graph: &Graph) -> Result<Model, Error> {
    Model::from_onnx_bytes("test", &graph.bytes())
}

fn outputs(graph: &Graph) -> Vec<f32> {
    read(graph).unwrap().infer(&X).unwrap()
}

/// The error's text, which must contain all of `parts`.
#[track_caller]
fn refused(graph: &Graph, parts: &[&str]) {
    let error = read(graph).expect_err("must be refused");
    let text = error.to_string();
    assert!(parts.iter().all(|part| text.contains(part)), "`{text}` lacks one of {parts:?}");
    assert_eq!(error.kind(), ErrorKind::BadInput);
}

/// x -> MatMul with W as [3, 2] -> y; nodes before and after can be put around it.
fn mat_mul(input: &str, output: &str) -> Message {
    node("MatMul", "mul", &[input, "w"], output, &[])
}

fn w() -> Message {
    tensor("w", &[3, 2], &columns(&W))
}

/// W·x
const WX: [f32; 2] = [1.0 - 4.0 + 2.0, -3.0 - 0.5 + 4.0];

#[test]
fn gemm_with_every_combination_of_attributes_and_bias() {
    for trans_b in [false, true] {
        for trans_a in [false, true] {
            for (alpha, beta) in [(None, None), (Some(0.5), None), (None, Some(-2.0)), (Some(2.0), Some(0.0))]
            {
                let biases: [(Option<&[i64]>, &[f32]); 7] = [
                    (None, &[0.0, 0.0]),
                    (Some(&[2]), &[1.0, 3.0]),
                    (Some(&[1, 2]), &[1.0, 3.0]),
                    (Some(&[1]), &[5.0]),
                    (Some(&[1, 1]), &[5.0]),
                    (Some(&[]), &[5.0]),
                    (Some(&[2]), &[-0.5, 0.25]),
                ];
                for (dims, bias) in biases {
                    let mut attributes = Vec::new();
                    attributes.extend(trans_a.then(|| attribute_int("transA", 1)));
                    attributes.extend(trans_b.then(|| attribute_int("transB", 1)));
                    attributes.extend(alpha.map(|alpha| attribute_float("alpha", alpha)));
                    attributes.extend(beta.map(|beta| attribute_float("beta", beta)));
                    let weight = if trans_b {
                        tensor("w", &[2, 3], &rows(&W))
                    } else {
                        tensor_typed("w", &[3, 2], &columns(&W))
                    };
                    let mut inputs = vec!["x", "w"];
                    inputs.extend(dims.map(|_| "c"));
                    let mut tensors = vec![weight];
                    tensors.extend(dims.map(|dims| tensor("c", dims, bias)));
                    let shape: &[i64] = if trans_a { &[3, 1] } else { &[0, 3] };
                    let graph =
                        Graph::new(shape, vec![node("Gemm", "fc", &inputs, "y", &attributes)], tensors);
                    let (alpha, beta) = (alpha.unwrap_or(1.0), beta.unwrap_or(1.0));
                    let expected = [0, 1].map(|i| alpha * WX[i] + beta * bias[i.min(bias.len() - 1)]);
                    assert_eq!(outputs(&graph), expected, "{trans_a} {trans_b} {alpha} {beta} {dims:?}");
                }
            }
        }
    }
}

#[test]
fn an_empty_name_is_no_bias() {
    let gemm = node("Gemm", "fc", &["x", "w", ""], "y", &[]);
    assert_eq!(outputs(&Graph::new(&[1, 3], vec![gemm], vec![w()])), WX);
}

#[test]
fn mat_mul_and_add_in_either_order_and_every_shape() {
    for (dims, bias) in [(&[2][..], &[1.0, -1.0][..]), (&[1, 2], &[1.0, -1.0]), (&[], &[4.0]), (&[1], &[4.0])]
    {
        for inputs in [["m", "b"], ["b", "m"]] {
            let nodes = vec![mat_mul("x", "m"), node("Add", "add", &inputs, "y", &[])];
            let graph = Graph::new(&[1, 3], nodes, vec![w(), tensor("b", dims, bias)]);
            let expected = [WX[0] + bias[0], WX[1] + bias[bias.len() - 1]];
            assert_eq!(outputs(&graph), expected);
        }
    }
}

#[test]
fn inputs_of_every_shape() {
    let flat = || vec![mat_mul("x", "y")];
    let flattened = |axis: Option<i64>| {
        let attributes: Vec<_> = axis.map(|axis| attribute_int("axis", axis)).into_iter().collect();
        vec![node("Flatten", "flat", &["x"], "f", &attributes), mat_mul("f", "y")]
    };
    for (dims, nodes) in [
        (&[3][..], flat()),
        (&[1, 3], flat()),
        (&[0, 3], flat()),
        (&[-1, 3], flat()),
        (&[1, 1, 3], flat()),
        (&[0, 1, 3, 1], flattened(None)),
        (&[0, 3, 1], flattened(Some(1))),
        (&[1, 3, 1], flattened(Some(-2))),
        (&[1, 1, 3], flattened(Some(2))),
        (&[3], flattened(Some(0))),
    ] {
        let graph = Graph::new(dims, nodes, vec![w()]);
        assert_eq!(read(&graph).unwrap().input_len, 3);
        assert_eq!(outputs(&graph), WX, "{dims:?}");
    }
    // A file need not state the shape.
    let mut graph = Graph::new(&[1, 3], flattened(None), vec![w()]);
    graph.inputs = vec![Message::default().text(1, "x")];
    assert_eq!(outputs(&graph), WX);
}

#[test]
fn reshape_keeps_the_elements() {
    for (i, shape) in [&[-1, 3][..], &[1, 3], &[0, -1], &[3], &[-1], &[1, 1, 3]].into_iter().enumerate() {
        let nodes = vec![node("Reshape", "flat", &["x", "s"], "f", &[]), mat_mul("f", "y")];
        let graph = Graph::new(&[0, 1, 3], nodes, vec![w(), tensor_ints("s", shape, i % 2 == 0)]);
        assert_eq!(outputs(&graph), WX, "{shape:?}");
    }
    for shape in
        [&[1, 4][..], &[-1, 2], &[-1, -1], &[-2, 3], &[0, 0, 0, 0], &[i64::MAX, i64::MAX, 4], &[-1, i64::MAX]]
    {
        let nodes = vec![node("Reshape", "flat", &["x", "s"], "f", &[]), mat_mul("f", "y")];
        let graph = Graph::new(&[1, 3], nodes, vec![w(), tensor_ints("s", shape, true)]);
        refused(&graph, &["node `flat` (Reshape)", "changes the number of elements"]);
    }
    let nodes =
        vec![node("Reshape", "flat", &["x", "s"], "f", &[attribute_int("allowzero", 1)]), mat_mul("f", "y")];
    refused(&Graph::new(&[1, 3], nodes, vec![w(), tensor_ints("s", &[0, 3], true)]), &["flat"]);
}

#[test]
fn two_layers_with_relu_identity_and_constants() {
    let nodes = vec![
        node("Constant", "", &[], "v", &[attribute_tensor("value", &tensor("", &[2, 2], &rows(&V)))]),
        node("Constant", "", &[], "c", &[attribute_float("value_float", 0.5)]),
        node("Identity", "", &["v"], "v2", &[]),
        mat_mul("x", "m"),
        node("Relu", "", &["m"], "r", &[]),
        node("Identity", "", &["r"], "i", &[]),
        node("Gemm", "", &["i", "v2", "c"], "y", &[attribute_int("transB", 1)]),
    ];
    let model = read(&Graph::new(&[1, 3], nodes, vec![w()])).unwrap();
    assert_eq!((model.dims(), model.parameters()), (vec![3, 2, 2], 6 + 2 + 4 + 2));
    let hidden = WX.map(|v| v.max(0.0));
    let expected = V.map(|row| row[0] * hidden[0] + row[1] * hidden[1] + 0.5);
    assert_eq!(model.infer(&X).unwrap(), expected);
}

#[test]
fn layers_without_relu_between_are_folded() {
    let nodes = vec![
        node("Gemm", "a", &["x", "w", "b"], "m", &[]),
        node("Gemm", "b", &["m", "v"], "n", &[attribute_int("transB", 1)]),
        node("Add", "c", &["n", "d"], "y", &[]),
    ];
    let tensors = vec![
        w(),
        tensor("v", &[2, 2], &rows(&V)),
        tensor("b", &[2], &[1.0, 2.0]),
        tensor("d", &[2], &[3.0, 4.0]),
    ];
    let model = read(&Graph::new(&[1, 3], nodes, tensors)).unwrap();
    assert_eq!(model.layers.len(), 1);
    let hidden = [WX[0] + 1.0, WX[1] + 2.0];
    let expected = [hidden[0] - hidden[1] + 3.0, 0.5 * hidden[0] + 2.0 * hidden[1] + 4.0];
    assert_eq!(model.infer(&X).unwrap(), expected);
}

#[test]
fn softmax_and_arg_max_at_the_end_are_dropped() {
    let axis = |value| attribute_int("axis", value);
    for (heads, dropped) in [
        (vec![("Softmax", vec![])], vec!["Softmax"]),
        (vec![("Softmax", vec![axis(1)])], vec!["Softmax"]),
        (vec![("LogSoftmax", vec![axis(-1)])], vec!["LogSoftmax"]),
        (vec![("ArgMax", vec![axis(1), attribute_int("keepdims", 0)])], vec!["ArgMax"]),
        (
            vec![("Softmax", vec![]), ("Identity", vec![]), ("ArgMax", vec![axis(-1)])],
            vec!["Softmax", "ArgMax"],
        ),
    ] {
        let mut nodes = vec![mat_mul("x", "0")];
        let last = heads.len();
        for (i, (op, attributes)) in heads.iter().enumerate() {
            let output = if i + 1 == last { "y".into() } else { (i + 1).to_string() };
            nodes.push(node(op, "head", &[&i.to_string()], &output, attributes));
        }
        let model = read(&Graph::new(&[1, 3], nodes, vec![w()])).unwrap();
        assert_eq!(model.dropped, dropped);
        assert_eq!(model.infer(&X).unwrap(), WX);
    }
    let after = |nodes: Vec<Message>| Graph::new(&[1, 3], nodes, vec![w(), tensor("v", &[2, 2], &rows(&V))]);
    let head = |op: &str, attributes: &[Message]| {
        after(vec![mat_mul("x", "m"), node(op, "head", &["m"], "y", attributes)])
    };
    refused(&head("Softmax", &[axis(0)]), &["node `head` (Softmax)", "axis 0"]);
    refused(&head("ArgMax", &[]), &["node `head` (ArgMax)", "axis 0"]);
    refused(&head("ArgMax", &[axis(1), attribute_int("select_last_index", 1)]), &["select_last_index"]);
    let middle = vec![
        mat_mul("x", "m"),
        node("Softmax", "head", &["m"], "s", &[]),
        node("MatMul", "next", &["s", "v"], "y", &[]),
    ];
    refused(&after(middle), &["node `next` (MatMul)", "follows Softmax"]);
    let first = vec![node("Softmax", "head", &["x"], "s", &[]), mat_mul("s", "y")];
    refused(&after(first), &["node `head` (Softmax)", "before any dense layer"]);
}

#[test]
fn doubles_are_converted() {
    let doubles: Vec<u8> = columns(&W).iter().flat_map(|v| f64::from(*v).to_le_bytes()).collect();
    for field in [9, 10] {
        let weight = tensor_head("w", DOUBLE, &[3, 2]).bytes(field, &doubles);
        assert_eq!(outputs(&Graph::new(&[1, 3], vec![mat_mul("x", "y")], vec![weight])), WX);
    }
}

#[test]
fn initializers_listed_as_inputs_are_no_inputs() {
    let mut graph = Graph::new(&[1, 3], vec![mat_mul("x", "y")], vec![w()]);
    graph.inputs.push(value("w", &[3, 2]));
    assert_eq!(outputs(&graph), WX);
}

#[test]
fn unsupported_operators_and_attributes_are_named() {
    let one = |node: Message| Graph::new(&[1, 3], vec![node], vec![w()]);
    refused(
        &one(node("Conv", "fc1", &["x", "w"], "y", &[])),
        &["node `fc1` (Conv)", "supported: Gemm, MatMul, Add, Relu, Flatten, Reshape, Identity"],
    );
    refused(&one(node("Sigmoid", "", &["x"], "y", &[])), &["node of output `y` (Sigmoid)"]);
    refused(&one(node("Gemm", "fc1", &["x", "w"], "y", &[attribute_int("broadcast", 1)])), &["`broadcast`"]);
    let twice = [attribute_int("transB", 0), attribute_int("transB", 1)];
    refused(&one(node("Gemm", "fc1", &["x", "w"], "y", &twice)), &["`transB` occurs twice"]);
    refused(&one(node("Gemm", "fc1", &["x", "w"], "y", &[attribute_float("transB", 1.0)])), &["no integer"]);
    refused(&one(mat_mul("x", "y").text(7, "com.example")), &["node `mul` (MatMul)", "domain `com.example`"]);
    refused(&one(mat_mul("x", "y").text(2, "z")), &["has 2 outputs"]);
    refused(&one(node("MatMul", "mul", &["x"], "y", &[])), &["has 1 inputs; 2 were expected"]);
    refused(&one(node("MatMul", "mul", &["w", "x"], "y", &[])), &["the weight must be the second"]);
    refused(&one(node("Relu", "r", &["x"], "y", &[])), &["before the first dense layer"]);
    refused(&one(node("Add", "a", &["x", "w"], "y", &[])), &["must follow a Gemm or MatMul"]);
    let mut old = one(mat_mul("x", "y"));
    old.opset = 6;
    refused(&old, &["operator set 6"]);
}

#[test]
fn shapes_that_do_not_fit_are_named() {
    let one = |dims: &[i64], node: Message, weight: Message| Graph::new(dims, vec![node], vec![weight]);
    refused(&one(&[1, 4], mat_mul("x", "y"), w()), &["node `mul` (MatMul)", "takes 3 values, but 4"]);
    refused(&one(&[64, 3], mat_mul("x", "y"), w()), &["64 samples at once"]);
    let gemm = || node("Gemm", "fc", &["x", "w"], "y", &[]);
    refused(&one(&[1, 4], gemm(), w()), &["node `fc` (Gemm)", "takes 3 values, but 4"]);
    refused(&one(&[8, 3], gemm(), w()), &["8 samples at once"]);
    refused(&one(&[1, 1, 3], gemm(), w()), &["put a Flatten before it"]);
    refused(&one(&[1, 3], gemm(), tensor("w", &[6], &columns(&W))), &["[6]", "two dimensions"]);
    refused(&one(&[1, 3], gemm(), tensor("w", &[3, 0], &[])), &["3 x 0"]);
    refused(
        &one(&[1, 3], gemm(), tensor("w", &[3, 2], &[1.0; 5])),
        &["tensor `w`", "20 bytes", "6 elements"],
    );
    refused(&one(&[1, 3], gemm(), tensor_typed("w", &[3, 2], &[1.0; 7])), &["tensor `w`", "7 elements"]);
    refused(&one(&[1, 3], gemm(), tensor("w", &[-3, 2], &[])), &["a dimension of -3"]);
    refused(&one(&[1, 3], gemm(), tensor("w", &[i64::MAX, i64::MAX], &[])), &["beyond what a machine"]);
    refused(&one(&[1, 3], gemm(), tensor("w", &[1 << 40, 2], &[])), &["tensor `w`"]);
    refused(&one(&[0, 0, 3], gemm(), w()), &["input `x`", "dimension 1 is not fixed"]);
    refused(&one(&[1, 1 << 40], gemm(), w()), &["input `x`", "dimension 1"]);
    let bias = |dims: &[i64], values: &[f32]| {
        let gemm = node("Gemm", "fc", &["x", "w", "c"], "y", &[]);
        Graph::new(&[1, 3], vec![gemm], vec![w(), tensor("c", dims, values)])
    };
    refused(&bias(&[3], &[1.0; 3]), &["node `fc` (Gemm)", "[3]", "[2] was expected"]);
    refused(&bias(&[2, 1], &[1.0; 2]), &["[2, 1]"]);
    refused(&bias(&[1, 1, 2], &[1.0; 2]), &["[1, 1, 2]"]);
}

#[test]
fn values_that_are_not_finite_are_named() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut weights = columns(&W);
        weights[4] = bad;
        let graph = Graph::new(&[1, 3], vec![mat_mul("x", "y")], vec![tensor("w", &[3, 2], &weights)]);
        // Element (2, 0) of the file's [3, 2] is element 2 of the layer's [2, 3].
        refused(&graph, &["node `mul` (MatMul)", "weight 2 of layer 0 is", "finite"]);
    }
    let nodes = vec![mat_mul("x", "m"), node("Add", "", &["m", "b"], "y", &[])];
    let graph = Graph::new(&[1, 3], nodes, vec![w(), tensor("b", &[2], &[0.0, f32::NAN])]);
    refused(&graph, &["layer 0", "bias 1 is NaN"]);
}

#[test]
fn tensors_of_other_types_and_places_are_refused() {
    let with = |weight| Graph::new(&[1, 3], vec![mat_mul("x", "y")], vec![weight]);
    refused(
        &with(tensor_head("w", 10, &[3, 2]).bytes(9, &[0; 12])),
        &["tensor `w`", "FLOAT16", "FLOAT was expected"],
    );
    refused(&with(tensor_head("w", 99, &[3, 2])), &["type 99"]);
    refused(&with(tensor_head("w", FLOAT, &[3, 2]).int(14, 1)), &["tensor `w`", "another file"]);
    refused(&with(tensor("w", &[3, 2], &columns(&W)).bytes(4, &[0; 24])), &["raw_data and in float_data"]);
    refused(&with(tensor("v", &[3, 2], &columns(&W))), &["node `mul` (MatMul)", "`w` is no constant"]);
}

#[test]
fn graphs_that_are_no_chain_are_refused() {
    let graph = |nodes: Vec<Message>| Graph::new(&[1, 3], nodes, vec![w(), tensor("v", &[2, 2], &rows(&V))]);
    let v = |input: &str, output: &str| node("MatMul", output, &[input, "v"], output, &[]);
    refused(
        &graph(vec![mat_mul("x", "m"), v("m", "a"), v("m", "b"), node("Add", "sum", &["a", "b"], "y", &[])]),
        &["node `a` (MatMul) and node `b` (MatMul)", "branches are not supported"],
    );
    refused(&graph(vec![mat_mul("x", "m"), node("Add", "sum", &["m", "m"], "y", &[])]), &["branches"]);
    refused(&graph(vec![mat_mul("x", "m")]), &["value `m` leads nowhere"]);
    refused(&graph(vec![mat_mul("x", "y"), v("y", "z")]), &["node `z` (MatMul)", "graph's output"]);
    refused(&graph(vec![mat_mul("x", "y"), v("stray", "z")]), &["node `z` (MatMul)", "not on the chain"]);
    refused(&graph(vec![mat_mul("x", "y"), v("a", "b"), v("b", "a")]), &["not on the chain"]);
    refused(&graph(vec![mat_mul("x", "y"), v("y", "x")]), &["name of the graph's input"]);
    refused(&graph(vec![mat_mul("x", "y"), v("x", "y")]), &["`y` already has a value"]);
    refused(&graph(vec![mat_mul("x", "w")]), &["`w` already has a value"]);
    refused(&graph(vec![mat_mul("x", "")]), &["no name"]);
    let mut twice = graph(vec![mat_mul("x", "y")]);
    twice.tensors.push(w());
    refused(&twice, &["tensor `w`", "two initializers"]);
    let mut inputs = graph(vec![mat_mul("x", "y")]);
    inputs.inputs.push(value("x2", &[1]));
    refused(&inputs, &["2 inputs (x, x2)"]);
    inputs.inputs.clear();
    refused(&inputs, &["0 inputs"]);
    let mut outputs = graph(vec![mat_mul("x", "y")]);
    outputs.outputs.push(value("z", &[1]));
    refused(&outputs, &["2 outputs (y, z)"]);
    refused(
        &graph(vec![mat_mul("x", "m"), node("Relu", "last", &["m"], "y", &[])]),
        &["layer 0", "is the last one and has a ReLU"],
    );
    // The graph whose output is its input has no layers.
    let mut empty = graph(vec![]);
    empty.outputs = vec![value("x", &[1])];
    refused(&empty, &["no layers"]);
}
