//! What people do with a clinic of several computers, on the screens of each.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use balcao_tests::webdriver::Window;
use serde_json::{Value, json};

pub const SOON: Duration = Duration::from_secs(30);

/// How long making or restoring a clinic, a backup or a trial of one may take.
const LATER: Duration = Duration::from_secs(180);

pub const PATIENT: &str = "Aparecida Nogueira";

/// A folder that a cloud keeps in step, where the backups go.
pub const CLOUD: &str = "Dropbox";

async fn fill(window: &Window, field: &str, text: &str) -> Result<()> {
    let field = window.wait_for(field, SOON).await?;
    window.write(&field, text).await
}

/// Asks the program, as its screens do, until it answers as wanted.
pub async fn until(window: &Window, command: &str, payload: Value, fits: impl Fn(&Value) -> bool) -> Result<Value> {
    let begun = Instant::now();
    loop {
        let answer = window.call(command, payload.clone()).await;
        if answer.as_ref().is_ok_and(&fits) {
            return answer;
        }
        ensure!(begun.elapsed() < LATER, "{command} never answered as wanted: {answer:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The computer that is the clinic, made with the assistant.
pub async fn found(window: &Window) -> Result<()> {
    window.click_on("[data-testid=start-local]", SOON).await?;
    fill(window, "[data-testid=local-form] input[name=clinic_name]", "Clínica Acácia").await?;
    fill(window, "[data-testid=local-form] input[name=owner_name]", "Júlia Prado").await?;
    window.click_on("[data-testid=local-form] .button.primary", SOON).await?;
    window.click_on("[data-testid=practice-form] .button.primary", SOON).await?;
    window.wait_until_ready(LATER).await?;
    window.wait_for("[data-testid=go-inbox]", SOON).await.map(drop)
}

/// Clicks until something is there; a click that was taken has ten seconds.
async fn until_shown(window: &Window, button: &str, wanted: &str) -> Result<()> {
    let begun = Instant::now();
    loop {
        window.click_on(button, SOON).await?;
        match window.wait_for(wanted, Duration::from_secs(10)).await {
            Err(error) if begun.elapsed() > SOON => return Err(error),
            Err(_) => {}
            Ok(_) => return Ok(()),
        }
    }
}

/// Shares the clinic on the network.
pub async fn share(window: &Window) -> Result<()> {
    window.run("location.hash = '#/settings';", json!([])).await?;
    // While its parts come up the page grows, and what is clicked moves away from under the pointer.
    until_shown(window, "[data-testid=sharing-switch]", "[data-testid=sharing-state][data-state=on]").await
}

/// Invites somebody new: what is sent to her, and what she is told.
pub async fn invite(window: &Window, name: &str) -> Result<(String, String)> {
    let field = "[data-testid=invite-form] input[name=name]";
    until_shown(window, "[data-testid=invite]", field).await?;
    fill(window, field, name).await?;
    make_invitation(window).await
}

/// Invites the last of the team once more, to a computer.
pub async fn invite_again(window: &Window) -> Result<(String, String)> {
    let hers = "[data-testid=member]:last-child:not(:first-child) [data-testid=add-computer]";
    until_shown(window, hers, "[data-testid=invite-form]").await?;
    make_invitation(window).await
}

async fn make_invitation(window: &Window) -> Result<(String, String)> {
    window.click_on("[data-testid=invite-make]", SOON).await?;
    let code = window.text_of("[data-testid=invitation-code]", SOON).await?;
    // What is copied stays here: the clipboard of a display is everybody's.
    let keep = "const writeText = async (text) => { window.copied = text; };
        Object.defineProperty(navigator, 'clipboard', { value: { writeText }, configurable: true });";
    window.run(keep, json!([])).await?;
    window.click_on("[data-testid=invitation-copy]", SOON).await?;
    let copied = window.run("return window.copied;", json!([])).await?;
    window.click_on("[data-testid=invitation-done]", SOON).await?;
    Ok((copied.as_str().context("nothing was copied")?.to_owned(), code))
}

/// A further computer, with what its person was sent and told.
pub async fn join(window: &Window, invitation: &str, code: &str) -> Result<()> {
    window.click_on("[data-testid=start-join]", SOON).await?;
    fill(window, "[data-testid=join-form] [name=invitation]", invitation).await?;
    fill(window, "[data-testid=join-form] [name=code]", code).await?;
    fill(window, "[data-testid=join-form] [name=computer]", " (recepção)").await?;
    window.click_on("[data-testid=join-form] .button.primary", SOON).await?;
    window.wait_until_ready(LATER).await?;
    window.wait_for("[data-testid=go-inbox]", SOON).await.map(drop)
}

/// A computer that has lost its clinic, by the words of its status line.
pub async fn follow(window: &Window, invitation: &str, code: &str) -> Result<()> {
    until_shown(window, "[data-testid=open-offline]", "[data-testid=offline-follow]").await?;
    window.click_on("[data-testid=offline-follow]", SOON).await?;
    fill(window, "[data-testid=follow-form] [name=invitation]", invitation).await?;
    fill(window, "[data-testid=follow-form] [name=code]", code).await?;
    window.click_on("[data-testid=follow-look]", SOON).await?;
    let kept = window.text_of("[data-testid=follow-kept]", SOON).await?;
    ensure!(kept.contains('1'), "it says how much is kept: {kept}");
    window.click_on("[data-testid=follow-yes]", SOON).await?;
    let back = |status: &Value| status["connection"] == "online" && status["waiting"] == 0;
    until(window, "get_status", json!({}), back).await?;
    window.wait_for("[data-testid=go-inbox]", SOON).await.map(drop)
}

pub async fn find_patient(window: &Window) -> Result<Value> {
    let about = json!({"text": PATIENT, "limit": 5});
    let found = until(window, "search_everything", about, |found| !found["people"][0].is_null()).await?;
    Ok(found["people"][0]["contact_id"].clone())
}

/// What one writes the other one gets to see.
pub async fn pass_a_note(from: &Window, to: &Window, text: &str) -> Result<()> {
    let patient = find_patient(from).await?;
    from.call("add_note", json!({"about": "contact", "id": patient, "text": text})).await?;
    let about = json!({"about": "contact", "id": patient});
    until(to, "get_notes", about, |notes| notes.to_string().contains(text)).await.map(drop)
}

/// Chooses what has this name in a list of folders.
async fn choose(window: &Window, kind: &str, name: &str) -> Result<()> {
    let (begun, kind) = (Instant::now(), format!("[data-testid={kind}]"));
    loop {
        let names = texts(window, &kind).await?;
        if let Some(at) = names.iter().position(|each| each == name) {
            let entries = window.find_all(&kind).await?;
            return window.click(entries.get(at).context("the list changed")?).await;
        }
        ensure!(begun.elapsed() < SOON, "{name} is not among {names:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What stands in everything that matches a selector, also while it is still sliding into sight.
async fn texts(window: &Window, selector: &str) -> Result<Vec<String>> {
    let script = "return [...document.querySelectorAll(arguments[0])].map((each) => each.textContent.trim());";
    Ok(serde_json::from_value(window.run(script, json!([selector])).await?)?)
}

/// Writes the words down, types back those that are asked for, chooses the folder and waits for a backup that was tried: the
/// words and the name of the file.
pub async fn back_up(window: &Window) -> Result<(String, String)> {
    window.run("location.hash = '#/settings/backup';", json!([])).await?;
    window.click_on("[data-testid=backup-words]", SOON).await?;
    window.wait_for("[data-testid=recovery-words] li", SOON).await?;
    let words = texts(window, "[data-testid=recovery-words] li").await?;
    ensure!(words.len() == 12, "{} words are shown", words.len());
    window.click_on("[data-testid=words-written]", SOON).await?;
    window.wait_for("[data-testid=words-form] input", SOON).await?;
    let labels = texts(window, "[data-testid=words-form] label").await?;
    for (field, label) in window.find_all("[data-testid=words-form] input").await?.iter().zip(labels) {
        let place: String = label.chars().filter(char::is_ascii_digit).collect();
        window.write(field, &words[place.parse::<usize>().with_context(|| label.clone())? - 1]).await?;
    }
    window.click_on("[data-testid=words-use]", SOON).await?;
    window.click_on("[data-testid=backup-choose]", SOON).await?;
    choose(window, "folder", CLOUD).await?;
    window.wait_for("[data-testid=folder-path]", SOON).await?;
    window.click_on("[data-testid=use-folder]", SOON).await?;
    // Made and tried as soon as there are words and a folder.
    let done = |state: &Value| state["running"].is_null() && state["backups"][0]["state"] == "verified";
    let state = until(window, "get_backup", json!({}), done).await?;
    window.wait_for("[data-testid=backup-row][data-state=verified]", SOON).await?;
    Ok((words.join(" "), state["backups"][0]["file"].as_str().context("a backup is a file")?.to_owned()))
}

/// A computer without a clinic, with the words and what the cloud has brought: onto itself, or onto the server of this
/// administrator's address.
pub async fn restore(window: &Window, words: &str, file: &str, server: Option<&str>) -> Result<()> {
    window.click_on("[data-testid=start-restore]", SOON).await?;
    choose(window, "folder", CLOUD).await?;
    choose(window, "backup-file", file).await?;
    fill(window, "[data-testid=restore-words] [name=words]", words).await?;
    window.click_on("[data-testid=restore-words] .button.primary", SOON).await?;
    let found = window.text_of("[data-testid=restore-found]", SOON).await?;
    ensure!(found.contains("Clínica Acácia"), "it says what is in the file");
    if let Some(address) = server {
        window.click_on("[name=restore-where][value=server]", SOON).await?;
        window.click_on("[data-testid=restore-ask-server]", SOON).await?;
        fill(window, "[data-testid=server-form] [name=admin_address]", address).await?;
        window.click_on("[data-testid=server-form] .button.primary", SOON).await?;
        window.wait_for("[data-testid=server-findings]", SOON).await?;
        window.click_on("[data-testid=server-form] .button.primary", SOON).await?;
    }
    window.click_on("[data-testid=restore-go]", SOON).await?;
    window.wait_until_ready(LATER).await?;
    window.wait_for("[data-testid=go-inbox]", SOON).await.map(drop)
}

/// The computer that holds the clinic gives it up, with the words that bring it back.
pub async fn leave(window: &Window, words: &str) -> Result<()> {
    window.run("location.hash = '#/settings';", json!([])).await?;
    until_shown(window, "[data-testid=leave-clinic]", "[data-testid=leave-dialog] [name=words]").await?;
    fill(window, "[data-testid=leave-dialog] [name=words]", words).await?;
    window.click_on("[data-testid=leave-yes]", SOON).await?;
    window.wait_for("[data-testid=start-restore]", LATER).await.map(drop)
}
