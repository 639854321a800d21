//! `ecli info`.

use crate::cli::InfoArgs;
use crate::exit::{Exit, Failure};
use crate::info;
use crate::message::Messages;
use crate::modes::opening::open;

/// Shows what is in a package.
///
/// # Errors
///
/// The package cannot be fetched or is none.
pub fn info(args: &InfoArgs, messages: &Messages) -> Result<Exit, Failure> {
    let opened = open(&args.package, &args.fetch, messages)?;
    let text = if args.json {
        info::as_json(&opened.package, &opened.plan)
    } else {
        info::as_text(&opened.package, &opened.plan, args.verbose)
    };
    super::print(text.as_bytes())
}
