//! What a field can hold that nobody meant it to.

use crate::dice::Dice;

/// How it is put into a request.
#[derive(Clone, Debug)]
pub enum Value {
    /// As a text, encoded as forms encode it.
    Text(String),
    /// As these bytes, which may be no encoding of anything.
    Bytes(&'static [u8]),
}

/// Marks what hostile paths would make, so that it is found wherever it lies.
pub const MARK: &str = "hostile-7f3a";

/// One of many.
pub fn one<'a, T: ?Sized>(dice: &mut Dice, of: &[&'a T]) -> &'a T {
    of[dice.below(of.len() as u64) as usize]
}

/// No number here is 1, which is the id of what belongs to somebody else.
const NUMBERS: &[&str] = &[
    "0",
    "-1",
    "-0",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "4294967297",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "99999999999999999999999999",
    "1.5",
    "1e3",
    "1e999",
    "NaN",
    "Infinity",
    "-Infinity",
    "0x10",
    "0b1",
    " 7 ",
    "+7",
    "007",
    "7_000",
    "7,000",
    "\u{663}",
    "\u{ff17}",
    "seven",
    "true",
    "null",
    "[]",
    "{}",
    "7;drop table t_escheduler_user",
    "7 or 7=7",
    "7--",
    "(select 7)",
];

const SQL: &[&str] = &[
    "'",
    "\"",
    "`",
    "''",
    "' or '1'='1",
    "' or 1=1 --",
    "\" or \"\"=\"",
    "'; drop table t_escheduler_user; --",
    "'); drop table t_escheduler_project; --",
    "admin'--",
    "' union select 1,2,3 --",
    "%",
    "_",
    "%%",
    "\\",
    "\\\\",
    "\\'",
    "\\%",
    "a\\",
    "%'",
    "_%\\_",
    "$1",
    "?",
    ":name",
    "/* */",
    "--",
    "#",
    ";",
    "x' and sleep(9) and 'x'='x",
    "'||pg_sleep(9)||'",
    "0x27",
    "{fn now()}",
    "[a-z]%",
    "!%",
    "*",
];

const PATHS: &[&str] = &[
    "../hostile-7f3a",
    "../../hostile-7f3a",
    "../../../../../../tmp/hostile-7f3a",
    "/tmp/hostile-7f3a",
    "/etc/hostile-7f3a",
    "..",
    ".",
    "./",
    "~",
    "~/hostile-7f3a",
    "..\\hostile-7f3a",
    "C:\\hostile-7f3a",
    "\\\\host\\hostile-7f3a",
    "a/../../hostile-7f3a",
    "a//b",
    "/",
    "//",
    "file:///tmp/hostile-7f3a",
    "%2e%2e%2fhostile-7f3a",
    "..%2fhostile-7f3a",
    "..;/hostile-7f3a",
    "hostile-7f3a\0.txt",
    "-hostile-7f3a",
    "CON",
    "nul.txt",
    ".hostile-7f3a",
    "hostile-7f3a.",
    "hostile-7f3a ",
    "$(touch /tmp/hostile-7f3a)",
    "`touch /tmp/hostile-7f3a`",
    "| touch /tmp/hostile-7f3a",
    "x.sh/../../hostile-7f3a.sh",
    "../../hostile-7f3a.sh",
    "../hostile-7f3a.jar",
];

