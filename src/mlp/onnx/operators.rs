//! The operators: what each does to the chain.

use rten_onnx::onnx::{AttributeProto, NodeProto};

use super::graph::{Constants, location};
use super::tensor::Tensor;
use crate::error::{Error, Result};
use crate::mlp::model::{DenseLayer, MAX_LAYERS, MAX_WIDTH, Model};

pub(super) fn is_supported(op: &str) -> bool {
    matches!(
        op,
        "Gemm"
            | "MatMul"
            | "Add"
            | "Relu"
            | "Flatten"
            | "Reshape"
            | "Identity"
            | "Constant"
            | "Softmax"
            | "LogSoftmax"
            | "ArgMax"
    )
}

/// The layers so far, and the shape of the value they compute for one sample.
pub(super) struct Chain<'a> {
    constants: &'a Constants<'a>,
    /// Shape of the graph's input; `None` until a dense layer says what the file did not.
    input: Option<usize>,
    shape: Option<Vec<usize>>,
    layers: Vec<DenseLayer>,
    parameters: usize,
    /// Most weights, so that a small file that uses one tensor many times stays a small model.
    max_parameters: usize,
    dropped: Vec<String>,
}

impl<'a> Chain<'a> {
    pub fn new(shape: Option<Vec<usize>>, constants: &'a Constants<'a>, max_parameters: usize) -> Self {
        let input = shape.as_ref().map(|shape| shape.iter().product());
        Self {
            constants,
            input,
            shape,
            layers: Vec::new(),
            parameters: 0,
            max_parameters,
            dropped: Vec::new(),
        }
    }

    /// Appends `node`, whose data is `value`.
    pub fn push(&mut self, node: &NodeProto, value: &str) -> Result<()> {
        let step = Step { node, value, constants: self.constants };
        let op = node.op_type.as_deref().unwrap_or("");
        if let Some(last) = self.dropped.last() {
            // ArgMax of Softmax is ArgMax; nothing else may look at what was left out.
            if !(op == "Identity" || op == "ArgMax" && last != "ArgMax") {
                return Err(step.fail(format!("follows {last}, which is supported at the end only")));
            }
        }
        match op {
            "Gemm" => self.gemm(&step),
            "MatMul" => self.mat_mul(&step),
            "Add" => self.add(&step),
            "Relu" => self.relu(&step),
            "Flatten" => self.flatten(&step),
            "Reshape" => self.reshape(&step),
            "Identity" => step.attributes(&[]).and(step.inputs(1, 1)),
            "Softmax" | "LogSoftmax" | "ArgMax" => self.head(&step, op),
            _ => Err(step.fail(format!("is not supported; supported: {}", super::graph::SUPPORTED))),
        }
    }

    pub fn finish(self, name: &str) -> Result<Model> {
        let input_len = match (self.input, self.layers.first()) {
            (Some(len), _) => len,
            (None, Some(layer)) => layer.inputs,
            (None, None) => 0,
        };
        Ok(Model { name: name.to_owned(), input_len, layers: self.layers, dropped: self.dropped })
    }

    /// Y = α·A'·B' + β·C with A the data.
    fn gemm(&mut self, step: &Step<'_>) -> Result<()> {
        step.attributes(&["alpha", "beta", "transA", "transB"])?;
        step.inputs(2, 3)?;
        step.data_at(0)?;
        let flag = |name| Ok::<_, Error>(step.int(name)?.unwrap_or(0) != 0);
        let (trans_a, trans_b) = (flag("transA")?, flag("transB")?);
        let (alpha, beta) = (step.float("alpha")?.unwrap_or(1.0), step.float("beta")?.unwrap_or(1.0));
        let weight = step.floats(1)?;
        let [rows, columns] = *weight.shape.as_slice() else {
            return Err(step
                .fail(format!("its weight has the shape {:?}; two dimensions were expected", weight.shape)));
        };
        let (inputs, outputs) = if trans_b { (columns, rows) } else { (rows, columns) };
        match self.shape.as_deref() {
            None if trans_a => return Err(step.fail("transA needs an input whose shape the file states")),
            None => {}
            Some(&[a, b]) => {
                let (samples, width) = if trans_a { (b, a) } else { (a, b) };
                if width != inputs {
                    return Err(step.fail(format!("its weight takes {inputs} values, but {width} come in")));
                }
                if samples != 1 {
                    return Err(step.fail(batch(samples)));
                }
            }
            Some(shape) => {
                let reason = format!(
                    "its data has the shape {shape:?}; [1, {inputs}] was expected; put a Flatten before it"
                );
                return Err(step.fail(reason));
            }
        }
        self.reserve(step, inputs, outputs)?;
        let scale = |factor: f32, values: &mut [f32]| {
            if factor != 1.0 {
                values.iter_mut().for_each(|v| *v = (f64::from(*v) * f64::from(factor)) as f32);
            }
        };
        let mut weights = if trans_b { weight.values } else { transpose(&weight.values, columns) };
        scale(alpha, &mut weights);
        let mut bias = match step.node.input.get(2).filter(|name| !name.is_empty()) {
            Some(_) => step.bias(2, outputs, 2)?,
            None => vec![0.0; outputs],
        };
        scale(beta, &mut bias);
        self.dense(step, inputs, outputs, weights, bias, vec![1, outputs])
    }

