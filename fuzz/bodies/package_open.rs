//! A package file.

/// Opens and plans the bytes as a package.
pub(crate) fn package_open(bytes: &[u8]) -> bool {
    let limits = super::limits();
    let Ok(package) = package::open(bytes, &limits) else { return false };
    assert!(package.object().len() as u64 <= limits.object_bytes, "an object over the limit");
    let Ok(plan) = package.plan(&limits) else { return false };
    super::check(&plan, &limits);
    true
}
