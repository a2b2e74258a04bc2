//! What a task prints can be read while it runs, whatever happens to the program meanwhile.

use crate::site::{Site, document, eventually, shell};

#[test]
fn a_log_is_read_live_to_its_last_byte_also_across_a_crash() {
    const LINES: usize = 30;
    let mut site = Site::start();
    site.project();
    let gate = site.folder.path().join("gate");
    let script = format!(
        "printf begin\nwhile [ ! -e {} ]; do sleep 0.02; done\necho\n\
         i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo line $i; sleep 0.1; done\nprintf 'the end'",
        gate.display()
    );
    let definition = site.define("talkative", &document(vec![shell("talkative", &script, &[])]));
    site.start_instance(definition, &[]);
    let row = eventually("the instance begins", || site.instances(definition).into_iter().next());
    let instance = row["id"].as_i64().expect("an id");
    let task = eventually("the task begins", || site.tasks(instance).into_iter().next());
    // A line that is not ended yet is there as well.
    eventually("its first word is read", || (site.log(&task).trim_end() == "begin").then_some(()));
    std::fs::write(&gate, "").expect("our own folder");
    let mut seen = std::collections::BTreeSet::new();
    let mut watch = |site: &Site, until: usize| {
        eventually("more lines are read", || {
            seen.insert(site.log(&task).lines().count());
            (site.log(&task).lines().count() > until).then_some(())
        });
    };
    watch(&site, 5);
    assert_eq!(site.instances(definition)[0]["state"], "RUNNING_EXEUTION");
    site.crash();
    site.up();
    watch(&site, 15);
    let row = eventually("the instance ends", || {
        let row = site.instances(definition)[0].clone();
        (row["state"] == "SUCCESS").then_some(row)
    });
    assert_eq!(row["id"], instance);
    let mut wanted = vec!["begin".to_owned()];
    wanted.extend((1..=LINES).map(|at| format!("line {at}")));
    wanted.push("the end".into());
    assert_eq!(site.log(&task).lines().collect::<Vec<_>>(), wanted);
    println!("read at {} lengths while it grew", seen.len());
}
