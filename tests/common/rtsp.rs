//! A camera that speaks RTSP: GStreamer's server, in a process of its own, on a port of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Serves for as long as it is kept.
pub struct RtspServer {
    child: Child,
    pub port: u16,
}

impl RtspServer {
    pub fn start(file: &Path, options: &[&str]) -> RtspServer {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/rtsp_server.py");
        // The system's Python, because GStreamer's bindings are made for it.
        let mut command = Command::new("/usr/bin/python3");
        command.arg(script).arg(file).args(options).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("Python (run: .ci/setup test)");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("text");
        let port = line.strip_prefix("READY ").and_then(|port| port.trim().parse().ok());
        let port = port.unwrap_or_else(|| panic!("no RTSP server: {line:?} (run: .ci/setup test)"));
        RtspServer { child, port }
    }
}

impl Drop for RtspServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
