"""The networks as ONNX: Gemm and Relu in turn, float32, opset 13, `input` [1, n] to `logits` [1, 10]."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def save(path, name, weights, biases, trans_b):
    """`weights` are [out, in]; `trans_b` stores them so, otherwise as [in, out]."""
    nodes, tensors = [], []
    value = "input"
    for i, (w, b) in enumerate(zip(weights, biases)):
        stored = np.ascontiguousarray(w if trans_b else w.T)
        tensors += [numpy_helper.from_array(stored, f"weight{i}"), numpy_helper.from_array(b, f"bias{i}")]
        last = i == len(weights) - 1
        out = "logits" if last else f"hidden{i}"
        attributes = {"transB": 1} if trans_b else {}
        nodes.append(helper.make_node("Gemm", [value, f"weight{i}", f"bias{i}"], [out], f"gemm{i}", **attributes))
        value = out
        if not last:
            value = f"relu{i}"
            nodes.append(helper.make_node("Relu", [out], [value], f"relu{i}"))
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, weights[0].shape[1]])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, weights[-1].shape[0]])],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="zkwatt")
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def load(path):
    """Weights ([out, in]) and biases of a file that `save` wrote."""
    model = onnx.load(path)
    tensors = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    weights, biases = [], []
    for node in model.graph.node:
        if node.op_type == "Gemm":
            trans_b = any(a.name == "transB" and a.i for a in node.attribute)
            w = tensors[node.input[1]]
            weights.append(w if trans_b else w.T)
            biases.append(tensors[node.input[2]])
    return weights, biases
