//! What goes wrong with data sources, in the languages of the front-end.

use crate::api::language::Words;
use crate::datasource::{Misfit, Trouble};
use crate::secrets;

impl From<Trouble> for Words {
    fn from(trouble: Trouble) -> Words {
        let chinese = match &trouble {
            Trouble::NotYet(kind) => format!("本版本尚不能连接 {kind}；数据源仍可保存"),
            Trouble::UnknownHost(host) => format!("找不到主机 {host}"),
            Trouble::Nobody(place) => format!("{place} 上没有服务在监听"),
            Trouble::Silent { place, patience } => format!("{place} 在 {patience:?} 内没有响应"),
            Trouble::Unreachable(place, why) => format!("无法到达 {place}：{why}"),
            Trouble::Stranger { place, kind } => format!("{place} 上的服务不是 {kind}"),
            Trouble::Tls(place, why) => format!("无法与 {place} 建立加密连接：{why}"),
            Trouble::LoginRefused(user) => format!("服务器拒绝用户 `{user}` 或其密码"),
            Trouble::NoDatabase(database) => format!("服务器上没有数据库 `{database}`"),
            Trouble::DatabaseRefused { user, database } => format!("用户 `{user}` 无权使用数据库 `{database}`"),
            Trouble::MachineRefused => "服务器不接受来自本机的连接".to_owned(),
            Trouble::Full => "服务器已没有可用的连接".to_owned(),
            Trouble::Said(what) => format!("服务器返回：{what}"),
        };
        Words::new(trouble.to_string(), chinese)
    }
}

impl From<Misfit> for Words {
    fn from(misfit: Misfit) -> Words {
        let chinese = match &misfit {
            Misfit::Host(name) => format!("`{name}` 不是主机名或地址"),
            Misfit::ManyHosts(kind) => format!("{kind} 只能有一个主机"),
            Misfit::NoObject => "不是形如 {\"useSSL\":\"true\"} 的 JSON 对象".to_owned(),
            Misfit::NoText(name) => format!("`{name}` 的值不是普通文本"),
            Misfit::Unwritable { name, separator } => format!("选项 `{name}` 不能写成 `k=v{separator}k=v` 的一部分"),
        };
        Words::new(misfit.to_string(), chinese)
    }
}

impl From<secrets::Error> for Words {
    fn from(error: secrets::Error) -> Words {
        let chinese = match &error {
            secrets::Error::NoKey => {
                "没有用于加密密码的密钥：请在集群中所有 api、master、worker 节点上将 secrets.key 设为相同的值\
                 （可用 openssl rand -hex 32 生成），并重新启动"
                    .to_owned()
            }
            secrets::Error::UnknownKey(id) => {
                format!(
                    "保存的密码是用密钥 {id} 加密的，而本机的 secrets.key 中没有该密钥：请加入该密钥，或重新输入密码"
                )
            }
            secrets::Error::Damaged => "保存的密码已损坏，或是用另一个密钥加密的：请重新输入密码".to_owned(),
        };
        Words::new(error.to_string(), chinese)
    }
}
