//! SIGINT and SIGTERM as something to wait for.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use signal_hook::consts::{SIGINT, SIGTERM};

/// Readable once the process was asked to stop. A second SIGINT or SIGTERM while stopping ends it at once.
#[derive(Debug)]
pub struct StopSignal {
    pipe: UnixStream,
}

impl StopSignal {
    /// Installs the handlers.
    ///
    /// # Errors
    ///
    /// Out of file descriptors.
    pub fn install() -> io::Result<Self> {
        let (pipe, write) = UnixStream::pair()?;
        let asked = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // The order counts: the second signal finds the flag set by the first.
            signal_hook::flag::register_conditional_default(signal, asked.clone())?;
            signal_hook::flag::register(signal, asked.clone())?;
            signal_hook::low_level::pipe::register(signal, write.try_clone()?)?;
        }
        Ok(Self { pipe })
    }
}

impl AsFd for StopSignal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}
