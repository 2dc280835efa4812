//! What the executor runs: flat instructions over rows of lanes.

mod ops;
pub mod special;

pub use ops::{Class, Op};

/// "No operand", "no guard".
pub const NONE: u32 = u32::MAX;

/// One instruction; operands are virtual registers until slots are assigned.
#[derive(Clone, Copy, Debug)]
pub struct Inst {
    pub op: Op,
    /// Twice the slot of the guard predicate, plus one where negated; or [`NONE`].
    pub guard: u32,
    pub d: u32,
    pub a: u32,
    pub b: u32,
    pub c: u32,
    /// Fourth source, or an immediate, or the index of a [`Detail`], as the op has it.
    pub e: u32,
}

impl Inst {
    pub fn new(op: Op) -> Self {
        Self { op, guard: NONE, d: NONE, a: NONE, b: NONE, c: NONE, e: NONE }
    }
}

/// State space of an access, `Generic` where the address tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    Generic,
    Global,
    Shared,
    Local,
    Param,
}

/// First generic address of the windows; global addresses lie below all of them.
pub const SHARED_WINDOW: u64 = 1 << 56;
pub const LOCAL_WINDOW: u64 = 2 << 56;
pub const PARAM_WINDOW: u64 = 3 << 56;

/// A register row with its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reg {
    pub class: Class,
    pub row: u32,
}

/// Operation of an atomic access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtomOp {
    Add,
    MinU,
    MinS,
    MaxU,
    MaxS,
    Inc,
    Dec,
    And,
    Or,
    Xor,
    Exchange,
    CompareSwap,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShuffleMode {
    Up,
    Down,
    Butterfly,
    Index,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoteMode {
    All,
    Any,
    Uniform,
    Ballot,
}

/// What becomes of the predicates that threads bring to a barrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    None,
    Popc,
    And,
    Or,
}

/// Operands that do not fit an [`Inst`].
#[derive(Clone, Debug)]
pub enum Detail {
    /// `regs` are destinations of a load, sources of a store; `width` bytes each.
    Access {
        space: Space,
        width: u32,
        signed: bool,
        /// Ordered among threads: volatile, relaxed and stronger.
        strong: bool,
        address: Reg,
        offset: i64,
        regs: Vec<Reg>,
    },
    Atom {
        space: Space,
        op: AtomOp,
        width: u32,
        address: Reg,
        offset: i64,
        d: Option<Reg>,
        a: Reg,
        b: Option<Reg>,
    },
    /// Named barrier: `count` threads, or all of the block.
    Barrier {
        id: Reg,
        count: Option<Reg>,
        wait: bool,
        aligned: bool,
        reduction: Reduction,
        p: Option<Reg>,
        d: Option<Reg>,
    },
    WarpSync {
        mask: Reg,
    },
    Shuffle {
        mode: ShuffleMode,
        d: Option<Reg>,
        p: Option<Reg>,
        a: Reg,
        b: Reg,
        c: Reg,
        mask: Reg,
    },
    Vote {
        mode: VoteMode,
        d: Option<Reg>,
        a: Reg,
        mask: Reg,
    },
    Match {
        all: bool,
        d: Option<Reg>,
        p: Option<Reg>,
        a: Reg,
        mask: Reg,
    },
}

impl Detail {
    /// Registers written, registers read.
    pub fn regs_mut(&mut self) -> (Vec<&mut Reg>, Vec<&mut Reg>) {
        match self {
            Self::Access { address, regs, .. } => (regs.iter_mut().collect(), vec![address]),
            Self::Atom { address, d, a, b, .. } => {
                (d.iter_mut().collect(), [address, a].into_iter().chain(b.iter_mut()).collect())
            }
            Self::Barrier { id, count, p, d, .. } => (
                d.iter_mut().collect(),
                [id].into_iter().chain(count.iter_mut()).chain(p.iter_mut()).collect(),
            ),
            Self::WarpSync { mask } => (vec![], vec![mask]),
            Self::Shuffle { d, p, a, b, c, mask, .. } => {
                (d.iter_mut().chain(p.iter_mut()).collect(), vec![a, b, c, mask])
            }
            Self::Vote { d, a, mask, .. } => (d.iter_mut().collect(), vec![a, mask]),
            Self::Match { d, p, a, mask, .. } => (d.iter_mut().chain(p.iter_mut()).collect(), vec![a, mask]),
        }
    }
}

impl Detail {
    /// As [`Self::regs_mut`].
    pub fn regs(&self) -> (Vec<Reg>, Vec<Reg>) {
        let mut copy = self.clone();
        let (written, read) = copy.regs_mut();
        (written.into_iter().map(|reg| *reg).collect(), read.into_iter().map(|reg| *reg).collect())
    }
}

/// How a basic block ends; targets are indices of blocks.
#[derive(Clone, Debug)]
pub enum Term {
    Jump(u32),
    Branch {
        p: u32,
        negated: bool,
        then: u32,
        other: u32,
    },
    Table {
        index: u32,
        targets: Vec<u32>,
    },
    /// A synchronising instruction, by the index of its detail.
    Sync {
        detail: u32,
        next: u32,
    },
    Exit,
    Trap,
}

#[derive(Clone, Debug)]
pub struct Block {
    /// Range of instructions.
    pub begin: u32,
    pub end: u32,
    pub term: Term,
    /// Line of the terminator.
    pub line: u32,
}

/// Value of a constant row; addresses of variables are known when a module is in a context.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Constant {
    Bits(u64),
    /// Index of a variable of the module.
    Address(u32),
}

/// A parameter of a kernel within its parameter buffer.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    pub offset: u32,
    pub size: u32,
}

/// An executable entry point.
#[derive(Clone, Debug)]
pub struct Kernel {
    pub name: String,
    pub insts: Vec<Inst>,
    /// PTX line of each instruction.
    pub lines: Vec<u32>,
    pub details: Vec<Detail>,
    /// In an order in which reconvergence follows from running the least index first; the entry is the first.
    pub blocks: Vec<Block>,
    /// Rows of each class, constants included: 32-bit, 64-bit, predicates.
    pub rows: [u32; 3],
    pub constants: Vec<(Reg, Constant)>,
    /// Registers that some path may read before they are written, by the number that [`Op::Written`] carries.
    pub doubtful: Vec<String>,
    pub params: Vec<Param>,
    pub param_bytes: u32,
    pub shared_bytes: u32,
    pub local_bytes: u32,
    pub max_threads: Option<u32>,
}

/// Shared memory of a block, static and dynamic, that no attribute of the function has raised.
pub const DEFAULT_SHARED: u32 = 48 << 10;

impl Kernel {
    /// Dynamic shared memory that a launch may have by default.
    pub fn default_dynamic_shared(&self) -> u32 {
        DEFAULT_SHARED.saturating_sub(self.shared_bytes)
    }
}

/// Variable of a module that lives in device memory.
#[derive(Clone, Debug)]
pub struct Global {
    pub name: String,
    pub align: u64,
    pub init: Vec<u8>,
    pub constant: bool,
}

/// A loaded module, independent of contexts.
#[derive(Clone, Debug)]
pub struct Program {
    pub version: (u32, u32),
    /// As written: `sm_70`.
    pub target: String,
    pub globals: Vec<Global>,
    pub kernels: Vec<std::sync::Arc<Kernel>>,
    /// Lines of the PTX text, for reports.
    pub source: std::sync::Arc<Vec<String>>,
}
