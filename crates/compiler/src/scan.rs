//! The little of C that has to be read as text: top-level declarations, and the comments before them.
//!
//! What a declaration *means* always comes from clang's output; this only ties comments to names, and finds
//! the tags of structs. Preprocessor lines are skipped, so both branches of an `#if` are seen.

/// A declaration or definition at the top level.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Declaration {
    /// The documentation comments before it, without their marks, a line each.
    pub(crate) doc: Vec<String>,
    /// The names that it may declare: identifiers outside all brackets and before any `=`, and the first
    /// identifier within each pair of parentheses (as in `BPF_KPROBE(name, …)`).
    pub(crate) names: Vec<String>,
    /// Tag of the struct that it defines, when it defines one.
    pub(crate) defines_struct: Option<String>,
}

#[derive(Debug, PartialEq)]
enum Token<'a> {
    Doc(&'a str),
    Name(&'a str),
    Mark(u8),
}

/// Reads a source or header, leniently: any text gives some declarations.
pub(crate) fn declarations(text: &str) -> Vec<Declaration> {
    let mut reader = Reader::default();
    let mut found = Vec::new();
    for token in (Tokens { text, at: 0, line_start: true }) {
        if let Some(declaration) = reader.read(&token) {
            found.push(declaration);
        }
    }
    found
}

#[derive(Default)]
struct Reader {
    current: Declaration,
    /// Open brackets of any kind.
    depth: usize,
    /// The bracket that was opened last, and nothing since.
    just_opened: Option<u8>,
    after_assignment: bool,
    /// The last token at depth 0 was `)`: a `{` now opens a function's body.
    after_parenthesis: bool,
    in_function: bool,
    /// `struct` was read at depth 0, and the tag since, if there is one.
    after_struct: Option<Option<String>>,
}

impl Reader {
    fn read(&mut self, token: &Token<'_>) -> Option<Declaration> {
        let just_opened = self.just_opened.take();
        match *token {
            Token::Doc(text) if self.depth == 0 => self.doc(text),
            Token::Doc(_) => {}
            Token::Name(name) => self.name(name, just_opened),
            Token::Mark(mark @ (b'(' | b'[' | b'{')) => {
                if self.depth == 0 && mark == b'{' {
                    self.in_function = self.after_parenthesis && self.after_struct.is_none();
                    if let Some(Some(tag)) = self.after_struct.take() {
                        self.current.defines_struct.get_or_insert(tag);
                    }
                }
                self.depth += 1;
                self.just_opened = Some(mark);
            }
            Token::Mark(mark @ (b')' | b']' | b'}')) => {
                self.depth = self.depth.saturating_sub(1);
                self.after_parenthesis = mark == b')';
                if self.depth == 0 && mark == b'}' && self.in_function {
                    return Some(self.end());
                }
            }
            Token::Mark(b';') if self.depth == 0 => return Some(self.end()),
            Token::Mark(b'=') if self.depth == 0 => self.after_assignment = true,
            Token::Mark(_) => {}
        }
        None
    }

    fn doc(&mut self, text: &str) {
        if self.current.names.is_empty() {
            let text = text.trim_start_matches(['/', '*', '!']).trim_end_matches(['/', '*']);
            self.current
                .doc
                .extend(text.lines().map(|line| line.trim().trim_start_matches('*').trim().to_owned()));
        }
    }

    fn name(&mut self, name: &str, just_opened: Option<u8>) {
        if self.depth == 0 {
            self.after_parenthesis = false;
            match &mut self.after_struct {
                Some(tag) if !matches!(name, "__attribute__" | "__packed") => {
                    tag.get_or_insert_with(|| name.to_owned());
                }
                _ if name == "struct" => self.after_struct = Some(None),
                _ => {}
            }
        }
        let named_by_macro = self.depth == 1 && just_opened == Some(b'(');
        if (self.depth == 0 || named_by_macro) && !self.after_assignment {
            self.current.names.push(name.to_owned());
        }
    }

    fn end(&mut self) -> Declaration {
        std::mem::take(self).current
    }
}

struct Tokens<'a> {
    text: &'a str,
    at: usize,
    line_start: bool,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let rest = self.text.get(self.at..)?;
            let first = *rest.as_bytes().first()?;
            let line_start = std::mem::replace(&mut self.line_start, false);
            match first {
                b'\n' => {
                    self.line_start = true;
                    self.at += 1;
                }
                _ if first.is_ascii_whitespace() => {
                    self.line_start = line_start;
                    self.at += 1;
                }
                b'#' if line_start => self.at += directive_length(rest),
                b'/' if rest.starts_with("//") || rest.starts_with("/*") => {
                    self.line_start = line_start;
                    let comment = comment(rest);
                    self.at += comment.len();
                    if is_doc(comment) {
                        return Some(Token::Doc(comment));
                    }
                }
                b'"' | b'\'' => self.at += literal_length(rest),
                b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
                    let end =
                        rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                    self.at += end;
                    return Some(Token::Name(&rest[..end]));
                }
                b'0'..=b'9' => {
                    self.at += rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
                }
                _ => {
                    self.at += rest.chars().next().map_or(1, char::len_utf8);
                    return Some(Token::Mark(first));
                }
            }
        }
    }
}

