//! The command's parts against real files, servers and certificates.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod source;
