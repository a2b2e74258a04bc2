//! SHELL: one process, `/bin/sh SCRIPT`.

use super::{Interpreters, Script, app_id, script_text};
use crate::params::Scope;
use crate::queue::Job;

/// A first line `#!` wins over `worker.shell`. It is obeyed here, as the kernel would, so that the
/// folder may be mounted `noexec`.
pub fn describe(job: &Job, scope: &Scope, site: &Interpreters) -> Result<Script, String> {
    let text = script_text(job, scope)?;
    let interpreter = shebang(&text).unwrap_or_else(|| vec![site.shell.to_string_lossy().into_owned()]);
    Ok(Script { file_name: format!("{}_node.sh", app_id(job)), text, interpreter })
}

/// The interpreter of a `#!` line and its one argument.
fn shebang(text: &str) -> Option<Vec<String>> {
    let line = text.strip_prefix("#!")?.lines().next()?.trim();
    let (program, argument) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    if !program.starts_with('/') {
        return None;
    }
    let argument = argument.trim();
    Some([program, argument].into_iter().filter(|part| !part.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_bang_line_names_the_interpreter_and_one_argument() {
        let read = |text: &str| shebang(text).map(|parts| parts.join("|"));
        assert_eq!(read("#!/bin/bash\ntrue\n").as_deref(), Some("/bin/bash"));
        assert_eq!(read("#! /usr/bin/env  python3 -u\n").as_deref(), Some("/usr/bin/env|python3 -u"));
        assert_eq!(read("#!python\n"), None);
        assert_eq!(read("echo '#!/bin/bash'\n"), None);
    }
}
