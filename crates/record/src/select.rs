//! Names of fields as users type them.

use package::layout::{Layout, Type};

/// Why a list of fields cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// No field of that name.
    #[error("no field `{name}`{}; the fields are {}", did_you_mean(.nearest), .exist.join(", "))]
    Unknown {
        /// As typed.
        name: String,
        /// The field that was probably meant.
        nearest: Option<String>,
        /// All paths that can be shown.
        exist: Vec<String>,
    },
    /// Nothing would be shown.
    #[error("no field is named")]
    Empty,
}

pub(crate) fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

/// Paths of all fields, nested structs seen through.
pub(crate) fn paths(layout: &Layout) -> Vec<String> {
    crate::plan::compile(layout, None).0.into_iter().map(|leaf| leaf.path).collect()
}

/// Whether the layout is that of a sampled map's entry.
pub(crate) fn is_entry(layout: &Layout) -> bool {
    matches!(&layout.fields[..], [key, value] if key.name == "key" && value.name == "value")
}

/// The path that a typed name stands for: in entries of sampled maps `key.` and `value.` need not be typed.
pub(crate) fn full_path(layout: &Layout, name: &str) -> Option<String> {
    if exists(layout, name) {
        return Some(name.into());
    }
    let prefixes: &[&str] = if is_entry(layout) { &["key.", "value."] } else { &[] };
    prefixes.iter().map(|prefix| format!("{prefix}{name}")).find(|path| exists(layout, path))
}

fn exists(layout: &Layout, path: &str) -> bool {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    layout.fields.iter().any(|field| {
        field.name == first
            && match (rest, &field.ty) {
                (None, _) => true,
                (Some(rest), Type::Struct(of) | Type::Union(of)) => exists(of, rest),
                (Some(_), _) => false,
            }
    })
}

/// The name that differs least, when it differs little.
pub(crate) fn nearest(exist: &[String], name: &str) -> Option<String> {
    let name: String = name.chars().take(64).collect();
    let most = (name.chars().count() / 3).max(1).min(name.chars().count().saturating_sub(1));
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let distance = |path: &String| distance(path, &name).min(distance(&last(path), &name));
    exist
        .iter()
        .map(|path| (distance(path), path))
        .min()
        .filter(|(d, _)| *d <= most)
        .map(|(_, path)| path.clone())
}

/// Insertions, deletions and replacements, upper and lower case alike.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
