//! Servers that misbehave in ways that nginx does not, and a proxy.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Answers every connection with `talk`, until the test's process ends.
pub(crate) fn serve(talk: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let talk = Arc::new(talk);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, talk) = (stream.unwrap(), Arc::clone(&talk));
            thread::spawn(move || talk(stream));
        }
    });
    address
}

/// Reads a request's head; gives its first line.
pub(crate) fn request_line(stream: &TcpStream) -> String {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().unwrap().unwrap();
    let _ = lines.find(|line| line.as_ref().is_ok_and(String::is_empty));
    first
}

/// Waits until the peer has gone.
pub(crate) fn until_gone(mut stream: TcpStream) {
    let _ = io::copy(&mut stream, &mut io::sink());
}

/// A CONNECT proxy that leads every name to `target`; it notes the request lines.
pub(crate) fn connect_proxy(target: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&seen);
    let address = serve(move |mut client| {
        notes.lock().unwrap().push(request_line(&client));
        let server = TcpStream::connect(target).unwrap();
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
        let (mut from_server, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        thread::spawn(move || {
            let _ = io::copy(&mut from_server, &mut to_client);
            let _ = to_client.shutdown(Shutdown::Write);
        });
        let mut server = server;
        let _ = io::copy(&mut client, &mut server);
        let _ = server.shutdown(Shutdown::Write);
    });
    (address, seen)
}
