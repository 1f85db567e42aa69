//! As much of the WebDriver protocol as the tests need.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use hyper::Method;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::http;

/// The name that the protocol gives to references.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The protocol's word for what is not on the page any more.
const STALE: &str = "stale element reference";

/// Until something is looked for again.
const BLINK: Duration = Duration::from_millis(25);

/// The protocol's code for the Enter key.
pub const ENTER: char = '\u{e007}';

/// The protocol's code for the control key.
pub const CONTROL: char = '\u{e009}';

/// The protocol's code for the Escape key.
pub const ESCAPE: char = '\u{e00c}';

/// The protocol's code for the arrow to the left.
pub const ARROW_LEFT: char = '\u{e012}';

/// The protocol's code for the arrow to the right.
pub const ARROW_RIGHT: char = '\u{e014}';

/// The protocol's code for the arrow down.
pub const ARROW_DOWN: char = '\u{e015}';

/// Keeps a point in the corner changing for two seconds: the driver's picture is of the next frame, and a page on which nothing
/// moves has none.
const STIR: &str = "const point = document.createElement('i');
    point.style.cssText = 'position:fixed;left:0;top:0;width:1px;height:1px;pointer-events:none';
    document.body.append(point);
    let left = 120;
    const turn = () => {
        point.style.background = left % 2 ? 'rgb(127 127 127 / 1%)' : 'rgb(128 128 128 / 1%)';
        if (left-- > 0) requestAnimationFrame(turn);
        else point.remove();
    };
    requestAnimationFrame(turn);";

/// An open window.
pub struct Window {
    driver: SocketAddr,
    session: String,
}

/// Something on the page. It goes stale when the page replaces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element(String);

/// As an argument of a script.
impl Serialize for Element {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(ELEMENT, &self.0)])
    }
}

/// Middle of an element in the page, in CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

impl Window {
    pub(crate) async fn open(driver: SocketAddr, capabilities: Value) -> Result<Self> {
        let answer = send(driver, Method::POST, "/session", Some(json!({"capabilities": capabilities}))).await?;
        let id = answer["sessionId"].as_str().context("the driver opened no session")?;
        Ok(Self { driver, session: format!("/session/{id}") })
    }

    /// Closes the window; the program ends as it does for a person.
    ///
    /// # Errors
    /// The driver does not answer.
    pub async fn close(self) -> Result<()> {
        send(self.driver, Method::DELETE, &self.session, None).await.map(drop)
    }

    /// The first element that matches a selector.
    ///
    /// # Errors
    /// There is none, or the window is gone.
    pub async fn find(&self, selector: &str) -> Result<Element> {
        self.find_all(selector).await?.into_iter().next().with_context(|| format!("nothing matches {selector}"))
    }

    /// All elements that match a selector, in the order of the page.
    ///
    /// # Errors
    /// The window is gone.
    pub async fn find_all(&self, selector: &str) -> Result<Vec<Element>> {
        let wish = json!({"using": "css selector", "value": selector});
        let found = loop {
            match self.post("elements", wish.clone()).await {
                // The page replaced what was found before it could be named.
                Err(error) if error.to_string().starts_with(STALE) => tokio::time::sleep(BLINK).await,
                found => break found?,
            }
        };
        let elements = found.as_array().context("the driver answered no list")?;
        Ok(elements.iter().filter_map(|each| Some(Element(each[ELEMENT].as_str()?.to_owned()))).collect())
    }

    /// Waits until something matches a selector.
    ///
    /// # Errors
    /// Nothing did in time.
    pub async fn wait_for(&self, selector: &str, patience: Duration) -> Result<Element> {
        let begun = Instant::now();
        loop {
            if let Some(found) = self.find_all(selector).await?.into_iter().next() {
                return Ok(found);
            }
            if begun.elapsed() > patience {
                bail!("nothing matched {selector} within {patience:?}");
            }
            tokio::time::sleep(BLINK).await;
        }
    }

