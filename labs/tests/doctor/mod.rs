//! `cargo labs doctor`: what is said of machines that lack something, and of this one.

use labs::doctor::{Course, Facts, Guarantee, Health, Memory, Setting, Terminal, lines, render};
use scenario::line::{GuaranteeLine, Line};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const GIB: u64 = 1 << 30;

/// A machine on which all is well.
fn well() -> Facts {
    Facts {
        rustc: Some("rustc 1.90.0 (1159e78c4 2025-09-14)".to_owned()),
        cargo: Some("cargo 1.90.0 (840b83a10 2025-07-30)".to_owned()),
        needed: Some("1.88".to_owned()),
        cores: Some(8),
        memory: Some(Memory { total: 16 * GIB, available: 10 * GIB }),
        disk: Some((PathBuf::from("course/target"), 50 * GIB)),
        settings: Vec::new(),
        git: Some("git version 2.47.3".to_owned()),
        course: Course::Parts(vec!["lab1".to_owned(), "lab2a".to_owned()]),
        terminal: Some(Terminal { columns: Some(120), colors: true }),
        guarantee: Guarantee::Known(GuaranteeLine {
            protected: true,
            clock: true,
            randomness: true,
            hash_order: true,
            threads: true,
            sentence: "A run is a function of its seed, whatever your code does.".to_owned(),
        }),
    }
}

fn setting(name: &str, value: &str) -> Setting {
    Setting { name: name.to_owned(), value: value.to_owned(), file: None }
}

/// How the line of that name is, and all that it says.
fn said(facts: &Facts, name: &str) -> (Health, String) {
    let line = lines(facts).into_iter().find(|line| line.name == name).expect("there is such a line");
    assert_eq!(line.health == Health::Ok, line.remedy.is_none(), "what is not well has a remedy: {line:?}");
    let remedy = line.remedy.unwrap_or_default();
    assert!(remedy.is_empty() || remedy.ends_with('.'), "{remedy}");
    (line.health, format!("{} {remedy}", line.sentence).trim().to_owned())
}

#[test]
fn a_good_machine_reads_like_this() {
    assert_eq!(
        render(&lines(&well())),
        "\
rust         ok      rustc 1.90.0 and cargo 1.90.0; the course needs 1.88 or
                     later.
course       ok      You are in a course with lab1, lab2a.
processors   ok      8 run as many seeds at the same time.
memory       ok      10.0 GiB of 16.0 GiB can be used.
disk         ok      50.0 GiB are free where builds go, course/target.
build        ok      Nothing changes it from outside.
git          ok      git version 2.47.3.
terminal     ok      It has 120 columns, with colours.
guarantee    ok      A run is a function of its seed, whatever your code does.

The labs run here.
"
    );
}

#[test]
fn a_machine_on_which_nothing_is_known_is_told_as_such_and_fails_for_what_lacks() {
    assert_eq!(
        render(&lines(&Facts::default())),
        "\
rust         fail    There is no rustc in the PATH.
             to do   install Rust with https://rustup.rs, and open a new
                     terminal.
course       fail    There is no Cargo.toml here or above, so nothing can be
                     built.
             to do   change into the course's directory.
processors   warn    How many there are is unknown, so runs follow one another.
             to do   say how many to use: `cargo labs run --jobs 4`.
memory       warn    How much there is is unknown.
             to do   see that about 2 GiB are free before the first build.
disk         warn    How much is free where builds go is unknown.
             to do   see that about 4 GiB are free.
build        ok      Nothing changes it from outside.
git          warn    There is no git in the PATH. The labs run without; your
                     work has no history then.
             to do   install it: https://git-scm.com.
terminal     ok      Output goes to none: it has no colours, and nothing waits
                     for a key.
guarantee    warn    unknown: the test program is not built yet.
             to do   run cargo labs doctor --build.

The labs do not run here before 2 things are mended. 5 things could be better.
"
    );
}

#[test]
fn an_old_compiler_is_told_apart_from_a_new_and_from_an_unknown_one() {
    let with = |rustc: &str| said(&Facts { rustc: Some(rustc.to_owned()), ..well() }, "rust");
    assert_eq!(with("rustc 1.88.0 (x)").0, Health::Ok);
    assert_eq!(with("rustc 2.0.0 (x)").0, Health::Ok);
    assert_eq!(with("rustc 1.100.0-nightly (x)").0, Health::Ok);
    let (health, text) = with("rustc 1.87.0 (x)");
    assert_eq!(health, Health::Fail);
    assert!(text.contains("is too old; the course needs 1.88 or later") && text.contains("`rustup update`"));
    assert_eq!(with("rustc of my own").0, Health::Warn);
    let cargo = said(&Facts { cargo: None, ..well() }, "rust");
    assert_eq!((cargo.0, cargo.1.contains("no cargo in the PATH")), (Health::Fail, true));
}

