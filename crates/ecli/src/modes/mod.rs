//! One function a mode of the command.

mod build;
mod documents;
mod info;
mod opening;
mod run;

pub use build::build;
pub use documents::{completions, man_pages};
pub use info::info;
pub use run::run;

use std::io::{self, ErrorKind, Write};

use crate::exit::{Exit, Failure};

/// Writes a document to standard output; a closed pipe is success.
fn print(text: &[u8]) -> Result<Exit, Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(Exit::Done),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Exit::Done),
        Err(error) => Err(Failure::new(Exit::Failed, error)),
    }
}
