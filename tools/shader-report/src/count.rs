//! Operations of functions, counted statically.

use naga::valid::{FunctionInfo, ModuleInfo};
use naga::{
    BinaryOperator, Block, Expression, Function, Handle, MathFunction, Module, Statement, TypeInner,
    UnaryOperator,
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ops::AddAssign;

/// How often each kind of operation stands in a function and what it calls. Lanes of vectors count one each.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operations {
    /// Calls of `fe_mul` and `fe_square`.
    pub products: u64,
    /// Multiplications of 32-bit integers.
    pub multiplies_32: u64,
    /// Multiplications of 64-bit integers.
    pub multiplies_64: u64,
    /// Additions and subtractions.
    pub adds: u64,
    pub shifts: u64,
    /// Bitwise and logical operations.
    pub bitwise: u64,
    pub compares: u64,
    pub selects: u64,
    /// Divisions and remainders.
    pub divisions: u64,
    pub atomics: u64,
    pub barriers: u64,
}

impl AddAssign for Operations {
    fn add_assign(&mut self, other: Self) {
        self.products += other.products;
        self.multiplies_32 += other.multiplies_32;
        self.multiplies_64 += other.multiplies_64;
        self.adds += other.adds;
        self.shifts += other.shifts;
        self.bitwise += other.bitwise;
        self.compares += other.compares;
        self.selects += other.selects;
        self.divisions += other.divisions;
        self.atomics += other.atomics;
        self.barriers += other.barriers;
    }
}

/// The counts of a module's functions.
pub struct Counter<'a> {
    module: &'a Module,
    info: &'a ModuleInfo,
    functions: HashMap<Handle<Function>, Operations>,
}

impl<'a> Counter<'a> {
    pub fn new(module: &'a Module, info: &'a ModuleInfo) -> Self {
        let mut counter = Self { module, info, functions: HashMap::new() };
        // WGSL functions call only functions that come before them in naga's arena.
        for (handle, function) in module.functions.iter() {
            let mut operations = counter.count(function, &info[handle]);
            if matches!(function.name.as_deref(), Some("fe_mul" | "fe_square")) {
                operations.products += 1;
            }
            counter.functions.insert(handle, operations);
        }
        counter
    }

    /// An entry point and all it calls.
    pub fn entry(&self, name: &str) -> Option<Operations> {
        let index = self.module.entry_points.iter().position(|entry| entry.name == name)?;
        Some(self.count(&self.module.entry_points[index].function, self.info.get_entry_point(index)))
    }

    /// A function and all it calls.
    pub fn function(&self, name: &str) -> Option<Operations> {
        let named = |(_, function): &(_, &Function)| function.name.as_deref() == Some(name);
        let (handle, _) = self.module.functions.iter().find(named)?;
        self.functions.get(&handle).copied()
    }

    fn count(&self, function: &Function, info: &FunctionInfo) -> Operations {
        let mut body = Body { counter: self, function, info, total: Operations::default() };
        body.block(&function.body);
        body.total
    }
}

struct Body<'a> {
    counter: &'a Counter<'a>,
    function: &'a Function,
    info: &'a FunctionInfo,
    total: Operations,
}

