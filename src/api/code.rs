//! Status codes (`EasyScheduler 1.0.1: HTTP API, status codes`): those that this release can answer.

use std::fmt::Display;

/// A code and its text, in which `{}` stands for an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    pub number: i32,
    text: &'static str,
}

impl Code {
    /// The text with its arguments.
    pub fn text(self, arguments: &[&dyn Display]) -> String {
        let mut parts = self.text.split("{}");
        let mut text = parts.next().unwrap_or_default().to_owned();
        for (part, argument) in parts.zip(arguments) {
            text += &argument.to_string();
            text += part;
        }
        text
    }
}

macro_rules! codes {
    ($($name:ident = $number:literal $text:literal)*) => {
        impl Code {
            $(pub const $name: Code = Code { number: $number, text: $text };)*

            /// All of them.
            #[cfg(test)]
            const ALL: &[Code] = &[$(Code::$name),*];
        }
    };
}

codes! {
    NO_SUCH_ADDRESS = 404 "there is nothing at {} {}"
    NO_SUCH_METHOD = 405 "{} cannot be called with {}"

    PARAMETER = 10001 "request parameter {} is not valid"
    TASK_TIMEOUT = 10002 "the task timeout must be 1 to 86400 seconds"
    USER_EXISTS = 10003 "user {} already exists"
    USER_NAME_EMPTY = 10004 "the user name is empty"
    NO_HOST_YET = 10008 "task {} has not started yet, so there is no log"
    WRONG_PASSWORD = 10013 "wrong user name or password"
    NO_SESSION = 10014 "the login could not be recorded"
    NO_SUCH_TENANT = 10017 "tenant {} does not exist"
    NO_SUCH_PROJECT = 10018 "project {} not found"
    PROJECT_EXISTS = 10019 "project {} already exists"
    NO_SUCH_TASK = 10020 "task instance {} does not exist"
    NOT_A_SUB_PROCESS = 10021 "task instance {} is not a sub-process"
    LOGIN = 10043 "the login failed"
    UPDATE_PROJECT = 10046 "updating the project failed"
    CREATE_PROJECT = 10048 "creating the project failed"
    LIST_PROJECTS = 10049 "listing the projects failed"
    DELETE_PROJECT = 10050 "deleting the project failed"
    LIST_QUEUES = 10053 "listing the queues failed"
    LIST_TASKS = 10082 "listing the tasks failed"
    CREATE_TENANT = 10084 "creating the tenant failed"
    PAGE_TENANTS = 10085 "listing the tenants failed"
    LIST_TENANTS = 10086 "listing the tenants failed"
    TENANT_CODE = 10089 "tenant code {} is not valid: it may have letters, digits, `_`, `.` and `-`, and begins with neither `-` nor `.`"
    CREATE_USER = 10090 "creating the user failed"
    LIST_USERS = 10091 "listing the users failed"
    USER_INFO = 10098 "reading the user failed"
    VIEW_LOG = 10103 "reading the task log failed"
    DOWNLOAD_LOG = 10104 "downloading the task log failed"
    CREATE_DEFINITION = 10105 "creating the process definition failed"
    VERIFY_DEFINITION = 10106 "checking the name of the process definition failed"
    UPDATE_DEFINITION = 10107 "updating the process definition failed"
    RELEASE_DEFINITION = 10108 "releasing the process definition failed"
    QUERY_DEFINITION = 10109 "reading the process definition failed"
    LIST_DEFINITIONS = 10110 "listing the process definitions failed"
    LIST_INSTANCES = 10113 "listing the process instances failed"
    TASKS_OF_INSTANCE = 10114 "listing the tasks of the process instance failed"
    QUERY_INSTANCE = 10116 "reading the process instance failed"
    DELETE_INSTANCE = 10117 "deleting the process instance failed"
    QUERY_SUB_PROCESS = 10118 "reading the sub-process instance failed"
    PAGE_DEFINITIONS = 10122 "listing the process definitions failed"
    SIGN_OUT = 10123 "signing out failed"
    CREATE_QUEUE = 10127 "creating the queue failed"
    NO_SUCH_QUEUE = 10128 "queue {} does not exist"
    QUEUE_VALUE_EXISTS = 10129 "queue value {} already exists"
    QUEUE_NAME_EXISTS = 10130 "queue name {} already exists"
    PROJECT_HAS_DEFINITIONS = 10137 "project {} still has process definitions"

    NO_PRIVILEGE = 30001 "user {} has no privilege for this operation"
    FOREIGN_LINK = 30001 "a link on another site cannot do this"
    NO_PROJECT_RIGHT = 30002 "user {} has no permission for project {}"

    NO_SUCH_INSTANCE = 50001 "process instance {} does not exist"
    NO_SUCH_DEFINITION_HERE = 50001 "process definition {} does not exist"
    DEFINITION_EXISTS = 50002 "process definition {} already exists"
    NO_SUCH_DEFINITION = 50003 "process definition {} does not exist"
    NOT_ONLINE = 50004 "process definition {} is not online"
    ALREADY = 50005 "process instance {} is already {}"
    STATE_FORBIDS = 50006 "process instance {} is {}, cannot {}"
    NO_SUB_PROCESS_YET = 50007 "task instance {} has not started its sub-process yet"
    IS_ONLINE = 50008 "process definition {} is online and cannot be changed"
    PENDING = 50009 "a command for process instance {} is already pending"
    START = 50014 "starting the process definition failed"
    EXECUTE = 50015 "the operation on the process instance failed"
    START_CHECK = 50016 "checking the process definition failed"
    DOCUMENT_NOT_JSON = 50017 "the workflow is not valid: {}"
    DOCUMENT_EMPTY = 50018 "the workflow is not valid: {}"
    DOCUMENT_CYCLE = 50019 "the workflow is not valid: {}"
    DOCUMENT_PARAMS = 50020 "the workflow is not valid: {}"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_takes_its_arguments_in_order() {
        assert_eq!(Code::NO_PROJECT_RIGHT.text(&[&"bob", &"{} x"]), "user bob has no permission for project {} x");
        assert_eq!(Code::LOGIN.text(&[]), "the login failed");
    }

    #[test]
    fn no_code_is_zero_and_every_code_has_a_text() {
        assert!(Code::ALL.iter().all(|code| code.number != 0 && !code.text.is_empty()));
    }
}
