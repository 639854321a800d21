//! A terminal that a program writes to, and that knows when something came.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// What is read goes here, until the other side is closed.
pub(crate) struct Terminal {
    shared: Arc<(Mutex<String>, Condvar)>,
}

impl Terminal {
    /// A terminal of 200 columns, and its other side for the program.
    pub(crate) fn open() -> (Self, OwnedFd) {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
            .expect("a terminal can be made");
        grantpt(&master).and_then(|()| unlockpt(&master)).expect("it is ours");
        let name = ptsname(&master, Vec::new()).expect("it has a name");
        let slave = open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())
            .expect("it is unlocked");
        let size = rustix::termios::Winsize { ws_row: 50, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&slave, size).expect("it is a terminal");

        let shared = Arc::new((Mutex::new(String::new()), Condvar::new()));
        let sink = Arc::clone(&shared);
        std::thread::spawn(move || {
            let mut master = std::fs::File::from(master);
            let mut chunk = [0; 1 << 16];
            // EIO when the last writer has gone.
            while let Ok(len @ 1..) = master.read(&mut chunk) {
                sink.0.lock().expect("nobody panics").push_str(&String::from_utf8_lossy(&chunk[..len]));
                sink.1.notify_all();
            }
        });
        (Self { shared }, slave)
    }

    /// When the text was there, or `None` when it did not come in time. What was read is forgotten.
    pub(crate) fn wait(&self, text: &str, most: Duration) -> Option<Instant> {
        let until = Instant::now() + most;
        let mut seen = self.shared.0.lock().expect("nobody panics");
        loop {
            if seen.contains(text) {
                seen.clear();
                return Some(Instant::now());
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            seen = self.shared.1.wait_timeout(seen, left).expect("nobody panics").0;
        }
    }
}
