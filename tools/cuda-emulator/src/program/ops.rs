//! Operations of the executor and the classes of their operands.

/// Class of a row of 32 lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// 32 bits; 16-bit registers live here, zero-extended.
    W,
    /// 64 bits.
    D,
    /// Predicate.
    P,
}

/// Destination and sources of an [`Op`].
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    pub d: Option<Class>,
    /// Classes of `a`, `b`, `c`, `e`.
    pub sources: [Option<Class>; 4],
}

macro_rules! class {
    (_) => {
        None
    };
    ($class:ident) => {
        Some(Class::$class)
    };
}

macro_rules! ops {
    ($($name:ident: $d:tt = $a:tt $b:tt $c:tt $e:tt;)*) => {
        /// Operation; names say width, and `U` or `S` where the sign matters.
        /// `Cc` writes the carry flag, `c` before it reads the flag.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum Op { $($name),* }

        impl Op {
            pub fn signature(self) -> Signature {
                match self {
                    $(Self::$name => Signature {
                        d: class!($d),
                        sources: [class!($a), class!($b), class!($c), class!($e)],
                    },)*
                }
            }
        }
    };
}

ops! {
    Mov32: W = W _ _ _;
    Add32: W = W W _ _; AddCc32: W = W W _ _; Addc32: W = W W _ _; AddcCc32: W = W W _ _;
    Sub32: W = W W _ _; SubCc32: W = W W _ _; Subc32: W = W W _ _; SubcCc32: W = W W _ _;
    Mul32: W = W W _ _; MulHiU32: W = W W _ _; MulHiS32: W = W W _ _;
    Mad32: W = W W W _; MadCc32: W = W W W _; Madc32: W = W W W _; MadcCc32: W = W W W _;
    MadHiU32: W = W W W _; MadHiCcU32: W = W W W _; MadcHiU32: W = W W W _; MadcHiCcU32: W = W W W _;
    MadHiS32: W = W W W _; MadHiCcS32: W = W W W _; MadcHiS32: W = W W W _; MadcHiCcS32: W = W W W _;
    DivU32: W = W W _ _; DivS32: W = W W _ _; RemU32: W = W W _ _; RemS32: W = W W _ _;
    MinU32: W = W W _ _; MinS32: W = W W _ _; MaxU32: W = W W _ _; MaxS32: W = W W _ _;
    And32: W = W W _ _; Or32: W = W W _ _; Xor32: W = W W _ _; Not32: W = W _ _ _;
    Shl32: W = W W _ _; ShrU32: W = W W _ _; ShrS32: W = W W _ _;
    ShfLWrap: W = W W W _; ShfLClamp: W = W W W _; ShfRWrap: W = W W W _; ShfRClamp: W = W W W _;
    Lop3: W = W W W _; Prmt: W = W W W _;
    BfeU32: W = W W W _; BfeS32: W = W W W _; Bfi32: W = W W W W;
    Brev32: W = W _ _ _; Clz32: W = W _ _ _; Popc32: W = W _ _ _;
    BfindU32: W = W _ _ _; BfindS32: W = W _ _ _;
    Sext8: W = W _ _ _; Sext16: W = W _ _ _; Abs32: W = W _ _ _;
    Eq32: P = W W _ _; Ne32: P = W W _ _;
    LtU32: P = W W _ _; LeU32: P = W W _ _; LtS32: P = W W _ _; LeS32: P = W W _ _;
    Sel32: W = W W P _;

    Mov64: D = D _ _ _;
    Add64: D = D D _ _; AddCc64: D = D D _ _; Addc64: D = D D _ _; AddcCc64: D = D D _ _;
    Sub64: D = D D _ _; SubCc64: D = D D _ _; Subc64: D = D D _ _; SubcCc64: D = D D _ _;
    Mul64: D = D D _ _; MulHiU64: D = D D _ _; MulHiS64: D = D D _ _;
    Mad64: D = D D D _; MadCc64: D = D D D _; Madc64: D = D D D _; MadcCc64: D = D D D _;
    MadHiU64: D = D D D _; MadHiCcU64: D = D D D _; MadcHiU64: D = D D D _; MadcHiCcU64: D = D D D _;
    MadHiS64: D = D D D _; MadHiCcS64: D = D D D _; MadcHiS64: D = D D D _; MadcHiCcS64: D = D D D _;
    DivU64: D = D D _ _; DivS64: D = D D _ _; RemU64: D = D D _ _; RemS64: D = D D _ _;
    MinU64: D = D D _ _; MinS64: D = D D _ _; MaxU64: D = D D _ _; MaxS64: D = D D _ _;
    And64: D = D D _ _; Or64: D = D D _ _; Xor64: D = D D _ _; Not64: D = D _ _ _;
    Shl64: D = D W _ _; ShrU64: D = D W _ _; ShrS64: D = D W _ _;
    BfeU64: D = D W W _; BfeS64: D = D W W _; Bfi64: D = D D W W;
    Brev64: D = D _ _ _; Clz64: W = D _ _ _; Popc64: W = D _ _ _;
    BfindU64: W = D _ _ _; BfindS64: W = D _ _ _; Abs64: D = D _ _ _;
    Eq64: P = D D _ _; Ne64: P = D D _ _;
    LtU64: P = D D _ _; LeU64: P = D D _ _; LtS64: P = D D _ _; LeS64: P = D D _ _;
    Sel64: D = D D P _;

    WideU: D = W W _ _; WideS: D = W W _ _; MadWideU: D = W W D _; MadWideS: D = W W D _;
    Pack: D = W W _ _; Low: W = D _ _ _; High: W = D _ _ _; Zext: D = W _ _ _; Sext: D = W _ _ _;

    MovP: P = P _ _ _; NotP: P = P _ _ _; AndP: P = P P _ _; OrP: P = P P _ _; XorP: P = P P _ _;
    // Sets a predicate to the immediate.
    SetP: P = _ _ _ _;

    // Special register by number, in the immediate.
    Special: W = _ _ _ _; Special64: D = _ _ _ _;
    // Kernel parameter at a byte offset, in the immediate.
    Param32: W = _ _ _ _; Param64: D = _ _ _ _;
    // Whether a generic address lies in a space.
    IsGlobal: P = D _ _ _; IsShared: P = D _ _ _; IsLocal: P = D _ _ _; IsParam: P = D _ _ _;
    // Operands in a detail.
    Load: _ = _ _ _ _; Store: _ = _ _ _ _; Atom: _ = _ _ _ _;
    // Frame of a function begins: its local memory, [a, b) in bytes as immediates, is undefined.
    Frame: _ = _ _ _ _;
    // The carry flag is read though nothing before in its basic block writes it.
    NoCarry: _ = _ _ _ _;
    // A doubtful register is read: its row of "written" predicates; its number in the immediate.
    Written: _ = P _ _ _;
}

impl Op {
    pub fn writes_carry(self) -> bool {
        use Op::*;
        matches!(
            self,
            AddCc32
                | AddcCc32
                | SubCc32
                | SubcCc32
                | MadCc32
                | MadcCc32
                | MadHiCcU32
                | MadcHiCcU32
                | MadHiCcS32
                | MadcHiCcS32
                | AddCc64
                | AddcCc64
                | SubCc64
                | SubcCc64
                | MadCc64
                | MadcCc64
                | MadHiCcU64
                | MadcHiCcU64
                | MadHiCcS64
                | MadcHiCcS64
        )
    }

    pub fn reads_carry(self) -> bool {
        use Op::*;
        matches!(
            self,
            Addc32
                | AddcCc32
                | Subc32
                | SubcCc32
                | Madc32
                | MadcCc32
                | MadcHiU32
                | MadcHiCcU32
                | MadcHiS32
                | MadcHiCcS32
                | Addc64
                | AddcCc64
                | Subc64
                | SubcCc64
                | Madc64
                | MadcCc64
                | MadcHiU64
                | MadcHiCcU64
                | MadcHiS64
                | MadcHiCcS64
        )
    }
}
