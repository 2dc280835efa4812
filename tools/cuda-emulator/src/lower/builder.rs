//! State of lowering one kernel, and the operands of its instructions.

use super::flow;
use super::types::Ty;
use crate::program::{Class, Constant, Detail, Inst, Kernel, NONE, Op, Param, Reg, special};
use crate::ptx::Error;
use crate::ptx::ast::{self, Func, Module, Operand, RegType, Space};
use std::collections::HashMap;

/// Element of the linear form, before basic blocks are cut.
#[derive(Clone, Debug)]
pub enum Item {
    Inst(Inst),
    Label(u32),
    Jump(u32),
    Branch { p: u32, negated: bool, target: u32 },
    Table { index: u32, targets: Vec<u32> },
    Sync(u32),
    Exit,
    Trap,
}

/// Parameter space variable of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParamKey {
    Var(u32),
    Param(u32),
    Ret(u32),
}

/// One expansion of a function.
pub struct Instance<'m> {
    pub func: &'m Func,
    pub regs: Vec<u32>,
    pub labels: HashMap<&'m str, u32>,
    pub tables: HashMap<&'m str, &'m [String]>,
    /// Words of variables in parameter space, as registers.
    pub words: HashMap<ParamKey, Vec<u32>>,
    /// Offsets of local variables.
    pub locals: HashMap<u32, u64>,
    /// Where `ret` goes; none in a kernel.
    pub end: Option<u32>,
}

pub struct Builder<'m> {
    pub module: &'m Module,
    pub items: Vec<(Item, u32)>,
    pub details: Vec<Detail>,
    /// Classes of virtual registers, and their PTX names where they have one.
    pub classes: Vec<Class>,
    pub names: Vec<Option<String>>,
    pub constants: HashMap<(Class, Constant), u32>,
    pub line: u32,
    pub guard: u32,
    pub labels: u32,
    pub local_bytes: u64,
    pub shared: HashMap<String, u64>,
    pub shared_bytes: u64,
    pub params: Vec<Param>,
    /// What expanding calls may still cost, in instructions and registers.
    pub budget: u64,
    /// Names of the functions being expanded, outermost first.
    pub stack: Vec<&'m str>,
}

/// What a kernel may cost, its calls expanded.
const BUDGET: u64 = 1 << 23;
const MOST_PARAM_BYTES: u32 = 32764;

impl<'m> Builder<'m> {
    pub fn kernel(module: &'m Module, func: &'m Func) -> Result<Kernel, Error> {
        let (params, param_bytes) = layout(&func.params);
        if param_bytes > MOST_PARAM_BYTES {
            return Err(Error::new(func.line, format!("{}: {param_bytes} bytes of parameters", func.name)));
        }
        let mut builder = Self {
            module,
            items: Vec::new(),
            details: Vec::new(),
            classes: Vec::new(),
            names: Vec::new(),
            constants: HashMap::new(),
            line: func.line,
            guard: NONE,
            labels: 0,
            local_bytes: 0,
            shared: HashMap::new(),
            shared_bytes: 0,
            params,
            budget: BUDGET,
            stack: Vec::new(),
        };
        builder.place_shared(func);
        builder.expand(func, HashMap::new(), None)?;
        flow::finish(builder, func, param_bytes)
    }

    pub fn error(&self, what: impl Into<String>) -> Error {
        Error::new(self.line, what)
    }

    pub fn spend(&mut self, cost: usize) -> Result<(), Error> {
        let left = self.budget.checked_sub(cost as u64);
        self.budget = left.ok_or_else(|| {
            self.error(format!("{}: it is too long once its calls are expanded", self.stack[0]))
        })?;
        Ok(())
    }

    pub fn fresh(&mut self, class: Class) -> u32 {
        self.classes.push(class);
        self.names.push(None);
        self.classes.len() as u32 - 1
    }

    pub fn label(&mut self) -> u32 {
        self.labels += 1;
        self.labels - 1
    }

    pub fn item(&mut self, item: Item) {
        self.items.push((item, self.line));
    }

    /// Appends an instruction under the current guard.
    pub fn push(&mut self, op: Op, d: u32, sources: &[u32]) {
        self.push_immediate(op, d, sources, NONE);
    }

    pub fn push_immediate(&mut self, op: Op, d: u32, sources: &[u32], immediate: u32) {
        let at = |index: usize| sources.get(index).copied().unwrap_or(NONE);
        let e = if sources.len() > 3 { sources[3] } else { immediate };
        self.item(Item::Inst(Inst { op, guard: self.guard, d, a: at(0), b: at(1), c: at(2), e }));
    }

    /// Appends an instruction whose result is a fresh register.
    pub fn make(&mut self, op: Op, sources: &[u32]) -> u32 {
        self.make_immediate(op, sources, NONE)
    }

    pub fn make_immediate(&mut self, op: Op, sources: &[u32], immediate: u32) -> u32 {
        let d = self.fresh(op.signature().d.expect("an operation with a result"));
        self.push_immediate(op, d, sources, immediate);
        d
    }

