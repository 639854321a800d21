//! Global variables that become options.
//!
//! Every global variable that is not static and that setting has an effect on: in `.rodata` the volatile ones (others
//! are folded into the code by the compiler) and those that the package gives an option. Of two with the same long or
//! short name the first keeps it; the second falls back to the variable's name, and goes without a short one.

use std::collections::{HashMap, HashSet};

use super::{Facts, in_object};
use crate::PlanError;
use crate::btf::LayoutBuilder;
use crate::description::VariableEntry;
use crate::layout::Type;
use crate::object::{self, Variable};
use crate::parameter::Parameter;
use crate::text::printable;

/// What ecc adds to keep a struct's BTF.
const DUMMY: &str = "__eunomia_dummy";

/// A variable over this size is a buffer, not a parameter.
const MAX_VARIABLE_BYTES: u32 = 64 << 10;

/// All initial values together.
const MAX_TOTAL_BYTES: usize = 16 << 20;

pub(crate) fn parameters(facts: &mut Facts<'_>) -> Result<Vec<Parameter>, PlanError> {
    let mut notes = Vec::new();
    let found = find(facts, &mut notes)?;
    facts.notes.extend(notes);
    Ok(found)
}

fn find(facts: &Facts<'_>, notes: &mut Vec<String>) -> Result<Vec<Parameter>, PlanError> {
    let Some(btf) = &facts.btf else {
        if !facts.description.variables.is_empty() {
            notes.push("the object has no BTF, so its variables cannot be set".to_owned());
        }
        return Ok(Vec::new());
    };
    let entries: HashMap<&str, &VariableEntry> =
        facts.description.variables.iter().map(|entry| (entry.name.as_str(), entry)).collect();
    let variables = object::variables(&facts.object, btf).map_err(in_object)?;
    let mut builder = LayoutBuilder::new(btf);
    let mut names = Names::default();
    let (mut parameters, mut total) = (Vec::new(), 0);
    let none = VariableEntry::default();
    for variable in &variables {
        let entry = entries.get(variable.name.as_str()).copied();
        let constant = variable.section.name.starts_with(".rodata") && !variable.is_volatile;
        if variable.name.starts_with(DUMMY) || (constant && !entry.is_some_and(|entry| entry.wanted)) {
            continue;
        }
        let name = &variable.name;
        total += variable.size_bytes as usize;
        if variable.size_bytes > MAX_VARIABLE_BYTES || total > MAX_TOTAL_BYTES {
            notes.push(format!("variable {name}: {} bytes are too many for an option", variable.size_bytes));
            continue;
        }
        let initial = initial(variable);
        if initial.is_empty() {
            continue;
        }
        let ty = match builder.value(variable.type_id, name) {
            Ok(ty) => ty,
            Err(error) => {
                notes.push(format!("variable {error}; it cannot be set"));
                continue;
            }
        };
        let type_name = btf.spell(variable.type_id).map_err(in_object)?;
        let entry = entry.unwrap_or(&none);
        let mut parameter = Parameter {
            variable: name.clone(),
            section: variable.section.name.to_owned(),
            offset_bytes: variable.offset_bytes,
            ty,
            type_name,
            long: name.clone(),
            short: None,
            help: entry.help.clone().unwrap_or_default(),
            initial,
            default: None,
        };
        parameter.default = default(&parameter, entry)?;
        names.assign(&mut parameter, entry, notes);
        parameters.push(parameter);
    }
    names.settle(&mut parameters, notes);
    unknown(facts, &parameters, &variables, notes);
    Ok(parameters)
}

/// The bytes in the section; zeros where the file holds none.
fn initial(variable: &Variable<'_, '_>) -> Vec<u8> {
    let (start, length) = (variable.offset_bytes as usize, variable.size_bytes as usize);
    if variable.section.zeroed {
        return vec![0; length];
    }
    variable.section.bytes.get(start..start + length).map(<[u8]>::to_vec).unwrap_or_default()
}

