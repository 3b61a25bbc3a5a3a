//! Dimension tables and their CSV files.

use crate::Setting;
use crate::scene::{migrated, refused};
use arrow::array::{Array, AsArray};
use arrow::datatypes::{Date32Type, Decimal128Type, Int32Type, Int64Type};
use std::path::PathBuf;
use tempfile::TempDir;
use tillmart_database::{Dimension, Upserted, rows_of_csv};
use tillmart_model::{Fault, FaultKind};

/// A CSV file in a folder of its own.
struct Csv {
    _folder: TempDir,
    path: PathBuf,
}

fn csv(text: impl AsRef<[u8]>) -> Csv {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, text).expect("written");
    Csv { _folder: folder, path }
}

/// Line and column of every fault told, in order.
fn spots(fault: &Fault) -> Vec<(u64, u64)> {
    let one = |fault: &Fault| {
        let place = fault.place.as_ref().expect("a place");
        assert!(place.file.ends_with("rows.csv"), "{place}");
        (place.line.expect("a line"), place.column.expect("a column"))
    };
    std::iter::once(one(fault)).chain(fault.others.iter().map(one)).collect()
}

pub(crate) async fn a_file_is_loaded_and_read_back_exactly(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let file = csv("name , id,current_price,old_price,expiry_date,created_date\n\
        \"tea, \"\"green\"\"\",2, 12.5 ,-0.0001,2024-02-29,\n\
        Zo\u{eb},-1,9999999999.9999,,,yesterday\n");
    let upserted = database.load_csv(Dimension::Product, &file.path).await.expect("loaded");
    assert_eq!(upserted, Upserted { added: 2, changed: 0, unchanged: 0 });
    let rows = setting.open().await.read(Dimension::Product).await.expect("read");
    assert_eq!(rows.schema(), Dimension::Product.schema());
    assert_eq!(rows.column(0).as_primitive::<Int64Type>().values().to_vec(), [-1, 2], "ordered by key");
    let names: Vec<_> = rows.column(1).as_string::<i32>().iter().flatten().collect();
    assert_eq!(names, ["Zo\u{eb}", "tea, \"green\""]);
    let prices: Vec<_> = rows.column(2).as_primitive::<Decimal128Type>().iter().collect();
    assert_eq!(prices, [Some(99_999_999_999_999), Some(125_000)]);
    let old: Vec<_> = rows.column(3).as_primitive::<Decimal128Type>().iter().collect();
    assert_eq!(old, [None, Some(-1)]);
    assert_eq!(rows.column(6).as_primitive::<Date32Type>().iter().collect::<Vec<_>>(), [None, Some(19_782)]);
    assert_eq!(database.count(Dimension::Product).await.expect("counted"), 2);
    assert_eq!(database.count(Dimension::Customer).await.expect("counted"), 0);
}

pub(crate) async fn an_upsert_counts_and_leaves_absent_columns(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let first = csv("id,address,reviews\n1,here,good\n2,there,\n3,far,bad\n");
    database.load_csv(Dimension::Store, &first.path).await.expect("loaded");
    let second = csv("id,address\n1,here\n2,elsewhere\n4,new\n3,\n");
    let upserted = database.load_csv(Dimension::Store, &second.path).await.expect("loaded");
    assert_eq!(upserted, Upserted { added: 1, changed: 2, unchanged: 1 });
    let rows = database.read(Dimension::Store).await.expect("read");
    assert_eq!(rows.column(0).as_primitive::<Int32Type>().values().to_vec(), [1, 2, 3, 4]);
    let text =
        |at: usize| rows.column(at).as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>();
    assert_eq!(text(1), [Some("here".to_owned()), Some("elsewhere".to_owned()), None, Some("new".to_owned())]);
    assert_eq!(text(5), [Some("good".to_owned()), None, Some("bad".to_owned()), None], "reviews are left alone");
    let keys_only = csv("id\n1\n5\n");
    let upserted = database.load_csv(Dimension::Store, &keys_only.path).await.expect("loaded");
    assert_eq!(upserted, Upserted { added: 1, changed: 0, unchanged: 1 });
}

