//! The whole room against the specification, one test for each defect of the original that is mended.

use super::*;
use crate::model::{DataType, Direct, Time};
use chrono_tz::Tz;
use proptest::prelude::*;

/// 2019-03-10 13:05:09, a Sunday, in UTC+8.
fn sunday() -> Moment {
    Moment::of_run(Time(1_552_194_309_000), Tz::Asia__Shanghai)
}

fn property(name: &str, value: &str) -> Property {
    Property { prop: name.into(), direct: Direct::In, kind: DataType::Varchar, value: value.into() }
}

fn properties(pairs: &[(&str, &str)]) -> Vec<Property> {
    pairs.iter().map(|(name, value)| property(name, value)).collect()
}

fn picture(properties: &[Property]) -> String {
    properties.iter().map(|p| format!("{}={}", p.prop, p.value)).collect::<Vec<_>>().join(" ")
}

fn cured(globals: &[(&str, &str)]) -> String {
    picture(&cure(&properties(globals), &sunday()).unwrap())
}

fn scope(globals: &[(&str, &str)], locals: &[(&str, &str)]) -> Scope {
    let globals = cure(&properties(globals), &sunday()).unwrap();
    Scope::of_node(&globals, &properties(locals), &sunday()).unwrap()
}

#[test]
fn placeholders_of_the_specification() {
    let scope = scope(&[("a", "1"), ("b", "${a}x"), ("n", "a")], &[]);
    for (text, expected) in [
        ("${a}-${b}", "1-1x"),
        ("${zz} ${a}", "${zz} 1"),
        ("${${n}}", "1"),
        ("$${a}", "$1"),
        ("${A:-${a}}", "${A:-${a}}"),
    ] {
        assert_eq!(scope.expand(text).unwrap(), expected);
        assert_eq!(cured(&[("a", "1"), ("b", "${a}x"), ("n", "a"), ("t", text)]), format!("a=1 b=1x n=a t={expected}"));
    }
    let error = cure(&properties(&[("self", "${self}")]), &sunday()).unwrap_err();
    assert_eq!(error.to_string(), "the parameter `self` refers to itself: self → self");
}

#[test]
fn the_worked_example_of_a_backfill() {
    let moment = Moment::of_backfill(Time(1_552_147_200_000), Tz::Asia__Shanghai);
    let globals = properties(&[("dt", "${system.biz.date}"), ("ts", "$[yyyyMMdd-1]")]);
    let globals = cure(&globals, &moment).unwrap();
    assert_eq!(picture(&globals), "dt=20190310 ts=20190310");
    let scope = Scope::of_node(&globals, &properties(&[("x", "${dt}")]), &moment).unwrap();
    // F2: the original writes the worker's date here.
    assert_eq!(scope.expand("echo ${x} ${dt} $[yyyyMMdd]").unwrap(), "echo 20190310 20190310 20190311");
}

#[test]
fn f1_f2_dates_belong_to_the_run_everywhere() {
    assert_eq!(
        cured(&[("a", "${system.biz.date}"), ("b", "${system.biz.curdate}"), ("c", "${system.datetime}")]),
        "a=20190309 b=20190310 c=20190310130509"
    );
    let scope = scope(&[("g", "$[HHmm]")], &[("l", "${system.datetime}")]);
    assert_eq!(scope.expand("${g} ${l} $[HHmm]").unwrap(), "1305 20190310130509 1305");
}

#[test]
fn system_parameters_are_used_through_a_parameter() {
    let scope = scope(&[], &[("dt", "${system.biz.date}")]);
    assert_eq!(scope.expand("${system.biz.date} ${dt}").unwrap(), "${system.biz.date} 20190309");
    assert_eq!(scope.get("system.biz.date"), None);
}

#[test]
fn a_global_overrides_a_system_parameter() {
    let globals = [("dt", "${system.biz.date}"), ("system.biz.date", "mine"), ("now", "$[yyyy]${system.datetime}")];
    assert_eq!(cured(&globals), "dt=mine system.biz.date=mine now=201920190310130509");
    assert_eq!(scope(&globals, &[("x", "${system.biz.date}")]).get("x"), Some("mine"));
}

