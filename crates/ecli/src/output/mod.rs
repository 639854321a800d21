//! Where rows go. An output never blocks blindly: a reader that stalls must not keep Ctrl-C from working, so what
//! cannot be written now stays in the buffer, and the caller waits for the output and for signals together.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::net::SendFlags;

/// Bytes gathered before the rings are left alone and the buffer is written.
const FULL: usize = 256 << 10;
/// What a pipe takes without blocking once poll says that it takes something (PIPE_BUF, pipe(7)).
const ATOMIC: usize = 4096;

/// What became of a flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flushed {
    /// The buffer is empty.
    All,
    /// The reader takes no more at present.
    Blocked,
    /// The reader is gone; nothing will be written any more.
    Closed,
}

/// How bytes are written without waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A regular file: a write does not wait for a reader.
    Plain,
    /// An open file description of our own, with O_NONBLOCK, so that the shell's stays as it is.
    NonBlocking,
    /// A socket: MSG_DONTWAIT.
    Socket,
    /// Anything that cannot be reopened: ask first, then write little.
    Polled,
}

/// A destination with the buffer in front of it.
#[derive(Debug)]
pub struct Output {
    file: File,
    way: Way,
    buffer: Vec<u8>,
    written: usize,
    closed: bool,
}

impl Output {
    /// Standard output.
    ///
    /// # Errors
    ///
    /// Standard output is closed.
    pub fn stdout() -> io::Result<Self> {
        let stdout = io::stdout();
        let kind = FileType::from_raw_mode(rustix::fs::fstat(stdout.as_fd())?.st_mode);
        let own = || stdout.as_fd().try_clone_to_owned().map(File::from);
        let (file, way) = match kind {
            FileType::RegularFile => (own()?, Way::Plain),
            FileType::Socket => (own()?, Way::Socket),
            _ => match reopened() {
                Ok(file) => (file, Way::NonBlocking),
                Err(_) => (own()?, Way::Polled),
            },
        };
        Ok(Self::new(file, way))
    }

    /// A file that is created or emptied.
    ///
    /// # Errors
    ///
    /// Those of open(2).
    pub fn file(path: &Path) -> io::Result<Self> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC | OFlags::NOCTTY;
        let file = File::from(rustix::fs::open(path, flags, Mode::from_raw_mode(0o666))?);
        let kind = FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode);
        Ok(Self::new(file, if kind == FileType::RegularFile { Way::Plain } else { Way::Polled }))
    }

    fn new(file: File, way: Way) -> Self {
        Self { file, way, buffer: Vec::with_capacity(FULL + (16 << 10)), written: 0, closed: false }
    }

    /// Where rows are appended.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Whether it is time to flush before more is appended.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.buffer.len() >= FULL
    }

    /// Whether something is still to be written.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.written < self.buffer.len()
    }

    /// What to wait on until more can be written or the reader goes; `None` for regular files.
    #[must_use]
    pub fn waits_on(&self) -> Option<BorrowedFd<'_>> {
        (self.way != Way::Plain && !self.closed).then(|| self.file.as_fd())
    }

    /// Writes as much as goes without waiting.
    ///
    /// # Errors
    ///
    /// Those of write(2), except that a closed pipe is [`Flushed::Closed`].
    pub fn flush(&mut self) -> io::Result<Flushed> {
        while !self.closed && self.is_pending() {
            match self.write_some() {
                Ok(count) => self.written += count,
                Err(Errno::AGAIN) => return Ok(Flushed::Blocked),
                Err(Errno::INTR) => {}
                Err(Errno::PIPE | Errno::CONNRESET) => self.closed = true,
                Err(error) => return Err(error.into()),
            }
        }
        self.buffer.clear();
        self.written = 0;
        Ok(if self.closed { Flushed::Closed } else { Flushed::All })
    }

    /// Flushes for at most `patience`; what a stalled reader has not taken by then is dropped.
    ///
    /// # Errors
    ///
    /// Those of [`Output::flush`].
    pub fn finish(&mut self, patience: Duration) -> io::Result<Flushed> {
        let until = Instant::now() + patience;
        loop {
            let flushed = self.flush()?;
            let left = until.saturating_duration_since(Instant::now());
            if flushed != Flushed::Blocked || left.is_zero() {
                return Ok(flushed);
            }
            let timeout = rustix::time::Timespec::try_from(left).expect("half a second fits");
            let mut fds = [PollFd::new(&self.file, PollFlags::OUT)];
            match poll(&mut fds, Some(&timeout)) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn write_some(&self) -> Result<usize, Errno> {
        let rest = &self.buffer[self.written..];
        match self.way {
            Way::Plain | Way::NonBlocking => rustix::io::write(&self.file, rest),
            Way::Socket => rustix::net::send(&self.file, rest, SendFlags::DONTWAIT | SendFlags::NOSIGNAL),
            Way::Polled => {
                let mut fds = [PollFd::new(&self.file, PollFlags::OUT)];
                poll(&mut fds, Some(&rustix::time::Timespec { tv_sec: 0, tv_nsec: 0 }))?;
                if fds[0].revents().is_empty() {
                    return Err(Errno::AGAIN);
                }
                rustix::io::write(&self.file, &rest[..rest.len().min(ATOMIC)])
            }
        }
    }
}

/// Standard output opened once more, as an open file description of our own.
fn reopened() -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    Ok(File::from(rustix::fs::open("/proc/self/fd/1", flags, Mode::empty())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipe_output(way: Way) -> (File, Output) {
        let (read, write) = rustix::pipe::pipe().unwrap();
        if way == Way::NonBlocking {
            rustix::io::ioctl_fionbio(&write, true).unwrap();
        }
        (File::from(read), Output::new(File::from(write), way))
    }

    #[test]
    fn a_stalled_reader_blocks_nothing_and_loses_nothing() {
        for way in [Way::NonBlocking, Way::Polled] {
            let (mut reader, mut output) = pipe_output(way);
            let data: Vec<u8> = (0..200_000u32).map(|i| (i % 251) as u8).collect();
            output.buffer().extend_from_slice(&data);
            assert_eq!(output.flush().unwrap(), Flushed::Blocked);
            let copier = std::thread::spawn(move || {
                let mut all = Vec::new();
                io::Read::read_to_end(&mut reader, &mut all).unwrap();
                all
            });
            assert_eq!(output.finish(Duration::from_secs(10)).unwrap(), Flushed::All);
            drop(output);
            assert_eq!(copier.join().unwrap(), data);
        }
    }

    #[test]
    fn a_gone_reader_is_no_error() {
        let (reader, mut output) = pipe_output(Way::NonBlocking);
        drop(reader);
        output.buffer().extend_from_slice(b"x");
        assert_eq!(output.flush().unwrap(), Flushed::Closed);
        assert!(output.waits_on().is_none());
    }

    #[test]
    fn finish_gives_up_on_a_stalled_reader() {
        let (_reader, mut output) = pipe_output(Way::NonBlocking);
        output.buffer().resize(1 << 20, 0);
        let start = Instant::now();
        assert_eq!(output.finish(Duration::from_millis(50)).unwrap(), Flushed::Blocked);
        assert!(start.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let mut output = Output::file(Path::new("/dev/full")).unwrap();
        output.buffer().push(b'x');
        assert_eq!(output.flush().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
