//! Types as C spells them, for people.

use btf_rs::Type as Kind;

use super::{Btf, BtfError, target};

impl Btf {
    /// The type as a declaration without a name: `pid_t`, `char[16]`, `const char *`, `int (*)(void)`.
    /// Outer `const` and `volatile` are left out, as in the package's own lists.
    pub(crate) fn spell(&self, id: u32) -> Result<String, BtfError> {
        let mut id = id;
        for _ in 0..self.limits.type_nesting {
            match self.kind(id)? {
                Kind::Const(of) | Kind::Volatile(of) | Kind::Restrict(of) => id = target(&of),
                Kind::TypeTag(of) => id = target(&of),
                _ => break,
            }
        }
        self.declare(id, String::new(), self.limits.type_nesting)
    }

    /// Builds a declaration from the inside out, as C reads: `declarator` is what stands for the name so far.
    fn declare(&self, id: u32, declarator: String, steps: u32) -> Result<String, BtfError> {
        let Some(steps) = steps.checked_sub(1) else { return Ok(format!("…{declarator}")) };
        let base = |name: String| join(&name, &declarator);
        Ok(match self.kind(id)? {
            Kind::Void => base("void".to_owned()),
            Kind::Int(of) => base(self.name(&of)?),
            Kind::Float(of) => base(self.name(&of)?),
            Kind::Typedef(of) => base(self.name(&of)?),
            Kind::Struct(of) => base(tagged("struct", &self.name(&of)?)),
            Kind::Union(of) => base(tagged("union", &self.name(&of)?)),
            Kind::Enum(of) => base(tagged("enum", &self.name(&of)?)),
            Kind::Enum64(of) => base(tagged("enum", &self.name(&of)?)),
            Kind::Fwd(of) => base(tagged(if of.is_union() { "union" } else { "struct" }, &self.name(&of)?)),
            Kind::Const(of) => self.qualified("const", target(&of), declarator, steps)?,
            Kind::Volatile(of) => self.qualified("volatile", target(&of), declarator, steps)?,
            Kind::Restrict(of) => self.declare(target(&of), declarator, steps)?,
            Kind::TypeTag(of) => self.declare(target(&of), declarator, steps)?,
            Kind::Ptr(of) => {
                let inner = target(&of);
                let grouped = matches!(self.kind(inner)?, Kind::Array(_) | Kind::FuncProto(_));
                let declarator = if grouped { format!("(*{declarator})") } else { format!("*{declarator}") };
                self.declare(inner, declarator, steps)?
            }
            Kind::Array(of) => self.declare(target(&of), format!("{declarator}[{}]", of.len()), steps)?,
            Kind::FuncProto(of) => {
                const SHOWN: usize = 8;
                let mut parameters = Vec::new();
                for parameter in of.parameters.iter().take(SHOWN) {
                    parameters.push(if parameter.is_variadic() {
                        "...".to_owned()
                    } else {
                        self.declare(target(parameter), String::new(), steps.min(3))?
                    });
                }
                if of.parameters.len() > SHOWN {
                    parameters.push("…".to_owned());
                }
                if parameters.is_empty() {
                    parameters.push("void".to_owned());
                }
                let declarator = format!("{declarator}({})", parameters.join(", "));
                self.declare(of.return_type_id(), declarator, steps)?
            }
            Kind::Func(of) => base(self.name(&of)?),
            other => base(other.name().to_owned()),
        })
    }

    fn qualified(&self, word: &str, id: u32, declarator: String, steps: u32) -> Result<String, BtfError> {
        // The qualifier of a pointer stands after the star, that of anything else before the type.
        if matches!(self.kind(id)?, Kind::Ptr(_)) {
            let declarator = join(word, &declarator);
            return self.declare(id, format!(" {}", declarator.trim_start()), steps);
        }
        Ok(format!("{word} {}", self.declare(id, declarator, steps)?))
    }
}

fn tagged(word: &str, tag: &str) -> String {
    if tag.is_empty() { format!("{word} {{...}}") } else { format!("{word} {tag}") }
}

fn join(base: &str, declarator: &str) -> String {
    let space = declarator.starts_with(['*', '(']);
    if space { format!("{base} {declarator}") } else { format!("{base}{declarator}") }
}
