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
    if let Some(extra) = args.package.program_arguments().first() {
        let extra = extra.to_string_lossy();
        return Err(Failure::new(Exit::Usage, format!("unexpected argument '{extra}' after the package"))
            .with_hint(Some("options of ecli info stand before the package")));
    }
    let text = if args.json {
        info::as_json(&opened.package, &opened.plan)
    } else {
        info::as_text(&opened.package, &opened.plan, args.verbose)
    };
    super::print(text.as_bytes())
}
