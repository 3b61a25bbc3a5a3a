//! A report with everything in it: every kind of part and value, and texts that try to be something else.

use chrono::NaiveDate;
use tillmart_report::{
    Change, Chart, ChartKind, Column, Document, Fact, Figure, Note, Row, Section, Series, Table, Value,
};

/// Texts that mean something to a terminal, a page, a spreadsheet or Markdown, and must not.
pub(crate) const NASTY: [&str; 12] = [
    "<script>alert('till')</script>",
    "=cmd|'/c calc'!A0",
    "\"quoted\", 'and' <b>bold</b> & co; `code` | pipe",
    "@SUM(A1:A9)",
    "-2+3 #1 *stars* _lines_ [link](https://example.org)",
    "שרשרת לב לבנה תלויה",
    "📦 GIFT 👩‍👩‍👧 ÅÄÖ 日本語",
    "A VERY LONG NAME OF A PRODUCT THAT SOMEBODY TYPED WITHOUT EVER THINKING OF HOW WIDE A COLUMN OR A TELEPHONE IS",
    "UNBREAKABLE_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "two\nlines\tand \u{1b}[31ma colour\u{1b}[0m and \0",
    "invoice\u{202e}fdp.exe",
    "</td></table></svg><style>*{display:none}</style>",
];

fn day(of: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2011, 11, of).unwrap()
}

pub(crate) fn document() -> Document {
    Document {
        kind: "sample".to_owned(),
        title: "Sample report, Monday 14 November 2011".to_owned(),
        about: vec![
            Fact::new("feed", "Feed", Value::text("sales")),
            Fact::new("day", "Day", Value::Day(day(14))),
            Fact::new("month", "Month", Value::Month("2011-11".to_owned())),
            Fact::new("newest_batch", "Newest batch", Value::Count(1_305)),
            Fact::new("made", "Made", Value::text("2011-11-15 06:00 UTC")),
            Fact::new("nasty", "<Nasty> & \"so\"", Value::text(NASTY[0])),
        ],
        sections: vec![chain(), stores(), month(), products(), people(), wrong(), edges()],
    }
}

fn chain() -> Section {
    let figure = |name: &str, label: &str, now: Value, week: Value, year: Value| {
        Figure::new(name, label, now).compared("last_week", "Mon 7 Nov 2011", week).compared(
            "last_year",
            "Mon 15 Nov 2010",
            year,
        )
    };
    let figures = vec![
        figure("net", "Net sales", Value::Money(11_208_645), Value::Money(7_034_110), Value::Money(6_521_099)),
        figure("gross", "Gross sales", Value::Money(11_320_000), Value::Money(7_134_110), Value::Missing),
        figure("returns", "Returns", Value::Money(-111_355), Value::Money(-100_000), Value::Money(0)),
        figure("units", "Units", Value::Count(62_310), Value::Count(62_310), Value::Count(41_003)),
        figure("sales", "Sales", Value::Count(3_071), Value::Count(2_990), Value::Count(12)),
        figure("average", "Average sale", Value::Money(3_650), Value::Money(2_353), Value::Money(4_000)),
        figure("per_sale", "Units per sale", Value::Decimal(203, 1), Value::Decimal(2_084, 2), Value::Missing),
        figure("anonymous", "Anonymous share", Value::Share(243_210), Value::Share(261_000), Value::Share(240_000)),
    ];
    Section::new("chain", "The chain")
        .with(Note::good("Every store that usually sells on a Monday sent its sales."))
        .with(figures)
        .with(Note::plain("Net sales are gross sales less returns. A change is a share of the figure then."))
}

fn stores() -> Section {
    let columns = vec![
        Column::words("store", "Store"),
        Column::numbers("net", "Net sales"),
        Column::numbers("net_change", "Against Mon 7 Nov"),
        Column::numbers("gross", "Gross"),
        Column::numbers("returns", "Returns"),
        Column::numbers("units", "Units"),
        Column::numbers("sales", "Sales"),
        Column::numbers("average", "Average sale"),
        Column::numbers("anonymous", "Anonymous"),
        Column::numbers("month_to_date", "Month to date"),
    ];
    let mut table = Table::new("stores", "Net sales by store", columns, "No store sold anything.");
    for at in 0..12_i64 {
        let net = i128::from(1_234_567 - at * 97_003);
        let change = if at == 3 { Change::None } else { Change::Share(43_210 - at * 20_300) };
        table.rows.push(Row::new(vec![
            Value::text(format!("{} Store {}", 121 + at, if at == 5 { NASTY[7] } else { "Mayfair Road" })),
            Value::Money(net),
            Value::Change(change),
            Value::Money(net + 11_355),
            Value::Money(-11_355),
            Value::Count(6_231 - at * 300),
            Value::Count(307 - at),
            Value::Money(3_650),
            Value::Share(243_210 + at * 1_000),
            if at == 4 { Value::Missing } else { Value::Money(net * 14) },
        ]));
    }
    table.rows.push(Row::total(vec![
        Value::text("All stores"),
        Value::Money(8_412_606),
        Value::Change(Change::Share(0)),
        Value::Money(8_548_866),
        Value::Money(-136_260),
        Value::Count(54_972),
        Value::Count(3_618),
        Value::Money(3_650),
        Value::Share(248_000),
        Value::Money(117_776_484),
    ]));
    let labels = (0..12).map(|at| format!("{} Mayfair Road", 121 + at)).collect();
    let values = (0..12_i128).map(|at| Value::Money(1_234_567 - at * 97_003)).collect();
    Section::new("stores", "Stores").with(table).with(Chart {
        name: "stores_chart".to_owned(),
        title: "Net sales by store".to_owned(),
        alternative: "From 12,345.67 at store 121 down to 1,675.34 at store 132.".to_owned(),
        kind: ChartKind::Bars,
        labels,
        series: vec![Series::new("net", "Net sales", values)],
    })
}

fn month() -> Section {
    let labels: Vec<String> = (1..=30).map(|of| day(of).format("%-d %b").to_string()).collect();
    let now = (1..=30_i128).map(|of| match of {
        6 | 13 | 20 | 27 => Value::Missing,
        15.. => Value::Missing,
        of => Value::Money(5_000_000 + of * of * 31_117 - (of % 3) * 700_000),
    });
    let then = (1..=30_i128).map(|of| Value::Money(4_000_000 + of * 90_000 + (of % 4) * 400_000));
    let (now, then): (Vec<_>, Vec<_>) = (now.collect(), then.collect());
    Section::new("month", "The month so far")
        .with(Chart {
            name: "days".to_owned(),
            title: "Net sales by day, this month and the month before".to_owned(),
            alternative: "Net sales rose from 43,311.17 on the 1st to 96,989.32 on the 14th; Sundays without sales."
                .to_owned(),
            kind: ChartKind::Lines,
            labels: labels.clone(),
            series: vec![
                Series::new("now", "November 2011", now.clone()),
                Series::new("then", "October 2011", then.clone()),
            ],
        })
        .with(Chart {
            name: "day_columns".to_owned(),
            title: "Net sales by day".to_owned(),
            alternative: "The same days as columns.".to_owned(),
            kind: ChartKind::Columns,
            labels,
            series: vec![Series::new("then", "October 2011", then)],
        })
}

fn products() -> Section {
    let columns = vec![
        Column::numbers("rank", "Rank"),
        Column::words("product", "Product"),
        Column::numbers("units", "Units"),
        Column::numbers("net", "Net sales"),
        Column::numbers("share", "Share of the day"),
    ];
    let mut table = Table::new("products", "Products that sold most", columns, "Nothing was sold.");
    for (at, name) in (1_i64..).zip(NASTY) {
        table.rows.push(Row::new(vec![
            Value::Count(at),
            Value::text(name),
            Value::Count(1_300 - at * 100),
            Value::Money(i128::from(99_999 - at * 7_777)),
            Value::Share(98_765 - at * 5_000),
        ]));
    }
    Section::new("products", "Products").with(table).with(Chart {
        name: "products_chart".to_owned(),
        title: format!("Units of {}", NASTY[0]),
        alternative: NASTY[11].to_owned(),
        kind: ChartKind::Bars,
        labels: NASTY.iter().map(|name| (*name).to_owned()).collect(),
        series: vec![Series::new("units", NASTY[1], (0..12).map(|at| Value::Count(1_200 - at * 100)).collect())],
    })
}

fn people() -> Section {
    let columns = vec![
        Column::words("person", "Sales person"),
        Column::words("manager", "Manager"),
        Column::numbers("sales", "Total sales"),
        Column::numbers("rate", "Rate"),
        Column::numbers("incentive", "Incentive"),
    ];
    let mut table = Table::new("people", "Incentives of the month", columns, "Nobody sold anything.");
    table.rows = vec![
        Row::new(vec![
            Value::text("Ada Müller-Lüdenscheidt"),
            Value::text("Grace O'Neill"),
            Value::Money(123_456_789),
            Value::Share(10_000),
            Value::Money(1_234_568),
        ]),
        Row::new(vec![
            Value::text("=Bobby Tables"),
            Value::Missing,
            Value::Money(-1_205),
            Value::Missing,
            Value::Money(0),
        ]),
    ];
    Section::new("people", "People").with(table)
}

fn wrong() -> Section {
    let columns = vec![Column::words("reason", "Reason"), Column::numbers("rows", "Rows")];
    Section::new("wrong", "What is wrong with the day")
        .with(Note::warning(
            "Store 123 usually sells on a Monday and sent nothing. Ask its manager, Ünal <unal@example.org>, for \
             the file of 14 November; it is taken whenever it comes.",
        ))
        .with(Table::new("rejects", "Rejects by reason", columns, "No row was rejected."))
        .with(Note::plain(NASTY[9]))
}

/// Charts that have little to show, or much.
fn edges() -> Section {
    let chart = |name: &str, kind, labels: &[&str], series: Vec<(&str, Vec<Value>)>| Chart {
        name: name.to_owned(),
        title: format!("Edge: {name}"),
        alternative: format!("A chart to try {name}."),
        kind,
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        series: series
            .into_iter()
            .enumerate()
            .map(|(at, (label, values))| Series::new(&format!("s{at}"), label, values))
            .collect(),
    };
    let money = |cents: &[i128]| cents.iter().map(|cents| Value::Money(*cents)).collect::<Vec<_>>();
    Section::new("edges", "Charts at the edge")
        .with(chart(
            "below_zero",
            ChartKind::Columns,
            &["Mon", "Tue", "Wed"],
            vec![("Net", money(&[120_000, -45_000, 1]))],
        ))
        .with(chart(
            "below_zero_bars",
            ChartKind::Bars,
            &["Oxford", "Cambridge", "York"],
            vec![
                ("Now", money(&[120_000, -45_000, 0])),
                ("Then", vec![Value::Money(-30_000), Value::Missing, Value::Money(9)]),
            ],
        ))
        .with(chart("one_value", ChartKind::Lines, &["14 Nov"], vec![("Net", money(&[4_200]))]))
        .with(chart("all_zero", ChartKind::Columns, &["Mon", "Tue"], vec![("Net", money(&[0, 0]))]))
        .with(chart("nothing", ChartKind::Lines, &["Mon", "Tue"], vec![("Net", vec![Value::Missing, Value::Missing])]))
        .with(chart("no_labels", ChartKind::Bars, &[], vec![("Net", Vec::new())]))
        .with(chart(
            "four_series",
            ChartKind::Columns,
            &["Under 100.00", "100.00 to 499.99", "500.00 to 1,999.99", "2,000.00 and more"],
            vec![
                ("Customers", money(&[1_200_000, 800_000, 300_000, 50_000])),
                ("Sales", money(&[800_000, 900_000, 700_000, 150_000])),
                ("Units", money(&[400_000, 1_000_000, 900_000, 650_000])),
                ("Share", money(&[100_000, 500_000, 1_100_000, 1_250_000])),
            ],
        ))
}
