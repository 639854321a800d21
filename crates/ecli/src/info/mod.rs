//! `ecli info`: what is in a package. Nothing is loaded and no privilege is needed.
//!
//! One model (`facts`) with two writers: `text` for people, serde_json for programs.

mod facts;
mod fields;
mod text;

use package::{Package, Plan};

use crate::message::printable;

pub use fields::{FieldRow, field_rows};

/// What stands below the options in a program's own help: the fields that it prints, and the author's last words.
#[must_use]
pub fn program_epilogue(plan: &Plan, details: Option<&str>) -> String {
    let mut text = String::new();
    for stream in &plan.streams {
        text.push_str(&format!("Fields of {}:\n", stream.name));
        let rows = field_rows(&stream.layout);
        let width = rows.iter().map(|row| row.path.len()).max().unwrap_or(0);
        for row in rows {
            text.push_str(&format!("  {:<width$}  {}\n", row.path, row.type_name));
        }
        text.push('\n');
    }
    text.push_str(&details.map_or(
        "Options of ecli itself stand before the package; ecli run --help lists them.".to_owned(),
        printable,
    ));
    text
}

/// The package as text for people.
#[must_use]
pub fn as_text(package: &Package, plan: &Plan, verbose: bool) -> String {
    text::render(&facts::facts(package, plan), verbose)
}

/// The package as one JSON document, indented.
#[must_use]
pub fn as_json(package: &Package, plan: &Plan) -> String {
    let mut json = serde_json::to_string_pretty(&facts::facts(package, plan)).expect("a tree of values");
    json.push('\n');
    json
}
