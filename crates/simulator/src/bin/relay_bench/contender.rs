//! Who is measured: nobody (the mock itself), nginx, and builds of Stillroom, each set up as it would be in earnest.

use crate::asking::Request;
use crate::load::exchange;
use crate::process::Process;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// How long a contender may take to answer at all.
const PATIENCE: Duration = Duration::from_secs(20);

/// A kind of contender.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// No proxy at all.
    Direct,
    /// nginx, the program at this path.
    Nginx(PathBuf),
    /// Stillroom, the program at this path; a name to tell builds apart.
    Stillroom(&'static str, PathBuf),
}

impl Kind {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Nginx(_) => "nginx",
            Self::Stillroom(name, _) => name,
        }
    }
}

/// One that runs.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    /// None when there is no proxy.
    pub(crate) process: Option<Process>,
    /// From its start to its first answer.
    pub(crate) started_in: Duration,
    pub(crate) folder: PathBuf,
}

impl Contender {
    /// Starts one in a folder of its own below `folder`, and waits for its first answer.
    pub(crate) async fn start(
        kind: &Kind,
        folder: &Path,
        upstream: SocketAddr,
        first: &[u8],
    ) -> io::Result<Self> {
        let folder = folder.join(kind.name());
        fs::create_dir_all(&folder)?;
        let address = if matches!(kind, Kind::Direct) { upstream } else { free_address()? };
        let begun = Instant::now();
        let process = command(kind, &folder, address, upstream)?
            .map(|mut command| Process::start(&mut command, &folder.join("log")))
            .transpose()?;
        let answered = timeout(PATIENCE, first_answer(address, first)).await;
        answered.map_err(|_| {
            io::Error::other(format!("{} does not answer: see {}", kind.name(), folder.display()))
        })?;
        Ok(Self { name: kind.name(), address, process, started_in: begun.elapsed(), folder })
    }
}

async fn first_answer(address: SocketAddr, request: &[u8]) {
    while exchange(&mut None, address, request).await.is_err() {
        sleep(Duration::from_millis(1)).await;
    }
}

/// The request that a contender is first asked.
pub(crate) fn greeting() -> Vec<u8> {
    Request::new("greeting", 2 * 1024, crate::answers::Kind::Json).numbered(0).to_vec()
}

fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

fn command(
    kind: &Kind,
    folder: &Path,
    address: SocketAddr,
    upstream: SocketAddr,
) -> io::Result<Option<Command>> {
    match kind {
        Kind::Direct => Ok(None),
        Kind::Nginx(program) => {
            let file = folder.join("nginx.conf");
            fs::write(&file, nginx(folder, address, upstream))?;
            let mut command = Command::new(program);
            command.arg("-p").arg(folder).arg("-c").arg(file);
            Ok(Some(command))
        }
        Kind::Stillroom(_, program) => {
            let file = folder.join("stillroom.toml");
            fs::write(&file, stillroom(folder, address, upstream))?;
            let mut command = Command::new(program);
            command.arg("serve").arg("--config").arg(file).current_dir(folder);
            Ok(Some(command))
        }
    }
}

/// One worker and no master, so that there is one process to ask for its CPU time.
fn nginx(folder: &Path, address: SocketAddr, upstream: SocketAddr) -> String {
    let folder = folder.display();
    format!(
        "daemon off;
master_process off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log error;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 64m;
    keepalive_requests 100000000;
    upstream provider {{
        server {upstream};
        keepalive 256;
        keepalive_requests 100000000;
    }}
    server {{
        listen {address};
        tcp_nodelay on;
        location / {{
            proxy_pass http://provider;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_buffering off;
            proxy_request_buffering off;
        }}
    }}
}}
"
    )
}

/// Recording and the capture of credentials are on, as they are by default.
fn stillroom(folder: &Path, address: SocketAddr, upstream: SocketAddr) -> String {
    format!(
        "listen = \"{address}\"\ndata_dir = \"{}\"\n\n[upstream]\nanthropic = \"http://{upstream}\"\nopenai = \"http://{upstream}\"\n",
        folder.join("data").display()
    )
}
