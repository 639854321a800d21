//! Opens files at full speed or at a fixed rate, and reports as JSON how long an open took.
//!
//! The load of the tests and of the bench. Each worker is a process of its own; all start at once. The loop holds
//! `openat` of one fixed path and `close`, and nothing else; the clock is read once before it and once after it.
#![allow(clippy::print_stdout, reason = "a program, and its report goes to standard output")]

use std::ffi::CString;
use std::io::{Read, Write};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::time::{ClockId, Timespec, clock_gettime};

const HELP: &str = "\
opens [--path PATH] [--count N | --seconds T] [--workers P] [--rate HZ] [--pin CPU] [--numbered] [--wait]

  --path PATH    what to open, for reading (/dev/null); it may be missing
  --count N      opens of each worker (100000)
  --seconds T    stop after that time, whatever the count
  --workers P    processes (1)
  --rate HZ      opens a second of each worker; without it as fast as possible
  --pin CPU      worker i runs on CPU + i
  --numbered     the n-th open is of PATH/n
  --wait         start when standard input ends

Reports {\"opens\":…,\"ns_per_open\":…,\"cpu_seconds\":…,\"pids\":[…]}. ns_per_open is the wall time of one openat and close.
";

struct Options {
    path: String,
    count: u64,
    time: Option<Duration>,
    workers: usize,
    rate: Option<u32>,
    pin: Option<usize>,
    numbered: bool,
    wait: bool,
    worker: Option<usize>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let options = match options(&words) {
        Ok(options) => options,
        Err(word) => {
            print!("{HELP}");
            return if word == "--help" { ExitCode::SUCCESS } else { ExitCode::from(2) };
        }
    };
    match options.worker {
        Some(index) => work(&options, index),
        None => lead(&options, &words),
    }
    ExitCode::SUCCESS
}

/// The word that is not understood, when there is one.
fn options(words: &[String]) -> Result<Options, String> {
    let mut options = Options {
        path: "/dev/null".to_owned(),
        count: 100_000,
        time: None,
        workers: 1,
        rate: None,
        pin: None,
        numbered: false,
        wait: false,
        worker: None,
    };
    let mut timed = false;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--numbered" => options.numbered = true,
            "--wait" => options.wait = true,
            "--path" => options.path.clone_from(words.next().ok_or_else(|| word.clone())?),
            _ => {
                let value = words.next().ok_or_else(|| word.clone())?;
                let number: f64 = value.parse().map_err(|_| word.clone())?;
                match word.as_str() {
                    "--count" => (options.count, timed) = (number as u64, true),
                    "--seconds" => options.time = Some(Duration::from_secs_f64(number)),
                    "--workers" => options.workers = number as usize,
                    "--rate" => options.rate = Some(number as u32),
                    "--pin" => options.pin = Some(number as usize),
                    "--worker" => options.worker = Some(number as usize),
                    _ => return Err(word.clone()),
                }
            }
        }
    }
    if options.time.is_some() && !timed {
        options.count = u64::MAX;
    }
    Ok(options)
}

/// Starts the workers, lets them go at once, adds up what they report.
fn lead(options: &Options, words: &[String]) {
    let myself = std::env::current_exe().expect("a running program has a path");
    let mut workers: Vec<Child> = (0..options.workers)
        .map(|index| {
            let mut command = Command::new(&myself);
            command.args(words).args(["--worker", &index.to_string()]);
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a worker can be started")
        })
        .collect();
    // Each says one byte when it is about to start, so that none is late.
    for worker in &mut workers {
        let ready = worker.stdout.as_mut().expect("piped above");
        ready.read_exact(&mut [0]).expect("a worker says that it is ready");
    }
    if options.wait {
        std::io::stdin().read_to_end(&mut Vec::new()).expect("standard input can be read");
    }
    workers.iter_mut().for_each(|worker| drop(worker.stdin.take()));

    let pids: Vec<u32> = workers.iter().map(Child::id).collect();
    let (mut opens, mut ns_per_open, mut cpu_seconds) = (0, 0.0, 0.0);
    for mut worker in workers {
        let mut report = String::new();
        worker.stdout.take().expect("piped above").read_to_string(&mut report).expect("a worker reports");
        assert!(worker.wait().expect("a worker ends").success(), "a worker failed");
        let numbers: Vec<f64> =
            report.split_whitespace().map(|word| word.parse().expect("a number")).collect();
        opens += numbers[0] as u64;
        ns_per_open += numbers[1] / numbers[0].max(1.0) / pids.len() as f64;
        cpu_seconds += numbers[2] / 1e9;
    }
    println!(
        "{}",
        serde_json::json!({"opens": opens, "ns_per_open": ns_per_open, "cpu_seconds": cpu_seconds, "pids": pids})
    );
}

/// Opens, then reports opens, wall time and CPU time in nanoseconds.
fn work(options: &Options, index: usize) {
    // Not to outlive a leader that is killed.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .expect("SIGKILL is a signal");
    if let Some(first) = options.pin {
        let mut cpus = rustix::thread::CpuSet::new();
        cpus.set(first + index);
        rustix::thread::sched_setaffinity(None, &cpus).expect("that CPU exists");
    }
    let path = CString::new(options.path.as_str()).expect("an argument holds no NUL");
    let mut out = std::io::stdout();
    out.write_all(b".").and_then(|()| out.flush()).expect("the parent reads");
    std::io::stdin().read_to_end(&mut Vec::new()).expect("standard input can be read");

    let cpu_start = now(ClockId::ProcessCPUTime);
    let (opens, wall) = match options.rate {
        None => full_speed(options, &path),
        Some(rate) => steadily(options, &path, rate),
    };
    let cpu = now(ClockId::ProcessCPUTime) - cpu_start;
    println!(" {opens} {wall} {cpu}");
}

/// Opens between two looks at the clock when there is a time limit.
const BATCH: u64 = 1024;

/// How many were done, and the nanoseconds that they took.
fn full_speed(options: &Options, path: &CString) -> (u64, u64) {
    let start = now(ClockId::Monotonic);
    let until = options.time.map(|time| start + nanos(time));
    let mut done = 0;
    while done < options.count && until.is_none_or(|until| now(ClockId::Monotonic) < until) {
        let batch = BATCH.min(options.count - done);
        for n in done..done + batch {
            open(options, path, n);
        }
        done += batch;
    }
    (done, now(ClockId::Monotonic) - start)
}

/// The same; only the opens are timed, not the waiting between them.
fn steadily(options: &Options, path: &CString, rate: u32) -> (u64, u64) {
    let start = now(ClockId::Monotonic);
    let until = options.time.map_or(u64::MAX, |time| start + nanos(time));
    let mut opening = 0;
    for n in 0..options.count {
        let due = start + n * 1_000_000_000 / u64::from(rate.max(1));
        if due >= until {
            return (n, opening);
        }
        if let Some(early) = due.checked_sub(now(ClockId::Monotonic)) {
            std::thread::sleep(Duration::from_nanos(early));
        }
        let before = now(ClockId::Monotonic);
        open(options, path, n);
        opening += now(ClockId::Monotonic) - before;
    }
    (options.count, opening)
}

#[inline]
fn open(options: &Options, path: &CString, n: u64) {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    // A missing file is as good as any: the call is what is seen.
    if options.numbered {
        drop(openat(CWD, format!("{}/{n}", options.path), flags, Mode::empty()));
    } else {
        drop(openat(CWD, path, flags, Mode::empty()));
    }
}

fn now(clock: ClockId) -> u64 {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(clock);
    tv_sec.cast_unsigned() * 1_000_000_000 + tv_nsec.cast_unsigned()
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX / 2)
}