    /// Y = A·B with A the data and B a matrix.
    fn mat_mul(&mut self, step: &Step<'_>) -> Result<()> {
        step.attributes(&[])?;
        step.inputs(2, 2)?;
        step.data_at(0)?;
        let weight = step.floats(1)?;
        let [inputs, outputs] = *weight.shape.as_slice() else {
            return Err(step
                .fail(format!("its weight has the shape {:?}; two dimensions were expected", weight.shape)));
        };
        let mut shape = self.shape.clone().unwrap_or_else(|| vec![1, inputs]);
        match shape.split_last_mut() {
            Some((last, leading)) => {
                if *last != inputs {
                    return Err(step.fail(format!("its weight takes {inputs} values, but {last} come in")));
                }
                if let Some(samples) = leading.iter().find(|d| **d != 1) {
                    return Err(step.fail(batch(*samples)));
                }
                *last = outputs;
            }
            None => return Err(step.fail("its data is a scalar")),
        }
        self.reserve(step, inputs, outputs)?;
        let weights = transpose(&weight.values, outputs);
        self.dense(step, inputs, outputs, weights, vec![0.0; outputs], shape)
    }

    /// A constant on either side is added to the bias of the layer before.
    fn add(&mut self, step: &Step<'_>) -> Result<()> {
        step.attributes(&[])?;
        step.inputs(2, 2)?;
        let side = usize::from(step.node.input[0] == step.value);
        let (outputs, rank) = match (self.layers.last(), self.shape.as_ref()) {
            (Some(layer), Some(shape)) if !layer.relu => (layer.outputs, shape.len()),
            _ => return Err(step.fail("must follow a Gemm or MatMul directly; it adds that layer's bias")),
        };
        let addend = step.bias(side, outputs, rank)?;
        if let Some(layer) = self.layers.last_mut() {
            for (b, c) in layer.bias.iter_mut().zip(addend) {
                *b = (f64::from(*b) + f64::from(c)) as f32;
            }
        }
        Ok(())
    }

    fn relu(&mut self, step: &Step<'_>) -> Result<()> {
        step.attributes(&[])?;
        step.inputs(1, 1)?;
        match self.layers.last_mut() {
            Some(layer) => {
                layer.relu = true;
                Ok(())
            }
            None => {
                Err(step.fail("comes before the first dense layer; inputs are not negative, so leave it out"))
            }
        }
    }

    /// [product of the dimensions before `axis`, product of the others]
    fn flatten(&mut self, step: &Step<'_>) -> Result<()> {
        step.attributes(&["axis"])?;
        step.inputs(1, 1)?;
        let axis = step.int("axis")?.unwrap_or(1);
        let Some(shape) = &self.shape else { return Ok(()) };
        let rank = shape.len() as i64;
        if axis < -rank || axis > rank {
            return Err(step.fail(format!("axis {axis} is outside of the shape {shape:?}")));
        }
        let (before, after) = shape.split_at(axis.rem_euclid(rank.max(1)) as usize);
        // `rem_euclid` folds axis = rank onto 0.
        let (before, after) = if axis == rank { (&shape[..], &[][..]) } else { (before, after) };
        self.shape = Some(vec![before.iter().product(), after.iter().product()]);
        Ok(())
    }

