//! argv → configuration → app → exit code; nothing else.

fn main() -> std::process::ExitCode {
    escheduler::cli::main()
}
