//! What a plain mart consists of.

use crate::dimensions::Attribute;
use crate::dimensions::DimensionTables;
use crate::former::FormerRows;
use crate::mart::{RowMart, Source, landing_schema};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::physical_expr::expressions::{Column, IsNotNullExpr};
use std::sync::Arc;
use tillmart_datafile::WholeTexts;
use tillmart_feed::Sales;

/// A column of the sale, or of its lineage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SaleColumn {
    CustomerId,
    StoreId,
    ProductName,
    SalesDate,
    SalesPersonId,
    Price,
    Quantity,
    TotalCost,
    TransactionId,
    AdditionalColumn,
    SourceLine,
    SourceFileId,
    BatchId,
    /// Told by the partition alone.
    SalesMonth,
}

impl SaleColumn {
    fn named(name: &str) -> Option<SaleColumn> {
        Some(match name {
            "customer_id" => SaleColumn::CustomerId,
            "store_id" => SaleColumn::StoreId,
            "product_name" => SaleColumn::ProductName,
            "sales_date" => SaleColumn::SalesDate,
            "sales_person_id" => SaleColumn::SalesPersonId,
            "price" => SaleColumn::Price,
            "quantity" => SaleColumn::Quantity,
            "total_cost" => SaleColumn::TotalCost,
            "transaction_id" => SaleColumn::TransactionId,
            "additional_column" => SaleColumn::AdditionalColumn,
            "source_line" => SaleColumn::SourceLine,
            "source_file_id" => SaleColumn::SourceFileId,
            "batch_id" => SaleColumn::BatchId,
            "sales_month" => SaleColumn::SalesMonth,
            _ => return None,
        })
    }
}

/// A dimension table that the decoder has looked the sale up in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lookup {
    Customer,
    Store,
    SalesPerson,
    Product,
}

impl Lookup {
    /// Number of look-ups: the length of an array with a place for each.
    pub(super) const COUNT: usize = 4;

    /// All of them, each at its own number.
    pub(super) const EACH: [Lookup; Lookup::COUNT] =
        [Lookup::Customer, Lookup::Store, Lookup::SalesPerson, Lookup::Product];

    /// The rows that it found for sales.
    pub(super) fn found(self, sales: &Sales) -> &[u32] {
        match self {
            Lookup::Customer => &sales.customer,
            Lookup::Store => &sales.store,
            Lookup::SalesPerson => &sales.sales_person,
            Lookup::Product => &sales.product,
        }
    }

    /// Its table, its key in it, and the column of the sale that holds the key.
    const ALL: [(Lookup, &str, &str, SaleColumn); Lookup::COUNT] = [
        (Lookup::Customer, "customer", "customer_id", SaleColumn::CustomerId),
        (Lookup::Store, "store", "id", SaleColumn::StoreId),
        (Lookup::SalesPerson, "sales_team", "id", SaleColumn::SalesPersonId),
        (Lookup::Product, "product", "name", SaleColumn::ProductName),
    ];

    fn by_key(column: SaleColumn) -> Option<Lookup> {
        Lookup::ALL.iter().find(|(_, _, _, key)| *key == column).map(|(lookup, ..)| *lookup)
    }
}

/// How a column of the mart comes about.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// Its own values.
    Sale(SaleColumn),
    /// The key of a look-up whose codes are kept anyway: the keys of the dimension table.
    Key(Lookup, Arc<Attribute>),
    /// An attribute of the looked-up row.
    Attribute(Lookup, Arc<Attribute>),
}

/// How rows are told apart into files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartitionBy {
    Month,
    Store,
    Bucket { count: u32 },
}

impl PartitionBy {
    fn of(origin: &Origin) -> Option<PartitionBy> {
        match origin {
            Origin::Sale(SaleColumn::SalesMonth) => Some(PartitionBy::Month),
            Origin::Sale(SaleColumn::StoreId) => Some(PartitionBy::Store),
            _ => None,
        }
    }
}

