//! A check of an ONNX file's protobuf encoding before it is decoded.
//!
//! The decoder trusts lengths: it allocates what a length says before it reads, does not hold an inner
//! message within the outer one, recurses as deep as the file does, and waits forever on a varint of more
//! than ten bytes. What passes [`check`] has none of this: decoding it takes memory in proportion to the
//! file, and bounded stack.

use crate::error::{Error, Result};

/// Nesting of messages. A model needs 7; more occurs only in nested subgraphs, which are not supported
/// anyway.
const MAX_DEPTH: usize = 24;
/// Messages and strings in a file. Each takes some hundred bytes of memory for as little as two of the file.
const MAX_ITEMS: usize = 1 << 17;

/// What a field of a message holds, as far as decoding depends on it.
#[derive(Copy, Clone, Debug)]
enum Content {
    Message(&'static Schema),
    Text,
    PackedVarint,
    PackedFixed(usize),
    Other,
}

/// The fields of one message type that the decoder reads; all others are skipped by their length.
#[derive(Debug)]
struct Schema {
    name: &'static str,
    fields: &'static [(u64, Content)],
}

use Content::{Message, PackedFixed, PackedVarint, Text};

static MODEL: Schema = Schema {
    name: "ModelProto",
    fields: &[(2, Text), (3, Text), (7, Message(&GRAPH)), (8, Message(&OPSET)), (14, Message(&ENTRY))],
};
static OPSET: Schema = Schema { name: "OperatorSetIdProto", fields: &[(1, Text)] };
static ENTRY: Schema = Schema { name: "StringStringEntryProto", fields: &[(1, Text), (2, Text)] };
static GRAPH: Schema = Schema {
    name: "GraphProto",
    fields: &[
        (1, Message(&NODE)),
        (2, Text),
        (5, Message(&TENSOR)),
        (11, Message(&VALUE)),
        (12, Message(&VALUE)),
        (13, Message(&VALUE)),
    ],
};
static NODE: Schema = Schema {
    name: "NodeProto",
    fields: &[(1, Text), (2, Text), (3, Text), (4, Text), (5, Message(&ATTRIBUTE)), (7, Text)],
};
static ATTRIBUTE: Schema = Schema {
    name: "AttributeProto",
    fields: &[(1, Text), (4, Text), (5, Message(&TENSOR)), (6, Message(&GRAPH)), (9, Text)],
};
static TENSOR: Schema = Schema {
    name: "TensorProto",
    fields: &[
        (4, PackedFixed(4)),
        (5, PackedVarint),
        (7, PackedVarint),
        (8, Text),
        (10, PackedFixed(8)),
        (13, Message(&ENTRY)),
    ],
};
static VALUE: Schema = Schema { name: "ValueInfoProto", fields: &[(1, Text), (2, Message(&TYPE))] };
static TYPE: Schema =
    Schema { name: "TypeProto", fields: &[(1, Message(&TENSOR_TYPE)), (4, Message(&SEQUENCE))] };
static SEQUENCE: Schema = Schema { name: "TypeProto.Sequence", fields: &[(1, Message(&TYPE))] };
static TENSOR_TYPE: Schema = Schema { name: "TypeProto.Tensor", fields: &[(2, Message(&SHAPE))] };
static SHAPE: Schema = Schema { name: "TensorShapeProto", fields: &[(1, Message(&DIMENSION))] };
static DIMENSION: Schema = Schema { name: "TensorShapeProto.Dimension", fields: &[(2, Text)] };

/// Checks that `bytes` is a well-formed ModelProto: every length within its message, every varint complete
/// and within 64 bits, packed arrays of whole elements, one graph, no groups, bounded depth and number of
/// messages.
pub(super) fn check(bytes: &[u8]) -> Result<()> {
    let mut checker = Checker { bytes, items: 0, graphs: 0 };
    checker.message(&MODEL, 0, bytes.len(), 0)?;
    match checker.graphs {
        1 => Ok(()),
        0 => Err(Error::format("ONNX file", "it has no graph; is it an ONNX model?")),
        n => Err(Error::format("ONNX file", format!("it has {n} graphs; one was expected"))),
    }
}

struct Checker<'a> {
    bytes: &'a [u8],
    items: usize,
    graphs: usize,
}

