//! Why an expression is no filter.

use crate::select::did_you_mean;

/// What is wrong with a filter, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}")]
pub struct FilterError {
    /// Character of the expression, from 1.
    pub column: usize,
    /// What is wrong there.
    #[source]
    pub problem: FilterProblem,
}

/// What is wrong with a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterProblem {
    /// No field of that name.
    #[error("no field `{name}`{}; the fields are {}", did_you_mean(.nearest), .exist.join(", "))]
    UnknownField {
        /// As typed.
        name: String,
        /// The field that was probably meant.
        nearest: Option<String>,
        /// All paths that can be compared.
        exist: Vec<String>,
    },
    /// A struct, or an array without index, has no value to compare.
    #[error("`{name}` ({type_name}) is not a single value; {remedy}")]
    NotSingle {
        /// As typed.
        name: String,
        /// In C.
        type_name: String,
        /// What to write instead.
        remedy: &'static str,
    },
    /// An index past the end of its array.
    #[error("`{name}`: the array has {len} elements")]
    Index {
        /// As typed.
        name: String,
        /// Elements of the array.
        len: u32,
    },
    /// The operator makes no sense for the field.
    #[error("`{operator}` does not apply to `{name}` ({type_name})")]
    Operator {
        /// As typed.
        operator: &'static str,
        /// The field.
        name: String,
        /// In C.
        type_name: String,
    },
    /// The literal cannot be a value of the field.
    #[error("`{literal}` is not a value of `{name}` ({type_name}); expected {expected}")]
    Literal {
        /// As typed.
        literal: String,
        /// The field.
        name: String,
        /// In C.
        type_name: String,
        /// What would be one.
        expected: String,
    },
    /// Not a regular expression, or too large a one.
    #[error("not a regular expression: {0}")]
    Regex(String),
    /// Something else should be there.
    #[error("expected {0}")]
    Expected(&'static str),
    /// A quotation mark without its partner.
    #[error("this quotation mark is not closed")]
    Quote,
    /// Parentheses and negations in each other.
    #[error("nested deeper than {0}")]
    Depth(usize),
    /// The expression is longer than anybody types.
    #[error("longer than {0} bytes")]
    Length(usize),
}
