//! What opensnoop programs report, ours and libbpf-tools', as one type to compare.

use std::collections::BTreeMap;
use std::fmt::Write;

/// One reported open.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Opened {
    /// Process id.
    pub pid: u32,
    /// Command name.
    pub comm: String,
    /// File descriptor, or the negated error number.
    pub ret: i32,
    /// The path as given to the system call.
    pub path: String,
}

impl Opened {
    /// Reads the bundled package's JSON rows.
    ///
    /// # Panics
    /// When a line is no such row.
    #[must_use]
    pub fn from_json_lines(text: &str) -> Vec<Self> {
        text.lines()
            .map(|line| {
                let row: serde_json::Value =
                    serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"));
                let number = |name: &str| row[name].as_i64().unwrap_or_else(|| panic!("no {name}: {line}"));
                let text =
                    |name: &str| row[name].as_str().unwrap_or_else(|| panic!("no {name}: {line}")).to_owned();
                Self {
                    pid: u32::try_from(number("pid")).expect("a process id"),
                    comm: text("comm"),
                    ret: i32::try_from(number("ret")).expect("a descriptor or an error number"),
                    path: text("fname"),
                }
            })
            .collect()
    }

    /// Reads the table of libbpf-tools' `opensnoop`: PID, COMM, FD, ERR, PATH; lines of another shape are left out.
    #[must_use]
    pub fn from_libbpf_tools(text: &str) -> Vec<Self> {
        let row = |line: &str| {
            let mut words = line.split_whitespace();
            let pid = words.next()?.parse().ok()?;
            let comm = words.next()?.to_owned();
            let fd: i32 = words.next()?.parse().ok()?;
            let error: i32 = words.next()?.parse().ok()?;
            Some(Self {
                pid,
                comm,
                ret: if error == 0 { fd } else { -error },
                path: words.next()?.to_owned(),
            })
        };
        text.lines().filter_map(row).collect()
    }
}

/// What differs between two multisets of rows, a line each: `-` only in the first, `+` only in the second. Empty: the same.
#[must_use]
pub fn difference(first: &[Opened], second: &[Opened]) -> String {
    let mut count: BTreeMap<&Opened, i64> = BTreeMap::new();
    first.iter().for_each(|row| *count.entry(row).or_default() -= 1);
    second.iter().for_each(|row| *count.entry(row).or_default() += 1);
    let mut text = String::new();
    for (row, surplus) in count.into_iter().filter(|(_, surplus)| *surplus != 0).take(50) {
        let sign = if surplus < 0 { '-' } else { '+' };
        writeln!(text, "{sign}{} {row:?}", surplus.abs()).expect("a string takes all");
    }
    text
}