    pub fn push_detail(&mut self, op: Op, detail: Detail) {
        self.details.push(detail);
        self.push_immediate(op, NONE, &[], self.details.len() as u32 - 1);
    }

    pub fn constant(&mut self, class: Class, value: Constant) -> u32 {
        if let Some(&found) = self.constants.get(&(class, value.clone())) {
            return found;
        }
        let row = self.fresh(class);
        self.constants.insert((class, value), row);
        row
    }

    pub fn word(&mut self, value: u32) -> u32 {
        self.constant(Class::W, Constant::Bits(u64::from(value)))
    }

    pub fn double(&mut self, value: u64) -> u32 {
        self.constant(Class::D, Constant::Bits(value))
    }

    pub fn reg_type(&self, at: &Instance<'_>, operand: &Operand) -> Option<RegType> {
        match operand {
            Operand::Reg(number) => Some(at.func.regs[*number as usize]),
            _ => None,
        }
    }

    /// Virtual register of a PTX register.
    pub fn reg(&mut self, at: &mut Instance<'_>, number: u32) -> u32 {
        let known = at.regs[number as usize];
        if known != NONE {
            return known;
        }
        let row = self.fresh(class_of(at.func.regs[number as usize]));
        self.names[row as usize] = Some(name_of(at.func, number));
        at.regs[number as usize] = row;
        row
    }

    /// A source of the type `ty`: of 16 bits extended by its sign, of 8 refused.
    pub fn source(&mut self, at: &mut Instance<'_>, operand: &Operand, ty: Ty) -> Result<u32, Error> {
        match operand {
            Operand::Imm(value) if ty.wide() => Ok(self.double(*value)),
            Operand::Imm(value) => Ok(self.word(ty.extend(*value) as u32)),
            Operand::Reg(number) => {
                let found = at.func.regs[*number as usize];
                let row = self.reg(at, *number);
                match (found, ty.bits) {
                    (RegType::B64, 64) | (RegType::B32, 32) => Ok(row),
                    (RegType::B16, 16) if ty.signed => Ok(self.make(Op::Sext16, &[row])),
                    (RegType::B16, 16) => Ok(row),
                    _ => Err(self.error(format!(
                        "an operand of type {found:?} in an instruction on {} bits",
                        ty.bits
                    ))),
                }
            }
            Operand::Special(name) => self.special(name, ty),
            Operand::Symbol(_) | Operand::Var(_) | Operand::Param(_) => {
                let address = self.symbol_address(at, operand)?;
                if ty.wide() { Ok(address) } else { Ok(self.make(Op::Low, &[address])) }
            }
            other => Err(self.error(format!("the operand {other:?}"))),
        }
    }

    pub fn special(&mut self, name: &str, ty: Ty) -> Result<u32, Error> {
        let number =
            special::number(name).ok_or_else(|| self.error(format!("the special register %{name}")))?;
        let wide = special::is_wide(number);
        let op = if wide { Op::Special64 } else { Op::Special };
        let row = self.make_immediate(op, &[], number);
        match (wide, ty.wide()) {
            (true, false) => Ok(self.make(Op::Low, &[row])),
            (false, true) => Ok(self.make(Op::Zext, &[row])),
            _ if ty.bits == 16 => {
                let mask = self.word(0xffff);
                Ok(self.make(Op::And32, &[row, mask]))
            }
            _ => Ok(row),
        }
    }

    /// A predicate source; negation is resolved.
    pub fn predicate(&mut self, at: &mut Instance<'_>, operand: &Operand) -> Result<u32, Error> {
        match operand {
            Operand::Reg(number) if at.func.regs[*number as usize] == RegType::Pred => {
                Ok(self.reg(at, *number))
            }
            Operand::NotReg(number) if at.func.regs[*number as usize] == RegType::Pred => {
                let row = self.reg(at, *number);
                Ok(self.make(Op::NotP, &[row]))
            }
            Operand::Imm(value) => Ok(self.make_immediate(Op::SetP, &[], u32::from(*value != 0))),
            other => Err(self.error(format!("{other:?} as a predicate"))),
        }
    }

    /// A destination of the class; `_` gets a register that nobody reads.
    pub fn target(&mut self, at: &mut Instance<'_>, operand: &Operand, class: Class) -> Result<u32, Error> {
        match operand {
            Operand::Reg(number) if class_of(at.func.regs[*number as usize]) == class => {
                Ok(self.reg(at, *number))
            }
            Operand::Discard => Ok(self.fresh(class)),
            other => Err(self.error(format!("{other:?} as a destination of class {class:?}"))),
        }
    }

