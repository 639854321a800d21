//! Documentation comments: `@key value` lines and plain text, as fields of a package.

use serde_json::{Map, Value};

use crate::scan::Declaration;

/// Keys whose value is always text.
const TEXT: [&str; 5] = ["brief", "description", "details", "note", "version"];

/// Keys whose value has to be JSON.
const JSON: [&str; 7] = ["cmdarg", "flags", "ifindex", "sample", "tchook", "tcopts", "xdpopts"];

/// The fields that the comments before the declaration of `name` give it; none without a comment.
pub(crate) fn fields_of(
    name: &str,
    declarations: &[Declaration],
    warnings: &mut Vec<String>,
) -> Map<String, Value> {
    declarations
        .iter()
        .find(|found| !found.doc.is_empty() && found.names.iter().any(|declared| declared == name))
        .map(|found| fields(name, &found.doc, warnings))
        .unwrap_or_default()
}

/// Text before the first `@key` is the description. A line without `@` continues the one before.
fn fields(name: &str, lines: &[String], warnings: &mut Vec<String>) -> Map<String, Value> {
    let mut entries: Vec<(&str, String)> = Vec::new();
    for line in lines.iter().filter(|line| !line.is_empty()) {
        let (key, text) = match line.strip_prefix('@') {
            Some(tagged) => match tagged.split_once(char::is_whitespace) {
                Some((key, text)) => (Some(key), text.trim()),
                None => (Some(tagged), ""),
            },
            None => (None, line.as_str()),
        };
        match (key, entries.last_mut()) {
            (None, Some((_, value))) => {
                value.push(' ');
                value.push_str(text);
            }
            (key, _) => entries.push((key.unwrap_or("description"), text.to_owned())),
        }
    }
    entries.into_iter().map(|(key, text)| (key.to_owned(), value(name, key, text, warnings))).collect()
}

fn value(name: &str, key: &str, text: String, warnings: &mut Vec<String>) -> Value {
    if TEXT.contains(&key) {
        return Value::String(text);
    }
    serde_json::from_str(&text).unwrap_or_else(|error| {
        if JSON.contains(&key) {
            warnings.push(format!("{name}: @{key} is not JSON: {error}"));
        }
        Value::String(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(lines: &[&str]) -> (Value, Vec<String>) {
        let lines: Vec<_> = lines.iter().map(|line| (*line).to_owned()).collect();
        let mut warnings = Vec::new();
        (Value::Object(fields("x", &lines, &mut warnings)), warnings)
    }

    #[test]
    fn text_without_a_tag_is_the_description_and_lines_continue() {
        assert_eq!(of(&["one", "", "two"]).0, json!({"description": "one two"}));
        assert_eq!(of(&["@description a", "b", "@brief 5"]).0, json!({"description": "a b", "brief": "5"}));
    }

    #[test]
    fn options_are_json_and_a_mistake_is_a_warning() {
        let (fields, warnings) = of(&["@cmdarg {\"short\":", "\"p\"}", "@value 5", "@export_config default"]);
        assert_eq!(fields, json!({"cmdarg": {"short": "p"}, "value": 5, "export_config": "default"}));
        assert!(warnings.is_empty());
        let (_, warnings) = of(&["@sample {interval: 5}"]);
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].starts_with("x: @sample is not JSON"), "{warnings:?}");
    }
}
