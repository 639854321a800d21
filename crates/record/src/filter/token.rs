//! An expression → tokens with their columns.

use super::error::{FilterError, FilterProblem};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Match,
}

impl Operator {
    pub(super) fn spelling(self) -> &'static str {
        OPERATORS.iter().find(|(_, operator)| *operator == self).map_or("", |(spelling, _)| spelling)
    }
}

/// Longer ones first.
const OPERATORS: [(&str, Operator); 7] = [
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("<", Operator::Less),
    (">", Operator::Greater),
    ("~", Operator::Match),
];

const OTHERS: [(&str, Token); 5] =
    [("&&", Token::And), ("||", Token::Or), ("!", Token::Not), ("(", Token::Open), (")", Token::Close)];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    And,
    Or,
    Not,
    Open,
    Close,
    Operator(Operator),
    /// A field, a number, a name or bare text.
    Word(String),
    /// Text between quotation marks: escapes undone, and as it stands, for those who undo their own.
    Text(Vec<u8>, String),
}

/// Each token with its column; the end's column comes last.
pub(super) fn tokens(expression: &str) -> Result<(Vec<(Token, usize)>, usize), FilterError> {
    let mut tokens = Vec::new();
    let mut rest = expression.trim_end();
    let column =
        |rest: &str| expression.trim_end()[..expression.trim_end().len() - rest.len()].chars().count() + 1;
    loop {
        rest = rest.trim_start();
        let at = column(rest);
        let Some(first) = rest.chars().next() else { return Ok((tokens, at)) };
        let operator = OPERATORS.iter().find(|(spelling, _)| rest.starts_with(spelling));
        let token = if let Some((spelling, operator)) = operator {
            rest = &rest[spelling.len()..];
            Token::Operator(*operator)
        } else if let Some((spelling, token)) = OTHERS.iter().find(|(spelling, _)| rest.starts_with(spelling))
        {
            rest = &rest[spelling.len()..];
            token.clone()
        } else if first == '"' || first == '\'' {
            let (text, after) =
                quoted(rest, first).ok_or(FilterError { column: at, problem: FilterProblem::Quote })?;
            let raw = rest[1..rest.len() - after.len() - 1].to_owned();
            rest = after;
            Token::Text(text, raw)
        } else {
            let special = |c: char| c.is_whitespace() || "=!<>~&|()\"'".contains(c);
            let (word, after) = rest.split_at(rest.find(special).unwrap_or(rest.len()));
            if word.is_empty() {
                let expected = FilterProblem::Expected("one of == != < <= > >= ~ && || ! ( )");
                return Err(FilterError { column: at, problem: expected });
            }
            rest = after;
            Token::Word(word.into())
        };
        tokens.push((token, at));
    }
}

/// The text after the quotation mark that `rest` starts with, and what follows the closing one.
fn quoted(rest: &str, mark: char) -> Option<(Vec<u8>, &str)> {
    let mut text = Vec::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        if character == mark {
            return Some((text, &rest[at + 1..]));
        }
        let escaped = if character == '\\' { rest[at + 1..].chars().next() } else { None };
        let byte = match escaped {
            Some('n') => Some(b'\n'),
            Some('r') => Some(b'\r'),
            Some('t') => Some(b'\t'),
            Some('0') => Some(0),
            Some(literal @ ('\\' | '"' | '\'')) => Some(literal as u8),
            Some('x') => {
                let byte = rest.get(at + 2..at + 4).and_then(|digits| u8::from_str_radix(digits, 16).ok());
                if byte.is_some() {
                    characters.nth(1);
                }
                byte
            }
            _ => None,
        };
        match byte {
            Some(byte) => {
                characters.next();
                text.push(byte);
            }
            None => text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    None
}
