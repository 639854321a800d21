//! `ecli info` for people: a heading, then a table a topic.

use serde_json::Value;

use crate::message::printable;

/// The facts as text.
pub(super) fn render(facts: &Value, verbose: bool) -> String {
    let mut out = String::new();
    heading(&mut out, facts);
    table(
        &mut out,
        "PROGRAMS",
        &["NAME", "TYPE", "ATTACHES TO"],
        rows(&facts["programs"], &["name", "type", "attach"]),
    );
    table(
        &mut out,
        "MAPS",
        &["NAME", "TYPE", "KEY", "VALUE", "ENTRIES", "MEMORY"],
        rows(&facts["maps"], &["name", "type", "key_bytes", "value_bytes", "max_entries", "memory_bytes"]),
    );
    for stream in facts["streams"].as_array().into_iter().flatten() {
        let title = format!(
            "STREAM {}: {} of struct {}, {} bytes; time: {}",
            plain(&stream["name"]),
            plain(&stream["source"]),
            plain(&stream["struct"]),
            plain(&stream["size_bytes"]),
            plain(&stream["time"]),
        );
        table(&mut out, &title, &["OFFSET", "SIZE", "KIND", "TYPE", "FIELD"], field_lines(&stream["fields"]));
    }
    table(
        &mut out,
        "PARAMETERS",
        &["OPTION", "TYPE", "DEFAULT", "MEANING"],
        parameter_lines(&facts["parameters"]),
    );
    if verbose {
        list(&mut out, "NOTES", facts["notes"].as_array().into_iter().flatten().map(plain));
        let unknown = facts["unknown_keys"].as_array().into_iter().flatten();
        list(
            &mut out,
            "KEYS WITHOUT MEANING HERE",
            unknown.map(|key| format!("{} = {}", plain(&key["path"]), plain(&key["value"]))),
        );
    }
    out
}

fn heading(out: &mut String, facts: &Value) {
    out.push_str(&plain(&facts["name"]));
    if let Some(brief) = facts["brief"].as_str().or(facts["description"].as_str()) {
        out.push_str(": ");
        out.push_str(&printable(brief));
    }
    out.push('\n');
    for (name, value) in [
        (
            "format",
            format!(
                "{} generation, {}, {} bytes",
                plain(&facts["generation"]),
                plain(&facts["encoding"]),
                plain(&facts["package_bytes"])
            ),
        ),
        ("sha256", plain(&facts["sha256"])),
        ("object", format!("{} bytes", plain(&facts["object_bytes"]))),
        ("license", facts["license"].as_str().map_or("none".to_owned(), printable)),
    ] {
        out.push_str(&format!("  {name:<8} {value}\n"));
    }
}

fn field_lines(fields: &Value) -> Vec<Vec<String>> {
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    fields
        .as_array()
        .into_iter()
        .flatten()
        .map(|field| {
            let row = super::FieldRow {
                path: plain(&field["name"]),
                bit_offset: number(&field["bit_offset"]),
                bits: number(&field["bits"]),
                type_name: plain(&field["type"]),
                kind: "",
            };
            vec![row.offset(), row.size(), plain(&field["kind"]), row.type_name, row.path]
        })
        .collect()
}

fn parameter_lines(parameters: &Value) -> Vec<Vec<String>> {
    let option = |parameter: &Value| {
        let short =
            parameter["short"].as_str().map_or(String::new(), |short| format!("-{}, ", printable(short)));
        format!("{short}--{}", plain(&parameter["long"]))
    };
    let parameters = parameters.as_array().into_iter().flatten();
    parameters
        .map(|parameter| {
            vec![
                option(parameter),
                plain(&parameter["type"]),
                plain(&parameter["default"]),
                plain(&parameter["help"]),
            ]
        })
        .collect()
}

fn rows(items: &Value, keys: &[&str]) -> Vec<Vec<String>> {
    let items = items.as_array().into_iter().flatten();
    items.map(|item| keys.iter().map(|&key| plain(&item[key])).collect()).collect()
}

/// A value as people read it; texts of the package never reach the terminal with control characters.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => printable(text),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn list(out: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<Vec<String>> = lines.map(|line| vec![line]).collect();
    table(out, title, &[], lines);
}

/// A titled table; nothing at all when it has no rows.
fn table(out: &mut String, title: &str, header: &[&str], rows: Vec<Vec<String>>) {
    if rows.is_empty() {
        return;
    }
    out.push_str(&format!("\n{title}\n"));
    let header: Vec<String> = header.iter().map(|&name| name.to_owned()).collect();
    let all: Vec<Vec<String>> =
        if header.is_empty() { rows } else { std::iter::once(header).chain(rows).collect() };
    let columns = all.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| all.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    for row in &all {
        let mut line = String::from(" ");
        for (cell, &width) in row.iter().zip(&widths) {
            line.push_str(&format!(" {cell:<width$} "));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_line_up_and_end_without_blanks() {
        let mut out = String::new();
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        table(&mut out, "T", &["A", "B"], vec![row(["long name", "1"]), row(["x", ""])]);
        assert_eq!(out, "\nT\n  A          B\n  long name  1\n  x\n");
    }
}