const TEXTS: &[&str] = &[
    "",
    " ",
    "\t",
    "\r\n",
    "\n",
    "a\nb",
    "a\r\nSet-Cookie: x=y",
    "\0",
    "a\0b",
    "\u{1}\u{2}\u{7f}\u{1b}[31m",
    "\u{85}\u{9f}",
    "\u{feff}bom",
    "\u{fffd}",
    "\u{ffff}",
    "\u{10ffff}",
    "😀",
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "\u{202e}txt.exe",
    "\u{2066}שלום\u{2069}",
    "مرحبا",
    "e\u{301}",
    "\u{1f}\u{0}",
    "ＡＢＣ",
    "İıſẞ",
    "数据库",
    "ŉ",
    "Z̷͓a̴l̶g̵o̷",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>",
    "{{7*7}}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "${jndi:ldap://x/y}",
    "javascript:alert(1)",
    "&lt;",
    "=cmd|' /C calc'!A0",
    "http://x/",
    "://",
    "null",
    "undefined",
    "true",
    "-1",
    "[]",
    "{}",
    "{projectName}",
    "%s%s%s%n",
    "%n%x%p",
    "&a=b",
    "a=b&c=d",
    "+",
    "%20",
];

const JSON: &[&str] = &[
    "",
    "null",
    "true",
    "7",
    "-0",
    "1e999",
    "1e400",
    "\"text\"",
    "[]",
    "[[]]",
    "[null]",
    "{}",
    "{\"a\":}",
    "{",
    "[",
    "\"",
    "}",
    "{\"tasks\":null}",
    "{\"tasks\":{}}",
    "{\"tasks\":[]}",
    "{\"tasks\":[null]}",
    "{\"tasks\":[7]}",
    "{\"tasks\":[{}]}",
    "{\"tasks\":[{\"name\":7,\"type\":{},\"params\":[]}],\"globalParams\":7}",
    "{\"tasks\":\"x\",\"tasks\":[]}",
    "{\"globalParams\":[{\"prop\":null}],\"tasks\":[{\"id\":\"1\",\"name\":\"a\",\"type\":\"SHELL\",\"params\":{\"rawScript\":7}}]}",
    "{\"globalParams\":[],\"tasks\":[{\"id\":\"1\",\"name\":\"a\",\"type\":\"SHELL\",\"params\":{\"rawScript\":\"true\"},\"preTasks\":[\"a\"]}]}",
    "{\"globalParams\":[],\"tasks\":[{\"id\":\"1\",\"name\":\"a\",\"type\":\"NONE\",\"params\":{}}],\"timeout\":-7,\"tenantId\":99999999999}",
    "{\"globalParams\":[{\"prop\":\"a\",\"direct\":\"IN\",\"type\":\"VARCHAR\",\"value\":\"${a}\"}],\"tasks\":[{\"id\":\"1\",\"name\":\"a\",\"type\":\"SHELL\",\"params\":{\"rawScript\":\"true\"}}]}",
    "{\"globalParams\":[],\"tasks\":[{\"id\":\"1\",\"name\":\"a\",\"type\":\"SUB_PROCESS\",\"params\":{\"processDefinitionId\":-7}}]}",
    "{\"globalParams\":[],\"tasks\":[{\"id\":\"1\",\"name\":\"\\u0000'\\\"\\\\%_😀\\ud800\",\"type\":\"SHELL\",\"params\":{\"rawScript\":\"true\"}}]}",
    "{\"globalParams\":[],\"tasks\":[{\"id\":\"1\",\"name\":\"\\u0000\",\"type\":\"SHELL\",\"params\":{\"rawScript\":\"true\"}}]}",
    "{\"startTime\":7,\"endTime\":null,\"crontab\":[]}",
    "{\"startTime\":\"\",\"endTime\":\"\",\"crontab\":\"\"}",
    "{\"startTime\":\"0000-00-00 00:00:00\",\"endTime\":\"9999-12-31 23:59:59\",\"crontab\":\"* * * * * ? *\"}",
    "{\"startTime\":\"-9999-01-01 00:00:00\",\"endTime\":\"99999-12-31 23:59:59\",\"crontab\":\"0 0 0 30 2 ? *\"}",
    "{\"startTime\":\"2026-01-01 00:00:00\",\"endTime\":\"2099-01-01 00:00:00\",\"crontab\":\"0 0 0 31 2 ? *\"}",
    "{\"startTime\":\"2026-01-01 00:00:00\",\"endTime\":\"2099-01-01 00:00:00\",\"crontab\":\"0/0 0 0 1W L ? 1970-2199/0\"}",
    "{\"startTime\":\"2026-01-01 00:00:00\",\"endTime\":\"2099-01-01 00:00:00\",\"crontab\":\"0 0 0 L-31 * ? *\",\"timezoneId\":\"../../etc/passwd\"}",
    "{\"useSSL\":{\"a\":[]}}",
    "{\"a&b\":\"c;d\"}",
    "{\"\":\"\"}",
    "{\"a\":\"\\u0000\"}",
    "[1,2",
    "nul",
    "/*x*/{}",
    "{'a':1}",
    "\u{feff}{}",
];

const DATES: &[&str] = &[
    "",
    "soon",
    "0000-00-00 00:00:00",
    "-0001-01-01 00:00:00",
    "9999-12-31 23:59:59",
    "262142-12-31 23:59:59",
    "-262143-01-01 00:00:00",
    "999999-01-01 00:00:00",
    "+10000-01-01 00:00:00",
    "2026-02-30 00:00:00",
    "2026-13-01 00:00:00",
    "2026-01-01 24:00:00",
    "2026-06-30 23:59:60",
    "2026-01-01",
    "2026-01-01T00:00:00Z",
    "1970-01-01 00:00:00",
    "1969-12-31 23:59:59",
    "0001-01-01 00:00:00",
    "1582-10-10 00:00:00",
    "2038-01-19 03:14:08",
    "' or '1'='1",
    "7",
    "2026-01-01 00:00:00\0",
];

const FLAGS: &[&str] = &["", "2", "maybe", "TRUE", "t", "yes", "off", "null", "'", "true\0"];

const LISTS: &[&str] = &[
    "",
    ",",
    ",,,",
    "7",
    "7,7,7",
    "7,x",
    "7;8",
    "[7,8]",
    " 7 , 8 ",
    "-7,0",
    "2147483648",
    "9223372036854775808",
    "7,'",
    "7 or 7=7",
    "7)--",
    "7,\0",
    "0,0,0,0",
    "1.5",
];

/// Encodings that are none, or of what is no text.
const BROKEN: &[&[u8]] = &[
    b"%",
    b"%%",
    b"%z",
    b"%zz",
    b"%u0041",
    b"%c0%af",
    b"%ff%fe",
    b"%ed%a0%80",
    b"%f0%9f",
    b"%f8%88%80%80%80",
    b"%00",
    b"a%00b",
    b"%80",
    b"%0d%0aX:y",
    b"%ef%bf%bf",
    b"%e2%80%ae",
    b"%C3%28",
    b"%25%30%30",
];

/// For a field of that kind.
pub fn hostile(dice: &mut Dice, kind: Kind) -> Value {
    if dice.below(12) == 0 {
        return Value::Bytes(one(dice, BROKEN));
    }
    if dice.below(60) == 0 {
        return Value::Text(huge(dice));
    }
    let own: &[&str] = match kind {
        Kind::Integer => NUMBERS,
        Kind::Flag => FLAGS,
        Kind::Date => DATES,
        Kind::Json => JSON,
        Kind::List => LISTS,
        Kind::Text => TEXTS,
    };
    let list = match dice.below(10) {
        0 | 1 => SQL,
        2 => PATHS,
        3 => TEXTS,
        4 if kind == Kind::Text => PATHS,
        5 if kind == Kind::Text => SQL,
        6 if kind == Kind::Json => return Value::Text(deep(dice)),
        _ => own,
    };
    let text = one(dice, list);
    // Of some of them a part of something longer, or more than once.
    Value::Text(match dice.below(8) {
        0 => format!("x{text}"),
        1 => text.repeat(1 + dice.below(40) as usize),
        _ => text.to_owned(),
    })
}

/// What a field is meant to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Integer,
    Flag,
    Date,
    Json,
    List,
    Text,
}

fn huge(dice: &mut Dice) -> String {
    let (piece, size) = (one(dice, &["x", "数", "'", "7", "%", "[", "😀", "{\"a\":", "../", "\\"]), 1 << 20);
    piece.repeat(size / piece.len())
}

/// JSON of many levels.
fn deep(dice: &mut Dice) -> String {
    let levels = one(dice, &[&100_usize, &127, &128, &129, &5_000, &100_000]);
    let (open, close) = if dice.below(2) == 0 { ("[", "]") } else { ("{\"tasks\":", "}") };
    format!("{}7{}", open.repeat(*levels), close.repeat(*levels))
}