    /// Clicks in the middle of an element.
    ///
    /// # Errors
    /// It is stale, or covered by something else.
    pub async fn click(&self, element: &Element) -> Result<()> {
        self.post(&format!("element/{}/click", element.0), json!({})).await.map(drop)
    }

    /// Clicks on the first element that matches a selector, as soon as there is one that can be clicked: what was just
    /// laid out has no size for a moment, and lists replace their rows.
    ///
    /// # Errors
    /// There was none in time.
    pub async fn click_on(&self, selector: &str, patience: Duration) -> Result<()> {
        let begun = Instant::now();
        loop {
            let element = self.wait_for(selector, patience).await?;
            match self.click(&element).await {
                Err(error) if begun.elapsed() > patience => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                Ok(()) => return Ok(()),
            }
        }
    }

    /// Types into an element, once the page was drawn: a field that wants the focus for itself takes it with the first
    /// picture after it came, and would get the rest of what is typed into another.
    ///
    /// # Errors
    /// It is stale, or takes no text.
    pub async fn write(&self, element: &Element, text: &str) -> Result<()> {
        let drawn = "const [done] = arguments; requestAnimationFrame(() => requestAnimationFrame(() => done()));
                     setTimeout(done, 1000);";
        self.post("execute/async", json!({"script": drawn, "args": []})).await?;
        self.post(&format!("element/{}/value", element.0), json!({"text": text})).await.map(drop)
    }

