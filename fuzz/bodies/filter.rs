//! Filters of any text, on any layout, over any record.

use record::Filter;

use super::layouts::Source;

/// The first bytes make a layout; a line is the expression; the rest is a record.
pub(crate) fn filter(bytes: &[u8]) -> bool {
    let mut source = Source(bytes);
    let layout = source.layout(2);
    let mut parts = source.0.splitn(2, |&byte| byte == b'\n');
    let expression = String::from_utf8_lossy(parts.next().unwrap_or_default());
    match Filter::compile(&expression, &layout) {
        Ok(filter) => {
            let record = parts.next().unwrap_or_default();
            let whole = filter.matches(record);
            assert_eq!(filter.matches(record), whole, "the same record, the same answer");
            for end in 0..record.len().min(64) {
                let _ = filter.matches(&record[..end]);
            }
            true
        }
        Err(error) => {
            assert!(!error.to_string().contains('\n'), "a message of one line");
            false
        }
    }
}
