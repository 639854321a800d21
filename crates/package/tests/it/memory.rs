//! A bomb of 10 GiB from 10 MiB is refused while it inflates. The peak is that of a process of its own.

use std::process::Command;

use package::{Limits, OpenError};

use crate::build::base64;

/// Set in the process that is measured; says whether the size is declared.
const CHILD: &str = "PACKAGE_TEST_BOMB";

/// zlib data of zeros: one stored dictionary of a deflate block repeated, without inflating it here.
fn bomb() -> Vec<u8> {
    // 1 MiB of zeros, flushed on a byte boundary, gives a piece that can be repeated in one stream.
    let mut encoder = flate2::Compress::new(flate2::Compression::best(), false);
    let zeros = vec![0; 1 << 20];
    let mut piece = Vec::with_capacity(1 << 16);
    encoder.compress_vec(&zeros, &mut piece, flate2::FlushCompress::Full).unwrap();
    let pieces = 10 << 10;
    let mut stream = vec![0x78, 0x9c];
    for _ in 0..pieces {
        stream.extend(&piece);
    }
    assert!((8 << 20..16 << 20).contains(&stream.len()), "{} bytes", stream.len());
    stream
}

#[test]
fn a_bomb_takes_less_than_100_mib() {
    for declared in
        ["", "\"bpf_object_size\":67108864,", "\"bpf_object_size\":100,", "\"bpf_object_size\":10737418240,"]
    {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "memory::child", "--ignored", "--nocapture", "--test-threads=1"])
            .env(CHILD, declared)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success(), "{text}{}", String::from_utf8_lossy(&child.stderr));
        let peak =
            text.lines().find_map(|line| line.split("PEAK_KIB=").nth(1)).expect("the child reports its peak");
        let peak: u64 = peak.trim().parse().unwrap();
        assert!(peak < 100 << 10, "{declared:?}: {peak} KiB");
    }
}

#[test]
#[ignore = "run by a_bomb_takes_less_than_100_mib in a process of its own"]
fn child() {
    let Ok(declared) = std::env::var(CHILD) else { return };
    let text = {
        let stream = base64(&bomb());
        format!("{{{declared}\"bpf_object\":\"{stream}\",\"meta\":{{\"eunomia_version\":\"0\"}}}}")
    };
    let building = peak_kib();
    // Forget the peak of building the bomb.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let start = std::time::Instant::now();
    let error = package::open(text.as_bytes(), &Limits::default()).unwrap_err();
    assert!(matches!(error, OpenError::ObjectTooLarge { .. }), "{error}");
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    println!("\nbuilding took {building} KiB, opening {:?}", start.elapsed());
    println!("PEAK_KIB={}", peak_kib());
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