fn comment(rest: &str) -> &str {
    let end = if rest.starts_with("//") {
        rest.find('\n').unwrap_or(rest.len())
    } else {
        rest[2..].find("*/").map_or(rest.len(), |at| at + 4)
    };
    &rest[..end]
}

/// As clang decides: `///`, `//!`, `/**` and `/*!`, but neither `////` nor `/**/`.
fn is_doc(comment: &str) -> bool {
    let line = (comment.starts_with("///") && !comment.starts_with("////")) || comment.starts_with("//!");
    let block = (comment.starts_with("/**") && !comment.starts_with("/***") && comment != "/**/")
        || comment.starts_with("/*!");
    line || block
}

/// Length of a preprocessor line with its continuations, without the final line end.
fn directive_length(rest: &str) -> usize {
    let mut from = 0;
    loop {
        let Some(end) = rest[from..].find('\n').map(|at| from + at) else { return rest.len() };
        if !rest[..end].trim_end_matches('\r').ends_with('\\') {
            return end;
        }
        from = end + 1;
    }
}

/// Length of a string or character literal; one that is not closed ends with its line.
fn literal_length(rest: &str) -> usize {
    let quote = rest.as_bytes()[0];
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            b'\n' if !escaped => return at,
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            _ if byte == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn structs(text: &str) -> Vec<String> {
        declarations(text).into_iter().filter_map(|found| found.defines_struct).collect()
    }

    #[test]
    fn structs_defined_at_the_top_level_are_found_in_every_spelling() {
        let text = "#define S struct no {\nstruct plain { int a; };\nstruct __attribute__((packed)) packed { char c; };\n\
                    typedef struct named { struct inner { int b; } in; } alias_t;\n/* struct commented { int x; }; */\n\
                    // struct line { };\nstruct only_declared;\nstruct event *pointer;\nchar *s = \"struct text {\";\n\
                    enum e { A }; union u { int a; };\ntypedef struct { int c; } anonymous_t;";
        assert_eq!(structs(text), ["plain", "packed", "named"]);
    }

    #[test]
    fn a_comment_belongs_to_the_declaration_that_follows() {
        let text = "/// one\n/// two\nconst volatile int a = f(b), c;\n/* plain */ int d;\n\
                    /** three\n * four */\nstruct { int type; } events SEC(\".maps\");\n\
                    /// five\nSEC(\"kprobe/x\") int BPF_KPROBE(probe, int arg)\n{ /// inside\n return 0; }\nint e;";
        let found = declarations(text);
        let of = |name: &str| &found.iter().find(|d| d.names.iter().any(|n| n == name)).unwrap().doc;
        assert_eq!(*of("a"), ["one", "two"]);
        assert!(of("d").is_empty());
        assert_eq!(*of("events"), ["three", "four"]);
        assert_eq!(*of("probe"), ["five"]);
        assert!(of("e").is_empty());
        assert!(!found.iter().any(|d| d.names.iter().any(|n| n == "b" || n == "type")));
    }

    #[test]
    fn text_that_ends_in_the_middle_is_read_to_its_end() {
        for text in [
            "",
            "}",
            "))]",
            "/*",
            "/**",
            "/**/",
            "\"",
            "'\\",
            "#",
            "#\\\n",
            "struct",
            "struct {",
            "ü = \"é\\",
            "/// x",
        ] {
            declarations(text);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "([a-z_ü0-9 \\n;={}()\\[\\]\"'/*#\\\\]|struct |/// |/\\*\\* ){0,60}") {
            declarations(&text);
        }
    }
}
