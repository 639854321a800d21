//! From programs in the kernel to records, and back to nothing.

use std::io;
use std::ops::ControlFlow;
use std::time::Instant;

use libbpf_rs::Object;
use package::Plan;

use crate::attach::{self, Attachment, Holds};
use crate::error::AttachError;
use crate::host::Host;
use crate::ledger::Ledger;
use crate::libbpf_log::{Capture, Sink};
use crate::notice::Notice;
use crate::streams::{RawRecord, Streams, Wake, Watched};

/// Rings are open; nothing is attached. Dropping it removes programs and maps.
#[derive(Debug)]
pub struct Ready {
    pub(crate) streams: Streams,
    pub(crate) object: Object,
    pub(crate) plan: Plan,
    pub(crate) notices: Vec<Notice>,
    pub(crate) libbpf_log: Option<Sink>,
}

impl Ready {
    /// Attaches every program of the package, in object order.
    ///
    /// # Errors
    /// The first program that could not be attached; those before it are detached again.
    pub fn attach(self) -> Result<Running, AttachError> {
        let Self { streams, object, plan, mut notices, libbpf_log } = self;
        let _capture = Capture::start(libbpf_log.as_ref());
        let attachments = attach::attach(&object, &plan, &Host::system())?;
        notices.extend(attachments.notices);
        Ok(Running {
            holds: attachments.holds,
            listed: attachments.listed,
            streams,
            _object: object,
            notices,
        })
    }
}

/// Programs are attached. Dropping it detaches and removes them, and loses what the rings still hold.
#[derive(Debug)]
pub struct Running {
    // Dropped in this order: detach, close the rings, remove programs and maps.
    holds: Holds,
    streams: Streams,
    _object: Object,
    listed: Vec<Attachment>,
    notices: Vec<Notice>,
}

impl Running {
    /// What is attached, in object order.
    #[must_use]
    pub fn attachments(&self) -> &[Attachment] {
        &self.listed
    }

    /// What the user should be told once.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// Waits until there may be records, one of `others` (at most 14) has something to tell, or `deadline` has come.
    ///
    /// # Errors
    /// The kernel's.
    pub fn wait(&mut self, others: &[Watched<'_>], deadline: Option<Instant>) -> io::Result<Wake> {
        self.streams.wait(others, deadline)
    }

    /// Hands every record that is there to `each`, until it breaks; what it has not seen then comes next time.
    ///
    /// # Errors
    /// A sampled map that cannot be read.
    pub fn drain(&mut self, each: impl FnMut(RawRecord<'_>) -> ControlFlow<()>) -> io::Result<()> {
        self.streams.drain(each)
    }

    /// Ends the run: hands over the records made until now, reads the losses, then detaches, which takes a fraction
    /// of a second.
    pub fn stop(self, each: impl FnMut(RawRecord<'_>)) -> Ledger {
        let Self { holds, mut streams, _object, .. } = self;
        let ledger = streams.finish(each);
        drop(holds);
        // Closed after the last program can have written to them.
        drop(streams);
        ledger
    }
}