#[test]
fn little_of_something_warns_and_nothing_of_it_fails() {
    let disk = |free| said(&Facts { disk: Some((PathBuf::from("t"), free)), ..well() }, "disk").0;
    assert_eq!([disk(5 * GIB), disk(GIB), disk(GIB / 4)], [Health::Ok, Health::Warn, Health::Fail]);
    let memory = |available| Some(Memory { total: 4 * GIB, available });
    let memory = |available| said(&Facts { memory: memory(available), ..well() }, "memory");
    assert_eq!(memory(3 * GIB).0, Health::Ok);
    assert!(memory(GIB).1.starts_with("1.0 GiB of 4.0 GiB can be used: a first build may be stopped"));
    assert_eq!(said(&Facts { cores: Some(1), ..well() }, "processors").0, Health::Warn);
    let narrow = Some(Terminal { columns: Some(60), colors: false });
    let (health, text) = said(&Facts { terminal: narrow, ..well() }, "terminal");
    assert!(health == Health::Warn && text.contains("60 columns, without colours"), "{text}");
    let broken = Facts { course: Course::Broken("it names no part".to_owned()), ..well() };
    assert_eq!(said(&broken, "course").0, Health::Fail);
    assert_eq!(said(&Facts { course: Course::Other, ..well() }, "course").0, Health::Fail);
}

#[test]
fn flags_are_judged_by_what_they_do() {
    let build =
        |name: &str, value: &str| said(&Facts { settings: vec![setting(name, value)], ..well() }, "build");
    for value in ["-C panic=abort", "-Cpanic=abort", "--codegen panic=abort -g"] {
        assert_eq!(build("RUSTFLAGS", value).0, Health::Fail, "{value}");
    }
    for value in [
        "-D warnings",
        "-Dwarnings",
        "--deny warnings",
        "-C debug-assertions=off",
        "-Coverflow-checks=no",
        "-C opt-level=0",
    ] {
        assert_eq!(build("RUSTFLAGS", value).0, Health::Warn, "{value}");
    }
    for value in ["-C target-cpu=native", "-C panic=unwind", "-C link-arg=-fuse-ld=lld", "-D unused"] {
        let (health, text) = build("RUSTFLAGS", value);
        assert_eq!((health, text.as_str()), (Health::Ok, "RUSTFLAGS change it from outside, but no result."));
    }
    assert_eq!(build("CARGO_PROFILE_DEV_OPT_LEVEL", "0").0, Health::Warn);
    assert_eq!(build("profile.dev.opt-level", "1").0, Health::Ok);
    let (health, text) = build("CARGO_BUILD_TARGET", "wasm32-wasip1");
    assert!(health == Health::Warn && text.contains("unset CARGO_BUILD_TARGET"), "{text}");
    let file = Some(PathBuf::from("course/.cargo/config.toml"));
    let setting = Setting { file, ..setting("build.rustflags", "-C panic=abort") };
    let (_, text) = said(&Facts { settings: vec![setting], ..well() }, "build");
    assert!(
        text.contains("in course/.cargo/config.toml")
            && text.ends_with("take build.rustflags out of that file.")
    );
}

#[test]
fn what_is_not_guaranteed_is_named() {
    let line = GuaranteeLine {
        protected: false,
        clock: true,
        randomness: true,
        hash_order: false,
        threads: false,
        sentence: "Code that uses hash maps may run differently.".to_owned(),
    };
    let json = Line::Guarantee(line.clone()).to_json();
    assert!(json.starts_with("{\"type\":\"guarantee\",\"protected\":false,"), "{json}");
    let (health, text) = said(&Facts { guarantee: Guarantee::Known(line), ..well() }, "guarantee");
    assert_eq!(health, Health::Warn);
    assert!(
        text.ends_with("use none of these in your code here: the order of hash maps, threads."),
        "{text}"
    );
    let silent = |fresh| Guarantee::Silent { fresh };
    for unknown in [Guarantee::NotBuilt, Guarantee::NotBuildable, silent(true), silent(false)] {
        let facts = Facts { guarantee: unknown, ..well() };
        let (health, text) = said(&facts, "guarantee");
        assert!(health == Health::Warn && text.starts_with("unknown: "), "{text}");
        // Who has just built it is not sent to build it again.
        let build = matches!(&facts.guarantee, Guarantee::NotBuilt | Guarantee::Silent { fresh: false });
        assert_eq!(text.contains("doctor --build"), build, "{text}");
    }
}

