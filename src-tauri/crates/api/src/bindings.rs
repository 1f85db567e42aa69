//! TypeScript for the screens, generated from the command list.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ts_rs::{Config, TS, TypeVisitor};

use crate::changes::Change;
use crate::error::ApiError;

/// Collects the declarations that the commands need.
pub(crate) struct Bindings {
    config: Config,
    declarations: BTreeMap<String, String>,
    commands: String,
}

/// The whole file `ui/src/lib/bridge/bindings.ts`.
pub fn typescript() -> String {
    let mut bindings = Bindings { config: Config::new(), declarations: BTreeMap::new(), commands: String::new() };
    bindings.declare::<ApiError>();
    bindings.declare::<Change>();
    crate::commands::describe(&mut bindings);
    let declarations = bindings.declarations.into_values().collect::<Vec<_>>().join("\n\n");
    format!(
        "// Generated from the command list of the api crate by `cargo xtask bindings`. Do not edit.\n\n{declarations}\n\n\
         /** Every command: what it takes and what it answers. */\nexport interface Commands {{\n{}}}\n",
        bindings.commands
    )
}

impl Bindings {
    pub(crate) fn command<Request: TS + 'static, Response: TS + 'static>(&mut self, name: &str, docs: &[&str]) {
        self.declare::<Request>();
        self.declare::<Response>();
        let (request, response) = (Request::name(&self.config), Response::name(&self.config));
        let docs = docs.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        // Writing to a String cannot fail.
        let _ = writeln!(self.commands, "  /** {docs} */\n  {name}: {{ request: {request}; response: {response} }};");
    }

    fn declare<T: TS + 'static + ?Sized>(&mut self) {
        // Primitives and wrappers have no declaration of their own.
        if T::output_path().is_some() {
            let name = T::ident(&self.config);
            if self.declarations.contains_key(&name) {
                return;
            }
            let docs = T::docs().unwrap_or_default();
            let declaration = T::decl(&self.config);
            self.declarations.insert(name, format!("{docs}export {declaration}"));
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
    }
}

impl TypeVisitor for Bindings {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        self.declare::<T>();
    }
}
