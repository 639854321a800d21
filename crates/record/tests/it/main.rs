//! What `record` promises, from outside.

mod columns;
mod filter;
mod fixture;
mod json;
mod properties;
