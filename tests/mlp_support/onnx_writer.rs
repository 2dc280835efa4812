//! Writes ONNX files byte by byte, valid or not, independently of the reader's own library.
//! Field numbers: <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>

/// A protobuf message under construction.
#[derive(Clone, Default)]
pub struct Message(pub Vec<u8>);

impl Message {
    pub fn raw_varint(&mut self, mut value: u64) -> &mut Self {
        while value > 0x7f {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    pub fn int(mut self, field: u64, value: i64) -> Self {
        self.raw_varint(field << 3).raw_varint(value as u64);
        self
    }

    pub fn float(mut self, field: u64, value: f32) -> Self {
        self.raw_varint(field << 3 | 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.raw_varint(field << 3 | 2).raw_varint(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    pub fn text(self, field: u64, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    pub fn message(self, field: u64, message: &Message) -> Self {
        self.bytes(field, &message.0)
    }
}

pub const FLOAT: i64 = 1;
pub const INT64: i64 = 7;
pub const DOUBLE: i64 = 11;

/// A TensorProto without data.
pub fn tensor_head(name: &str, data_type: i64, dims: &[i64]) -> Message {
    let head = dims.iter().fold(Message::default(), |m, d| m.int(1, *d));
    head.int(2, data_type).text(8, name)
}

/// FLOAT in raw_data.
pub fn tensor(name: &str, dims: &[i64], values: &[f32]) -> Message {
    let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    tensor_head(name, FLOAT, dims).bytes(9, &raw)
}

/// FLOAT in float_data.
pub fn tensor_typed(name: &str, dims: &[i64], values: &[f32]) -> Message {
    let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    tensor_head(name, FLOAT, dims).bytes(4, &raw)
}

/// INT64 in int64_data or raw_data.
pub fn tensor_ints(name: &str, values: &[i64], raw: bool) -> Message {
    let head = tensor_head(name, INT64, &[values.len() as i64]);
    if raw {
        return head.bytes(9, &values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>());
    }
    let mut packed = Message::default();
    values.iter().for_each(|v| {
        packed.raw_varint(*v as u64);
    });
    head.bytes(7, &packed.0)
}

pub fn attribute_int(name: &str, value: i64) -> Message {
    Message::default().text(1, name).int(3, value).int(20, 2)
}

pub fn attribute_float(name: &str, value: f32) -> Message {
    Message::default().text(1, name).float(2, value).int(20, 1)
}

pub fn attribute_tensor(name: &str, value: &Message) -> Message {
    Message::default().text(1, name).message(5, value).int(20, 4)
}

/// A NodeProto with one output.
pub fn node(op: &str, name: &str, inputs: &[&str], output: &str, attributes: &[Message]) -> Message {
    let node = inputs.iter().fold(Message::default(), |m, input| m.text(1, input));
    let node = node.text(2, output).text(3, name).text(4, op);
    attributes.iter().fold(node, |m, attribute| m.message(5, attribute))
}

/// A ValueInfoProto of FLOAT; a dimension of 0 is symbolic.
pub fn value(name: &str, dims: &[i64]) -> Message {
    let shape = dims.iter().fold(Message::default(), |m, dim| {
        let dim = match dim {
            0 => Message::default().text(2, "batch"),
            _ => Message::default().int(1, *dim),
        };
        m.message(1, &dim)
    });
    let tensor = Message::default().int(1, FLOAT).message(2, &shape);
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
}

/// A graph from `x` to `y`.
#[derive(Clone, Default)]
pub struct Graph {
    pub nodes: Vec<Message>,
    pub tensors: Vec<Message>,
    pub inputs: Vec<Message>,
    pub outputs: Vec<Message>,
    pub opset: i64,
}

impl Graph {
    pub fn new(input_dims: &[i64], nodes: Vec<Message>, tensors: Vec<Message>) -> Self {
        Self {
            nodes,
            tensors,
            inputs: vec![value("x", input_dims)],
            outputs: vec![value("y", &[])],
            opset: 17,
        }
    }

    /// A ModelProto.
    pub fn bytes(&self) -> Vec<u8> {
        let fields = [(1, &self.nodes), (5, &self.tensors), (11, &self.inputs), (12, &self.outputs)];
        let graph = fields.iter().fold(Message::default().text(2, "graph"), |m, (field, messages)| {
            messages.iter().fold(m, |m, message| m.message(*field, message))
        });
        let opset = Message::default().text(1, "").int(2, self.opset);
        Message::default().int(1, 8).text(2, "test").message(7, &graph).message(8, &opset).0
    }
}
