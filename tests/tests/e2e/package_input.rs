//! Files that are no usable package, each with its exit code, message and hint; nothing is loaded.

use std::path::Path;

use e2e::{Live, Ran, Scratch, Tool, hostile, opensnoop};

const DAMAGED: &str = "the file may be damaged or cut short: fetch or build the package again";
const TYPES: &str = "the types are damaged: fetch or build the package again";
const MIXED: &str = "the object and its description were not built together: build the package again";
const WRITTEN: &str = "a package is the JSON or YAML file that `ecli build` writes";
const KEYS: &str = "a BPF package has the keys bpf_object and meta";

fn run(path: &Path) -> Ran {
    Tool::ecli().arg("run").arg(path).run()
}

/// Each content is refused by `run` and by `info`, from a file and from standard input, in the same words.
#[track_caller]
fn all_refused(cases: &[(&[u8], &str, &str)]) {
    let scratch = Scratch::new();
    for (bytes, error, hint) in cases {
        let path = scratch.write("package.json", bytes);
        let from_file = format!("{}: {error}", path.display());
        run(&path).expect_refusal(3, &from_file, hint);
        Tool::ecli().arg("info").arg(&path).run().expect_refusal(3, &from_file, hint);
        let from_stdin = format!("standard input: {error}");
        Tool::ecli().args(["run", "-"]).stdin(*bytes).run().expect_refusal(3, &from_stdin, hint);
    }
}

fn good() -> Vec<u8> {
    std::fs::read(opensnoop()).expect("the example is there")
}

#[test]
fn a_path_that_leads_to_no_file_says_so() {
    let scratch = Scratch::new();
    let none = scratch.at("none.json");
    run(&none).expect_refusal(
        1,
        &format!("{}: no such file", none.display()),
        "give a path, `-` for standard input, or an https URL",
    );
    run("example.com/package.json".as_ref()).expect_refusal(
        1,
        "example.com/package.json: no such file",
        "for a URL, write https://example.com/package.json",
    );
    let folder = scratch.path();
    let error = format!("{}: this is a folder, not a package file", folder.display());
    run(folder).expect_refusal(3, &error, "give the package file inside it");
    let inside = scratch.write("package.json", good());
    run(folder).expect_refusal(3, &error, &format!("did you mean {}?", inside.display()));
    let beneath = inside.join("package.json");
    run(&beneath).expect_refusal(
        1,
        &format!("cannot read {}: Not a directory (os error 20)", beneath.display()),
        "",
    );
}

#[test]
fn a_file_that_may_not_be_read_says_so() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    let path = scratch.write("package.json", good());
    for (path, mode) in [(scratch.path(), 0o755), (path.as_path(), 0o600)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
    }
    Tool::ecli().arg("info").arg(&path).user(65534).run().expect_refusal(
        1,
        &format!("cannot read {}: Permission denied (os error 13)", path.display()),
        "check the permissions of the file and of the folders above it",
    );
}

#[test]
fn what_is_no_package_is_called_by_its_name() {
    let npm = br#"{"name":"left-pad","version":"1.3.0","main":"index.js","dependencies":{}}"#;
    let bare =
        std::fs::read(e2e::root().join("tests/fixtures/generations/present.yaml")).expect("it is there");
    all_refused(&[
        (b" \n", "the file is empty", DAMAGED),
        (b"Dear reader,\nthis is a letter.\n", "expected a package, found plain text", WRITTEN),
        (b"{\"a\": 1}", "expected a package, found an object with the keys \"a\"", KEYS),
        (b"[1, 2]", "expected a package, found a list at the top", KEYS),
        (npm, "expected a package, found a package.json of npm", KEYS),
        (
            b"<html><body/></html>",
            "expected a package, found an HTML page",
            "the address leads to a web page, …",
        ),
        (b"\x7fELF\x02\x01\x01", "expected a package, found an ELF file that is not for BPF", WRITTEN),
        (&[0, 1, 2, 0xff], "expected a package, found binary data of no known format", WRITTEN),
        (
            b"\x1f\x8b\x08\x00",
            "expected a package, found gzip data, which is not supported yet",
            "unpack it with gunzip",
        ),
        (
            &good()[..good().len() / 2],
            "the JSON is damaged: EOF while parsing a string at line 1 column …",
            DAMAGED,
        ),
        (&bare[..bare.len() / 2], "…", DAMAGED),
        (&hostile::deep_json(), "the JSON is damaged: recursion limit exceeded at line 1 column …", DAMAGED),
        (
            &hostile::yaml_aliases(),
            "the YAML is damaged: it asks for more nodes, aliases or nesting than a package may",
            DAMAGED,
        ),
    ]);
    // Nothing at all: the harness gives an empty standard input for this.
    let scratch = Scratch::new();
    let empty = scratch.write("empty", "");
    run(&empty).expect_refusal(3, &format!("{}: the file is empty", empty.display()), DAMAGED);
    Tool::ecli().args(["run", "-"]).run().expect_refusal(3, "standard input: the file is empty", DAMAGED);
}

