//! What some drivers get wrong, and limits that every WebGPU device has.

use crate::checked;
use naga::proc::Layouter;
use naga::{
    AddressSpace, BinaryOperator, Expression, Function, Handle, Module, Scalar, ScalarKind, StorageAccess,
    Type, TypeInner,
};
use zkwatt::device::wgpu::LimbForm;

const STORAGE_BUFFERS: usize = 8;
const WORKGROUP_BYTES: u32 = 16 << 10;
const INVOCATIONS: u32 = 256;

#[test]
fn shifts_are_by_constants() {
    complain("shifts by an amount that is no constant", |_, function| {
        let shift = |expression: &Expression| match *expression {
            Expression::Binary {
                op: BinaryOperator::ShiftLeft | BinaryOperator::ShiftRight, right, ..
            } => !constant(function, right),
            _ => false,
        };
        function.expressions.iter().any(|(_, expression)| shift(expression))
    });
}

/// `&&` and `||` evaluate their right side only where it counts: each is a branch, and compilers that follow branches
/// one by one take minutes for a field's carries (SwiftShader). On booleans `&` and `|` say the same without.
#[test]
fn conditions_are_without_branches() {
    for shader in checked() {
        let code = shader.shader.text.lines().map(|line| line.split("//").next().unwrap_or(line));
        let lines: Vec<_> = code.filter(|line| line.contains("&&") || line.contains("||")).collect();
        assert!(lines.is_empty(), "{}:\n{}", shader.shader.name(), lines.join("\n"));
    }
}

#[test]
fn arrays_in_registers_have_constant_indices() {
    complain("indexes an array or vector of its own at run time", |module, function| {
        function.expressions.iter().any(|(_, expression)| match *expression {
            Expression::Access { base, index } => {
                !constant(function, index) && !in_memory(module, function, base)
            }
            _ => false,
        })
    });
}

#[test]
fn limits_of_every_device_suffice() {
    for shader in checked() {
        let name = shader.shader.name();
        let (_, entry) = shader.entry_point();
        let buffers = shader.globals(|space| matches!(space, AddressSpace::Storage { .. }));
        assert!(buffers.len() <= STORAGE_BUFFERS, "{name}: {} storage buffers", buffers.len());
        let invocations: u32 = entry.workgroup_size.iter().product();
        assert!(invocations <= INVOCATIONS, "{name}: {invocations} invocations");
        let mut layouter = Layouter::default();
        layouter.update(shader.module.to_ctx()).unwrap();
        let shared = shader.globals(|space| space == AddressSpace::WorkGroup);
        let bytes: u32 = shared.iter().map(|variable| layouter[variable.ty].size.next_multiple_of(16)).sum();
        assert!(bytes <= WORKGROUP_BYTES, "{name}: {bytes} bytes of workgroup memory");
    }
}

#[test]
fn bindings_are_used_as_declared() {
    for shader in checked() {
        for variable in shader.globals(|space| matches!(space, AddressSpace::Storage { .. })) {
            let name = shader.shader.name();
            let AddressSpace::Storage { access } = variable.space else { continue };
            let Some(binding) = &variable.binding else { panic!("{name}: a storage buffer without binding") };
            let declared = shader.shader.bindings.get(binding.binding as usize);
            let written = access.contains(StorageAccess::STORE);
            assert_eq!(declared, Some(&written), "{name}: binding {}", binding.binding);
        }
    }
}

#[test]
fn the_form_without_64_bit_integers_has_none() {
    for shader in checked().iter().filter(|shader| shader.shader.form != Some(LimbForm::Int64)) {
        let wide = shader.module.types.iter().find(|(_, ty)| scalar(ty).is_some_and(is_wide_or_float));
        assert!(wide.is_none(), "{}: {wide:?}", shader.shader.name());
    }
}

/// Fails for each shader with a function that `is_wrong`.
fn complain(what: &str, is_wrong: impl Fn(&Module, &Function) -> bool) {
    let mut wrong = Vec::new();
    for shader in checked() {
        let module = &shader.module;
        let functions = module.functions.iter().map(|(_, function)| function);
        for function in functions.chain([&shader.entry_point().1.function]) {
            if is_wrong(module, function) {
                let function = function.name.as_deref().unwrap_or(shader.shader.entry);
                wrong.push(format!("{}: `{function}` {what}", shader.shader.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn constant(function: &Function, expression: Handle<Expression>) -> bool {
    match function.expressions[expression] {
        Expression::Literal(_) | Expression::Constant(_) | Expression::ZeroValue(_) => true,
        Expression::Compose { ref components, .. } => components.iter().all(|part| constant(function, *part)),
        Expression::Splat { value: part, .. }
        | Expression::Swizzle { vector: part, .. }
        | Expression::AccessIndex { base: part, .. }
        | Expression::Unary { expr: part, .. }
        | Expression::As { expr: part, .. } => constant(function, part),
        Expression::Binary { left, right, .. } => constant(function, left) && constant(function, right),
        _ => false,
    }
}

/// Whether `base` lies in a buffer or in workgroup memory, where indices may vary.
fn in_memory(module: &Module, function: &Function, base: Handle<Expression>) -> bool {
    match function.expressions[base] {
        Expression::Access { base, .. } | Expression::AccessIndex { base, .. } => {
            in_memory(module, function, base)
        }
        Expression::GlobalVariable(variable) => shared(module.global_variables[variable].space),
        Expression::FunctionArgument(index) => {
            match module.types[function.arguments[index as usize].ty].inner {
                TypeInner::Pointer { space, .. } | TypeInner::ValuePointer { space, .. } => shared(space),
                _ => false,
            }
        }
        _ => false,
    }
}

fn shared(space: AddressSpace) -> bool {
    matches!(space, AddressSpace::Storage { .. } | AddressSpace::Uniform | AddressSpace::WorkGroup)
}

fn scalar(ty: &Type) -> Option<Scalar> {
    match ty.inner {
        TypeInner::Scalar(scalar) | TypeInner::Vector { scalar, .. } | TypeInner::Atomic(scalar) => {
            Some(scalar)
        }
        _ => None,
    }
}

fn is_wide_or_float(scalar: Scalar) -> bool {
    scalar.width > 4 || scalar.kind == ScalarKind::Float
}
