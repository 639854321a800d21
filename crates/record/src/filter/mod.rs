//! Which records are shown: an expression over the fields, compiled to comparisons on the raw bytes.
//!
//! ```text
//! expression  := and { "||" and }            and := not { "&&" not }
//! not         := "!" not | "(" expression ")" | comparison
//! comparison  := FIELD operator LITERAL | FIELD        a bool needs no operator
//! operator    := "==" | "!=" | "<" | "<=" | ">" | ">=" | "~"
//! ```
//!
//! A field is `a`, `a.b` or `a[3]`. A literal is a number (`-1`, `0x1f`, `1.5`), a name of the field's enumeration, `true`
//! or `false`, or text: quoted with `"` or `'`, where `\n \r \t \0 \xNN` and an escaped quotation mark or backslash mean what
//! they do in C and any other backslash stays; or bare when it holds none of the operators' characters. `~` looks for a
//! [regular expression](regex::bytes) anywhere in a text; it undoes its own escapes.
//!
//! Field and literal must fit each other; what does not is refused with its column. At run time nothing fails: text counts up
//! to its first NUL, and a comparison with a field that the record does not hold is false.
//!
//! ```
//! use package::layout::{Field, Layout, Type};
//! use record::Filter;
//!
//! let field = |name: &str, bit_offset, ty| Field {
//!     name: name.into(), bit_offset, ty, type_name: String::new(), bitfield: false,
//! };
//! let layout = Layout {
//!     name: "event".into(),
//!     size_bytes: 20,
//!     fields: vec![field("ret", 0, Type::Signed { bits: 32 }), field("comm", 32, Type::Text { bytes: 16 })],
//! };
//! let filter = Filter::compile("ret < 0 && !(comm == bash || comm ~ '^sy')", &layout)?;
//! assert!(filter.matches(b"\xfe\xff\xff\xffnginx\0"));
//! assert!(!filter.matches(b"\xfe\xff\xff\xffsystemd\0"));
//!
//! let wrong = Filter::compile("ret < 0 && com == x", &layout).unwrap_err();
//! assert_eq!(wrong.to_string(), "column 12: no field `com` (did you mean `comm`?); the fields are ret, comm");
//! # Ok::<(), record::FilterError>(())
//! ```

mod compare;
mod error;
mod parse;
mod token;

pub use error::{FilterError, FilterProblem};

use compare::Comparison;
use package::layout::Layout;

/// An expression that is true or false for each record.
#[derive(Debug, Clone)]
pub struct Filter {
    root: Node,
}

/// No deeper than [`parse`] lets it become.
#[derive(Debug, Clone)]
enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Compare(Comparison),
}

impl Filter {
    /// Checks `expression` against the fields of `layout` and compiles it.
    ///
    /// # Errors
    ///
    /// An expression that does not read as one, a field that does not exist, a literal that does not fit its field.
    pub fn compile(expression: &str, layout: &Layout) -> Result<Self, FilterError> {
        Ok(Self { root: parse::expression(expression, layout)? })
    }

    /// Whether the record is to be shown. Allocates nothing, except that the first `~` of a thread makes its regular
    /// expression's scratch space.
    #[inline]
    #[must_use]
    pub fn matches(&self, record: &[u8]) -> bool {
        self.root.holds(record)
    }
}

impl Node {
    fn holds(&self, record: &[u8]) -> bool {
        match self {
            Self::And(all) => all.iter().all(|node| node.holds(record)),
            Self::Or(any) => any.iter().any(|node| node.holds(record)),
            Self::Not(node) => !node.holds(record),
            Self::Compare(comparison) => comparison.holds(record),
        }
    }
}