#[test]
fn a_damaged_object_says_what_is_damaged() {
    let good = good();
    let elf = "the object in `bpf_object`: expected an ELF file";
    all_refused(&[
        (&hostile::truncated_base64(&good), "`bpf_object` is no base64: …", DAMAGED),
        (&hostile::damaged_zlib(&good), "`bpf_object` does not inflate: corrupt deflate stream", DAMAGED),
        (&hostile::truncated_zlib(&good), "`bpf_object` does not inflate: the data ends early", DAMAGED),
        (
            &hostile::wrong_size(&good),
            "`bpf_object_size` says that the object has … bytes, but it has …",
            "the package was changed after it was built: build it again",
        ),
        (
            &hostile::not_bpf(&good),
            &format!("{elf} for BPF (machine 247), found one for x86-64 (machine 62)"),
            "compile with `clang -target bpf`",
        ),
        (
            &hostile::not_elf(&good),
            &format!("{elf}, found 78 78 78 78 78 78 78 78"),
            "build the package again",
        ),
        (
            &hostile::without_btf(&good),
            "the BPF object has no BTF, which map `start` needs",
            "compile the BPF source with `clang -g` and strip with `llvm-strip -g`, which keeps BTF",
        ),
        (
            &hostile::btf_strings_outside(&good),
            "the BPF object: damaged BTF: the names run past the end",
            TYPES,
        ),
    ]);
}

#[test]
fn a_layout_that_cannot_be_names_its_member() {
    let good = good();
    all_refused(&[
        (
            &hostile::struct_in_itself(&good),
            "the BPF object: struct event.ts: the type contains itself",
            TYPES,
        ),
        (&hostile::cyclic_typedef(&good), "the BPF object: …: types nested deeper than 32", TYPES),
        (
            &hostile::past_the_record(&good),
            "the BPF object: struct event.flags: ends at bit 192, past the 20 bytes of its struct",
            TYPES,
        ),
        (
            &hostile::other_member_type(&good),
            "struct event, member `pid`: expected `unsigned long long`, found `int` in the object's BTF",
            MIXED,
        ),
        (
            &hostile::unknown_type_id(&good),
            "export type `event`: expected type 1000000 to be a struct of that name, found no type has the id 1000000, …",
            MIXED,
        ),
    ]);
}

/// Waits for its end, and looks at its memory as long as it lives: that in [`Ran`] includes what the harness had when
/// it started the program.
fn with_peak(live: Live) -> (Ran, u64) {
    let mut peak = 0;
    while !live.ended() {
        peak = peak.max(live.peak_rss_bytes());
    }
    (live.finish(), peak)
}

#[test]
fn an_object_of_ten_gibibytes_is_refused_in_little_memory() {
    let scratch = Scratch::new();
    for (declared, error) in [
        (true, "`bpf_object` declares 10737418240 bytes, over the limit of 67108864 bytes"),
        (false, "`bpf_object` inflates to more than the limit of 67108864 bytes"),
    ] {
        let path = scratch.write("package.json", hostile::bomb(&good(), 10 << 30, declared));
        let (ran, peak) = with_peak(Tool::ecli().arg("run").arg(&path).start());
        ran.expect_refusal(
            3,
            &format!("{}: {error}", path.display()),
            "if you trust the package, raise the limit: --max-object-size",
        );
        assert!(peak > 10 << 20, "it was looked at while it held the file: {peak} bytes\n{ran}");
        assert!(peak < 100 << 20, "{peak} bytes\n{ran}");
    }
}

#[test]
fn a_package_file_over_the_limit_is_not_read() {
    let scratch = Scratch::new();
    let path = scratch.write("package.json", good());
    let args = ["run", "--max-package-size", "1K"];
    Tool::ecli().args(args).arg(&path).run().expect_refusal(
        1,
        &format!("{}: larger than 1024 bytes, the limit for a package", path.display()),
        "is this the package itself? …",
    );
    Tool::ecli().args(["run", "/dev/zero"]).run().expect_refusal(
        1,
        "/dev/zero: larger than 67108864 bytes, the limit for a package",
        "is this the package itself? …",
    );
}
