//! What this machine lacks for a plan, found out before anything is loaded.
//!
//! Facts about the kernel come from a [`Host`]; what a kind of attachment needs stands with that kind, in
//! [`crate::attach`].

use package::{Attach, Plan};

use crate::attach;
use crate::host::Host;
use crate::missing::Missing;

/// Finds the first thing that is missing for `plan`.
///
/// # Errors
/// That thing.
pub(crate) fn check(plan: &Plan, host: &Host) -> Result<(), Missing> {
    privileges(plan, host)?;
    plan.programs.iter().try_for_each(|program| attach::needs(program, host))
}

/// Bits of `include/uapi/linux/capability.h`; [`SYS_ADMIN`] stands for all of them.
const NET_ADMIN: (&str, u64) = ("CAP_NET_ADMIN", 1 << 12);
const SYS_ADMIN: u64 = 1 << 21;
const PERFMON: (&str, u64) = ("CAP_PERFMON", 1 << 38);
const BPF: (&str, u64) = ("CAP_BPF", 1 << 39);

fn privileges(plan: &Plan, host: &Host) -> Result<(), Missing> {
    // A process that cannot say what it may do is told by the kernel.
    let Some(effective) = host.effective_capabilities() else { return Ok(()) };
    let network = plan.programs.iter().any(|it| matches!(it.attach, Attach::Tc { .. } | Attach::Xdp { .. }));
    let mut needed = vec![BPF, PERFMON];
    if network {
        needed.push(NET_ADMIN);
    }
    let has =
        |(_, bit): &(&str, u64)| effective & bit != 0 || (*bit != NET_ADMIN.1 && effective & SYS_ADMIN != 0);
    let lacking: Vec<_> = needed.iter().filter(|it| !has(it)).map(|(name, _)| *name).collect();
    if lacking.is_empty() {
        return Ok(());
    }
    Err(Missing::Privilege { needed: needed.into_iter().map(|(name, _)| name).collect(), lacking })
}

#[cfg(test)]
mod tests {
    use package::{Program, TcDirection};

    use super::*;
    use crate::host::tests::Tree;

    fn plan(attach: Attach) -> Plan {
        let program = Program { name: "p".into(), section: "socket".into(), attach };
        Plan {
            object_name: "test".into(),
            programs: vec![program],
            maps: vec![],
            streams: vec![],
            parameters: vec![],
            notes: vec![],
        }
    }

    fn lacking(capabilities: u64, attach: Attach) -> Vec<&'static str> {
        let tree =
            Tree::new(&[("proc/thread-self/status", &format!("Name:\tx\nCapEff:\t{capabilities:016x}\n"))]);
        match privileges(&plan(attach), &tree.host()) {
            Ok(()) => vec![],
            Err(Missing::Privilege { lacking, .. }) => lacking,
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn root_may_do_everything_and_others_what_their_capabilities_allow() {
        let tc = || Attach::Tc { ifindex: 1, direction: TcDirection::Ingress, handle: 1, priority: 1 };
        assert!(lacking(u64::MAX, tc()).is_empty());
        assert!(lacking(BPF.1 | PERFMON.1, Attach::Section).is_empty());
        assert!(lacking(SYS_ADMIN, Attach::Section).is_empty());
        assert_eq!(lacking(PERFMON.1, Attach::Section), ["CAP_BPF"]);
        assert_eq!(lacking(BPF.1 | PERFMON.1, tc()), ["CAP_NET_ADMIN"]);
        assert_eq!(lacking(SYS_ADMIN, tc()), ["CAP_NET_ADMIN"]);
        assert_eq!(lacking(0, Attach::Section), ["CAP_BPF", "CAP_PERFMON"]);
    }

    #[test]
    fn a_process_that_cannot_read_its_capabilities_is_not_refused_here() {
        assert_eq!(privileges(&plan(Attach::Section), &Tree::new(&[]).host()), Ok(()));
    }
}
