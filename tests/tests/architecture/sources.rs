//! The sources as text.

use std::path::{Path, PathBuf};

/// A file of the repository.
pub struct File {
    /// From the top folder, with slashes.
    pub path: String,
    pub text: String,
}

/// The top folder of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The files in a folder with one of these endings, in the order of their names; what builds leave behind is left out.
pub fn files(folder: &str, endings: &[&str]) -> Vec<File> {
    let mut found = Vec::new();
    collect(&root().join(folder), endings, &mut found);
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

fn collect(folder: &Path, endings: &[&str], found: &mut Vec<File>) {
    // A part of the screens may not be there yet.
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !["node_modules", "target", "gen", "paraglide"].contains(&name) {
                collect(&path, endings, found);
            }
        } else if path.extension().is_some_and(|ending| endings.iter().any(|wanted| ending == *wanted)) {
            let short = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
            found.push(File { path: short, text: std::fs::read_to_string(&path).unwrap() });
        }
    }
}

/// The modules that a TypeScript or Svelte file imports, statically or not.
pub fn imports(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for before in ["from ", "import ", "import("] {
        for (at, _) in text.match_indices(before) {
            let rest = &text[at + before.len()..];
            if let Some(quote @ ('\'' | '"')) = rest.chars().next()
                && let Some(module) = rest[1..].split(quote).next()
            {
                found.push(module.to_owned());
            }
        }
    }
    found
}

/// Lines before the tests that stand at the end of a file.
pub fn production_lines(text: &str) -> usize {
    text.lines().position(|line| line.starts_with("#[cfg(test)]")).unwrap_or_else(|| text.lines().count())
}

#[test]
fn imports_are_found_in_every_form() {
    let text = "import a from './a';\nimport './b.css';\nconst c = await import(\"../c\");\nexport type * from './d';";
    let mut found = imports(text);
    found.sort();
    assert_eq!(found, ["../c", "./a", "./b.css", "./d"]);
}
