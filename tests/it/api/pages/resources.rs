//! The resource centre and the data sources.

use super::super::Stage;
use super::calls::{Call, Page, get, post};

const LIST: &str = "pageSize=10&pageNo=1&searchVal=&type=FILE";
const UDFS: &str = "pageSize=10&pageNo=1&searchVal=&type=UDF";

const FILE: &str = "id alias desc fileName size updateTime";
const FILES: [Call; 12] = [
    get("resources/verify-name", "type=FILE&name=nightly.sh"),
    post("resources/online-create", "type=FILE&fileName=nightly&suffix=sh&desc=&content=echo 1"),
    get("resources/list-paging", LIST).rows(FILE).keep("written", "alias", "nightly.sh"),
    get("resources/view", "id={written}&skipLineNum=0&limit=2000").object("alias content"),
    post("resources/update-content", "id={written}&content=echo 2"),
    get("resources/view", "id={written}&skipLineNum=2000&limit=4000").object("alias content"),
    get("resources/verify-name", "type=FILE&name=daily.sh"),
    post("resources/update", "id={written}&type=FILE&name=daily.sh&desc=once").object(FILE),
    get("resources/download", "id={written}").file("echo 2"),
    get("resources/download", "id={uploaded}").file("one\ntwo\n"),
    get("resources/delete", "id={written}"),
    get("resources/list-paging", LIST).rows(FILE),
];

const UDF_FILES: [Call; 3] = [
    get("resources/list-paging", UDFS).rows(FILE),
    get("resources/verify-name", "type=UDF&name=geography.jar"),
    post("resources/update", "id={jar}&type=UDF&name=geography.jar&desc=").object(FILE),
];

const FUNCTION: &str = "id funcName className argTypes database desc resourceId resourceName type updateTime";
const FUNCTIONS: [Call; 8] = [
    get("resources/list", "type=UDF").list("id alias"),
    get("resources/udf-func/verify-name", "name=geo_city"),
    post(
        "resources/udf-func/create",
        "type=HIVE&funcName=geo_city&className=org.example.GeoCity&argTypes=&database=&desc=&resourceId={jar}",
    ),
    get("resources/udf-func/list-paging", "pageSize=10&pageNo=1&searchVal=")
        .rows(FUNCTION)
        .keep("udf", "funcName", "geo_city"),
    get("resources/udf-func/verify-name", "name=geo_town"),
    post(
        "resources/udf-func/update",
        "id={udf}&type=HIVE&funcName=geo_town&className=org.example.Geo&argTypes=&database=&desc=&resourceId={jar}",
    ),
    get("resources/udf-func/list", "type=HIVE").list("id funcName"),
    get("resources/udf-func/delete", "id={udf}"),
];

/// Of a kind that is saved without being connected.
const HIVE: &str = "note=warehouse&type=HIVE&host=h1,h2&port=10000&database=wh&userName=etl&password=tiger&other=";
const SOURCE: &str = "id name note type connectionParams createTime updateTime";
const SOURCES: [Call; 7] = [
    get("datasources/list-paging", "pageSize=10&pageNo=1&searchVal="),
    get("datasources/verify-name", "name=wh"),
    post("datasources/create", "name=wh&{hive}"),
    get("datasources/list-paging", "pageSize=10&pageNo=1&searchVal=").rows(SOURCE).keep("source", "name", "wh"),
    post("datasources/update-ui", "id={source}").object("name note type host port database userName password other"),
    post("datasources/update", "id={source}&name=wh&{hive}"),
    get("datasources/delete", "id={source}"),
];

/// With a server to connect to.
const CONNECTED: [Call; 3] = [
    post("datasources/connect", "name=live&{form}"),
    post("datasources/create", "name=live&{form}"),
    get("datasources/list", "type=MYSQL").list("id name").keep("live", "name", "live"),
];

/// A file, a function and a data source of alice's.
pub fn something_to_grant(stage: &Stage) {
    let mut page = Page::new("something to grant", &stage.alice, &[("hive", HIVE)]);
    page.upload("file", "FILE", "load.sh", "echo 1");
    page.upload("jar", "UDF", "geo.jar", "PK");
    page.load(&FUNCTIONS[..3]);
    page.load(&SOURCES[..3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_functions() {
    let Some(stage) = Stage::new().await else { return };
    let mut page = Page::new("files and functions", &stage.alice, &[]);
    page.upload("uploaded", "FILE", "load.txt", "one\ntwo\n");
    page.load(&FILES);
    page.upload("jar", "UDF", "geo.jar", "PK");
    page.load(&UDF_FILES);
    page.load(&FUNCTIONS);
    page.load(&[get("resources/delete", "id={jar}")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn data_sources() {
    let Some(stage) = Stage::new().await else { return };
    Page::new("data sources", &stage.alice, &[("hive", HIVE)]).load(&SOURCES);
    let Some(server) = servers::mariadb() else { return };
    let address = url::Url::parse(&server.database()).unwrap();
    let form = format!(
        "note=&type=MYSQL&host=127.0.0.1&port={}&database={}&userName={}&password={}&other=",
        server.port(),
        address.path().trim_matches('/'),
        address.username(),
        super::super::datasources::secret(&address)
    );
    Page::new("data sources that are connected", &stage.alice, &[("form", &form)]).load(&CONNECTED);
}
