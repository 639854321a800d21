//! The local time zone, right even after somebody changes it while we run.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The zone of the process: that of TZ when it is set, else `/etc/localtime`, looked at again whenever it is asked.
#[derive(Debug)]
pub struct LocalZone {
    zone: TimeZone,
    /// The file that the zone came from, and which one it was when it was read.
    file: Option<(PathBuf, Option<Identity>)>,
}

/// Device, inode, and seconds and nanoseconds of the last change: zone files of one package share their age.
type Identity = (u64, u64, i64, i64);

impl LocalZone {
    /// TZ wins, as in every C program; it cannot change while the process runs.
    #[must_use]
    pub fn new() -> Self {
        if std::env::var_os("TZ").is_some_and(|value| !value.is_empty()) {
            return Self { zone: TimeZone::system(), file: None };
        }
        Self::from_file("/etc/localtime".into())
    }

    fn from_file(path: PathBuf) -> Self {
        let mut zone = Self { zone: TimeZone::UTC, file: Some((path, None)) };
        zone.refresh();
        zone
    }

    /// Reads the file again when it is another one than last time. Without a file, or with a damaged one: UTC.
    fn refresh(&mut self) {
        let Some((path, known)) = &mut self.file else { return };
        let identity = std::fs::metadata(&*path)
            .map(|facts| (facts.dev(), facts.ino(), facts.mtime(), facts.mtime_nsec()))
            .ok();
        if identity.is_some() && identity == *known {
            return;
        }
        *known = identity;
        let read = std::fs::read(path).ok();
        self.zone = read.and_then(|bytes| TimeZone::tzif("Local", &bytes).ok()).unwrap_or(TimeZone::UTC);
    }
}

impl Default for LocalZone {
    fn default() -> Self {
        Self::new()
    }
}

impl record::Zone for LocalZone {
    fn offset_seconds(&mut self, unix_seconds: i64) -> i32 {
        self.refresh();
        let timestamp = Timestamp::from_second(unix_seconds).unwrap_or(Timestamp::UNIX_EPOCH);
        self.zone.to_offset(timestamp).seconds()
    }
}

#[cfg(test)]
mod tests {
    use record::Zone;

    use super::*;

    /// A zone file of version 1 with one fixed offset (RFC 8536, section 3).
    fn zone_file(offset_seconds: i32) -> Vec<u8> {
        let mut file = b"TZif\0".to_vec();
        file.extend([0; 15]);
        for count in [0u32, 0, 0, 0, 1, 4] {
            file.extend(count.to_be_bytes());
        }
        file.extend(offset_seconds.to_be_bytes());
        file.extend([0, 0]);
        file.extend(b"XYZ\0");
        file
    }

    #[test]
    fn a_change_of_the_zone_shows_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("localtime");
        let mut zone = LocalZone::from_file(path.clone());
        assert_eq!(zone.offset_seconds(0), 0);
        std::fs::write(&path, zone_file(7200)).unwrap();
        assert_eq!(zone.offset_seconds(0), 7200);
        let newer = folder.path().join("newer");
        std::fs::write(&newer, zone_file(-3600)).unwrap();
        std::fs::rename(&newer, &path).unwrap();
        assert_eq!(zone.offset_seconds(0), -3600);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(zone.offset_seconds(0), 0);
    }
}
