//! One way to make a DataFusion session, so that plans mean the same everywhere.

use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use std::sync::Arc;
use tillmart_model::{Fault, FaultKind, Result};

/// A session with `tasks` partitions and at most `memory_bytes` for sorts and aggregates, which spill beyond that.
pub(crate) fn session(tasks: usize, memory_bytes: usize) -> Result<SessionContext> {
    let mut config = SessionConfig::new()
        .with_target_partitions(tasks)
        .with_information_schema(true)
        .with_default_catalog_and_schema("tillmart", "main");
    let options = config.options_mut();
    // Money literals such as 0.01 are decimals, and text is plain UTF-8 as the tables' schemas say.
    options.sql_parser.parse_float_as_decimal = true;
    options.sql_parser.map_string_types_to_utf8view = false;
    options.sql_parser.collect_spans = true;
    options.execution.parquet.schema_force_view_types = false;
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(memory_bytes)))
        .build_arc()
        .map_err(|error| Fault::new(FaultKind::Store, "cannot set up the engine").found(error))?;
    let context = SessionContext::new_with_config_rt(config, runtime);
    context.register_udf(crate::cents::udf());
    context.register_udf(crate::fingerprint::udf());
    Ok(context)
}