#[test]
fn f3_what_is_no_time_expression_is_left_alone() {
    let script = "i=$[1+2]; j=$[i+1]; echo ${arr[$[i]]} ${#arr[@]} ${x:-default} $$ $(date) $((1+2)) ${s%.*} `x` $1\n";
    assert_eq!(scope(&[("a", "1")], &[]).expand(script).unwrap(), script);
    assert_eq!(cured(&[("sum", "$[1+2]")]), "sum=$[1+2]");
}

#[test]
fn f4_values_are_expanded_wherever_placeholders_stand() {
    let globals = [("dir", "/data/${system.biz.date}/$[HH]"), ("plain", "text")];
    assert_eq!(cured(&globals), "dir=/data/20190309/13 plain=text");
    assert_eq!(scope(&globals, &[("file", "in ${dir}/x")]).get("file"), Some("in /data/20190309/13/x"));
}

#[test]
fn f5_a_sign_binds_to_its_number() {
    assert_eq!(cured(&[("m", "$[add_months(yyyyMM,-12+1)]")]), "m=201804");
}

#[test]
fn f6_a_local_of_the_same_name_takes_the_global_or_stays() {
    assert_eq!(scope(&[("x", "7")], &[("x", "${x}")]).expand("${x}").unwrap(), "7");
    assert_eq!(scope(&[("x", "7")], &[("x", "<${x}>")]).expand("${x}").unwrap(), "<7>");
    assert_eq!(scope(&[], &[("x", "${x}")]).expand("echo ${x}").unwrap(), "echo ${x}");
    assert_eq!(scope(&[], &[("x", "${x}"), ("y", "1${x}")]).expand("${x} ${y}").unwrap(), "${x} 1${x}");
}

#[test]
fn f8_of_two_globals_with_one_name_the_first_counts() {
    assert_eq!(cured(&[("a", "1"), ("a", "2"), ("b", "${a}"), ("empty", "")]), "a=1 b=1 empty=");
    assert_eq!(scope(&[], &[("a", "1"), ("a", "2")]).properties().len(), 1);
}

#[test]
fn f10_parameters_keep_their_type_and_locals_come_first() {
    let mut global = property("n", "${m}");
    global.kind = DataType::Integer;
    let mut hidden = property("h", "global");
    hidden.kind = DataType::Date;
    let mut out = property("h", "${n}");
    (out.kind, out.direct) = (DataType::Long, Direct::Out);
    let globals = cure(&[global.clone(), hidden, property("m", "5")], &sunday()).unwrap();
    let scope = Scope::of_node(&globals, &[property("l", "x"), out.clone()], &sunday()).unwrap();

    let expected = [
        property("l", "x"),
        Property { value: "5".into(), ..out },
        Property { value: "5".into(), ..global },
        property("m", "5"),
    ];
    assert_eq!(scope.properties(), expected);
    assert_eq!(scope.locals(), &expected[..2]);
    assert_eq!(scope.property("n"), Some(&expected[2]));
}

#[test]
fn names_left_open_by_a_global_may_be_a_local() {
    // The original expands values again while it expands the script, so globals serve as templates.
    let scope = scope(&[("path", "/data/${table}")], &[("table", "orders"), ("full", "hdfs:${path}")]);
    assert_eq!(scope.expand("${path} ${full}").unwrap(), "/data/orders hdfs:/data/orders");
}

#[test]
fn a_local_means_the_global_before_another_local() {
    let scope = scope(&[("x", "global")], &[("x", "local"), ("y", "${x}"), ("z", "${w}"), ("w", "other")]);
    assert_eq!(scope.expand("${x} ${y} ${z}").unwrap(), "local global other");
}

#[test]
fn parts_of_an_expression_may_be_parameters() {
    let scope = scope(&[("fmt", "yyyyMMdd"), ("ago", "7"), ("d", "$[${fmt}-${ago}]")], &[]);
    assert_eq!(scope.expand("${d} $[${fmt}-1]").unwrap(), "20190303 20190309");
}