    /// Keeps the elements in order; 0 copies a dimension (unless `allowzero`), -1 takes what is left.
    fn reshape(&mut self, step: &Step<'_>) -> Result<()> {
        step.attributes(&["allowzero"])?;
        step.inputs(2, 2)?;
        step.data_at(0)?;
        let allow_zero = step.int("allowzero")?.unwrap_or(0) != 0;
        let target = step.constant(1)?.ints(&step.node.input[1])?;
        if target.shape.len() != 1 || target.values.len() > 8 {
            return Err(
                step.fail(format!("its shape has the shape {:?}; a short vector was expected", target.shape))
            );
        }
        let Some(shape) = &self.shape else {
            return Err(step.fail("needs an input whose shape the file states"));
        };
        let len: usize = shape.iter().product();
        let mismatch = || {
            step.fail(format!(
                "turns the shape {shape:?} into {:?}, which changes the number of elements",
                target.values
            ))
        };
        let mut dims = Vec::with_capacity(target.values.len());
        let mut inferred = None;
        for (i, &dim) in target.values.iter().enumerate() {
            dims.push(match dim {
                -1 if inferred.is_none() => {
                    inferred = Some(i);
                    1
                }
                0 if !allow_zero => *shape.get(i).ok_or_else(mismatch)?,
                1.. => usize::try_from(dim).map_err(|_| mismatch())?,
                _ => return Err(mismatch()),
            });
        }
        let product =
            dims.iter().try_fold(1usize, |p, d| p.checked_mul(*d)).filter(|p| *p > 0).ok_or_else(mismatch)?;
        if let Some(i) = inferred {
            dims[i] = len / product;
        }
        if dims.iter().product::<usize>() != len {
            return Err(mismatch());
        }
        self.shape = Some(dims);
        Ok(())
    }

    /// Softmax, LogSoftmax or ArgMax over the outputs: left out.
    fn head(&mut self, step: &Step<'_>, op: &str) -> Result<()> {
        let arg_max = op == "ArgMax";
        step.attributes(if arg_max { &["axis", "keepdims", "select_last_index"] } else { &["axis"] })?;
        step.inputs(1, 1)?;
        let (Some(shape), false) = (&self.shape, self.layers.is_empty()) else {
            return Err(step.fail("comes before any dense layer; it is supported at the end only"));
        };
        let rank = shape.len() as i64;
        // Softmax takes the last axis (1 before operator set 13, the same for our two), ArgMax the first.
        let axis = step.int("axis")?.unwrap_or(if arg_max { 0 } else { -1 });
        if axis != -1 && axis != rank - 1 {
            return Err(
                step.fail(format!("is along axis {axis} of the shape {shape:?}; the last axis was expected"))
            );
        }
        if step.int("select_last_index")?.unwrap_or(0) != 0 {
            return Err(step.fail("select_last_index is not supported; the lowest index wins among equals"));
        }
        self.dropped.push(op.to_owned());
        Ok(())
    }

    /// Checks the sizes of a new layer before its weights are copied.
    fn reserve(&mut self, step: &Step<'_>, inputs: usize, outputs: usize) -> Result<()> {
        if inputs == 0 || outputs == 0 || inputs > MAX_WIDTH || outputs > MAX_WIDTH {
            return Err(step.fail(format!("is {inputs} x {outputs}; 1 to {MAX_WIDTH} are supported")));
        }
        self.parameters = self.parameters.saturating_add(inputs.saturating_mul(outputs));
        if self.parameters > self.max_parameters {
            let reason =
                format!("takes the model beyond {} weights, the most for its file", self.max_parameters);
            return Err(step.fail(reason));
        }
        if self.layers.len() == MAX_LAYERS {
            return Err(step.fail(format!("takes the model beyond {MAX_LAYERS} layers")));
        }
        Ok(())
    }

    fn dense(
        &mut self,
        step: &Step<'_>,
        inputs: usize,
        outputs: usize,
        weights: Vec<f32>,
        bias: Vec<f32>,
        shape: Vec<usize>,
    ) -> Result<()> {
        for (what, values) in [("weight", &weights), ("bias", &bias)] {
            if let Some((i, v)) = values.iter().enumerate().find(|(_, v)| !v.is_finite()) {
                let reason =
                    format!("{what} {i} of layer {} is {v}; all values must be finite", self.layers.len());
                return Err(step.fail(reason));
            }
        }
        self.input.get_or_insert(inputs);
        self.shape = Some(shape);
        self.layers.push(DenseLayer { inputs, outputs, weights, bias, relu: false });
        Ok(())
    }
}