/// The command in `directory`, where no setting of whoever runs this test reaches.
fn doctor(directory: &Path, environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_labs"));
    command.arg("doctor").current_dir(directory);
    for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_TARGET_DIR", "CARGO_BUILD_TARGET"] {
        command.env_remove(name);
    }
    command.envs(environment.iter().copied()).output().expect("the command starts")
}

#[test]
fn it_looks_at_this_machine() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it is in the directory")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    };
    let look = |environment: &[(&str, &str)]| {
        let output = doctor(directory.path(), environment);
        // Where lines break depends on the directory's name.
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), text.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let (code, text) = look(&[]);
    assert!(code == Some(1) && text.contains("There is no Cargo.toml here or above"), "{text}");
    // A made-up course: cargo wants one package in it.
    write(
        "Cargo.toml",
        "[workspace.package]\nrust-version = \"1.2\"\n[package]\nname = \"made-up\"\n[workspace]\n",
    );
    write("src/lib.rs", "");
    write("labs/student-files.toml", "[[part]]\nlab = \"lab1\"\nfiles = [\"src/lib.rs\"]\n");
    let (code, text) = look(&[]);
    assert!(text.contains("You are in a course with lab1.") && text.contains("needs 1.2 or later"), "{text}");
    assert!(text.contains("the test program is not built yet"), "{text}");
    assert_eq!(code, Some(0), "{text}");
    write(".cargo/config.toml", "[build]\nrustflags = [\"-C\", \"panic=abort\"]\n");
    let (code, text) = look(&[]);
    assert!(code == Some(1) && text.contains("build.rustflags is `-C panic=abort`"), "{text}");
    // The environment's flags hide the file's.
    let (code, text) = look(&[("RUSTFLAGS", "-C target-cpu=native")]);
    assert!(code == Some(0) && text.contains("RUSTFLAGS change it from outside"), "{text}");
    let (code, text) = look(&[("CARGO_ENCODED_RUSTFLAGS", "-C\u{1f}panic=abort"), ("RUSTFLAGS", "-g")]);
    assert!(code == Some(1) && text.contains("CARGO_ENCODED_RUSTFLAGS is `-C panic=abort`"), "{text}");
    write("Cargo.toml", "[workspace\n");
    let (code, text) = look(&[]);
    assert!(code == Some(1) && text.contains("This cannot be used as a course"), "{text}");
}

/// What another build left there, and programs of the same name that have no scenarios, are not asked.
#[test]
#[cfg(unix)]
fn it_asks_the_program_that_was_built_last() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (root, deps) = (directory.path(), directory.path().join("target/debug/deps"));
    std::fs::create_dir_all(root.join("a/tests/labs")).expect("a directory");
    std::fs::create_dir_all(root.join("labs")).expect("a directory");
    std::fs::create_dir_all(&deps).expect("a directory");
    std::fs::write(root.join("Cargo.toml"), "[workspace]\nmembers = [\"a\"]\nresolver = \"3\"\n")
        .expect("a file");
    std::fs::write(root.join("a/Cargo.toml"), "[package]\nname = \"a\"\n").expect("a file");
    std::fs::write(root.join("a/tests/labs/main.rs"), "").expect("a file");
    let parts = "[[part]]\nlab = \"lab1\"\nfiles = [\"a/x.rs\"]\n";
    std::fs::write(root.join("labs/student-files.toml"), parts).expect("a file");
    let program = |name: &str, sources: &str, line: &str| {
        let path = deps.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n[ \"$1 $2\" = '--raftlab guarantee' ] && echo '{line}'\n"))
            .expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("it can be run");
        std::fs::write(deps.join(format!("{name}.d")), format!("{}: {sources}\n", path.display()))
            .expect("a file");
    };
    let text = || String::from_utf8_lossy(&doctor(root, &[]).stdout).into_owned();
    let line = Line::Guarantee(GuaranteeLine {
        protected: true,
        clock: true,
        randomness: true,
        hash_order: true,
        threads: true,
        sentence: "Nothing gets out.".to_owned(),
    });
    program("labs-1", "labs/src/main.rs", &line.to_json());
    assert!(text().contains("the test program is not built yet"), "{}", text());
    program("labs-2", "a/tests/labs/main.rs a/src/lib.rs", "no line of ours");
    assert!(text().contains("the test program that is built does not say"), "{}", text());
    program("labs-3", "a/tests/labs/main.rs a/src/lib.rs", &line.to_json());
    assert!(text().contains("guarantee    ok      Nothing gets out."), "{}", text());
}
