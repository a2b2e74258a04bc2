//! Resources, UDFs, and the servers around them.

super::codes! {
    NO_SUCH_UDF = 20001 "UDF {} does not exist" "UDF 函数 {} 不存在"
    UDF_EXISTS = 20002 "UDF {} already exists" "UDF 函数 {} 已存在"
    NO_SUCH_RESOURCE = 20004 "resource {} does not exist" "资源 {} 不存在"
    NO_SUCH_DATA_SOURCE = 20004 "data source {} does not exist" "数据源 {} 不存在"
    NO_SUCH_UDF_TO_SHOW = 20004 "UDF {} does not exist" "UDF 函数 {} 不存在"
    RESOURCE_EXISTS = 20005 "resource {} already exists" "资源 {} 已存在"
    SUFFIX_NOT_VIEWABLE = 20006 "files that end in `{}` cannot be viewed or edited" "后缀为 `{}` 的文件不能在线查看或编辑"
    RESOURCE_TOO_LARGE = 20007 "the resource is larger than {} bytes" "资源文件超过 {} 字节"
    SUFFIX_CHANGED = 20008 "the name must end as the file does, in `{}`" "资源名称的后缀必须与文件后缀 `{}` 一致"
    UDF_NOT_A_JAR = 20009 "a UDF resource must be a .jar file" "UDF 资源必须是 .jar 文件"
    COPY_FAILED = 20009 "copying {} to {} failed" "将 {} 复制到 {} 失败"
    FILE_EXISTS = 20010 "file {} is already in the storage" "文件 {} 已存在于存储中"
    FILE_MISSING = 20011 "file {} is not in the storage" "文件 {} 不在存储中"

    NO_STORAGE = 60001 "the resource storage is switched off" "资源存储未启用"
    TENANT_HAS_FILES = 60002 "tenant {} still has resource files" "租户 {} 仍有资源文件"
    TENANT_HAS_UDFS = 60003 "tenant {} still has UDF files" "租户 {} 仍有 UDF 文件"
    DATABASE_STATE = 70001 "reading the state of the database failed" "查询数据库状态失败"
    SAVE_TOKEN = 70001 "saving the access token failed" "保存访问令牌失败"
    ZOOKEEPER_STATE = 70002 "reading the state of ZooKeeper failed" "查询 ZooKeeper 状态失败"
    GENERATE_TOKEN = 70002 "generating the access token failed" "生成访问令牌失败"
    PAGE_TOKENS = 70003 "listing the access tokens failed" "分页查询访问令牌失败"
    COUNT_COMMANDS = 80001 "counting the commands failed" "统计命令数量失败"
    COUNT_QUEUE = 90001 "counting the queued tasks failed" "统计队列数量失败"
    KERBEROS_STATE = 100_001 "reading the Kerberos state failed" "查询 Kerberos 状态失败"
}