fn batch(samples: usize) -> String {
    format!("takes {samples} samples at once; export the model with a batch of 1 or a dynamic one")
}

/// The transpose of a row-major matrix with `columns` columns.
fn transpose(values: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|c| values.iter().skip(c).step_by(columns).copied()).collect()
}

/// A node with its data and the constants that it may use.
struct Step<'a> {
    node: &'a NodeProto,
    value: &'a str,
    constants: &'a Constants<'a>,
}

impl<'a> Step<'a> {
    fn fail(&self, reason: impl Into<String>) -> Error {
        Error::model(location(self.node), reason)
    }

    fn inputs(&self, min: usize, max: usize) -> Result<()> {
        let n = self.node.input.len();
        if (min..=max).contains(&n) {
            return Ok(());
        }
        let expected = if min == max { min.to_string() } else { format!("{min} to {max}") };
        Err(self.fail(format!("has {n} inputs; {expected} were expected")))
    }

    /// The data must be input `index`.
    fn data_at(&self, index: usize) -> Result<()> {
        if self.node.input[index] == self.value {
            return Ok(());
        }
        Err(self.fail(format!(
            "takes the data `{}` as another input than its first; the weight must be the second",
            self.value
        )))
    }

    fn constant(&self, index: usize) -> Result<&'a super::tensor::Constant<'a>> {
        let name = self.node.input[index].as_str();
        self.constants.get(name).ok_or_else(|| {
            self.fail(format!(
                "its input `{name}` is no constant; it must be an initializer or a Constant node"
            ))
        })
    }

    fn floats(&self, index: usize) -> Result<Tensor<f32>> {
        self.constant(index)?.floats(&self.node.input[index])
    }

    /// Input `index` broadcast to `n` values beside data of `rank` dimensions: one value, or `n` along the
    /// last axis.
    fn bias(&self, index: usize, n: usize, rank: usize) -> Result<Vec<f32>> {
        let tensor = self.floats(index)?;
        let fits = match tensor.shape.split_last() {
            None => true,
            Some((last, leading)) => {
                tensor.shape.len() <= rank && leading.iter().all(|d| *d == 1) && (*last == n || *last == 1)
            }
        };
        match tensor.values.as_slice() {
            [value] if fits => Ok(vec![*value; n]),
            _ if fits => Ok(tensor.values),
            _ => Err(self.fail(format!("its bias has the shape {:?}; [{n}] was expected", tensor.shape))),
        }
    }

    /// Every attribute must be among `known`, once.
    fn attributes(&self, known: &[&str]) -> Result<()> {
        for (i, attribute) in self.node.attribute.iter().enumerate() {
            let name = attribute.name.as_deref().unwrap_or("");
            if !known.contains(&name) {
                return Err(self.fail(format!("its attribute `{name}` is not supported")));
            }
            if self.node.attribute[..i].iter().any(|a| a.name.as_deref() == Some(name)) {
                return Err(self.fail(format!("its attribute `{name}` occurs twice")));
            }
        }
        Ok(())
    }

    fn attribute(&self, name: &str) -> Option<&'a AttributeProto> {
        self.node.attribute.iter().find(|a| a.name.as_deref() == Some(name))
    }

    fn int(&self, name: &str) -> Result<Option<i64>> {
        // A value of 0 may be left out of the encoding; the type then says that it is an integer.
        self.attribute(name)
            .map(|a| match (a.i, a.r#type) {
                (Some(i), _) => Ok(i),
                (None, Some(rten_onnx::onnx::AttributeType::INT)) => Ok(0),
                _ => Err(self.fail(format!("its attribute `{name}` is no integer"))),
            })
            .transpose()
    }

    fn float(&self, name: &str) -> Result<Option<f32>> {
        self.attribute(name)
            .map(|a| match (a.f, a.r#type) {
                (Some(f), _) => Ok(f),
                (None, Some(rten_onnx::onnx::AttributeType::FLOAT)) => Ok(0.0),
                _ => Err(self.fail(format!("its attribute `{name}` is no float"))),
            })
            .transpose()
    }
}
