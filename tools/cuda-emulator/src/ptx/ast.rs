//! Syntax tree of a PTX module: names of registers and of variables inside functions are resolved.

/// Storage class of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegType {
    Pred,
    B16,
    B32,
    B64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Space {
    Param,
    Global,
    Const,
    Shared,
    Local,
}

/// A variable with storage.
#[derive(Clone, Debug)]
pub struct Var {
    pub name: String,
    pub space: Space,
    pub align: u64,
    pub size: u64,
    /// Initial bytes, as many as `size`; zeros where the text gives none. Of globals and constants only.
    pub init: Vec<u8>,
    /// `.extern` without a size: dynamic shared memory.
    pub dynamic: bool,
}

#[derive(Clone, Debug)]
pub struct Func {
    pub name: String,
    pub entry: bool,
    pub rets: Vec<Var>,
    pub params: Vec<Var>,
    pub regs: Vec<RegType>,
    /// Declared names of registers with the number of their first: `%r` for all of `%r<50>`.
    pub reg_names: Vec<(u32, String)>,
    /// Variables declared in the body.
    pub vars: Vec<Var>,
    /// None for a declaration without a body.
    pub body: Option<Vec<Stmt>>,
    /// Product of `.maxntid` or `.reqntid`.
    pub max_threads: Option<u32>,
    pub line: u32,
}

#[derive(Clone, Debug)]
pub enum Stmt {
    Label(String, u32),
    /// `.branchtargets` of the label before it.
    Targets(Vec<String>),
    Inst(Inst),
}

#[derive(Clone, Debug)]
pub struct Inst {
    /// Predicate register, and whether it is negated.
    pub guard: Option<(u32, bool)>,
    /// Opcode with its modifiers, as written.
    pub opcode: String,
    pub operands: Vec<Operand>,
    pub line: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// Register of the function by number.
    Reg(u32),
    /// `!%p`
    NotReg(u32),
    /// Two's complement in 64 bits.
    Imm(u64),
    /// `%tid.x` and its kind.
    Special(String),
    /// Variable of the body, by number.
    Var(u32),
    /// Parameter of the function, by number.
    Param(u32),
    /// Return parameter of the function, by number.
    Ret(u32),
    /// Label, function, or variable of the module.
    Symbol(String),
    /// `[base + offset]`
    Address(Box<Operand>, i64),
    /// `{a, b}`
    Vector(Vec<Operand>),
    /// `a|b`
    Pair(Box<Operand>, Box<Operand>),
    /// `(a, b)`
    List(Vec<Operand>),
    /// `_`
    Discard,
}

#[derive(Clone, Debug, Default)]
pub struct Module {
    pub version: (u32, u32),
    pub target: String,
    pub vars: Vec<Var>,
    pub funcs: Vec<Func>,
}