    /// Writes `row`, of class W or D as `ty` has it, to a destination of exactly that size.
    pub fn result(
        &mut self,
        at: &mut Instance<'_>,
        operand: &Operand,
        ty: Ty,
        row: u32,
    ) -> Result<(), Error> {
        let d = self.destination(at, operand, ty)?;
        match ty.bits {
            64 => self.copy(Op::Mov64, d, row),
            32 => self.copy(Op::Mov32, d, row),
            _ => {
                let mask = self.word(0xffff);
                self.push(Op::And32, d, &[row, mask]);
            }
        }
        Ok(())
    }

    /// Copies a temporary to its destination, or lets the instruction that has just made it write there.
    pub fn copy(&mut self, op: Op, d: u32, row: u32) {
        let temporary = self.names[row as usize].is_none();
        match self.items.last_mut() {
            Some((Item::Inst(last), _)) if last.d == row && temporary => last.d = d,
            _ => self.push(op, d, &[row]),
        }
    }

    /// Checked destination of an instruction of type `ty`.
    pub fn destination(&mut self, at: &mut Instance<'_>, operand: &Operand, ty: Ty) -> Result<u32, Error> {
        let wanted = match ty.bits {
            64 => RegType::B64,
            32 => RegType::B32,
            _ => RegType::B16,
        };
        if self.reg_type(at, operand).is_some_and(|found| found != wanted) {
            return Err(self.error(format!("a destination that has not {} bits", ty.bits)));
        }
        self.target(at, operand, class_of(wanted))
    }

    /// Address of a variable in its own space: windows are added by `cvta`.
    pub fn symbol_address(&mut self, at: &Instance<'_>, operand: &Operand) -> Result<u32, Error> {
        match operand {
            Operand::Var(number) => match at.func.vars[*number as usize].space {
                Space::Local => Ok(self.double(at.locals[number])),
                Space::Shared => {
                    let offset = self.shared[&at.func.vars[*number as usize].name];
                    Ok(self.double(offset))
                }
                _ => Err(self.error("the address of a variable in parameter space")),
            },
            Operand::Param(number) if at.end.is_none() => {
                let offset = self.params[*number as usize].offset;
                Ok(self.double(u64::from(offset)))
            }
            Operand::Param(_) | Operand::Ret(_) => {
                Err(self.error("the address of a device function's parameter"))
            }
            Operand::Symbol(name) => self.module_address(name),
            other => Err(self.error(format!("{other:?} as an address"))),
        }
    }

    fn module_address(&mut self, name: &str) -> Result<u32, Error> {
        if let Some(&offset) = self.shared.get(name) {
            return Ok(self.double(offset));
        }
        let globals = self.module.vars.iter().filter(|var| matches!(var.space, Space::Global | Space::Const));
        let number = globals.map(|var| &var.name).position(|known| known == name);
        let number = number.ok_or_else(|| self.error(format!("the symbol {name}: nothing declares it")))?;
        Ok(self.constant(Class::D, Constant::Address(number as u32)))
    }

    /// Static shared variables first, of the module and of `func`; dynamic memory after them.
    fn place_shared(&mut self, func: &Func) {
        let vars: Vec<_> =
            self.module.vars.iter().chain(&func.vars).filter(|var| var.space == Space::Shared).collect();
        for var in vars.iter().filter(|var| !var.dynamic) {
            self.place_one(var);
        }
        // All dynamic arrays begin at the same place.
        let align = vars.iter().filter(|var| var.dynamic).map(|var| var.align).max();
        if let Some(align) = align {
            self.shared_bytes = self.shared_bytes.next_multiple_of(align.max(16));
        }
        for var in vars.iter().filter(|var| var.dynamic) {
            self.shared.insert(var.name.clone(), self.shared_bytes);
        }
    }

    fn place_one(&mut self, var: &ast::Var) {
        let offset = self.shared_bytes.next_multiple_of(var.align);
        self.shared.insert(var.name.clone(), offset);
        self.shared_bytes = offset + var.size;
    }

    pub fn row(class: Class, row: u32) -> Reg {
        Reg { class, row }
    }
}

pub fn class_of(ty: RegType) -> Class {
    match ty {
        RegType::Pred => Class::P,
        RegType::B64 => Class::D,
        RegType::B16 | RegType::B32 => Class::W,
    }
}

fn name_of(func: &Func, number: u32) -> String {
    let index = func.reg_names.partition_point(|(first, _)| *first <= number);
    let Some((first, name)) = func.reg_names[..index].last() else { return format!("register {number}") };
    let next = func.reg_names.get(index).map_or(func.regs.len() as u32, |(next, _)| *next);
    if next - first == 1 { name.clone() } else { format!("{name}{}", number - first) }
}

/// Offsets of kernel parameters, and the size of all.
fn layout(params: &[ast::Var]) -> (Vec<Param>, u32) {
    let mut end = 0_u64;
    let place = |var: &ast::Var| {
        let offset = end.next_multiple_of(var.align.max(1));
        end = offset + var.size;
        Param { offset: offset as u32, size: var.size as u32 }
    };
    let placed = params.iter().map(place).collect();
    (placed, u32::try_from(end).unwrap_or(u32::MAX))
}
