//! Attempts with all that a worker needs.

use super::{Garbled, words};
use crate::model::{
    DefinitionId, InstanceId, Node, Priority, ProjectId, Property, Tag, TaskId, TaskType, Time, Timeout,
};
use crate::params::Moment;
use crate::queue::{Job, Rank};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

impl From<&Job> for words::Job {
    fn from(job: &Job) -> Self {
        words::Job {
            tag: job.tag.0,
            attempt: job.attempt,
            rank: Some(job.rank.into()),
            project: job.project.0,
            definition: job.definition.0,
            node: Some((&*job.node).into()),
            globals: job.globals.iter().map(Into::into).collect(),
            moment: Some(job.moment.into()),
            tenant: job.tenant.clone(),
            limit: job.limit.map(Into::into),
        }
    }
}

pub(super) fn job(said: words::Job) -> Result<Job, Garbled> {
    Ok(Job {
        tag: Tag(said.tag),
        attempt: said.attempt,
        rank: rank(said.rank.ok_or_else(|| Garbled::lacks("its rank"))?)?,
        project: ProjectId(said.project),
        definition: DefinitionId(said.definition),
        node: Arc::new(node(said.node.ok_or_else(|| Garbled::lacks("its node"))?)?),
        globals: Arc::new(said.globals.into_iter().map(property).collect::<Result<_, _>>()?),
        moment: moment(said.moment.ok_or_else(|| Garbled::lacks("its moment"))?)?,
        tenant: said.tenant,
        limit: said.limit.map(span).transpose()?,
    })
}

impl From<Rank> for words::Rank {
    fn from(rank: Rank) -> Self {
        words::Rank {
            instance_priority: rank.instance_priority.code(),
            instance: rank.instance.0,
            task_priority: rank.task_priority.code(),
            task: rank.task.0,
        }
    }
}

fn rank(said: words::Rank) -> Result<Rank, Garbled> {
    Ok(Rank {
        instance_priority: priority(said.instance_priority)?,
        instance: InstanceId(said.instance),
        task_priority: priority(said.task_priority)?,
        task: TaskId(said.task),
    })
}

fn priority(code: i32) -> Result<Priority, Garbled> {
    Priority::from_code(code).ok_or_else(|| Garbled::new(format!("{code} is no priority")))
}

impl From<&Node> for words::Node {
    fn from(node: &Node) -> Self {
        let params = (node.source.get("params") != Some(&node.params)).then(|| node.params.to_string());
        words::Node {
            id: node.id.clone(),
            name: node.name.clone(),
            kind: node.kind.code(),
            forbidden: node.forbidden,
            max_retries: node.max_retries,
            retry_interval: node.retry_interval,
            timeout: node.timeout.map(|Timeout { minutes, warn, fail }| words::Timeout { minutes, warn, fail }),
            priority: node.priority.code(),
            after: node.after.clone(),
            worker_group: node.worker_group,
            source: serde_json::to_string(&node.source).unwrap_or_default(),
            params,
        }
    }
}

fn node(said: words::Node) -> Result<Node, Garbled> {
    let unreadable = |why: serde_json::Error| Garbled::new(format!("the node {} cannot be read: {why}", said.name));
    let source: Map<String, Value> = serde_json::from_str(&said.source).map_err(unreadable)?;
    let params = match said.params {
        Some(params) => serde_json::from_str(&params).map_err(unreadable)?,
        None => source.get("params").cloned().unwrap_or_default(),
    };
    let kind = TaskType::from_code(said.kind).ok_or_else(|| Garbled::new(format!("{} is no task type", said.kind)))?;
    Ok(Node {
        id: said.id,
        name: said.name,
        kind,
        params,
        forbidden: said.forbidden,
        max_retries: said.max_retries,
        retry_interval: said.retry_interval,
        timeout: said.timeout.map(|words::Timeout { minutes, warn, fail }| Timeout { minutes, warn, fail }),
        priority: priority(said.priority)?,
        after: said.after,
        worker_group: said.worker_group,
        source,
    })
}

impl From<&Property> for words::Property {
    fn from(property: &Property) -> Self {
        words::Property {
            prop: property.prop.clone(),
            direct: property.direct.name().to_owned(),
            kind: property.kind.name().to_owned(),
            value: property.value.clone(),
        }
    }
}

fn property(said: words::Property) -> Result<Property, Garbled> {
    Ok(Property {
        prop: said.prop,
        direct: said.direct.parse().map_err(|why| Garbled::new(format!("a parameter's direction: {why}")))?,
        kind: said.kind.parse().map_err(|why| Garbled::new(format!("a parameter's type: {why}")))?,
        value: said.value,
    })
}

impl From<Moment> for words::Moment {
    fn from(moment: Moment) -> Self {
        let (base, zone) = moment.parts();
        words::Moment { base: base.0, zone: zone.name().to_owned() }
    }
}

fn moment(said: words::Moment) -> Result<Moment, Garbled> {
    let zone = said.zone.parse().map_err(|_| Garbled::new(format!("{:?} is no time zone", said.zone)))?;
    Moment::of_parts(Time(said.base), zone).ok_or_else(|| Garbled::new(format!("{} is no moment", said.base)))
}

impl From<Duration> for words::Span {
    fn from(span: Duration) -> Self {
        words::Span { seconds: span.as_secs(), nanos: span.subsec_nanos() }
    }
}

fn span(said: words::Span) -> Result<Duration, Garbled> {
    // Nanoseconds beyond a second would be carried over, and might overflow.
    if said.nanos >= 1_000_000_000 {
        return Err(Garbled::new(format!("{} nanoseconds are a second or more", said.nanos)));
    }
    Ok(Duration::new(said.seconds, said.nanos))
}
