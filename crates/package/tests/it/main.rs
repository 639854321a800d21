//! Packages of every generation, made here from small objects that are committed with their sources.

mod build;
mod present;
