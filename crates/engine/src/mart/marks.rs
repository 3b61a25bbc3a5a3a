//! What two forms of a row-level mart are compared by: for each source file its rows, their fingerprint, and sums of its decimals.

use super::RowMart;
use super::row::Source;
use crate::fingerprint;
use arrow::datatypes::DataType;
use datafusion::common::DataFusionError;
use tillmart_model::Fault;

impl RowMart {
    /// Whether the mart can be recomputed; else why not. What a row shows of a dimension is what was known when it landed, so rows
    /// chosen by that cannot be chosen again.
    ///
    /// # Errors
    /// A `WHERE` that looks at an attribute of a dimension.
    pub fn recomputable(&self) -> Result<(), String> {
        match self.filtered_by.iter().any(|source| matches!(self.sources[*source], Source::Looked { .. })) {
            true => {
                Err("its WHERE looks at an attribute of a dimension, as that was known when each sale landed"
                    .to_owned())
            }
            false => Ok(()),
        }
    }

    /// `source_file_id`, `rows`, `mark`, then the sums of the mart's decimals, from the mart's own table.
    pub fn marks_of_table(&self) -> String {
        self.marks_of(&format!("\"{}\"", self.name))
    }

    /// The same from the relation `sales` and the dimensions.
    pub fn marks_of_sales(&self) -> String {
        let sql = self.select.sql.trim_end().trim_end_matches(';');
        self.marks_of(&format!("({sql}\n) AS recomputed"))
    }

    /// Decimals whose sums the marks tell, in order.
    pub fn marked_decimals(&self) -> Vec<String> {
        let fields = self.of_sale().into_iter().map(|output| self.schema.field(output));
        fields
            .filter(|field| matches!(field.data_type(), DataType::Decimal128(..)))
            .map(|field| field.name().clone())
            .collect()
    }

    /// A fault of this mart's SQL that shows only when it runs.
    pub fn fault(&self, error: &DataFusionError) -> Fault {
        super::fault::sql_fault(&self.path, &self.select, error)
    }

    fn marks_of(&self, from: &str) -> String {
        let name = |output: usize| format!("\"{}\"", self.schema.field(output).name());
        let columns: Vec<String> = self.of_sale().into_iter().map(name).collect();
        let sums: String = self.marked_decimals().iter().map(|name| format!(", SUM(\"{name}\")")).collect();
        format!(
            "SELECT source_file_id, COUNT(*) AS rows, SUM({}({})) AS mark{sums} FROM {from} GROUP BY source_file_id",
            fingerprint::NAME,
            columns.join(", "),
        )
    }

    /// Outputs that the sale alone decides.
    fn of_sale(&self) -> Vec<usize> {
        let is_of_sale = |source: &usize| matches!(self.sources[*source], Source::Sale(_));
        (0..self.made_from.len()).filter(|output| self.made_from[*output].iter().all(is_of_sale)).collect()
    }
}
