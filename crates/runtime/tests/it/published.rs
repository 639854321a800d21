//! Whole packages, through the phases: those with the shape of the published ones, and every other fixture.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use package::{Limits, Plan};
use runtime::{LoadError, LoadOptions, Missing};

use crate::kernel::{alone, gone, own_programs};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures");

/// Every file below `folder` that ends like a package.
fn packages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            packages(&path, found);
        } else if path.extension().is_some_and(|it| it == "json" || it == "yaml") {
            found.push(path);
        }
    }
}

/// Whether this kernel has to run it: the test's own opinion, from the kernel's files.
fn is_expected_to_run(plan: &Plan) -> bool {
    let has_kprobes = Path::new("/sys/bus/event_source/devices/kprobe").exists();
    let has_tracing = libbpf_rs::ProgramType::Tracing.is_supported().unwrap();
    plan.programs.iter().all(|program| match program.section.split('/').next().unwrap() {
        "kprobe" | "kretprobe" => has_kprobes,
        "fentry" | "fexit" | "lsm" => has_tracing,
        _ => true,
    })
}

#[test]
fn every_fixture_package_runs_or_says_what_this_kernel_lacks() {
    // Packages for interface 1 get a loopback of their own, and this machine's /sys stays.
    let output = Command::new("unshare")
        .arg("--net")
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "published::in_a_network_namespace"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
#[ignore = "started by every_fixture_package_runs_or_says_what_this_kernel_lacks"]
fn in_a_network_namespace() {
    let _alone = alone();
    let mut found = Vec::new();
    packages(Path::new(FIXTURES), &mut found);
    let mut ran = 0;
    for path in &found {
        let name = path.display();
        let opened = package::open(&fs::read(path).unwrap(), &Limits::default());
        let Ok(package) = opened else { continue };
        let Ok(plan) = package.plan(&Limits::default()) else { continue };
        match runtime::load(package.object(), &plan, &LoadOptions::default()) {
            Ok(loaded) => {
                assert!(is_expected_to_run(&plan), "{name}");
                let programs = own_programs();
                let running =
                    loaded.open_streams().unwrap().attach().unwrap_or_else(|error| panic!("{name}: {error}"));
                assert_eq!(running.attachments().len(), plan.programs.len(), "{name}");
                running.stop(|_| {});
                gone(&programs);
                ran += 1;
            }
            Err(LoadError::Missing(
                Missing::Kprobes { .. } | Missing::Lockdown { .. } | Missing::Function { .. },
            )) => {
                assert!(!is_expected_to_run(&plan), "{name}");
            }
            Err(LoadError::Verifier { .. }) => assert!(path.ends_with("rejected/package.json"), "{name}"),
            Err(error) => panic!("{name}: {error}"),
        }
    }
    println!("{ran} of {} ran", found.len());
    assert!(ran >= 20, "only {ran} of {} ran", found.len());
}
