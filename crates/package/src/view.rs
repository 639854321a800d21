//! Typed access to the tree that knows where it is, for messages.

use crate::OpenError;
use crate::text::is_unsafe;
use crate::tree::Node;

/// A place in the tree; what is missing and what is null are the same.
#[derive(Clone)]
pub(crate) struct View<'n, 'a> {
    node: Option<&'n Node<'a>>,
    path: String,
}

/// Characters of a wrong value that a message shows.
const SHOWN: usize = 60;

/// As for names in BTF.
const MAX_NAME_BYTES: usize = 4096;

impl<'n, 'a> View<'n, 'a> {
    pub(crate) fn top(node: &'n Node<'a>) -> Self {
        Self { node: Some(node), path: String::new() }
    }

    pub(crate) fn node(&self) -> Option<&'n Node<'a>> {
        self.node.filter(|node| **node != Node::Null)
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn get(&self, key: &str) -> Self {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Self { node: self.node.and_then(|node| node.get(key)), path }
    }

    /// The object here, or nothing.
    pub(crate) fn object(self) -> Result<Self, OpenError> {
        match self.node() {
            None | Some(Node::Map(_)) => Ok(self),
            Some(_) => Err(self.expected("an object")),
        }
    }

    /// The items of the list here; none when it is missing.
    pub(crate) fn list(&self) -> Result<Vec<Self>, OpenError> {
        match self.node() {
            None => Ok(Vec::new()),
            Some(Node::List(items)) => Ok(items
                .iter()
                .enumerate()
                .map(|(index, item)| Self { node: Some(item), path: format!("{}[{index}]", self.path) })
                .collect()),
            Some(_) => Err(self.expected("a list")),
        }
    }

    /// Text; numbers and booleans count as what they look like, because a doc comment `/// 5` is written as 5.
    pub(crate) fn text(&self) -> Result<Option<String>, OpenError> {
        match self.node() {
            None => Ok(None),
            Some(Node::Text(text)) => Ok(Some(text.clone().into_owned())),
            Some(node @ (Node::Integer(_) | Node::Float(_) | Node::Bool(_))) => Ok(Some(node.compact(SHOWN))),
            Some(_) => Err(self.expected("text")),
        }
    }

    /// Text that can stand in a message: names, types, sections.
    pub(crate) fn name(&self) -> Result<Option<String>, OpenError> {
        let text = self.text()?;
        if text.as_ref().is_some_and(|text| text.len() > MAX_NAME_BYTES || text.contains(is_unsafe)) {
            return Err(self.expected("a name"));
        }
        Ok(text)
    }

    pub(crate) fn required_name(&self) -> Result<String, OpenError> {
        self.name()?.ok_or_else(|| self.expected("text"))
    }

    pub(crate) fn number<T: TryFrom<i128>>(&self, expected: &str) -> Result<Option<T>, OpenError> {
        match self.node() {
            None => Ok(None),
            Some(Node::Integer(value)) => T::try_from(*value).map(Some).map_err(|_| self.expected(expected)),
            Some(_) => Err(self.expected(expected)),
        }
    }

    pub(crate) fn bool(&self) -> Result<Option<bool>, OpenError> {
        match self.node() {
            None => Ok(None),
            Some(Node::Bool(value)) => Ok(Some(*value)),
            Some(_) => Err(self.expected("true or false")),
        }
    }

    pub(crate) fn expected(&self, expected: &str) -> OpenError {
        let found = self.node.map_or_else(|| "nothing".to_owned(), |node| node.compact(SHOWN));
        OpenError::Field { path: self.path.clone(), expected: expected.to_owned(), found }
    }
}
