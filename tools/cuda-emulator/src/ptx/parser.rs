//! Module-level syntax: directives, variables, signatures of functions.

use super::Error;
use super::ast::{Func, Module, RegType, Space, Var};
use super::body;
use super::lexer::{Kind, Token, tokens};

/// Parses a PTX module whose variables have at most `room` bytes of device memory.
pub fn parse(text: &str, room: u64) -> Result<Module, Error> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0, room };
    let mut module = Module::default();
    while !parser.done() {
        parser.item(&mut module)?;
    }
    if module.version == (0, 0) {
        return Err(Error::new(1, "text without a .version directive"));
    }
    Ok(module)
}

/// Cursor over the tokens of a module.
pub(super) struct Parser<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: usize,
    /// Brackets that are open.
    depth: u32,
    /// Bytes left for variables in device memory.
    room: u64,
}

/// Brackets within brackets that are followed.
const DEEPEST: u32 = 32;
/// Bytes of a variable in parameter space.
const LONGEST_PARAM: u64 = 32764;
const WIDEST_ALIGNMENT: u64 = 1 << 16;

impl<'a> Parser<'_, 'a> {
    pub fn done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    pub fn line(&self) -> u32 {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |token| token.line)
    }

    pub fn peek(&self) -> Option<Kind<'a>> {
        self.tokens.get(self.at).map(|token| token.kind)
    }

    pub fn peek_second(&self) -> Option<Kind<'a>> {
        self.tokens.get(self.at + 1).map(|token| token.kind)
    }

    pub fn next(&mut self) -> Result<Kind<'a>, Error> {
        let kind = self.peek().ok_or_else(|| self.error("text that ends in the middle of a construct"))?;
        self.at += 1;
        Ok(kind)
    }

    pub fn error(&self, what: impl Into<String>) -> Error {
        Error::new(self.line(), what)
    }

    /// Takes `mark` if it comes next.
    pub fn take(&mut self, mark: char) -> bool {
        let found = self.peek() == Some(Kind::Mark(mark));
        self.at += usize::from(found);
        found
    }

    /// Takes `word` if it comes next.
    pub fn take_word(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(Kind::Word(word));
        self.at += usize::from(found);
        found
    }

    pub fn expect(&mut self, mark: char) -> Result<(), Error> {
        if self.take(mark) { Ok(()) } else { Err(self.unexpected(&format!("`{mark}`"))) }
    }

    pub fn unexpected(&self, wanted: &str) -> Error {
        let found = match self.peek() {
            None => "the end".to_owned(),
            Some(Kind::Word(word)) => format!("`{word}`"),
            Some(Kind::Number(number)) => format!("{number}"),
            Some(Kind::Text(text)) => format!("\"{text}\""),
            Some(Kind::Mark(mark)) => format!("`{mark}`"),
        };
        self.error(format!("{found} where {wanted} belongs"))
    }

    pub fn word(&mut self) -> Result<&'a str, Error> {
        match self.peek() {
            Some(Kind::Word(word)) => {
                self.at += 1;
                Ok(word)
            }
            _ => Err(self.unexpected("a name")),
        }
    }

    pub fn number(&mut self) -> Result<u64, Error> {
        match self.peek() {
            Some(Kind::Number(number)) => {
                self.at += 1;
                Ok(number)
            }
            _ => Err(self.unexpected("a number")),
        }
    }

    pub fn signed(&mut self) -> Result<u64, Error> {
        if self.take('-') { Ok(self.number()?.wrapping_neg()) } else { self.number() }
    }

    /// Parses what stands in brackets.
    pub fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.depth == DEEPEST {
            return Err(self.error(format!("more than {DEEPEST} brackets within each other")));
        }
        self.depth += 1;
        let found = parse(self);
        self.depth -= 1;
        found
    }

    fn item(&mut self, module: &mut Module) -> Result<(), Error> {
        let line = self.line();
        let mut external = false;
        loop {
            match self.word()? {
                ".version" => return self.version(module),
                ".target" => return self.target(module),
                ".address_size" => return self.address_size(),
                ".visible" | ".weak" | ".common" => {}
                ".extern" => external = true,
                ".global" => return self.variables(Space::Global, external, &mut module.vars),
                ".const" => return self.variables(Space::Const, external, &mut module.vars),
                ".shared" => return self.variables(Space::Shared, external, &mut module.vars),
                ".entry" => return self.function(module, true, line),
                ".func" => return self.function(module, false, line),
                ".pragma" | ".file" | ".loc" => return self.skip_line(line),
                ".section" => return self.skip_section(),
                other => return Err(Error::new(line, format!("the directive `{other}`"))),
            }
        }
    }

    fn version(&mut self, module: &mut Module) -> Result<(), Error> {
        let line = self.line();
        let written = match self.next()? {
            Kind::Text(text) | Kind::Word(text) => text,
            _ => return Err(Error::new(line, ".version without a number")),
        };
        let (major, minor) = written.split_once('.').unwrap_or((written, "0"));
        let parts = major.parse().ok().zip(minor.parse().ok());
        module.version = parts.ok_or_else(|| Error::new(line, format!(".version {written}")))?;
        Ok(())
    }

    fn target(&mut self, module: &mut Module) -> Result<(), Error> {
        module.target = self.word()?.to_owned();
        while self.take(',') {
            self.word()?;
        }
        Ok(())
    }

    fn address_size(&mut self) -> Result<(), Error> {
        let line = self.line();
        match self.number()? {
            64 => Ok(()),
            other => Err(Error::new(line, format!(".address_size {other}: only 64 is known"))),
        }
    }

    /// Skips what is left of a line-bound directive.
    pub fn skip_line(&mut self, line: u32) -> Result<(), Error> {
        while self.tokens.get(self.at).is_some_and(|token| token.line == line) {
            self.at += 1;
        }
        Ok(())
    }

    fn skip_section(&mut self) -> Result<(), Error> {
        while !self.take('{') {
            self.next()?;
        }
        while !self.take('}') {
            self.next()?;
        }
        Ok(())
    }

    /// `.align 4 .b8 name[16] = {…}, name2;`, the space already taken.
    pub fn variables(&mut self, space: Space, external: bool, into: &mut Vec<Var>) -> Result<(), Error> {
        let (align, width) = self.type_of_variable()?;
        loop {
            into.push(self.declarator(space, external, align, width)?);
            if !self.take(',') {
                return self.expect(';');
            }
        }
    }

    /// Alignment and bytes of one element.
    fn type_of_variable(&mut self) -> Result<(u64, u64), Error> {
        let (mut align, mut lanes) = (None, 1);
        loop {
            match self.word()? {
                ".align" => align = Some(self.number()?),
                ".v2" => lanes = 2,
                ".v4" => lanes = 4,
                ".ptr" | ".global" | ".shared" | ".const" | ".local" => {}
                ty => {
                    let bytes = type_bytes(ty).ok_or_else(|| self.error(format!("the type `{ty}`")))?;
                    // Attributes of pointer parameters follow the type.
                    while self.peek() == Some(Kind::Word(".ptr")) {
                        self.pointer_attributes()?;
                    }
                    return Ok((align.unwrap_or(bytes * lanes), bytes * lanes));
                }
            }
        }
    }

    fn pointer_attributes(&mut self) -> Result<(), Error> {
        self.word()?;
        while let Some(Kind::Word(".global" | ".shared" | ".const" | ".local")) = self.peek() {
            self.word()?;
        }
        if self.take_word(".align") {
            self.number()?;
        }
        Ok(())
    }

    fn declarator(&mut self, space: Space, external: bool, align: u64, width: u64) -> Result<Var, Error> {
        let line = self.line();
        let name = self.word()?.to_owned();
        let (mut count, mut dynamic) = (1_u64, false);
        while self.take('[') {
            if self.take(']') {
                dynamic = true;
            } else {
                count = count.saturating_mul(self.number()?);
                self.expect(']')?;
            }
        }
        let mut init = Vec::new();
        if self.take('=') {
            self.initialiser(width, &mut init)?;
            if dynamic {
                count = init.len() as u64 / width.max(1);
                dynamic = false;
            }
        }
        let size = if dynamic { 0 } else { count.saturating_mul(width) };
        let aligned = align.is_power_of_two() && align <= WIDEST_ALIGNMENT;
        let most = if space == Space::Param { LONGEST_PARAM } else { 1 << 32 };
        if size > most || !aligned || (dynamic && space != Space::Shared) {
            return Err(Error::new(line, format!("the variable {name}: its size or alignment")));
        }
        if external && !dynamic {
            return Err(Error::new(line, format!("the external variable {name}: modules are not linked")));
        }
        if matches!(space, Space::Global | Space::Const) {
            let left = self.room.checked_sub(size);
            self.room = left.ok_or_else(|| {
                Error::new(line, format!("the variable {name}: the device has less memory"))
            })?;
            init.resize(size as usize, 0);
        }
        Ok(Var { name, space, align, size, init, dynamic })
    }

    fn initialiser(&mut self, width: u64, into: &mut Vec<u8>) -> Result<(), Error> {
        if self.take('{') {
            while !self.take('}') {
                self.nested(|parser| parser.initialiser(width, into))?;
                self.take(',');
            }
            return Ok(());
        }
        match self.peek() {
            Some(Kind::Number(_) | Kind::Mark('-')) => {
                let value = self.signed()?;
                into.extend(&value.to_le_bytes()[..width.min(8) as usize]);
                Ok(())
            }
            _ => Err(self.unexpected("an integer: addresses as initial values are not known,")),
        }
    }

    /// `(.param .b32 a, .param .align 8 .b8 b[16])`
    pub fn parameters(&mut self) -> Result<Vec<Var>, Error> {
        let mut found = Vec::new();
        if !self.take('(') {
            return Ok(found);
        }
        while !self.take(')') {
            match self.word()? {
                ".param" => {}
                other => return Err(self.error(format!("a parameter in `{other}`"))),
            }
            let (align, width) = self.type_of_variable()?;
            found.push(self.declarator(Space::Param, false, align, width)?);
            self.take(',');
        }
        Ok(found)
    }

    fn function(&mut self, module: &mut Module, entry: bool, line: u32) -> Result<(), Error> {
        let rets = if entry { Vec::new() } else { self.parameters()? };
        let name = self.word()?.to_owned();
        let params = self.parameters()?;
        let max_threads = self.performance_directives()?;
        let (regs, reg_names, vars) = (vec![], vec![], vec![]);
        let mut func =
            Func { name, entry, rets, params, regs, reg_names, vars, body: None, max_threads, line };
        if !self.take(';') {
            self.expect('{')?;
            body::parse(self, &mut func)?;
        }
        // A declaration precedes its definition; the definition stands.
        module.funcs.retain(|other| other.name != func.name || other.body.is_some());
        if module.funcs.iter().any(|other| other.name == func.name) {
            if func.body.is_some() {
                return Err(Error::new(line, format!("a second function {}", func.name)));
            }
            return Ok(());
        }
        module.funcs.push(func);
        Ok(())
    }

    fn performance_directives(&mut self) -> Result<Option<u32>, Error> {
        let mut max_threads = None;
        loop {
            match self.peek() {
                Some(Kind::Word(".maxntid" | ".reqntid")) => {
                    self.word()?;
                    let mut product = self.number()?;
                    while self.take(',') {
                        product = product.saturating_mul(self.number()?);
                    }
                    max_threads = Some(u32::try_from(product).unwrap_or(u32::MAX));
                }
                Some(Kind::Word(".minnctapersm" | ".maxnctapersm" | ".maxnreg")) => {
                    self.word()?;
                    self.number()?;
                }
                Some(Kind::Word(".noreturn")) => {
                    self.word()?;
                }
                Some(Kind::Word(".pragma")) => {
                    self.word()?;
                    self.next()?;
                    self.expect(';')?;
                }
                _ => return Ok(max_threads),
            }
        }
    }
}

/// Bytes of a fundamental type of PTX that variables may have.
pub(super) fn type_bytes(ty: &str) -> Option<u64> {
    Some(match ty {
        ".b8" | ".u8" | ".s8" => 1,
        ".b16" | ".u16" | ".s16" | ".f16" => 2,
        ".b32" | ".u32" | ".s32" | ".f32" => 4,
        ".b64" | ".u64" | ".s64" | ".f64" => 8,
        _ => return None,
    })
}

/// Register class of a type, where registers may have it.
pub(super) fn register_type(ty: &str) -> Option<RegType> {
    match ty {
        ".pred" => Some(RegType::Pred),
        ".b16" | ".u16" | ".s16" | ".f16" => Some(RegType::B16),
        ".b32" | ".u32" | ".s32" | ".f32" => Some(RegType::B32),
        ".b64" | ".u64" | ".s64" | ".f64" => Some(RegType::B64),
        _ => None,
    }
}
