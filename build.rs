//! Generates the code of the words that cross the network; no `protoc` needs to be installed.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

use prost::Message;

const FOLDER: &str = "src/calls/grpc";
const WORDS: &str = "src/calls/grpc/cluster.proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={WORDS}");
    let words = protox::compile([WORDS], [FOLDER])?;
    // Tests walk every method by this description, so that none can be forgotten.
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    fs::write(out.join("cluster.bin"), words.encode_to_vec())?;
    tonic_prost_build::configure().bytes(".").compile_fds(words)?;
    Ok(())
}
