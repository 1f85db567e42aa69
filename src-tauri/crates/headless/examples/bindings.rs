//! Prints the TypeScript of the commands; `cargo xtask bindings` keeps it for the screens.

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(balcao_api::typescript().as_bytes())
}
