//! Bodies of functions: declarations, labels, instructions.

use super::Error;
use super::ast::{Func, Inst, Operand, Space, Stmt};
use super::lexer::Kind;
use super::parser::{Parser, register_type};
use super::scope::Scopes;

/// Parses up to the closing brace of `func`; the opening one is taken.
pub(super) fn parse(parser: &mut Parser<'_, '_>, func: &mut Func) -> Result<(), Error> {
    let mut body = Body { scopes: Scopes::new(), func, stmts: Vec::new() };
    while body.statement(parser)? {}
    let Body { scopes, stmts, .. } = body;
    func.regs = scopes.regs;
    func.reg_names = scopes.names;
    func.body = Some(stmts);
    Ok(())
}

/// Registers that one function may declare.
const MOST_REGISTERS: u64 = 1 << 20;

struct Body<'f> {
    scopes: Scopes,
    func: &'f mut Func,
    stmts: Vec<Stmt>,
}

impl Body<'_> {
    /// False after the function's closing brace.
    fn statement(&mut self, parser: &mut Parser<'_, '_>) -> Result<bool, Error> {
        let line = parser.line();
        match parser.peek() {
            Some(Kind::Mark('{')) => {
                parser.expect('{')?;
                self.scopes.open();
            }
            Some(Kind::Mark('}')) => {
                parser.expect('}')?;
                return Ok(self.scopes.close());
            }
            Some(Kind::Mark(';')) => parser.expect(';')?,
            Some(Kind::Word(word)) if word.starts_with('.') => {
                parser.word()?;
                self.directive(parser, word, line)?;
            }
            Some(Kind::Word(label)) if parser.peek_second() == Some(Kind::Mark(':')) => {
                parser.word()?;
                parser.expect(':')?;
                self.stmts.push(Stmt::Label(label.to_owned(), line));
            }
            _ => self.instruction(parser, line)?,
        }
        Ok(true)
    }

    fn directive(&mut self, parser: &mut Parser<'_, '_>, word: &str, line: u32) -> Result<(), Error> {
        match word {
            ".reg" => self.registers(parser),
            ".local" => self.variables(parser, Space::Local),
            ".shared" => self.variables(parser, Space::Shared),
            ".param" => self.variables(parser, Space::Param),
            ".pragma" => {
                parser.next()?;
                parser.expect(';')
            }
            ".branchtargets" => self.branch_targets(parser),
            ".loc" | ".file" => parser.skip_line(line),
            other => Err(Error::new(line, format!("the directive `{other}`"))),
        }
    }

    fn branch_targets(&mut self, parser: &mut Parser<'_, '_>) -> Result<(), Error> {
        let mut found = vec![parser.word()?.to_owned()];
        while parser.take(',') {
            found.push(parser.word()?.to_owned());
        }
        self.stmts.push(Stmt::Targets(found));
        parser.expect(';')
    }

    fn registers(&mut self, parser: &mut Parser<'_, '_>) -> Result<(), Error> {
        let written = parser.word()?;
        let ty = register_type(written)
            .ok_or_else(|| parser.error(format!("registers of the type `{written}`")))?;
        loop {
            let name = parser.word()?;
            if parser.take('<') {
                let count = u32::try_from(parser.number()?).unwrap_or(u32::MAX);
                let sum = self.scopes.regs.len() as u64 + u64::from(count);
                if sum > MOST_REGISTERS {
                    return Err(parser.error(format!("{sum} registers of one function")));
                }
                parser.expect('>')?;
                self.scopes.declare_family(name, count, ty);
            } else {
                self.scopes.declare_register(name, ty);
            }
            if !parser.take(',') {
                return parser.expect(';');
            }
        }
    }

    fn variables(&mut self, parser: &mut Parser<'_, '_>, space: Space) -> Result<(), Error> {
        let begun = self.func.vars.len();
        parser.variables(space, false, &mut self.func.vars)?;
        for (number, var) in self.func.vars.iter().enumerate().skip(begun) {
            self.scopes.declare(&var.name, Operand::Var(number as u32));
        }
        Ok(())
    }

    fn instruction(&mut self, parser: &mut Parser<'_, '_>, line: u32) -> Result<(), Error> {
        let guard = if parser.take('@') { Some(self.guard(parser)?) } else { None };
        let opcode = parser.word()?.to_owned();
        let mut operands = Vec::new();
        while !parser.take(';') {
            operands.push(self.operand(parser)?);
            if !parser.take(',') {
                parser.expect(';')?;
                break;
            }
        }
        self.stmts.push(Stmt::Inst(Inst { guard, opcode, operands, line }));
        Ok(())
    }

    fn guard(&mut self, parser: &mut Parser<'_, '_>) -> Result<(u32, bool), Error> {
        let negated = parser.take('!');
        let name = parser.word()?;
        match self.scopes.resolve(name) {
            Some(Operand::Reg(number)) => Ok((number, negated)),
            _ => Err(parser.error(format!("the guard {name}"))),
        }
    }

    fn operand(&mut self, parser: &mut Parser<'_, '_>) -> Result<Operand, Error> {
        let first = self.simple(parser)?;
        if parser.take('|') {
            let second = self.simple(parser)?;
            return Ok(Operand::Pair(Box::new(first), Box::new(second)));
        }
        Ok(first)
    }

    fn simple(&mut self, parser: &mut Parser<'_, '_>) -> Result<Operand, Error> {
        match parser.peek() {
            Some(Kind::Mark('[')) => parser.nested(|parser| self.address(parser)),
            Some(Kind::Mark('{')) => {
                let elements = parser.nested(|parser| self.sequence(parser, '{', '}'))?;
                Ok(Operand::Vector(elements))
            }
            Some(Kind::Mark('(')) => {
                let elements = parser.nested(|parser| self.sequence(parser, '(', ')'))?;
                Ok(Operand::List(elements))
            }
            Some(Kind::Mark('!')) => {
                parser.expect('!')?;
                match self.name(parser)? {
                    Operand::Reg(number) => Ok(Operand::NotReg(number)),
                    _ => Err(parser.error("`!` before what is no register")),
                }
            }
            Some(Kind::Number(_) | Kind::Mark('-')) => Ok(Operand::Imm(parser.signed()?)),
            _ => self.name(parser),
        }
    }

    fn sequence(
        &mut self,
        parser: &mut Parser<'_, '_>,
        open: char,
        close: char,
    ) -> Result<Vec<Operand>, Error> {
        parser.expect(open)?;
        let mut found = Vec::new();
        while !parser.take(close) {
            found.push(self.simple(parser)?);
            if !parser.take(',') {
                parser.expect(close)?;
                break;
            }
        }
        Ok(found)
    }

    fn address(&mut self, parser: &mut Parser<'_, '_>) -> Result<Operand, Error> {
        parser.expect('[')?;
        let base = self.simple(parser)?;
        let offset = if parser.take('+') || parser.peek() == Some(Kind::Mark('-')) {
            parser.signed()? as i64
        } else {
            0
        };
        if !(i64::from(i32::MIN)..=i64::from(u32::MAX)).contains(&offset) {
            return Err(parser.error("an offset of more than 32 bits"));
        }
        parser.expect(']')?;
        Ok(Operand::Address(Box::new(base), offset))
    }

    fn name(&mut self, parser: &mut Parser<'_, '_>) -> Result<Operand, Error> {
        let name = parser.word()?;
        if name == "_" {
            return Ok(Operand::Discard);
        }
        if let Some(found) = self.scopes.resolve(name) {
            return Ok(found);
        }
        if let Some(number) = position(&self.func.params, name) {
            return Ok(Operand::Param(number));
        }
        if let Some(number) = position(&self.func.rets, name) {
            return Ok(Operand::Ret(number));
        }
        if name == "WARP_SZ" {
            return Ok(Operand::Imm(32));
        }
        if let Some(special) = name.strip_prefix('%') {
            return Ok(Operand::Special(special.to_owned()));
        }
        Ok(Operand::Symbol(name.to_owned()))
    }
}

fn position(vars: &[super::ast::Var], name: &str) -> Option<u32> {
    vars.iter().position(|var| var.name == name).map(|number| number as u32)
}
