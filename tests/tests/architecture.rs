//! The rules of the house, read from the sources: who knows whom, where SQL and Tauri may stand, how files are named.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "architecture/packages.rs"]
mod packages;
#[path = "architecture/sources.rs"]
mod sources;

use std::collections::BTreeSet;

use packages::{DEVELOPMENT, Kind, packages};
use sources::{files, imports, production_lines, root};

/// What each crate may know of the others. An arrow that is not here is a decision to be taken first.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("balcao-domain", &[]),
    ("balcao-keychain", &[]),
    ("balcao-local-server", &["balcao-keychain"]),
    ("balcao-lan", &["balcao-domain", "balcao-keychain"]),
    ("balcao-backup", &["balcao-keychain", "balcao-local-server", "balcao-tenant"]),
    ("balcao-whatsapp", &["balcao-domain"]),
    ("balcao-bucket", &[]),
    ("balcao-cache", &["balcao-domain"]),
    ("balcao-tenant", &["balcao-domain"]),
    ("balcao-sync", &["balcao-domain", "balcao-cache", "balcao-tenant"]),
    (
        "balcao-agent",
        &[
            "balcao-backup",
            "balcao-bucket",
            "balcao-domain",
            "balcao-tenant",
            "balcao-whatsapp",
            "balcao-keychain",
            "balcao-local-server",
        ],
    ),
    ("balcao-testkit", &["balcao-domain", "balcao-tenant", "balcao-local-server", "balcao-keychain"]),
    (
        "balcao-api",
        &[
            // A window does the background work, too.
            "balcao-agent",
            "balcao-backup",
            // A bucket is tried out from the screens.
            "balcao-bucket",
            "balcao-domain",
            "balcao-cache",
            "balcao-sync",
            "balcao-tenant",
            "balcao-keychain",
            "balcao-lan",
            "balcao-local-server",
            // The sample clinic is a thing that people try, not only a fixture.
            "balcao-testkit",
            // Connections are tried out and paired from the screens.
            "balcao-whatsapp",
        ],
    ),
    ("balcao-headless", &["balcao-api"]),
    ("balcao", &["balcao-api"]),
];

/// The folders of the screens that everybody may use; each of the others stands for a part of the clinic's work, and routes
/// put them together.
const SHARED: &[&str] = &["bridge", "i18n", "shell"];

/// Longest file of production code, in lines.
const LONGEST: usize = 500;

#[test]
fn crates_know_only_whom_they_may() {
    let mut found = 0;
    for package in packages().iter().filter(|package| !DEVELOPMENT.contains(&package.name.as_str())) {
        let may_know = MAY_KNOW.iter().find(|(name, _)| *name == package.name);
        let (_, may_know) = may_know.unwrap_or_else(|| panic!("{} is not in the list", package.name));
        for known in package.known(Kind::Normal).filter(|name| name.starts_with("balcao")) {
            assert!(may_know.contains(&known), "{} may not know {known}", package.name);
        }
        found += 1;
    }
    assert_eq!(found, MAY_KNOW.len(), "the list has a crate that is gone");
}

#[test]
fn sql_stands_in_one_place_per_engine() {
    for package in packages() {
        let knows = package.known(Kind::Normal).any(|name| name == "sqlx");
        let may = ["balcao-cache", "balcao-tenant"].contains(&package.name.as_str());
        assert!(may || !knows || DEVELOPMENT.contains(&package.name.as_str()), "{} has SQL of its own", package.name);
    }
    let tenant = files("src-tauri/crates/tenant/src", &["rs"]);
    assert!(tenant.iter().all(|file| !file.text.contains("Sqlite")), "the tenant crate is for PostgreSQL");
    let cache = files("src-tauri/crates/cache/src", &["rs"]);
    assert!(cache.iter().all(|file| !file.text.contains("PgConnection")), "the cache crate is for SQLite");
}

#[test]
fn only_the_shell_knows_tauri() {
    for package in packages() {
        let knows = package.known(Kind::Any).any(|name| name.starts_with("tauri"));
        assert_eq!(knows, package.name == "balcao", "{}", package.name);
    }
}

#[test]
fn the_domain_does_no_input_or_output() {
    let all = packages();
    let domain = all.iter().find(|package| package.name == "balcao-domain").unwrap();
    for banned in ["tokio", "sqlx", "serde", "serde_json", "reqwest", "tracing"] {
        assert!(domain.known(Kind::Normal).all(|name| name != banned), "the domain knows {banned}");
    }
    for file in files("src-tauri/crates/domain/src", &["rs"]) {
        for banned in ["std::fs", "std::net", "std::process", "std::env"] {
            assert!(!file.text.contains(banned), "{} uses {banned}", file.path);
        }
    }
}

#[test]
fn every_program_keeps_what_it_breaks_over_to_itself() {
    let programs = ["src-tauri/src", "src-tauri/crates/agent/src", "src-tauri/crates/headless/src"];
    for program in programs {
        let begins = files(program, &["rs"]).iter().any(|file| file.text.contains("panics::keep_to_the_place();"));
        assert!(begins, "{program} tells what a panic says");
    }
}

#[test]
fn one_folder_of_the_screens_knows_the_window() {
    let screens = files("ui/src", &["ts", "svelte"]);
    let mut bridges = 0;
    for file in &screens {
        let knows = imports(&file.text).iter().any(|module| module.starts_with("@tauri-apps"));
        let bridge = file.path.starts_with("ui/src/lib/bridge/");
        assert!(bridge || !knows, "{} imports @tauri-apps", file.path);
        assert!(!file.text.contains("__TAURI"), "{} goes around the bridge", file.path);
        bridges += usize::from(knows);
    }
    assert!(bridges > 0, "the bridge does not use the window at all: {} files were read", screens.len());
}

