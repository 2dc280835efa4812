//! Syntax tree to executable kernels: calls are expanded in place, operands become rows of lanes.

mod builder;
mod call;
mod carry;
mod compare;
mod control;
mod convert;
mod doubt;
mod flow;
mod integer;
mod logic;
mod memory;
mod order;
mod product;
mod rows;
mod sync;
mod types;

use crate::program::{Global, Program};
use crate::ptx::ast::{Module, Space};
use crate::ptx::{self, Error};
use builder::Builder;
use std::sync::Arc;

/// Deep graphs recurse deeply; test threads have small stacks.
const STACK: usize = 1 << 28;

/// Parses and lowers a module.
pub fn load(text: &str) -> Result<Program, Error> {
    let work = || {
        let module = ptx::parse(text, crate::config::get().memory)?;
        program(&module, text)
    };
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let failed = |what: &str| Error::new(1, what);
        worker
            .map_err(|error| failed(&format!("anything: no thread to load it on ({error})")))?
            .join()
            .unwrap_or_else(|_| Err(failed("this text: the emulator panicked on it")))
    })
}

fn program(module: &Module, text: &str) -> Result<Program, Error> {
    let globals = module.vars.iter().filter(|var| matches!(var.space, Space::Global | Space::Const));
    let globals = globals.map(|var| Global {
        name: var.name.clone(),
        align: var.align,
        init: var.init.clone(),
        constant: var.space == Space::Const,
    });
    let entries = module.funcs.iter().filter(|func| func.entry && func.body.is_some());
    let kernels = entries.map(|func| Builder::kernel(module, func).map(Arc::new));
    Ok(Program {
        version: module.version,
        target: module.target.clone(),
        globals: globals.collect(),
        kernels: kernels.collect::<Result<_, _>>()?,
        source: Arc::new(text.lines().map(str::to_owned).collect()),
    })
}