/// A plain mart, ready to be written.
#[derive(Debug)]
pub(crate) struct PlainShape {
    /// Columns of a data file in order, without those that the partition tells.
    pub(super) origins: Vec<Origin>,
    /// Their schema.
    pub(super) file_schema: SchemaRef,
    /// Partition columns in order.
    pub(super) partition_by: Vec<(String, PartitionBy)>,
    /// Sales without a customer are left out.
    pub(super) skips_anonymous: bool,
    /// Look-ups whose codes are kept, by position in [`Lookup::ALL`].
    pub(super) coded: [bool; Lookup::COUNT],
    /// What rows were before, of look-ups whose attributes are told as of the day of the sale.
    pub(super) former: [Option<Arc<FormerRows>>; Lookup::COUNT],
    /// Rows of a file are ordered by the codes of this look-up, so that its columns become runs.
    pub(super) clustered_by: Option<Lookup>,
    /// The totals of a file are summed up: it has that column.
    pub(super) has_money: bool,
    /// All product names as one dictionary, and their number.
    pub(super) all_products: Option<(WholeTexts, usize)>,
}

/// A table of more products gives each file a dictionary of its own: few files would have most of them.
const PRODUCTS_MAX: usize = 64 << 10;

impl PlainShape {
    /// The shape of a mart, if it is plain.
    pub(crate) fn of(mart: &RowMart, dimensions: &DimensionTables) -> Option<PlainShape> {
        let sources: Vec<Origin> =
            mart.sources.iter().map(|source| origin(mart, source, dimensions)).collect::<Option<_>>()?;
        let skips_anonymous = match &mart.filter {
            None => false,
            Some(filter) => {
                let tested = filter.downcast_ref::<IsNotNullExpr>()?.arg().downcast_ref::<Column>()?.index();
                if !matches!(sources.get(tested), Some(Origin::Sale(SaleColumn::CustomerId))) {
                    return None;
                }
                true
            }
        };
        let mut shape = PlainShape {
            origins: Vec::new(),
            file_schema: Arc::new(Schema::empty()),
            partition_by: Vec::new(),
            skips_anonymous,
            coded: [false; Lookup::COUNT],
            former: Default::default(),
            clustered_by: None,
            has_money: false,
            all_products: None,
        };
        let mut fields: Vec<Field> = Vec::new();
        for (at, field) in mart.schema.fields().iter().enumerate() {
            let is_partition = mart.partition_by.contains(field.name());
            let Some(plain) = mart.plain.get(at) else { continue };
            let origin = sources.get((*plain)?)?.clone();
            if is_partition {
                shape.partition_by.push((field.name().clone(), PartitionBy::of(&origin)?));
                continue;
            }
            if !field.is_nullable() || matches!(origin, Origin::Sale(SaleColumn::SalesMonth)) {
                return None;
            }
            fields.push(field.as_ref().clone());
            shape.origins.push(origin);
        }
        shape.file_schema = Arc::new(Schema::new(fields));
        if let Some(bucket) = &mart.bucket {
            let of = mart.plain.get(mart.schema.index_of(&bucket.of).ok()?).copied()??;
            if !matches!(sources.get(of), Some(Origin::Sale(SaleColumn::CustomerId))) {
                return None;
            }
            shape.partition_by.push((bucket.name.clone(), PartitionBy::Bucket { count: bucket.count }));
        }
        let place = |name: &String| mart.partition_by.iter().position(|known| known == name);
        shape.partition_by.sort_by_key(|(name, _)| place(name));
        shape.settle(dimensions)?;
        Some(shape)
    }

    /// Finds out which values of its attributes are equal, ahead of the first file that is finished.
    pub(super) fn number(&self) {
        for origin in &self.origins {
            if let Origin::Key(_, attribute) | Origin::Attribute(_, attribute) = origin {
                attribute.distinct();
            }
        }
    }

