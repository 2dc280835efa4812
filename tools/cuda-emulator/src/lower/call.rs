//! Bodies of functions, expanded where they are called. PTX text has no recursion that this could not end at.

use super::builder::{Builder, Instance, Item, ParamKey};
use crate::program::{Class, NONE, Op};
use crate::ptx::Error;
use crate::ptx::ast::{self, Func, Operand, Space, Stmt};
use std::collections::HashMap;

/// Calls within calls that are expanded.
const DEEPEST: usize = 256;

impl<'m> Builder<'m> {
    /// Appends the body of `func`; `words` are its parameters.
    pub fn expand(
        &mut self,
        func: &'m Func,
        words: HashMap<ParamKey, Vec<u32>>,
        end: Option<u32>,
    ) -> Result<(), Error> {
        let Some(body) = &func.body else {
            return Err(self.error(format!("a call of {}: it has no body", func.name)));
        };
        if self.stack.contains(&func.name.as_str()) {
            return Err(self.error(format!("a recursive call of {}", func.name)));
        }
        if self.stack.len() == DEEPEST {
            return Err(self.error(format!("a call of {}: {DEEPEST} calls within each other", func.name)));
        }
        self.stack.push(&func.name);
        self.spend(func.regs.len() + body.len())?;
        let mut at = Instance {
            func,
            regs: vec![NONE; func.regs.len()],
            labels: HashMap::new(),
            tables: HashMap::new(),
            words,
            locals: HashMap::new(),
            end,
        };
        self.frame(&mut at);
        self.collect_labels(&mut at, body)?;
        for stmt in body {
            self.statement(&mut at, stmt)?;
        }
        self.stack.pop();
        // A body may end without `ret`.
        self.item(match end {
            Some(label) => Item::Jump(label),
            None => Item::Exit,
        });
        Ok(())
    }

    fn frame(&mut self, at: &mut Instance<'m>) {
        let begun = self.local_bytes;
        for (number, var) in at.func.vars.iter().enumerate().filter(|(_, var)| var.space == Space::Local) {
            let offset = self.local_bytes.next_multiple_of(var.align);
            at.locals.insert(number as u32, offset);
            self.local_bytes = offset + var.size;
        }
        if self.local_bytes > begun {
            self.push(Op::Frame, NONE, &[begun as u32, self.local_bytes as u32]);
        }
    }

    fn collect_labels(&mut self, at: &mut Instance<'m>, body: &'m [Stmt]) -> Result<(), Error> {
        let mut last = None;
        for stmt in body {
            match stmt {
                Stmt::Label(name, line) => {
                    let label = self.label();
                    if at.labels.insert(name, label).is_some() {
                        return Err(Error::new(*line, format!("a second label {name}")));
                    }
                    last = Some(name.as_str());
                }
                Stmt::Targets(targets) => {
                    if let Some(name) = last {
                        at.tables.insert(name, targets);
                    }
                }
                Stmt::Inst(_) => last = None,
            }
        }
        Ok(())
    }

    fn statement(&mut self, at: &mut Instance<'m>, stmt: &'m Stmt) -> Result<(), Error> {
        match stmt {
            Stmt::Label(name, line) => {
                self.line = *line;
                let label = at.labels[name.as_str()];
                self.item(Item::Label(label));
                Ok(())
            }
            Stmt::Targets(_) => Ok(()),
            Stmt::Inst(inst) => {
                self.line = inst.line;
                self.instruction(at, inst)
            }
        }
    }

    /// `call{.uni} (ret), name, (args);` with its optional parts.
    pub fn call(&mut self, at: &mut Instance<'m>, inst: &'m ast::Inst) -> Result<(), Error> {
        let module = self.module;
        let (rets, rest) = match inst.operands.as_slice() {
            [Operand::List(rets), rest @ ..] => (rets.as_slice(), rest),
            rest => (&[][..], rest),
        };
        let (name, args) = match rest {
            [Operand::Symbol(name)] => (name, &[][..]),
            [Operand::Symbol(name), Operand::List(args)] => (name, args.as_slice()),
            _ => return Err(self.error("a call that names no function: indirect calls are not known")),
        };
        let callee = module.funcs.iter().find(|func| &func.name == name);
        let callee = callee.ok_or_else(|| self.error(format!("a call of {name}: nothing declares it")))?;
        if callee.entry || callee.params.len() != args.len() || callee.rets.len() != rets.len() {
            return Err(self.error(format!("a call of {name}: its parameters are others")));
        }
        let mut words = HashMap::new();
        for (number, operand) in args.iter().enumerate() {
            words.insert(ParamKey::Param(number as u32), self.argument(at, operand)?);
        }
        for (number, operand) in rets.iter().enumerate() {
            words.insert(ParamKey::Ret(number as u32), self.argument(at, operand)?);
        }
        let (begin, end) = (self.label(), self.label());
        // Jumps end basic blocks: the carry flag does not outlive a call.
        self.item(Item::Jump(begin));
        self.item(Item::Label(begin));
        self.expand(callee, words, Some(end))?;
        self.item(Item::Label(end));
        Ok(())
    }

    fn argument(&mut self, at: &mut Instance<'m>, operand: &Operand) -> Result<Vec<u32>, Error> {
        self.param_words(at, operand).map(|words| words.to_vec())
    }

    /// Registers that stand for the words of a variable in parameter space.
    pub fn param_words<'i>(
        &mut self,
        at: &'i mut Instance<'m>,
        operand: &Operand,
    ) -> Result<&'i [u32], Error> {
        let (key, var) = match operand {
            Operand::Var(number) => (ParamKey::Var(*number), &at.func.vars[*number as usize]),
            Operand::Param(number) => (ParamKey::Param(*number), &at.func.params[*number as usize]),
            Operand::Ret(number) => (ParamKey::Ret(*number), &at.func.rets[*number as usize]),
            other => return Err(self.error(format!("{other:?} in parameter space"))),
        };
        if var.space != Space::Param {
            return Err(self.error(format!("{} in parameter space", var.name)));
        }
        let count = var.size.div_ceil(4);
        self.spend(if at.words.contains_key(&key) { 0 } else { count as usize })?;
        // Parts of words are inserted into what is there.
        let partial = !var.size.is_multiple_of(4) || var.align < 4;
        let words = match at.words.entry(key) {
            std::collections::hash_map::Entry::Occupied(found) => found.into_mut(),
            std::collections::hash_map::Entry::Vacant(free) => {
                let rows: Vec<_> = (0..count).map(|_| self.fresh(Class::W)).collect();
                if partial {
                    let zero = self.word(0);
                    rows.iter().for_each(|&row| self.push(Op::Mov32, row, &[zero]));
                }
                free.insert(rows)
            }
        };
        Ok(words)
    }
}
