//! A recorder that says what a test tells it to, over the real words of the link.

use nvr::link::frame::{self, Reader, Writer};
use nvr::link::protocol::{ToClient, ToRecorder};
use nvr::model::command::{Answer, Command};
use nvr::model::snapshot::Snapshot;
use std::sync::Arc;
use tokio::io::{DuplexStream, ReadHalf, WriteHalf};

/// The recorder's end of one connection, after the hello.
pub struct Recorder {
    reader: Reader<ReadHalf<DuplexStream>>,
    writer: Writer<WriteHalf<DuplexStream>>,
}

impl Recorder {
    pub async fn greet(stream: DuplexStream) -> Self {
        let (mut reader, mut writer) = frame::split(stream, frame::TO_RECORDER);
        let hello: ToRecorder = reader.read().await.expect("a word").expect("not the end");
        assert_eq!(hello, ToRecorder::hello(true));
        writer.write(&ToClient::hello()).await.expect("is read");
        Self { reader, writer }
    }

    pub async fn send(&mut self, picture: Snapshot) {
        self.writer.write(&ToClient::Snapshot(Arc::new(picture))).await.expect("is read");
    }

    pub async fn order(&mut self) -> (u64, Command) {
        match self.reader.read().await.expect("a word").expect("not the end") {
            ToRecorder::Request { id, command } => (id, command),
            hello @ ToRecorder::Hello { .. } => panic!("{hello:?}"),
        }
    }

    pub async fn answer(&mut self, id: u64, answer: Answer) {
        self.writer.write(&ToClient::Reply { id, answer }).await.expect("is read");
    }

    pub async fn bye(&mut self, reason: &str) {
        self.writer.write(&ToClient::Bye { reason: reason.into() }).await.expect("is read");
    }
}
