//! The number on the icon in the docks of Linux: said to whoever listens, in the way that GNOME's, KDE's and other docks know.

use std::collections::HashMap;

use tokio::sync::OnceCell;
use zbus::zvariant::Value;

/// What was said counts for as long as whoever said it is there.
static LINE: OnceCell<zbus::Connection> = OnceCell::const_new();

/// Says how many wait; `program` is the name of its desktop file.
pub(super) async fn show(program: &str, count: u32) -> zbus::Result<()> {
    let line = LINE.get_or_try_init(zbus::Connection::session).await?;
    let facts = HashMap::from([("count", Value::from(i64::from(count))), ("count-visible", Value::from(count > 0))]);
    let said = (format!("application://{program}.desktop"), facts);
    line.emit_signal(None::<&str>, "/br/com/balcao/desk", "com.canonical.Unity.LauncherEntry", "Update", &said).await
}
