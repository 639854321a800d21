//! The folder on a real file system. What needs other users, needs root.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use tempfile::TempDir;

use super::*;

const KEY: Key = Key([7; 32]);
const OTHERS: [u8; 32] = [9; 32];
const SOMEBODY: u32 = 65534;

fn types(text: &[u8]) -> Trimmed {
    Trimmed { body: Body::Types(text.to_vec()), modules: Modules::NotAsked }
}

fn kept() -> (TempDir, Folder, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let folder = Folder::open(&root.path().join("a/b")).unwrap();
    folder.write(&KEY, &types(b"some types"), OTHERS).unwrap();
    let file = root.path().join("a/b").join(file_name(&KEY));
    (root, folder, file)
}

fn count(path: &Path) -> usize {
    fs::read_dir(path).unwrap().count()
}

fn is_hit(folder: &Folder) -> bool {
    matches!(folder.read(&KEY, || unreachable!("does not depend on modules")), Some(Entry::Types(_)))
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_is_written_is_read_by_nobody_else() {
    let (root, folder, file) = kept();
    assert!(is_hit(&folder));
    assert!(fs::read(&file).unwrap().starts_with(b"some types"));
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o600);
    for made in ["a", "a/b"] {
        assert_eq!(fs::metadata(root.path().join(made)).unwrap().mode() & 0o7777, 0o700);
    }
    assert!(folder.read(&Key([8; 32]), || OTHERS).is_none());
    folder.remove(&KEY);
    folder.remove(&KEY);
    assert!(!is_hit(&folder));
}

#[test]
fn every_changed_bit_and_every_cut_is_damage_and_is_repaired() {
    let (_root, folder, file) = kept();
    let whole = fs::read(&file).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        fs::write(&file, &damaged).unwrap();
        assert!(folder.read(&KEY, || OTHERS).is_none(), "bit in byte {at}");
        fs::write(&file, &whole[..at]).unwrap();
        assert!(folder.read(&KEY, || OTHERS).is_none(), "cut at {at}");
    }
    fs::write(&file, [&whole[..], b"x"].concat()).unwrap();
    assert!(!is_hit(&folder));
    folder.write(&KEY, &types(b"some types"), OTHERS).unwrap();
    assert_eq!(fs::read(&file).unwrap(), whole);
    assert!(is_hit(&folder));
}

#[test]
fn an_entry_under_anothers_name_does_not_count() {
    let (_root, folder, file) = kept();
    let other = Key([8; 32]);
    fs::copy(&file, file.with_file_name(file_name(&other))).unwrap();
    assert!(folder.read(&other, || OTHERS).is_none());
}

#[test]
fn an_entry_may_depend_on_the_loaded_modules_or_say_that_the_whole_is_needed() {
    let (_root, folder, _) = kept();
    let whole = Trimmed { body: Body::Whole(Why::InModule), modules: Modules::Asked };
    folder.write(&KEY, &whole, OTHERS).unwrap();
    assert!(matches!(folder.read(&KEY, || OTHERS), Some(Entry::Whole(Why::InModule))));
    assert!(folder.read(&KEY, || [1; 32]).is_none());
}

#[test]
fn files_of_others_and_files_that_others_can_write_do_not_count() {
    let (_root, folder, file) = kept();
    for bits in [0o620, 0o602, 0o666] {
        mode(&file, bits);
        assert!(!is_hit(&folder), "{bits:o}");
    }
    mode(&file, 0o644);
    assert!(is_hit(&folder));
    chown(&file, Some(SOMEBODY), None).unwrap();
    assert!(!is_hit(&folder));
    folder.write(&KEY, &types(b"some types"), OTHERS).unwrap();
    assert!(is_hit(&folder), "a foreign file is replaced");
    assert_eq!(fs::metadata(&file).unwrap().uid(), rustix::process::geteuid().as_raw());
}

