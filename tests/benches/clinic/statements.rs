//! What the screens ask the encrypted file, overheard from SQLite itself, so that the floor runs the same statements with
//! the same values and no easier ones.

#![allow(unsafe_code, reason = "SQLite tells about its statements through callbacks only")]

use std::collections::HashSet;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::Mutex;

use anyhow::{Context as _, Result};
use libsqlite3_sys as ffi;

/// One statement with its values.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The text; lives as long as the program, as the texts of a program do.
    pub sql: &'static str,
    /// By number: the first is what `?1` stands for.
    pub values: Vec<Value>,
}

/// A value of a statement.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "named after SQLite's types")]
pub enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

/// While it is `Some`: text of each statement as it was prepared, and with its values in it.
static HEARD: Mutex<Option<Vec<(String, String)>>> = Mutex::new(None);

/// From here on, connections that are opened can be overheard. Not to be left on while something is measured.
pub fn listen() {
    // Safety: the callback has the signature that SQLite calls it with.
    unsafe { ffi::sqlite3_auto_extension(Some(on_open)) };
}

/// Connections that are opened from here on cannot be overheard.
pub fn listen_no_more() {
    // Safety: as above.
    unsafe { ffi::sqlite3_cancel_auto_extension(Some(on_open)) };
}

/// Begins to write down.
pub fn begin() {
    if let Ok(mut heard) = HEARD.lock() {
        *heard = Some(Vec::new());
    }
}

/// What was run on connections that only read since [`begin`], in the order of their beginnings.
pub fn end() -> Result<Vec<Statement>> {
    let heard = HEARD.lock().ok().and_then(|mut heard| heard.take()).unwrap_or_default();
    heard.into_iter().filter(|(sql, _)| !is_internal(sql)).map(|(sql, expanded)| read(&sql, &expanded)).collect()
}

/// The full-text index asks its own tables with statements of its own; they run by themselves when ours does.
fn is_internal(sql: &str) -> bool {
    sql.contains("'main'.'") || sql.contains("\"main\".") || sql.starts_with("--") || sql.starts_with("PRAGMA")
}

unsafe extern "C" fn on_open(
    database: *mut ffi::sqlite3,
    _error: *mut *mut c_char,
    _api: *const ffi::sqlite3_api_routines,
) -> c_int {
    // Safety: SQLite hands over a database that is open.
    unsafe { ffi::sqlite3_trace_v2(database, ffi::SQLITE_TRACE_STMT, Some(on_statement), std::ptr::null_mut()) }
}

unsafe extern "C" fn on_statement(
    _kind: c_uint,
    _context: *mut c_void,
    statement: *mut c_void,
    _text: *mut c_void,
) -> c_int {
    let Ok(mut heard) = HEARD.lock() else { return 0 };
    let Some(heard) = heard.as_mut() else { return 0 };
    let statement = statement.cast::<ffi::sqlite3_stmt>();
    // Safety: SQLite hands over a statement that is about to run; the expanded text is ours to free.
    unsafe {
        let only_reads = ffi::sqlite3_db_readonly(ffi::sqlite3_db_handle(statement), c"main".as_ptr()) == 1;
        let (text, expanded) = (ffi::sqlite3_sql(statement), ffi::sqlite3_expanded_sql(statement));
        if only_reads && !text.is_null() && !expanded.is_null() {
            let own = |text: *const c_char| CStr::from_ptr(text).to_string_lossy().into_owned();
            heard.push((own(text), own(expanded)));
        }
        ffi::sqlite3_free(expanded.cast());
    }
    0
}

/// Finds the values by laying the two texts side by side.
fn read(sql: &str, expanded: &str) -> Result<Statement> {
    let mut values: Vec<Value> = Vec::new();
    let (mut sql_rest, mut expanded_rest, mut unnumbered) = (sql, expanded, 0);
    while let Some(at) = placeholder(sql_rest) {
        expanded_rest = expanded_rest.get(at..).context("the texts of a statement differ")?;
        let digits: String = sql_rest[at + 1..].chars().take_while(char::is_ascii_digit).collect();
        sql_rest = &sql_rest[at + 1 + digits.len()..];
        let index = match digits.parse::<usize>() {
            Ok(number) => number - 1,
            Err(_) => unnumbered,
        };
        unnumbered = unnumbered.max(index + 1);
        let (value, length) = literal(expanded_rest).with_context(|| format!("no value at {expanded_rest:.20}"))?;
        expanded_rest = &expanded_rest[length..];
        if values.len() <= index {
            values.resize(index + 1, Value::Null);
        }
        values[index] = value;
    }
    Ok(Statement { sql: interned(sql), values })
}

/// Where the next placeholder is; a question mark in quotes is none.
fn placeholder(sql: &str) -> Option<usize> {
    let mut quoted = false;
    sql.char_indices().find_map(|(at, character)| {
        quoted ^= character == '\'';
        (character == '?' && !quoted).then_some(at)
    })
}

/// The literal that a text begins with, and its length.
fn literal(text: &str) -> Option<(Value, usize)> {
    if let Some(hex) = text.strip_prefix("x'") {
        let hex = &hex[..hex.find('\'')?];
        let bytes = (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).ok());
        return Some((Value::Blob(bytes.collect::<Option<_>>()?), hex.len() + 3));
    }
    if text.starts_with('\'') {
        let mut at = 1;
        loop {
            at += text[at..].find('\'')?;
            if !text[at + 1..].starts_with('\'') {
                return Some((Value::Text(text[1..at].replace("''", "'")), at + 1));
            }
            at += 2;
        }
    }
    if text.starts_with("NULL") {
        return Some((Value::Null, 4));
    }
    let length = text.find(|c: char| !c.is_ascii_digit() && !"+-.e".contains(c)).unwrap_or(text.len());
    let number = &text[..length];
    let value = number.parse().map(Value::Integer).or_else(|_| number.parse().map(Value::Real)).ok()?;
    Some((value, length))
}

/// The same text at the same address, for as long as the program runs.
fn interned(sql: &str) -> &'static str {
    static TEXTS: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let Ok(mut texts) = TEXTS.lock() else { return Box::leak(sql.to_owned().into_boxed_str()) };
    let texts = texts.get_or_insert_default();
    if let Some(known) = texts.get(sql) {
        return known;
    }
    let text: &'static str = Box::leak(sql.to_owned().into_boxed_str());
    texts.insert(text);
    text
}
