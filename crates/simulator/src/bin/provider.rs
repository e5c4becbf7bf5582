//! The simulated provider as a program of its own, for tests in other languages and for people with a curl.

use actor::Clock;
use clap::Parser;
use simulator::provider::{Pace, Provider, server};
use std::{io, net::SocketAddr, time::Duration};
use tokio::net::TcpListener;

/// Answers like Anthropic and OpenAI, with nothing behind it.
///
/// Point a gateway or an agent at the address it prints. `POST /_control` changes what it does, `GET /_control/received`
/// shows what it received.
#[derive(Debug, Parser)]
#[command(name = "provider")]
struct Arguments {
    /// Address to listen on; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:9100")]
    listen: SocketAddr,
    /// Where all ids come from.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// A token to accept; can be given more than once. Without any, every token is accepted.
    #[arg(long, value_name = "TOKEN")]
    accept: Vec<String>,
    /// Keep a prompt cache and count it.
    #[arg(long)]
    cache: bool,
    /// Milliseconds before the first word; the following come twenty times as fast.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    pace: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let listener = TcpListener::bind(arguments.listen).await?;
    announce(listener.local_addr()?);
    server::serve(listener, provider(&arguments), Clock::system()).await;
    Ok(())
}

fn provider(arguments: &Arguments) -> Provider {
    let provider = Provider::new(arguments.seed);
    arguments.accept.iter().for_each(|token| provider.accept(token));
    provider.accept_any(arguments.accept.is_empty());
    provider.keep_cache(arguments.cache);
    let first = Duration::from_millis(arguments.pace);
    provider.speak(Pace { first, between: first / 20 });
    provider
}

#[expect(clippy::print_stdout, reason = "whoever started the program on port 0 reads the address here")]
fn announce(address: SocketAddr) {
    println!("http://{address}");
}