impl Checker<'_> {
    fn message(&mut self, schema: &'static Schema, start: usize, end: usize, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(bad(schema, start, format!("messages are nested more than {MAX_DEPTH} deep")));
        }
        let mut at = start;
        while at < end {
            let field_at = at;
            let (tag, after) = self.varint(schema, at, end)?;
            let (number, wire_type) = (tag >> 3, tag & 7);
            if number == 0 {
                return Err(bad(schema, field_at, "field number 0"));
            }
            at = match wire_type {
                0 => self.varint(schema, after, end)?.1,
                1 => after + 8,
                5 => after + 4,
                2 => {
                    let (len, data) = self.varint(schema, after, end)?;
                    let Some(data_end) = usize::try_from(len)
                        .ok()
                        .and_then(|len| data.checked_add(len))
                        .filter(|data_end| *data_end <= end)
                    else {
                        let left = end - data;
                        return Err(bad(
                            schema,
                            field_at,
                            format!(
                                "field {number} has {len} bytes but only {left} are left; the file is cut"
                            ),
                        ));
                    };
                    let content =
                        schema.fields.iter().find(|(n, _)| *n == number).map_or(Content::Other, |(_, c)| *c);
                    self.content(schema, number, content, data, data_end, depth)?;
                    data_end
                }
                _ => {
                    let reason = format!("field {number} has wire type {wire_type}, which ONNX does not use");
                    return Err(bad(schema, field_at, reason));
                }
            };
            if at > end {
                return Err(bad(schema, field_at, format!("field {number} is cut off")));
            }
        }
        Ok(())
    }

    fn content(
        &mut self,
        schema: &'static Schema,
        number: u64,
        content: Content,
        start: usize,
        end: usize,
        depth: usize,
    ) -> Result<()> {
        match content {
            Message(inner) => {
                self.count(schema, start)?;
                // Only the model's own graph; subgraphs of nodes are counted by their depth.
                self.graphs += usize::from(depth == 0 && inner.name == GRAPH.name);
                self.message(inner, start, end, depth + 1)
            }
            Text => self.count(schema, start),
            PackedVarint => {
                let mut at = start;
                while at < end {
                    at = self.varint(schema, at, end)?.1;
                }
                Ok(())
            }
            PackedFixed(width) if !(end - start).is_multiple_of(width) => Err(bad(
                schema,
                start,
                format!("field {number} has {} bytes, no multiple of {width}", end - start),
            )),
            PackedFixed(_) | Content::Other => Ok(()),
        }
    }

    fn count(&mut self, schema: &Schema, at: usize) -> Result<()> {
        self.items += 1;
        if self.items > MAX_ITEMS {
            return Err(bad(schema, at, format!("more than {MAX_ITEMS} messages and strings")));
        }
        Ok(())
    }

    /// The varint at `at` and the offset after it.
    fn varint(&self, schema: &Schema, at: usize, end: usize) -> Result<(u64, usize)> {
        let mut value = 0u64;
        for (i, byte) in self.bytes[at.min(end)..end].iter().take(10).enumerate() {
            if i == 9 && *byte > 1 {
                return Err(bad(schema, at, "a varint of more than 64 bits"));
            }
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte & 0x80 == 0 {
                return Ok((value, at + i + 1));
            }
        }
        Err(bad(schema, at, "a varint is cut off; the file is cut or damaged"))
    }
}

fn bad(schema: &Schema, offset: usize, reason: impl std::fmt::Display) -> Error {
    Error::format("ONNX file", format!("{} at byte {offset}: {reason}", schema.name))
}
