//! Tokens of PTX.

use super::Error;

/// A token; words keep their dots, so that an opcode with its modifiers, or `%tid.x`, is one token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind<'a> {
    /// Identifier, directive, opcode or register.
    Word(&'a str),
    /// Integer; also the bits of a hexadecimal float.
    Number(u64),
    /// Contents of a string literal, or a decimal fraction as written.
    Text(&'a str),
    /// Any other character.
    Mark(char),
}

/// A token and the line on which it begins, counted from one.
#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    pub kind: Kind<'a>,
    pub line: u32,
}

/// Splits PTX text into tokens; comments vanish.
pub fn tokens(text: &str) -> Result<Vec<Token<'_>>, Error> {
    let mut lexer = Lexer { text, bytes: text.as_bytes(), at: 0, line: 1 };
    let mut found = Vec::with_capacity(text.len() / 4);
    while let Some(token) = lexer.next()? {
        found.push(token);
    }
    Ok(found)
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    line: u32,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Result<Option<Token<'a>>, Error> {
        self.skip_blank()?;
        let Some(first) = self.peek(0) else { return Ok(None) };
        let line = self.line;
        let kind = match first {
            b'0'..=b'9' => self.number()?,
            b'"' => Kind::Text(self.string()?),
            c if is_word(c) => Kind::Word(self.word()),
            c if c.is_ascii() => {
                self.at += 1;
                Kind::Mark(char::from(c))
            }
            _ => return Err(Error::new(line, "a character that is not ASCII")),
        };
        Ok(Some(Token { kind, line }))
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        // Callers of the driver hand over C strings: a NUL ends the text.
        self.bytes.get(self.at + ahead).copied().filter(|&c| c != 0)
    }

    fn skip_blank(&mut self) -> Result<(), Error> {
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(b'\n'), _) => {
                    self.line += 1;
                    self.at += 1;
                }
                (Some(c), _) if c.is_ascii_whitespace() => self.at += 1,
                (Some(b'/'), Some(b'/')) => {
                    while self.peek(0).is_some_and(|c| c != b'\n') {
                        self.at += 1;
                    }
                }
                (Some(b'/'), Some(b'*')) => self.skip_comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn skip_comment(&mut self) -> Result<(), Error> {
        let begun = self.line;
        self.at += 2;
        while self.peek(0) != Some(b'*') || self.peek(1) != Some(b'/') {
            match self.peek(0) {
                None => return Err(Error::new(begun, "a comment without an end")),
                Some(b'\n') => self.line += 1,
                Some(_) => {}
            }
            self.at += 1;
        }
        self.at += 2;
        Ok(())
    }

    fn word(&mut self) -> &'a str {
        let begun = self.at;
        loop {
            if self.peek(0).is_some_and(is_word) {
                self.at += 1;
            } else if self.peek(0) == Some(b':') && self.peek(1) == Some(b':') {
                self.at += 2;
            } else {
                return &self.text[begun..self.at];
            }
        }
    }

    fn string(&mut self) -> Result<&'a str, Error> {
        let begun = self.at + 1;
        self.at = begun;
        while self.peek(0) != Some(b'"') {
            if self.peek(0).is_none_or(|c| c == b'\n') {
                return Err(Error::new(self.line, "a string without an end"));
            }
            self.at += 1;
        }
        self.at += 1;
        self.text.get(begun..self.at - 1).ok_or_else(|| Error::new(self.line, "a string that is not UTF-8"))
    }

    fn number(&mut self) -> Result<Kind<'a>, Error> {
        let begun = self.at;
        while self.peek(0).is_some_and(|c| c.is_ascii_alphanumeric() || c == b'.') {
            self.at += 1;
        }
        let written = &self.text[begun..self.at];
        if written.contains('.') {
            return Ok(Kind::Text(written));
        }
        let value = parse_number(written);
        value.map(Kind::Number).ok_or_else(|| Error::new(self.line, format!("the number {written}")))
    }
}

fn is_word(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'_' | b'$' | b'%' | b'.')
}

fn parse_number(written: &str) -> Option<u64> {
    let body = written.strip_suffix('U').unwrap_or(written);
    match body.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("0x") => u64::from_str_radix(&body[2..], 16).ok(),
        Some("0b") => u64::from_str_radix(&body[2..], 2).ok(),
        Some("0f") if body.len() == 10 => u64::from_str_radix(&body[2..], 16).ok(),
        Some("0d") if body.len() == 18 => u64::from_str_radix(&body[2..], 16).ok(),
        _ if body.len() > 1 && body.starts_with('0') => u64::from_str_radix(&body[1..], 8).ok(),
        _ => body.parse().ok(),
    }
}
