//! Programs that run at every sample of a CPU: one perf event on each CPU that is online.

use libbpf_rs::Program as LoadedProgram;
use package::Program;

use super::{Attached, Hold};
use crate::error::AttachError;
use crate::host::Host;
use crate::missing::Missing;
use crate::notice::Notice;
use crate::sys::{self, sampling::Clock};

/// Whether the kernel samples that often.
pub(super) fn needs(program: &Program, frequency: u64, host: &Host) -> Result<(), Missing> {
    match host.max_sample_rate() {
        Some(most) if frequency > most => {
            Err(Missing::SampleRate { program: program.name.clone(), frequency, most })
        }
        _ => Ok(()),
    }
}

/// Samples CPU cycles, or the kernel's timer where there is no such counter (then with a notice).
pub(super) fn attach(
    program: &Program,
    raw: &LoadedProgram<'_>,
    frequency: u64,
    host: &Host,
    notices: &mut Vec<Notice>,
) -> Result<Attached, AttachError> {
    let hook = format!("samples at {frequency} Hz");
    let refused = |source| AttachError::Refused { program: program.name.clone(), hook: hook.clone(), source };
    let cpus = host.online_cpus().map_err(refused)?;
    let mut clock = Clock::Cycles;
    let mut links = Vec::with_capacity(cpus.len());
    for cpu in &cpus {
        let event = match sys::sampling::open(clock, *cpu, frequency) {
            Err(error) if links.is_empty() && is_no_counter(&error) => {
                clock = Clock::CpuClock;
                notices.push(Notice::SoftwareClock { program: program.name.clone() });
                sys::sampling::open(clock, *cpu, frequency)
            }
            other => other,
        };
        let event = match event {
            // Gone since the list was read.
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => continue,
            other => other.map_err(refused)?,
        };
        links.push(sys::libbpf::attach_perf_event(raw, event).map_err(refused)?);
    }
    let what = match clock {
        Clock::Cycles => "CPU cycles",
        Clock::CpuClock => "cpu-clock",
    };
    let description = format!("{what} at {frequency} Hz on {} CPUs", links.len());
    Ok(Attached { hold: Hold::Links(links), description })
}

/// Whether the machine has no such counter, rather than no permission for it.
fn is_no_counter(error: &std::io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EOPNOTSUPP | libc::ENODEV))
}
