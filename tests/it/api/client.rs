//! A browser, as far as the API notices.

use serde_json::Value;

/// Calls the API and keeps its cookies.
pub struct Client {
    agent: ureq::Agent,
    root: String,
    /// In front of every path of the API.
    base: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub bytes: Vec<u8>,
}

impl Client {
    pub fn new(address: std::net::SocketAddr, base: &str) -> Client {
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        Client { agent: config.into(), root: format!("http://{address}"), base: base.to_owned() }
    }

    /// A path of the API.
    pub fn call(&self, method: &str, path: &str, form: &[(&str, &str)]) -> Answer {
        self.raw(method, &format!("{}/{path}", self.base), form, &[])
    }

    pub fn get(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.call("GET", path, form)
    }

    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.call("POST", path, form)
    }

    /// Any path of the server: parameters go into the query of a GET, else into the body.
    pub fn raw(&self, method: &str, path: &str, form: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        let url = format!("{}{path}", self.root);
        let sent = tokio::task::block_in_place(|| match method {
            "POST" => {
                let request =
                    headers.iter().fold(self.agent.post(url), |request, (name, value)| request.header(*name, *value));
                request.send_form(form.iter().copied())
            }
            "GET" => {
                let request =
                    headers.iter().fold(self.agent.get(url), |request, (name, value)| request.header(*name, *value));
                request.query_pairs(form.iter().copied()).call()
            }
            other => panic!("{other} is not sent here"),
        });
        Answer::read(sent)
    }

    /// The same with owned texts, and with a file if there is one.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        form: &[(String, String)],
        file: Option<&(String, Vec<u8>)>,
        headers: &[(String, String)],
    ) -> Answer {
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        match file {
            None => self.raw(method, path, &form, &headers),
            Some((name, content)) => self.upload(path, &form, name, content, &headers),
        }
    }

    /// Sends a file in a part called `file`, after the other parameters as browsers do.
    pub fn upload(
        &self,
        path: &str,
        form: &[(&str, &str)],
        name: &str,
        content: &[u8],
        headers: &[(&str, &str)],
    ) -> Answer {
        const BOUNDARY: &str = "----border-of-parts-4711";
        let mut body = Vec::new();
        for (key, value) in form {
            let part = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{key}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let request = self.agent.post(format!("{}{path}", self.root));
        let request = request.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Answer::read(tokio::task::block_in_place(|| request.send(&body[..])))
    }

    pub fn log_in(&self, name: &str, password: &str) -> Answer {
        self.post("login", &[("userName", name), ("userPassword", password)])
    }
}

impl Answer {
    fn read(sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
        let mut answer = sent.expect("the server answers");
        let read = || answer.body_mut().with_config().limit(1 << 30).read_to_vec();
        let bytes = tokio::task::block_in_place(read).expect("the answer is complete");
        Answer { status: answer.status().as_u16(), headers: answer.headers().clone(), bytes }
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("is text"))
    }

    pub fn code(&self) -> i64 {
        self.json()["code"].as_i64().expect("there is a code")
    }

    pub fn msg(&self) -> String {
        self.json()["msg"].as_str().expect("there is a text").to_owned()
    }

    /// The data of an answer with code 0.
    pub fn data(&self) -> Value {
        let mut json = self.json();
        assert_eq!(json["code"], 0, "{json}");
        assert!(!json["msg"].as_str().expect("there is a text").is_empty());
        json["data"].take()
    }

    /// The rows of a page.
    pub fn rows(&self) -> Vec<Value> {
        self.data()["totalList"].as_array().expect("is a page").clone()
    }

    /// The names of the rows of a page or of a list, by that key.
    pub fn names(&self, key: &str) -> Vec<String> {
        let data = self.data();
        let rows = data.as_array().or_else(|| data["totalList"].as_array()).expect("is a list");
        rows.iter().map(|row| row[key].as_str().unwrap_or_default().to_owned()).collect()
    }
}