impl Body<'_> {
    fn block(&mut self, block: &Block) {
        for statement in block {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Emit(range) => range.clone().for_each(|handle| self.expression(handle)),
            Statement::Block(block) => self.block(block),
            Statement::If { accept, reject, .. } => {
                self.block(accept);
                self.block(reject);
            }
            Statement::Switch { cases, .. } => cases.iter().for_each(|case| self.block(&case.body)),
            Statement::Loop { body, continuing, .. } => {
                self.block(body);
                self.block(continuing);
            }
            Statement::Call { function, .. } => {
                self.total += self.counter.functions.get(function).copied().unwrap_or_default();
            }
            Statement::Atomic { .. } => self.total.atomics += 1,
            Statement::ControlBarrier(_) | Statement::WorkGroupUniformLoad { .. } => self.total.barriers += 1,
            _ => (),
        }
    }

    fn expression(&mut self, handle: Handle<Expression>) {
        let (lanes, bytes) = self.shape(handle);
        match self.function.expressions[handle] {
            Expression::Binary { op, left, .. } => self.binary(op, self.shape(left).0.max(lanes), bytes),
            Expression::Unary { op: UnaryOperator::Negate, .. } => self.total.adds += lanes,
            Expression::Unary { .. } => self.total.bitwise += lanes,
            Expression::Select { .. } => self.total.selects += lanes,
            Expression::Relational { argument, .. } => self.total.bitwise += self.shape(argument).0,
            Expression::Math { fun, .. } => self.math(fun, lanes),
            _ => (),
        }
    }

    fn binary(&mut self, op: BinaryOperator, lanes: u64, bytes: u8) {
        use BinaryOperator as Op;
        let total = &mut self.total;
        *match op {
            Op::Multiply if bytes > 4 => &mut total.multiplies_64,
            Op::Multiply => &mut total.multiplies_32,
            Op::Add | Op::Subtract => &mut total.adds,
            Op::ShiftLeft | Op::ShiftRight => &mut total.shifts,
            Op::And | Op::InclusiveOr | Op::ExclusiveOr | Op::LogicalAnd | Op::LogicalOr => {
                &mut total.bitwise
            }
            Op::Divide | Op::Modulo => &mut total.divisions,
            Op::Equal | Op::NotEqual | Op::Less | Op::LessEqual | Op::Greater | Op::GreaterEqual => {
                &mut total.compares
            }
        } += lanes;
    }

    fn math(&mut self, function: MathFunction, lanes: u64) {
        *match function {
            MathFunction::Min | MathFunction::Max => &mut self.total.compares,
            _ => &mut self.total.bitwise,
        } += lanes;
    }

    /// Lanes of a value and bytes of each; 1 lane of 4 bytes for what is no number.
    fn shape(&self, handle: Handle<Expression>) -> (u64, u8) {
        match self.info[handle].ty.inner_with(&self.counter.module.types) {
            TypeInner::Scalar(scalar) => (1, scalar.width),
            TypeInner::Vector { size, scalar } => (*size as u64, scalar.width),
            _ => (1, 4),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str, entry: &str) -> Operations {
        let module = naga::front::wgsl::parse_str(text).unwrap();
        let capabilities = naga::valid::Capabilities::SHADER_INT64;
        let info =
            naga::valid::Validator::new(naga::valid::ValidationFlags::all(), capabilities).validate(&module);
        Counter::new(&module, &info.unwrap()).entry(entry).unwrap()
    }

    #[test]
    fn lanes_and_calls_are_counted() {
        let text = "
            @group(0) @binding(0) var<storage, read_write> data: array<vec4<u32>>;
            fn fe_mul(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> { return a * b + (a >> vec4<u32>(3u)); }
            @compute @workgroup_size(1) fn stage() {
                var x = data[0];
                for (var i = 0u; i < 3u; i++) { x = fe_mul(x, fe_mul(x, x)); }
                data[1] = select(x, data[2], x < data[3]);
            }";
        let found = counts(text, "stage");
        let wanted = Operations {
            products: 2,
            multiplies_32: 8,
            adds: 9,
            shifts: 8,
            compares: 5,
            selects: 4,
            ..Operations::default()
        };
        // The loop's condition is a comparison and a negation.
        assert_eq!(found, Operations { bitwise: found.bitwise, ..wanted });
        assert!(found.bitwise <= 1);
    }

    #[test]
    fn wide_multiplications_are_told_apart() {
        let text = "
            @group(0) @binding(0) var<storage, read_write> data: array<u32>;
            @compute @workgroup_size(1) fn stage() {
                let wide = u64(data[0]) * u64(data[1]);
                data[2] = u32(wide >> 32u) * data[0];
            }";
        let found = counts(text, "stage");
        assert_eq!((found.multiplies_64, found.multiplies_32, found.shifts), (1, 1, 1));
    }
}
