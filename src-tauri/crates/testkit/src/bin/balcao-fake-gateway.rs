//! A gateway that is none, to point the program at: it has one paired instance, and the lines that are typed are what people
//! write.

use std::net::SocketAddr;

use anyhow::Context as _;
use balcao_testkit::gateway::evolution::GLOBAL_KEY;
use balcao_testkit::gateway::{FakeEvolution, Incoming};
use clap::Parser;
use tokio::sync::mpsc;

/// Options of the program.
#[derive(Parser)]
#[command(about = "A fake gateway to WhatsApp, for trying things out")]
struct Options {
    /// Where it listens.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Name of its instance.
    #[arg(long, default_value = "recepcao")]
    instance: String,
}

const HELP: &str = "\
say NUMBER TEXT   the person writes
phone NUMBER TEXT the clinic writes on its own phone
ack ID STATUS     SERVER_ACK, DELIVERY_ACK, READ
delete ID         the message is deleted for everyone
pair · unpair     the phone reads the QR code · unpairs itself
drop · silence    sockets break · stay open and say nothing
stop · start      the server goes · comes back
sent              everything that went out";

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a program for a terminal")]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let gateway = FakeEvolution::start_at(options.listen).await.context("the address is taken")?;
    let token = gateway.add_instance(&options.instance);
    println!("{} · instance {} · key {token} · global key {GLOBAL_KEY}\n{HELP}", gateway.url(), options.instance);
    let (typed, mut lines) = mpsc::channel(1);
    // Nobody waits for this thread: a keyboard may never say anything.
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if typed.blocking_send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = lines.recv().await {
        match obey(&gateway, &options.instance, &line).await {
            Ok(told) => println!("{told}"),
            Err(error) => println!("{error:#}"),
        }
    }
    // Without a keyboard it only serves.
    tokio::signal::ctrl_c().await.context("no signal can be waited for")
}

async fn obey(gateway: &FakeEvolution, instance: &str, line: &str) -> anyhow::Result<String> {
    let mut words = line.trim().splitn(3, ' ');
    let (order, first, rest) = (words.next().unwrap_or_default(), words.next(), words.next());
    let mut told = "done".to_owned();
    match (order, first, rest) {
        ("say", Some(number), Some(text)) => told = gateway.receive(instance, &Incoming::text(number, text)),
        ("phone", Some(number), Some(text)) => {
            told = gateway.receive(instance, &Incoming { from_me: true, ..Incoming::text(number, text) });
        }
        ("ack", Some(id), Some(status)) => gateway.report(instance, id, status),
        ("delete", Some(id), None) => gateway.revoke(instance, id),
        ("pair", None, None) => gateway.pair(instance),
        ("unpair", None, None) => gateway.unpair(instance),
        ("drop", None, None) => gateway.drop_sockets(),
        ("silence", None, None) => gateway.fall_silent(),
        ("stop", None, None) => gateway.stop(),
        ("start", None, None) => gateway.start_again().await.context("the address is taken")?,
        ("sent", None, None) => {
            let sent = gateway.sent();
            told =
                sent.iter().map(|sent| format!("{} {} {} {}\n", sent.id, sent.call, sent.number, sent.text)).collect();
        }
        _ => HELP.clone_into(&mut told),
    }
    Ok(told)
}