    /// The dictionary of all products, where names and prices are all that is told of them.
    fn all_products(&self) -> Option<(WholeTexts, usize)> {
        let names = self.origins.iter().find_map(|origin| match origin {
            Origin::Key(Lookup::Product, names) => Some(&names.values),
            _ => None,
        })?;
        // Codes of all products stand for more values than a file has, and the bounds of other types than decimals are told.
        let is_bounded = |origin: &Origin| match origin {
            Origin::Attribute(Lookup::Product, attribute) => !attribute.values.data_type().is_decimal(),
            _ => false,
        };
        let has_former = self.former[Lookup::Product as usize].is_some();
        if names.len() > PRODUCTS_MAX || has_former || self.origins.iter().any(is_bounded) {
            return None;
        }
        Some((WholeTexts::of(names.as_ref())?, names.len()))
    }

    /// Decides which codes are kept, and what keys are made of them.
    fn settle(&mut self, dimensions: &DimensionTables) -> Option<()> {
        for origin in &self.origins {
            if let Origin::Attribute(lookup, _) = origin {
                self.coded[*lookup as usize] = true;
                let (_, table, ..) = Lookup::ALL[*lookup as usize];
                self.former[*lookup as usize] = dimensions.former(table).map(Arc::clone);
            }
        }
        // Product names are looked up in any case, and a code is far shorter than a name.
        self.coded[Lookup::Product as usize] |=
            self.origins.iter().any(|origin| matches!(origin, Origin::Sale(SaleColumn::ProductName)));
        for origin in &mut self.origins {
            let Origin::Sale(column) = origin else { continue };
            self.has_money |= *column == SaleColumn::TotalCost;
            let Some(lookup) = Lookup::by_key(*column).filter(|lookup| self.coded[*lookup as usize]) else { continue };
            let (_, table, key, _) = Lookup::ALL[lookup as usize];
            *origin = Origin::Key(
                lookup,
                match self.former[lookup as usize] {
                    None => dimensions.keys(table, key)?,
                    Some(_) => dimensions.all_keys(table, key)?,
                },
            );
        }
        self.all_products = self.all_products();
        let texts =
            |origin: &Origin| matches!(origin, Origin::Sale(SaleColumn::TransactionId | SaleColumn::AdditionalColumn));
        let by_bucket = self.partition_by.iter().any(|(_, by)| matches!(by, PartitionBy::Bucket { .. }));
        if by_bucket && self.coded[Lookup::Customer as usize] && !self.origins.iter().any(texts) {
            self.clustered_by = Some(Lookup::Customer);
        }
        let known = |origin: &Origin| match origin {
            Origin::Sale(_) => true,
            Origin::Key(..) => true,
            Origin::Attribute(_, attribute) => matches!(
                attribute.values.data_type(),
                DataType::Utf8
                    | DataType::Int32
                    | DataType::Int64
                    | DataType::Date32
                    | DataType::Decimal128(10..=18, _)
            ),
        };
        self.origins.iter().all(known).then_some(())
    }
}

fn origin(mart: &RowMart, source: &Source, dimensions: &DimensionTables) -> Option<Origin> {
    let landing = landing_schema();
    match source {
        Source::Sale(column) => SaleColumn::named(landing.field(*column).name()).map(Origin::Sale),
        Source::Looked { lookup, column } => {
            let looked = &mart.lookups[*lookup];
            let Source::Sale(key) = &looked.key else { return None };
            let key = SaleColumn::named(landing.field(*key).name())?;
            let (which, table, key_column, _) =
                Lookup::ALL.iter().find(|(_, table, _, sale)| *table == looked.table && *sale == key)?;
            let index = dimensions.index(table, key_column)?;
            if !Arc::ptr_eq(index, &looked.index) {
                return None;
            }
            Some(Origin::Attribute(*which, dimensions.attribute(table, *column)?))
        }
    }
}
