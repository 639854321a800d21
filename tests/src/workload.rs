//! Programs that open files, for the tests to be seen.

use std::path::Path;
use std::time::Duration;

use crate::{Live, Tool};

/// What `opens` shall do; see its `--help`.
#[derive(Debug, Clone)]
pub struct Workload {
    args: Vec<String>,
    patience: Duration,
}

/// What `opens` did.
#[derive(Debug, Clone)]
pub struct Opens {
    /// Process ids of the workers.
    pub pids: Vec<u32>,
    /// Opens of all workers, failed ones counted.
    pub opens: u64,
    /// Wall time of one open and close: the mean over the workers' own.
    pub ns_per_open: f64,
    /// CPU time of all workers.
    pub cpu: Duration,
}

impl Workload {
    /// One worker opens the path that many times, as fast as it can.
    #[must_use]
    pub fn opening(path: &Path, count: u64) -> Self {
        let path = path.to_str().expect("test paths are UTF-8");
        let args =
            ["--path", path, "--count"].map(str::to_owned).into_iter().chain([count.to_string()]).collect();
        Self { args, patience: Duration::from_secs(120) }
    }

    fn with(mut self, name: &str, value: u32) -> Self {
        self.args.extend([name.to_owned(), value.to_string()]);
        self
    }

    /// The n-th open is of `PATH/n` instead.
    #[must_use]
    pub fn numbered(mut self) -> Self {
        self.args.push("--numbered".to_owned());
        self
    }

    /// That many workers, each with `count` opens.
    #[must_use]
    pub fn workers(self, workers: u32) -> Self {
        self.with("--workers", workers)
    }

    /// Every worker on a CPU of its own, from that one on.
    #[must_use]
    pub fn pinned(self, first_cpu: u32) -> Self {
        self.with("--pin", first_cpu)
    }

    /// A fixed rate for each worker instead of full speed.
    #[must_use]
    pub fn per_second(self, rate: u32) -> Self {
        self.with("--rate", rate)
    }

    /// Starts the workers.
    #[must_use]
    pub fn start(&self) -> Live {
        Tool::new(crate::built("opens")).args(&self.args).patience(self.patience).start()
    }

    /// Starts the workers and waits for their end.
    ///
    /// # Panics
    /// When they fail.
    #[must_use]
    pub fn run(&self) -> Opens {
        Opens::of(self.start())
    }
}

impl Opens {
    /// Waits for the end of what [`Workload::start`] gave.
    ///
    /// # Panics
    /// When a worker failed.
    #[must_use]
    pub fn of(live: Live) -> Self {
        let ran = live.finish();
        ran.expect_code(0);
        let report: serde_json::Value = serde_json::from_slice(&ran.stdout).expect("`opens` reports JSON");
        let number = |name: &str| report[name].as_f64().unwrap_or_else(|| panic!("no {name} in {report}"));
        let pids = report["pids"].as_array().expect("`opens` reports pids");
        Self {
            pids: pids
                .iter()
                .map(|pid| pid.as_u64().and_then(|pid| u32::try_from(pid).ok()).expect("a process id"))
                .collect(),
            opens: number("opens") as u64,
            ns_per_open: number("ns_per_open"),
            cpu: Duration::from_secs_f64(number("cpu_seconds")),
        }
    }
}