#[test]
fn parts_of_the_screens_do_not_import_each_other() {
    let folder =
        |path: &str| path.strip_prefix("ui/src/lib/").and_then(|rest| Some(rest.split_once('/')?.0.to_owned()));
    let mut screens = files("ui/src/lib", &["ts", "svelte"]);
    screens.retain(|file| folder(&file.path).is_some_and(|part| !SHARED.contains(&part.as_str())));
    let parts: BTreeSet<String> = screens.iter().filter_map(|file| folder(&file.path)).collect();
    for file in &screens {
        for module in imports(&file.text) {
            let other = parts.iter().find(|other| {
                let inside = [format!("$lib/{other}"), format!("../{other}")];
                inside.iter().any(|path| module == *path || module.starts_with(&format!("{path}/")))
            });
            assert!(
                other.is_none_or(|other| folder(&file.path).as_ref() == Some(other)),
                "{} imports {module}",
                file.path
            );
        }
    }
    assert!(parts.len() > 5 && screens.len() > 10, "only {parts:?} were read");
}

#[test]
fn whatever_a_command_refuses_has_words_on_the_screens() {
    let words = std::fs::read_to_string(root().join("ui/src/lib/i18n/problems.ts")).unwrap();
    let mut codes = BTreeSet::new();
    for file in files("src-tauri/crates/api/src", &["rs"]) {
        let production = file.text.split("#[cfg(test)]").next().unwrap_or_default();
        for refusal in production.split("ApiError::new(").skip(1) {
            let code = refusal.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
            codes.extend(code.map(str::to_owned));
        }
    }
    assert!(codes.len() > 30, "only {codes:?} were found");
    let without: Vec<_> = codes.iter().filter(|code| !words.contains(&format!("\n  {code}: {{"))).collect();
    assert!(without.is_empty(), "no sentence for {without:?}");
}

#[test]
fn the_screens_hold_no_sql() {
    for file in files("ui/src", &["ts", "svelte"]) {
        for sql in ["select * from", "insert into ", "delete from "] {
            assert!(!file.text.to_lowercase().contains(sql), "{} has SQL", file.path);
        }
    }
}

#[test]
fn files_are_named_by_a_noun_of_the_domain() {
    const BANNED: &[&str] = &["manager", "service", "services", "helper", "helpers", "util", "utils", "models"];
    for file in files("src-tauri", &["rs"]).iter().chain(&files("ui/src", &["ts", "svelte"])) {
        let name = file.path.rsplit('/').next().unwrap().split('.').next().unwrap().to_lowercase();
        assert!(!BANNED.contains(&name.as_str()), "{} grows without end", file.path);
    }
}

#[test]
fn no_file_of_production_code_is_endless() {
    // Generated.
    let generated = ["ui/src/lib/bridge/bindings.ts"];
    let mut long = Vec::new();
    for file in files("src-tauri", &["rs"]).iter().chain(&files("ui/src", &["ts", "svelte"])) {
        let is_test = file.path.contains("/tests/") || file.path.contains("/benches/");
        let lines = production_lines(&file.text);
        if lines > LONGEST && !is_test && !generated.contains(&file.path.as_str()) {
            long.push(format!("{} has {lines} lines", file.path));
        }
    }
    assert!(long.is_empty(), "split them by a noun of the domain:\n{}", long.join("\n"));
}

#[test]
fn every_migration_is_carried_in_the_program() {
    for (engine, package) in [("tenant", "tenant"), ("cache", "cache")] {
        let sources: String =
            files(&format!("src-tauri/crates/{package}/src"), &["rs"]).into_iter().map(|file| file.text).collect();
        let migrations = files(&format!("migrations/{engine}"), &["sql"]);
        assert!(!migrations.is_empty());
        let mut before = 0;
        for migration in &migrations {
            let name = migration.path.rsplit('/').next().unwrap();
            let number = name.split_once('_').and_then(|(number, _)| number.parse::<u32>().ok()).unwrap();
            assert!(name.starts_with(&format!("{number:04}_")) && number > before, "{name} has no number of its own");
            before = number;
            let embedded = format!("include_str!(\"../../../../{}\")", migration.path);
            assert!(sources.contains(&embedded), "{} is not embedded", migration.path);
        }
    }
}

#[test]
fn tables_of_the_copy_are_strict() {
    for migration in files("migrations/cache", &["sql"]) {
        let text = migration.text.to_lowercase();
        for statement in text.split(';').filter(|statement| statement.contains("create table")) {
            let statement: String = statement
                .lines()
                .map(|line| line.split("--").next().unwrap_or_default())
                .collect::<Vec<_>>()
                .join("\n");
            assert!(
                statement.trim_end().ends_with("strict")
                    || statement.contains("strict, without rowid")
                    || statement.contains("without rowid, strict"),
                "{}: {statement}",
                migration.path
            );
        }
    }
}

#[test]
fn everything_that_is_committed_lies_in_the_house() {
    let known = ["Cargo.toml", "src-tauri", "ui", "migrations", "tests", "icons", "README.md", "LICENSE"];
    let known = known.into_iter().chain(["Cargo.lock", "rust-toolchain.toml", "rustfmt.toml", "clippy.toml", "docs"]);
    let known: Vec<&str> = known.collect();
    for entry in std::fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let ours = name.starts_with('.') || name == "target" || name == "node_modules";
        assert!(ours || known.contains(&name.as_str()), "{name} stands at the top");
    }
}
