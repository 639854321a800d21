//! A program about to be started.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use crate::{Live, Ran, Scratch};

/// How long a program may take when nothing else is said; past it the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program, its arguments and its streams.
#[derive(Debug)]
#[must_use]
pub struct Tool {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<OsString>,
    pub(crate) stdin: Vec<u8>,
    pub(crate) patience: Duration,
    environment: Vec<(OsString, Option<OsString>)>,
    stdout: Option<Stdio>,
    stderr: Option<Stdio>,
    user: Option<u32>,
}

impl Tool {
    /// Any program, by path or by name.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            stdin: Vec::new(),
            patience: PATIENCE,
            environment: Vec::new(),
            stdout: None,
            stderr: None,
            user: None,
        }
    }

    /// The real binary. Proxy variables and the user's cache folder of the environment are not passed on.
    pub fn ecli() -> Self {
        let mut tool = Self::new(crate::built("ecli"));
        for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
            tool = tool.without_env(name).without_env(&name.to_uppercase());
        }
        tool.without_env("NO_COLOR").without_env("XDG_CACHE_HOME")
    }

    /// `ecli run -q`, ready for the package.
    pub fn run_quietly() -> Self {
        Self::ecli().args(["run", "-q"])
    }

    /// `ecli run`, ready for options and the package, with a cache folder of its own.
    pub fn run_in(cache: &std::path::Path) -> Self {
        Self::ecli().env("XDG_CACHE_HOME", cache).arg("run")
    }

    /// One more argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().into());
        self
    }

    /// More arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().into()));
        self
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.into(), Some(value.as_ref().into())));
        self
    }

    /// Removes a variable from its environment.
    pub fn without_env(mut self, name: &str) -> Self {
        self.environment.push((name.into(), None));
        self
    }

    /// What it reads from standard input; nothing by default.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Where standard output goes instead of into [`Ran`].
    pub fn stdout(mut self, to: impl Into<Stdio>) -> Self {
        self.stdout = Some(to.into());
        self
    }

    /// Where standard error goes instead of into [`Ran`].
    pub fn stderr(mut self, to: impl Into<Stdio>) -> Self {
        self.stderr = Some(to.into());
        self
    }

    /// Standard output to a file.
    ///
    /// # Panics
    /// When the file cannot be made.
    pub fn stdout_file(self, path: impl AsRef<std::path::Path>) -> Self {
        let path = path.as_ref();
        self.stdout(File::create(path).unwrap_or_else(|why| panic!("{}: {why}", path.display())))
    }

    /// Runs as that user and group, without privileges: a copy of the program, which the user can reach.
    ///
    /// # Panics
    /// When it cannot be copied.
    pub fn user(mut self, id: u32) -> Self {
        static COPIES: OnceLock<Scratch> = OnceLock::new();
        let copies = COPIES.get_or_init(Scratch::new);
        let copy = copies.at(&format!("{}", self.program.display()).replace('/', "-"));
        let everybody = Permissions::from_mode(0o755);
        std::fs::set_permissions(copies.path(), everybody).expect("the folder is ours");
        if !copy.exists() {
            let part =
                tempfile::NamedTempFile::new_in(copies.path()).expect("the folder is ours").into_temp_path();
            std::fs::copy(&self.program, &part).expect("a program can be copied");
            part.persist(&copy).expect("it stays in its folder");
        }
        self.program = copy;
        self.user = Some(id);
        self
    }

    /// How long it may take; the test fails past it.
    pub fn patience(mut self, most: Duration) -> Self {
        self.patience = most;
        self
    }

    /// Starts it and waits for its end.
    ///
    /// # Panics
    /// When it cannot be started or does not end in time.
    pub fn run(self) -> Ran {
        self.start().finish()
    }

    /// Starts it.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(mut self) -> Live {
        let mut command = Command::new(&self.program);
        command.args(&self.args);
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(id) = self.user {
            command.uid(id).gid(id);
        }
        command.stdin(if self.stdin.is_empty() { Stdio::null() } else { Stdio::piped() });
        command.stdout(self.stdout.take().unwrap_or_else(Stdio::piped));
        command.stderr(self.stderr.take().unwrap_or_else(Stdio::piped));
        Live::start(command, self)
    }

    /// As a shell would show it.
    pub(crate) fn shown(&self) -> String {
        let program = self.program.file_name().unwrap_or(self.program.as_os_str());
        std::iter::once(program)
            .chain(self.args.iter().map(OsString::as_os_str))
            .map(|word| word.to_string_lossy())
            .map(|word| if word.contains(' ') { format!("'{word}'") } else { word.into_owned() })
            .collect::<Vec<_>>()
            .join(" ")
    }
}