    /// What the first element that matches a selector shows as text, as soon as it shows some: what is still sliding into
    /// sight shows none.
    ///
    /// # Errors
    /// There was none in time.
    pub async fn text_of(&self, selector: &str, patience: Duration) -> Result<String> {
        let begun = Instant::now();
        loop {
            let element = self.wait_for(selector, patience).await?;
            match self.get(&format!("element/{}/text", element.0)).await {
                Ok(Value::String(text)) if !text.trim().is_empty() => return Ok(text),
                other if begun.elapsed() > patience => bail!("{selector} shows no text: {other:?}"),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// An attribute of an element; `None` when it has none of this name.
    ///
    /// # Errors
    /// It is stale.
    pub async fn attribute(&self, element: &Element, name: &str) -> Result<Option<String>> {
        Ok(self.get(&format!("element/{}/attribute/{name}", element.0)).await?.as_str().map(str::to_owned))
    }

    /// Runs the body of a function in the page; promises are waited for.
    ///
    /// # Errors
    /// It threw.
    pub async fn run(&self, script: &str, arguments: Value) -> Result<Value> {
        self.post("execute/sync", json!({"script": script, "args": arguments})).await
    }

    /// Calls a command of the program as the screens do. An error of the command is an error here.
    ///
    /// # Errors
    /// The command's.
    pub async fn call(&self, command: &str, payload: Value) -> Result<Value> {
        let answer = self.invoke("call", json!({"command": command, "payload": payload})).await?;
        answer.map_err(|problem| anyhow::anyhow!("{command}: {problem}"))
    }

    /// Asks something of the shell, as any script in the page can: what it answers, or what it refuses it with.
    ///
    /// # Errors
    /// The window is gone.
    pub async fn invoke(&self, name: &str, arguments: Value) -> Result<Result<Value, Value>> {
        let script = "const [name, payload, done] = arguments;
            window.__TAURI_INTERNALS__.invoke(name, payload)
                .then((answer) => done({ answer }), (problem) => done({ problem }));";
        let answer = self.post("execute/async", json!({"script": script, "args": [name, arguments]})).await?;
        Ok(match answer.get("problem") {
            None => Ok(answer["answer"].clone()),
            Some(problem) => Err(problem.clone()),
        })
    }

    /// Presses and releases keys, one after the other, where the focus is.
    ///
    /// # Errors
    /// The window is gone.
    pub async fn press(&self, keys: &str) -> Result<()> {
        let strokes = keys
            .chars()
            .flat_map(|key| [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})]);
        self.act(json!([{"type": "key", "id": "keys", "actions": strokes.collect::<Vec<_>>()}])).await
    }

    /// Presses a key while another one is held.
    ///
    /// # Errors
    /// The window is gone.
    pub async fn press_with(&self, held: char, key: char) -> Result<()> {
        let stroke = |what: &str, key: char| json!({"type": what, "value": key});
        let strokes = [stroke("keyDown", held), stroke("keyDown", key), stroke("keyUp", key), stroke("keyUp", held)];
        self.act(json!([{"type": "key", "id": "keys", "actions": strokes}])).await
    }

    /// How many windows there are.
    ///
    /// # Errors
    /// The program is gone.
    pub async fn count(&self) -> Result<usize> {
        Ok(self.get("window/handles").await?.as_array().map_or(0, Vec::len))
    }

    /// Takes something with the mouse, carries it over and lets go.
    ///
    /// # Errors
    /// The window is gone.
    pub async fn drag(&self, from: Point, to: Point) -> Result<()> {
        let go = |x: f64, y: f64, duration: u32| json!({"type": "pointerMove", "duration": duration, "x": x.round(), "y": y.round(), "origin": "viewport"});
        let between = |share: f64| go(from.x + (to.x - from.x) * share, from.y + (to.y - from.y) * share, 60);
        let mut actions = vec![go(from.x, from.y, 0), json!({"type": "pointerDown", "button": 0})];
        // In steps, as a hand does: what is dragged follows them.
        actions.extend((0..=10).map(|step| between(f64::from(step) / 10.0)));
        actions.extend([json!({"type": "pause", "duration": 150}), json!({"type": "pointerUp", "button": 0})]);
        let pointer =
            json!({"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions});
        self.act(json!([pointer])).await
    }

    /// Where the middle of an element is.
    ///
    /// # Errors
    /// It is stale.
    pub async fn middle(&self, element: &Element) -> Result<Point> {
        let script = "const box = arguments[0].getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];";
        let place = self.run(script, json!([element])).await?;
        match (place[0].as_f64(), place[1].as_f64()) {
            (Some(x), Some(y)) => Ok(Point { x, y }),
            _ => bail!("the element has no place"),
        }
    }

    /// Makes the inside of the window this large, in CSS pixels.
    ///
    /// # Errors
    /// The window did not become so large.
    pub async fn resize(&self, width: u32, height: u32) -> Result<()> {
        self.post("window/rect", json!({"width": width, "height": height})).await?;
        let begun = Instant::now();
        loop {
            let size = self.run("return [innerWidth, innerHeight];", json!([])).await?;
            if size == json!([width, height]) {
                return Ok(());
            }
            if begun.elapsed() > Duration::from_secs(5) {
                bail!("the window is {size} instead of {width} × {height}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What the window shows, as a PNG file.
    ///
    /// # Errors
    /// The window is gone.
    pub async fn picture(&self) -> Result<Vec<u8>> {
        self.run(STIR, json!([])).await?;
        let picture = self.get("screenshot").await?;
        let text = picture.as_str().context("the driver took no picture")?;
        Ok(base64::engine::general_purpose::STANDARD.decode(text)?)
    }

    async fn act(&self, actions: Value) -> Result<()> {
        self.post("actions", json!({"actions": actions})).await?;
        send(self.driver, Method::DELETE, &format!("{}/actions", self.session), None).await.map(drop)
    }

    async fn post(&self, what: &str, body: Value) -> Result<Value> {
        send(self.driver, Method::POST, &format!("{}/{what}", self.session), Some(body)).await
    }

    async fn get(&self, what: &str) -> Result<Value> {
        send(self.driver, Method::GET, &format!("{}/{what}", self.session), None).await
    }
}

async fn send(driver: SocketAddr, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
    let mut answer: Value = serde_json::from_slice(&http::send(driver, method, path, body.as_ref()).await?)?;
    let value = answer["value"].take();
    match (value["error"].as_str(), value["message"].as_str()) {
        (Some(error), message) => bail!("{error}: {}", message.unwrap_or_default()),
        _ => Ok(value),
    }
}