pub(crate) async fn all_faults_are_told_with_their_place(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let file = csv(b"id,name,current_price,expiry_date\n\
        x,tea,1.00,2024-01-01\n\
        2,\"a\nb\",1.23456,2024-02-30\n\
        3,,1e3,01/02/2024\n\
        4,jam\n\
        5,jam,1,2024-01-01,more\n\
        \n\
        6,\xff,1,\n\
        ,ham,,\n");
    let fault = refused(database.load_csv(Dimension::Product, &file.path).await, FaultKind::Settings);
    let wanted = [(2, 1), (4, 4), (4, 12), (5, 3), (5, 4), (5, 8), (6, 3), (7, 20), (9, 3), (10, 1)];
    assert_eq!(spots(&fault), wanted, "{fault}");
    let told = fault.to_string();
    for part in [
        "whole number",
        "14 digits",
        "in the calendar",
        "decimal such as",
        "YYYY-MM-DD",
        "too few",
        "too many",
        "UTF-8",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert!(told.contains("`1.23456`") && told.contains("`01/02/2024`"), "{told}");
}

pub(crate) async fn header_faults_are_told(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let file = csv("\u{feff}name,nmae, name,address\ntea,x,y,z\n");
    let fault = refused(database.load_csv(Dimension::Product, &file.path).await, FaultKind::Settings);
    assert_eq!(spots(&fault), [(1, 6), (1, 11), (1, 17), (1, 1)], "{fault}");
    let told = fault.to_string();
    assert!(told.contains("`nmae`") && told.contains("twice") && told.contains("column `id` is missing"), "{told}");
    for empty in ["", "\n\n"] {
        let fault = refused(database.load_csv(Dimension::Product, &csv(empty).path).await, FaultKind::Settings);
        assert!(fault.what.contains("empty") && fault.place.is_some(), "{fault}");
    }
    let gone = csv("").path;
    let fault = refused(database.load_csv(Dimension::Product, &gone).await, FaultKind::Settings);
    assert!(fault.to_string().contains("rows.csv"), "{fault}");
}

pub(crate) async fn a_double_key_names_both_lines(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let file = csv("address,id\r\n\"a\r\nb\",1\r\nc,2\r\nd,1\r\ne, 01\r\n");
    let fault = refused(database.load_csv(Dimension::Store, &file.path).await, FaultKind::Settings);
    assert_eq!(spots(&fault), [(5, 3), (6, 3)], "{fault}");
    assert!(fault.found.as_deref().is_some_and(|found| found.contains("line 3")), "{fault}");
}

pub(crate) async fn nothing_is_loaded_from_a_faulty_file(setting: &dyn Setting) {
    let database = migrated(setting).await;
    database.load_csv(Dimension::Store, &csv("id,address\n1,here\n").path).await.expect("loaded");
    let file = csv("id,address\n1,changed\n2,new\nbad,x\n");
    refused(database.load_csv(Dimension::Store, &file.path).await, FaultKind::Settings);
    let rows = database.read(Dimension::Store).await.expect("read");
    assert_eq!(rows.num_rows(), 1);
    assert_eq!(rows.column(1).as_string::<i32>().value(0), "here");
}

pub(crate) async fn personal_values_are_not_shown(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let file = csv("customer_id,phone_number,customer_joining_date\n1,2020-01-01,+43 660 Zo\u{eb}\n");
    let fault = refused(database.load_csv(Dimension::Customer, &file.path).await, FaultKind::Settings);
    assert!(fault.to_string().contains("`+99 999 aaa`") && !fault.to_string().contains("660"), "{fault}");
}

pub(crate) async fn at_most_twenty_faults(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let file = csv(format!("id,store_opening_date\n{}", "x,y\n".repeat(1_000)));
    let fault = refused(database.load_csv(Dimension::Store, &file.path).await, FaultKind::Settings);
    assert_eq!(fault.others.len() + 1, 20);
    assert_eq!(spots(&fault)[19], (11, 3));
}

pub(crate) async fn quoting_and_line_ends(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let file =
        csv("id,first_name,address,is_manager,manager_id\r\n\r\n1,\" kept \",\"two\r\nlines\",Y, 7 \r\n2,,\"\",N,");
    let upserted = database.load_csv(Dimension::SalesTeam, &file.path).await.expect("loaded");
    assert_eq!(upserted.added, 2);
    let rows = database.read(Dimension::SalesTeam).await.expect("read");
    assert_eq!(rows.column(1).as_string::<i32>().value(0), " kept ", "texts stay as they came");
    assert!(rows.column(1).is_null(1), "a blank is NULL");
    assert_eq!(rows.column(3).as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [Some(7), None]);
    assert_eq!(rows.column(5).as_string::<i32>().value(0), "two\r\nlines");
}

pub(crate) async fn an_unclosed_quote_is_a_fault(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let file = csv("id,address\n1,fine\n2,\"open\n3,lost\n4,lost\n");
    let fault = refused(database.load_csv(Dimension::Store, &file.path).await, FaultKind::Settings);
    assert!(fault.what.contains("never closed"), "{fault}");
    assert_eq!(spots(&fault), [(3, 3)]);
    assert_eq!(database.count(Dimension::Store).await.expect("counted"), 0);
}

pub(crate) async fn an_empty_table_reads_as_no_row(setting: &dyn Setting) {
    let database = migrated(setting).await;
    for dimension in Dimension::ALL {
        let rows = database.read(dimension).await.expect("read");
        assert_eq!((rows.num_rows(), rows.schema()), (0, dimension.schema()));
        let header: Vec<&str> = dimension.columns().iter().map(|column| column.name).collect();
        let upserted = database.load_csv(dimension, &csv(header.join(",")).path).await.expect("a header is enough");
        assert_eq!(upserted, Upserted::default());
    }
}

/// Databases take rows by the thousand; what is wrong with one of them is told all the same, in the order of the file.
pub(crate) async fn long_files_are_told_of_by_line(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let lines = |count: i64| -> String { (1..=count).map(|id| format!("{id},place {id}\n")).collect() };
    let upserted = database.load_csv(Dimension::Store, &csv(format!("id,address\n{}", lines(2_600))).path).await;
    assert_eq!(upserted.expect("loaded"), Upserted { added: 2_600, changed: 0, unchanged: 0 });
    let more = format!("id,address\n{}1300,elsewhere\nx,bad\n2600,again\n", lines(2_601));
    let fault = refused(database.load_csv(Dimension::Store, &csv(more).path).await, FaultKind::Settings);
    assert_eq!(spots(&fault), [(2_603, 1), (2_604, 1), (2_605, 1)], "{fault}");
    let told = fault.to_string();
    assert!(told.contains("line 1301") && told.contains("line 2601"), "{told}");
    let changed = format!("id,address\n{}2601,new\n1,elsewhere\n", lines(2_600).replacen("1,place 1\n", "", 1));
    let upserted = database.load_csv(Dimension::Store, &csv(changed).path).await.expect("loaded");
    assert_eq!(upserted, Upserted { added: 1, changed: 1, unchanged: 2_599 });
    assert_eq!(database.count(Dimension::Store).await.expect("counted"), 2_601);
}

pub(crate) async fn rows_are_put_and_absent_columns_stay(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let first = csv("id,name,current_price,old_price,expiry_date\n1,tea,2.50,2.00,2024-02-29\n2,jam,1.00,,\n");
    let rows = rows_of_csv(Dimension::Product, &first.path).expect("rows");
    let put = database.put(Dimension::Product, &rows).await.expect("put");
    assert_eq!(put, Upserted { added: 2, changed: 0, unchanged: 0 });
    let all = database.read(Dimension::Product).await.expect("read");
    let loaded = migrated(setting).await;
    loaded.load_csv(Dimension::Product, &first.path).await.expect("loaded");
    assert_eq!(all, loaded.read(Dimension::Product).await.expect("read"), "as if the file had been loaded");
    let second = csv("id,name,current_price\n1,tea,2.75\n2,jam,1.00\n3,\"o'ham\",3.00\n");
    let rows = rows_of_csv(Dimension::Product, &second.path).expect("rows");
    let put = database.put(Dimension::Product, &rows).await.expect("put");
    assert_eq!(put, Upserted { added: 1, changed: 1, unchanged: 1 });
    let all = database.read(Dimension::Product).await.expect("read");
    let prices = |at: usize| all.column(at).as_primitive::<Decimal128Type>().iter().collect::<Vec<_>>();
    assert_eq!(prices(2), [Some(27_500), Some(10_000), Some(30_000)]);
    assert_eq!(prices(3), [Some(20_000), None, None], "old prices are left alone");
}

/// What is read of a file before it is loaded is told of the same faults.
pub(crate) async fn a_file_read_as_rows_has_the_same_faults(setting: &dyn Setting) {
    let database = migrated(setting).await;
    for text in ["id,address\n1,a\n2,b\n1,c\nx,d\n", "id,adress\n1,a\n", "", "id\n1\n1\n1\n"] {
        let file = csv(text);
        let loaded = database.load_csv(Dimension::Store, &file.path).await.expect_err("faulty");
        let read = rows_of_csv(Dimension::Store, &file.path).expect_err("faulty");
        assert_eq!(read.to_string(), loaded.to_string());
    }
}