fn default(parameter: &Parameter, entry: &VariableEntry) -> Result<Option<Vec<u8>>, PlanError> {
    let Some(text) = &entry.default else { return Ok(None) };
    let fail = |error| PlanError::Default {
        variable: parameter.variable.clone(),
        value: printable(text.as_bytes()),
        source: Box::new(error),
    };
    // JSON writes a float's whole value as 1.0, also for an integer variable.
    let whole = text
        .strip_suffix(".0")
        .filter(|_| matches!(parameter.ty, Type::Signed { .. } | Type::Unsigned { .. }));
    parameter.encode(whole.unwrap_or(text)).map(Some).map_err(fail)
}

/// Entries of the package that mean nothing in the object.
fn unknown(
    facts: &Facts<'_>,
    parameters: &[Parameter],
    variables: &[Variable<'_, '_>],
    notes: &mut Vec<String>,
) {
    const SHOWN: usize = 20;
    let known: HashSet<&str> = parameters
        .iter()
        .map(|parameter| parameter.variable.as_str())
        .chain(variables.iter().map(|variable| variable.name.as_str()))
        .collect();
    let missing = facts.description.variables.iter().filter(|entry| {
        !entry.name.is_empty() && !entry.name.starts_with(DUMMY) && !known.contains(entry.name.as_str())
    });
    for entry in missing.take(SHOWN) {
        notes.push(format!(
            "variable {}: listed in the package, but the object has no such global",
            entry.name
        ));
    }
}

/// Who has which option name.
#[derive(Default)]
struct Names {
    long: HashMap<String, String>,
    short: HashMap<char, String>,
    /// Parameters that wanted a name that was taken.
    losers: Vec<String>,
}

impl Names {
    fn assign(&mut self, parameter: &mut Parameter, entry: &VariableEntry, notes: &mut Vec<String>) {
        let variable = &parameter.variable;
        if let Some(long) = &entry.long {
            let long = long.trim_start_matches('-');
            if !is_option(long) {
                notes.push(format!("variable {variable}: `{long}` cannot be an option, --{variable} is"));
            } else if let Some(other) = self.long.get(long) {
                notes.push(format!(
                    "variable {variable}: --{long} already sets {other}, --{variable} sets this one"
                ));
            } else {
                long.clone_into(&mut parameter.long);
            }
        }
        match self.long.contains_key(&parameter.long) {
            true => self.losers.push(variable.clone()),
            false => _ = self.long.insert(parameter.long.clone(), variable.clone()),
        }
        let Some(short) = &entry.short else { return };
        let mut letters = short.trim_start_matches('-').chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) if letter.is_ascii_alphanumeric() => match self.short.get(&letter) {
                Some(other) => notes.push(format!("variable {variable}: -{letter} already sets {other}")),
                None => {
                    parameter.short = Some(letter);
                    self.short.insert(letter, variable.clone());
                }
            },
            _ => notes.push(format!("variable {variable}: `{short}` is no one-letter option")),
        }
    }

    /// A variable whose own name another one took as its long option gets a number behind it.
    fn settle(mut self, parameters: &mut [Parameter], notes: &mut Vec<String>) {
        let losers: HashSet<String> = self.losers.drain(..).collect();
        for parameter in parameters.iter_mut().filter(|parameter| losers.contains(&parameter.variable)) {
            let variable = &parameter.variable;
            let free = (2u32..).map(|n| format!("{variable}-{n}")).find(|name| !self.long.contains_key(name));
            // There are fewer names than numbers.
            let Some(free) = free else { continue };
            notes.push(format!(
                "variable {variable}: --{variable} already sets another one, --{free} sets this one"
            ));
            self.long.insert(free.clone(), variable.clone());
            parameter.long = free;
        }
    }
}

fn is_option(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.chars().all(word)
}
