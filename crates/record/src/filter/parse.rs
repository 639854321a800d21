//! Tokens → comparisons that are known to fit their fields.

use package::layout::{Layout, Type};

use super::Node;
use super::compare::{Comparison, Place};
use super::error::{FilterError, FilterProblem};
use super::token::{Token, tokens};
use crate::select;

/// Parentheses and negations in each other; more would be no filter but an attack on the stack.
const DEEPEST: usize = 64;
const LONGEST_BYTES: usize = 64 << 10;

pub(super) fn expression(expression: &str, layout: &Layout) -> Result<Node, FilterError> {
    if expression.len() > LONGEST_BYTES {
        return Err(FilterError { column: 1, problem: FilterProblem::Length(LONGEST_BYTES) });
    }
    let (tokens, end) = tokens(expression)?;
    let mut parser = Parser { tokens: tokens.into_iter().peekable(), end, layout };
    let root = parser.or(0)?;
    match parser.tokens.next() {
        None => Ok(root),
        Some((_, column)) => Err(FilterError { column, problem: FilterProblem::Expected("&& or ||") }),
    }
}

struct Parser<'a> {
    tokens: std::iter::Peekable<std::vec::IntoIter<(Token, usize)>>,
    /// Column behind the last token.
    end: usize,
    layout: &'a Layout,
}

impl Parser<'_> {
    fn or(&mut self, depth: usize) -> Result<Node, FilterError> {
        self.list(&Token::Or, Node::Or, |parser| {
            parser.list(&Token::And, Node::And, |parser| parser.not(depth))
        })
    }

    fn list(
        &mut self,
        between: &Token,
        join: fn(Vec<Node>) -> Node,
        one: impl Fn(&mut Self) -> Result<Node, FilterError>,
    ) -> Result<Node, FilterError> {
        let first = one(self)?;
        if !self.takes(between) {
            return Ok(first);
        }
        let mut nodes = vec![first, one(self)?];
        while self.takes(between) {
            nodes.push(one(self)?);
        }
        Ok(join(nodes))
    }

    fn takes(&mut self, token: &Token) -> bool {
        self.tokens.next_if(|(next, _)| next == token).is_some()
    }

    fn column(&mut self) -> usize {
        self.tokens.peek().map_or(self.end, |(_, column)| *column)
    }

    fn not(&mut self, depth: usize) -> Result<Node, FilterError> {
        let column = self.column();
        if depth > DEEPEST {
            return Err(FilterError { column, problem: FilterProblem::Depth(DEEPEST) });
        }
        if self.takes(&Token::Not) {
            return Ok(Node::Not(Box::new(self.not(depth + 1)?)));
        }
        if !self.takes(&Token::Open) {
            return self.comparison();
        }
        let inner = self.or(depth + 1)?;
        let column = self.column();
        if self.takes(&Token::Close) {
            return Ok(inner);
        }
        Err(FilterError { column, problem: FilterProblem::Expected("&&, || or )") })
    }

    fn comparison(&mut self) -> Result<Node, FilterError> {
        let column = self.column();
        let Some((Token::Word(name), _)) = self.tokens.next() else {
            return Err(FilterError { column, problem: FilterProblem::Expected("a field, ! or (") });
        };
        let place = place(self.layout, &name).map_err(|problem| FilterError { column, problem })?;
        let column = self.column();
        let Some((Token::Operator(operator), _)) =
            self.tokens.next_if(|(next, _)| matches!(next, Token::Operator(_)))
        else {
            return Comparison::truth(place)
                .map(Node::Compare)
                .ok_or(FilterError { column, problem: FilterProblem::Expected("one of == != < <= > >= ~") });
        };
        let operand = self.column();
        let Some((literal @ (Token::Word(_) | Token::Text(..)), _)) = self.tokens.next() else {
            return Err(FilterError { column: operand, problem: FilterProblem::Expected("a value") });
        };
        Comparison::new(place, operator, &literal).map(Node::Compare).map_err(|problem| {
            let at_operator = matches!(problem, FilterProblem::Operator { .. });
            FilterError { column: if at_operator { column } else { operand }, problem }
        })
    }
}

/// Where the field that `name` names lies.
fn place(layout: &Layout, name: &str) -> Result<Place, FilterProblem> {
    let exact = find(layout, name, 0);
    let found = match exact {
        Err(FilterProblem::UnknownField { .. }) if select::is_entry(layout) => {
            find(layout, &format!("key.{name}"), 0)
                .or_else(|_| find(layout, &format!("value.{name}"), 0))
                .or(exact)
        }
        _ => exact,
    };
    let (at, ty, type_name) = found.map_err(|problem| match problem {
        FilterProblem::UnknownField { .. } => {
            let exist = select::paths(layout);
            FilterProblem::UnknownField { name: name.into(), nearest: select::nearest(&exist, name), exist }
        }
        other => other,
    })?;
    let remedy = match ty {
        Type::Struct(_) | Type::Union(_) => "name one of its fields",
        Type::Array { .. } | Type::Flexible { .. } => "name one element, as in `args[0]`",
        _ => return Ok(Place::new(layout, name, at, ty, type_name)),
    };
    Err(FilterProblem::NotSingle { name: name.into(), type_name, remedy })
}

/// Follows `a.b[3].c` down the layout: bit offset, type, type in C.
fn find<'a>(layout: &'a Layout, path: &str, base: u64) -> Result<(u64, &'a Type, String), FilterProblem> {
    let unknown = || FilterProblem::UnknownField { name: path.into(), nearest: None, exist: Vec::new() };
    let (step, rest) = path.split_once('.').map_or((path, None), |(step, rest)| (step, Some(rest)));
    let (name, indices) = step.split_at(step.find('[').unwrap_or(step.len()));
    let field = layout.fields.iter().find(|field| field.name == name).ok_or_else(unknown)?;
    let mut at = base.saturating_add(field.bit_offset.into());
    let (mut ty, mut type_name) = (&field.ty, field.type_name.clone());
    for index in indices.split_terminator(']') {
        let index: u32 = index.strip_prefix('[').and_then(|index| index.parse().ok()).ok_or_else(unknown)?;
        let element = match ty {
            Type::Array { element, len } if index < *len => element,
            Type::Array { len, .. } => return Err(FilterProblem::Index { name: step.into(), len: *len }),
            Type::Flexible { element } => element,
            _ => return Err(unknown()),
        };
        at = at.saturating_add(element.bits().saturating_mul(index.into()));
        ty = element;
        type_name = format!("element of {}", field.type_name);
    }
    match (rest, ty) {
        (None, _) => Ok((at, ty, type_name)),
        (Some(rest), Type::Struct(of) | Type::Union(of)) => find(of, rest, at),
        (Some(_), _) => Err(unknown()),
    }
}
