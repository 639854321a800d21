//! Programs and how each is attached: the object's section decides, the package adds interfaces and the like.

use std::collections::{HashMap, HashSet};

use super::Facts;
use crate::description::{Extras, ProgramEntry};
use crate::{Attach, PlanError, Program, TcDirection};

/// `lo`, upstream's default.
const DEFAULT_IFINDEX: i32 = 1;

/// Samples a second of a `perf_event` program; the package cannot say another.
const SAMPLES_A_SECOND: u64 = 1;

pub(crate) fn programs(facts: &mut Facts<'_>) -> Result<Vec<Program>, PlanError> {
    let present = facts.object.programs()?;
    let names: HashSet<&str> = present.iter().map(|program| program.name.as_str()).collect();
    let listed: Option<HashMap<&str, &ProgramEntry>> = facts
        .description
        .programs
        .as_ref()
        .map(|entries| entries.iter().map(|entry| (entry.name.as_str(), entry)).collect());
    if let Some(entry) =
        facts.description.programs.iter().flatten().find(|entry| !names.contains(&*entry.name))
    {
        let present = present.iter().map(|program| program.name.clone()).collect();
        return Err(PlanError::NoSuchProgram { name: entry.name.clone(), present });
    }
    let mut programs = Vec::new();
    for program in &present {
        let entry = match &listed {
            Some(listed) => listed.get(program.name.as_str()).copied(),
            None => None,
        };
        let attach = if listed.is_some() && entry.is_none() {
            facts
                .notes
                .push(format!("program {}: not listed in the package, so it is not attached", program.name));
            Attach::None
        } else if let Some(section) = program.section.strip_prefix('?') {
            facts
                .notes
                .push(format!("program {}: its section ?{section} asks not to be attached", program.name));
            Attach::None
        } else if entry.is_some_and(|entry| !entry.link) {
            Attach::None
        } else {
            attach(&program.name, &program.section, entry.map(|entry| &entry.extras))?
        };
        if let Some(named) = entry.and_then(|entry| entry.attach.as_ref())
            && *named != program.section
        {
            let (name, section) = (&program.name, &program.section);
            facts.notes.push(format!(
                "program {name}: the package says {named}, the object {section}, which counts"
            ));
        }
        programs.push(Program { name: program.name.clone(), section: program.section.clone(), attach });
    }
    Ok(programs)
}

/// Sections that libbpf cannot attach by itself, by the part before the first slash.
fn attach(program: &str, section: &str, extras: Option<&Extras>) -> Result<Attach, PlanError> {
    let none = Extras::default();
    let extras = extras.unwrap_or(&none);
    Ok(match section {
        "xdp" | "xdp.frags" => Attach::Xdp {
            ifindex: extras.xdp_ifindex.unwrap_or(DEFAULT_IFINDEX),
            flags: extras.xdp_flags.unwrap_or(0),
        },
        "tc" | "classifier" | "tc/ingress" | "tc/egress" => {
            let named = match extras.tc_attach_point.as_deref() {
                None if section == "tc/egress" => TcDirection::Egress,
                None | Some("BPF_TC_INGRESS") => TcDirection::Ingress,
                Some("BPF_TC_EGRESS") => TcDirection::Egress,
                Some(other) => {
                    return Err(PlanError::Attach {
                        program: program.to_owned(),
                        key: "tchook.attach_point",
                        expected: "BPF_TC_INGRESS or BPF_TC_EGRESS",
                        found: other.to_owned(),
                    });
                }
            };
            Attach::Tc {
                ifindex: extras.tc_ifindex.unwrap_or(DEFAULT_IFINDEX),
                direction: named,
                handle: extras.tc_handle.unwrap_or(1),
                priority: extras.tc_priority.unwrap_or(1),
            }
        }
        "perf_event" => Attach::PerfEvent { frequency: SAMPLES_A_SECOND },
        _ => Attach::Section,
    })
}