#[test]
fn what_is_no_file_does_not_count_and_is_not_followed() {
    let (root, folder, file) = kept();
    let elsewhere = root.path().join("elsewhere");
    fs::rename(&file, &elsewhere).unwrap();
    symlink(&elsewhere, &file).unwrap();
    assert!(!is_hit(&folder));
    folder.write(&KEY, &types(b"some types"), OTHERS).unwrap();
    assert!(is_hit(&folder) && fs::symlink_metadata(&file).unwrap().is_file());

    fs::remove_file(&file).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, &file, FileType::Fifo, Mode::RUSR, 0).unwrap();
    assert!(!is_hit(&folder), "nor waited for");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert!(!is_hit(&folder));
    assert!(folder.write(&KEY, &types(b"some types"), OTHERS).is_err());
    assert_eq!(count(&root.path().join("a/b")), 1, "nothing is left lying aside");
}

#[test]
fn a_folder_of_others_or_that_others_can_write_is_not_used() {
    let (root, _, file) = kept();
    let path = file.parent().unwrap();
    for bits in [0o770, 0o707, 0o1777] {
        mode(path, bits);
        let error = Folder::open(path).unwrap_err();
        assert_eq!(error.to_string(), format!("others can write to it (mode {bits:o})"));
    }
    mode(path, 0o755);
    Folder::open(path).unwrap();
    chown(path, Some(SOMEBODY), None).unwrap();
    assert!(matches!(Folder::open(path).unwrap_err(), FolderError::Owner { owner: SOMEBODY, .. }));

    let link = root.path().join("link");
    symlink(root.path().join("a"), &link).unwrap();
    assert!(matches!(Folder::open(&link).unwrap_err(), FolderError::Io(_)));
    assert!(matches!(Folder::open(&root.path().join("file/below")).map(|_| ()), Ok(())));
    fs::write(root.path().join("plain"), b"").unwrap();
    assert!(matches!(Folder::open(&root.path().join("plain")).unwrap_err(), FolderError::Io(_)));
}

#[test]
fn a_folder_that_cannot_be_made_or_written_is_an_error() {
    // Root may write anywhere but there.
    for path in ["/proc/ecli", "/sys/kernel/ecli"] {
        assert!(matches!(Folder::open(Path::new(path)).unwrap_err(), FolderError::Io(_)), "{path}");
    }
    let folder = Folder::open(Path::new("/proc/self/fdinfo")).unwrap();
    assert!(folder.read(&KEY, || OTHERS).is_none());
    assert!(folder.write(&KEY, &types(b"some types"), OTHERS).is_err());
}

#[test]
fn writers_at_once_leave_one_whole_file() {
    let (root, folder, _) = kept();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let write = |text: &'static [u8]| {
            let folder = &folder;
            move || (0..200).for_each(|_| folder.write(&KEY, &types(text), OTHERS).unwrap())
        };
        let writers = [scope.spawn(write(b"some types")), scope.spawn(write(b"other types"))];
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while !stop.load(Ordering::Relaxed) {
                assert!(is_hit(&folder));
                reads += 1;
            }
            reads
        });
        for writer in writers {
            writer.join().unwrap();
        }
        stop.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
    });
    assert_eq!(count(&root.path().join("a/b")), 1);
}

#[test]
fn the_newest_files_are_kept_and_strangers_left_alone() {
    let (root, folder, _) = kept();
    let path = root.path().join("a/b");
    fs::write(path.join("README"), b"not ours").unwrap();
    for number in 0..10 {
        let name = path.join(format!("{}.1.{number}.tmp", Key([number; 32]).name()));
        let file = File::create(name).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(u64::from(number))).unwrap();
    }
    folder.prune(3).unwrap();
    let mut names: Vec<_> =
        fs::read_dir(&path).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    let of = |number| format!("{}.1.{number}.tmp", Key([number; 32]).name());
    assert_eq!(names, [file_name(&KEY), of(8), of(9), "README".into()]);
}

#[test]
fn what_a_process_of_the_same_number_left_aside_is_replaced() {
    let (root, folder, _) = kept();
    folder.write_aside("left", b"first").unwrap();
    folder.write_aside("left", b"second").unwrap();
    assert_eq!(fs::read(root.path().join("a/b/left")).unwrap(), b"second");
}
