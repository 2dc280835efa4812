//! Constant tensors: initializers and Constant nodes.

use rten_onnx::onnx::{DataLocation, DataType, TensorProto};

use crate::error::{Error, Result};

/// A constant; the elements are converted when they are asked for.
#[derive(Clone)]
pub(super) enum Constant<'a> {
    Tensor(&'a TensorProto),
    Float(f32),
    Int(i64),
}

/// Elements of a constant with their shape; `values.len()` is the product of `shape`.
#[derive(Debug)]
pub(super) struct Tensor<T> {
    pub shape: Vec<usize>,
    pub values: Vec<T>,
}

impl Constant<'_> {
    /// FLOAT, or DOUBLE rounded to `f32`.
    pub fn floats(&self, name: &str) -> Result<Tensor<f32>> {
        let tensor = match self {
            Self::Tensor(tensor) => *tensor,
            Self::Float(value) => return Ok(Tensor { shape: Vec::new(), values: vec![*value] }),
            Self::Int(_) => return Err(fail(name, "is an integer; FLOAT was expected")),
        };
        match tensor.data_type {
            Some(DataType::FLOAT) => {
                elements(tensor, name, "float_data", &tensor.float_data, f32::from_le_bytes)
            }
            Some(DataType::DOUBLE) => {
                let Tensor { shape, values } =
                    elements(tensor, name, "double_data", &tensor.double_data, f64::from_le_bytes)?;
                Ok(Tensor { shape, values: values.into_iter().map(|v| v as f32).collect() })
            }
            other => {
                Err(fail(name, format!("has elements of type {}; FLOAT was expected", type_name(other))))
            }
        }
    }

    /// INT64.
    pub fn ints(&self, name: &str) -> Result<Tensor<i64>> {
        match self {
            Self::Int(value) => Ok(Tensor { shape: Vec::new(), values: vec![*value] }),
            Self::Tensor(tensor) if tensor.data_type == Some(DataType::INT64) => {
                elements(tensor, name, "int64_data", &tensor.int64_data, i64::from_le_bytes)
            }
            Self::Tensor(tensor) => {
                let reason =
                    format!("has elements of type {}; INT64 was expected", type_name(tensor.data_type));
                Err(fail(name, reason))
            }
            Self::Float(_) => Err(fail(name, "is a float; INT64 was expected")),
        }
    }
}

/// The elements of `tensor`, from `raw_data` (little-endian) or from `typed`. The shape is checked against
/// the length of the data before anything is allocated.
fn elements<T: Copy, const BYTES: usize>(
    tensor: &TensorProto,
    name: &str,
    typed_name: &str,
    typed: &[T],
    from_bytes: impl Fn([u8; BYTES]) -> T,
) -> Result<Tensor<T>> {
    if tensor.data_location == Some(DataLocation::EXTERNAL) || !tensor.external_data.is_empty() {
        return Err(fail(
            name,
            "keeps its data in another file, which is not supported; save the model with its weights inside \
             (in Python: onnx.save(onnx.load(path), path, save_as_external_data=False))",
        ));
    }
    let mut shape = Vec::with_capacity(tensor.dims.len());
    for dim in &tensor.dims {
        shape.push(usize::try_from(*dim).map_err(|_| fail(name, format!("has a dimension of {dim}")))?);
    }
    let count = shape
        .iter()
        .try_fold(1usize, |product, dim| product.checked_mul(*dim))
        .ok_or_else(|| fail(name, format!("has the shape {shape:?}, beyond what a machine can address")))?;
    let raw = tensor.raw_data.as_ref().map(|raw| raw.borrow());
    let values = match raw.as_deref().filter(|raw| !raw.is_empty()) {
        Some(_) if !typed.is_empty() => {
            return Err(fail(name, format!("has data both in raw_data and in {typed_name}")));
        }
        Some(raw) => {
            if count.checked_mul(BYTES) != Some(raw.len()) {
                let reason = format!("has {} bytes of data for {count} elements of {BYTES} bytes", raw.len());
                return Err(fail(name, reason));
            }
            raw.as_chunks::<BYTES>().0.iter().map(|bytes| from_bytes(*bytes)).collect()
        }
        None if typed.len() == count => typed.to_vec(),
        None => {
            let reason = format!("has {} elements in {typed_name}, but the shape {shape:?}", typed.len());
            return Err(fail(name, reason));
        }
    };
    Ok(Tensor { shape, values })
}

fn type_name(data_type: Option<DataType>) -> String {
    data_type.map_or_else(|| "(none)".to_owned(), |data_type| data_type.to_string())
}

fn fail(name: &str, reason: impl Into<String>) -> Error {
    Error::model(format!("tensor `{name}`"), reason)
}