#[test]
fn circles_are_errors_that_name_the_parameter() {
    let error = |globals: &[(&str, &str)]| cure(&properties(globals), &sunday()).unwrap_err().to_string();
    assert_eq!(
        error(&[("q", "${a}"), ("a", "1${b}"), ("b", "${a}2")]),
        "the parameter `a` refers to itself: a → b → a"
    );
    let many: Vec<(String, String)> = (0..20).map(|i| (format!("p{i}"), format!("${{p{}}}", (i + 1) % 20))).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(error(&many), "the parameter `p0` refers to itself: p0 → p1 → p2 → p3 → p4 → p5 → p6 → p7 → … → p0");
    let locals = properties(&[("a", "${b}"), ("b", "${a}")]);
    assert!(matches!(Scope::of_node(&[], &locals, &sunday()), Err(Error::Circular { name, .. }) if name == "a"));
}

#[test]
fn values_that_double_each_other_are_refused() {
    let mut globals: Vec<Property> =
        (0..64).map(|i| property(&format!("p{i}"), &format!("${{p{0}}}${{p{0}}}", i + 1))).collect();
    globals.push(property("p64", "xx"));
    assert_eq!(cure(&globals, &sunday()), Err(Error::TooLong));
    assert_eq!(Error::TooLong.to_string(), "the values of the parameters add more than 16 MiB to the text");
    let big = scope(&[("big", "x".repeat(1 << 20).as_str())], &[]);
    assert_eq!(big.expand(&"${big}".repeat(17)), Err(Error::TooLong));
}

#[test]
fn a_chain_of_ten_thousand_parameters_resolves() {
    let mut globals: Vec<Property> =
        (0..10_000).map(|i| property(&format!("p{i}"), &format!("${{p{}}}", i + 1))).collect();
    globals.push(property("p10000", "end"));
    assert!(cure(&globals, &sunday()).unwrap().iter().all(|p| p.value == "end"));
}

#[test]
fn a_long_script_is_a_scan() {
    let scope = scope(&[("a", "1")], &[]);
    let plain = "echo {hello} [world] $x }\n".repeat(200_000);
    let placeholders = "${a}$[i]${b}$[yyyy]".repeat(250_000);
    let begun = std::time::Instant::now();
    assert_eq!(scope.expand(&plain).unwrap(), plain);
    assert_eq!(scope.expand(&placeholders).unwrap(), "1$[i]${b}2019".repeat(250_000));
    // Unoptimised and on a busy machine; anything quadratic takes hours.
    assert!(begun.elapsed() < std::time::Duration::from_secs(30));
}

/// Text made of what the two passes look for, so that chance meets the corners.
fn thorny() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("${".to_owned()),
        Just("$[".to_owned()),
        Just("}".to_owned()),
        Just("]".to_owned()),
        Just("a".to_owned()),
        Just("${a}".to_owned()),
        Just("${b}".to_owned()),
        Just("yyyyMMdd".to_owned()),
        Just("add_months(".to_owned()),
        Just("timestamp(".to_owned()),
        Just(",1)".to_owned()),
        "[-+*/0-9a-zA-Z'年$ \n()\\[\\]{}]{0,6}",
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn text_without_a_dollar_is_unchanged(text in "[^$]*") {
        prop_assert_eq!(scope(&[("a", "1")], &[]).expand(&text).unwrap(), text);
    }

    #[test]
    fn nothing_panics(a in thorny(), b in thorny(), local in thorny(), script in thorny(), any in any::<String>(),
                      base in any::<i64>()) {
        let moment = Moment::of_run(Time(base), Tz::Europe__Berlin);
        if let Ok(globals) = cure(&properties(&[("a", &a), ("b", &b)]), &moment)
            && let Ok(scope) = Scope::of_node(&globals, &properties(&[("a", &local)]), &moment)
        {
            for text in [&script, &any] {
                prop_assert!(scope.expand(text).is_ok());
            }
        }
    }

    #[test]
    fn cured_values_without_placeholders_stay(value in "[^$]*") {
        let cured = cure(&[property("a", &value)], &sunday()).unwrap();
        prop_assert_eq!(&cured[0].value, &value);
    }
}
