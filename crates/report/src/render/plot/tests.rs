//! Charts of every form and size: well-formed, within their bounds, no label upon another.

use super::*;
use crate::document::{Series, Value};
use canvas::breadth;
use quick_xml::events::Event;

fn chart(kind: ChartKind, labels: usize, series: Vec<Vec<Value>>) -> Chart {
    let series = series.into_iter().enumerate();
    Chart {
        name: "c".to_owned(),
        title: "A chart".to_owned(),
        alternative: "What there is to see.".to_owned(),
        kind,
        labels: (1..=labels).map(|at| format!("{at} November <2011>")).collect(),
        series: series.map(|(at, values)| Series::new(&format!("s{at}"), format!("Series {at}"), values)).collect(),
    }
}

/// Values of many a kind, as many as there are labels.
fn patterns(labels: usize) -> Vec<Vec<Vec<Value>>> {
    let each = |value: fn(i64) -> Value| (0_i64..).take(labels).map(value).collect::<Vec<_>>();
    vec![
        vec![each(|at| Value::Money(i128::from(at * at * 1_000)))],
        vec![each(|_| Value::Money(0))],
        vec![each(|_| Value::Missing)],
        vec![each(|at| if at % 3 == 0 { Value::Missing } else { Value::Count(at) })],
        vec![each(|at| Value::Money(i128::from(500 - at * 137)))],
        vec![each(|at| Value::Money(i128::from(-1 - at)))],
        vec![each(|at| if at == 0 { Value::Money(i128::MAX) } else { Value::Money(i128::MIN) })],
        vec![each(|at| Value::Share(at * 33_333)), each(|at| Value::Share(900_000 - at))],
        vec![
            each(Value::Count),
            each(|at| Value::Decimal(i128::from(at), 3)),
            each(|_| Value::Missing),
            each(|_| Value::Count(1)),
        ],
        vec![Vec::new()],
        Vec::new(),
    ]
}

fn number(text: &str) -> i64 {
    let (whole, tenth) = text.split_once('.').unwrap_or((text, "0"));
    let sign = if whole.starts_with('-') { -1 } else { 1 };
    whole.parse::<i64>().unwrap() * 10 + sign * tenth.parse::<i64>().unwrap()
}

/// Every shape lies within the picture, and texts of a line do not touch.
fn check(svg: &str, told: &str) {
    let mut reader = quick_xml::Reader::from_str(svg);
    let (mut bounds, mut texts, mut placed) = ((0, 0), Vec::new(), None);
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{told}: {error}\n{svg}")) {
            Event::Eof => break,
            Event::Start(element) | Event::Empty(element) => {
                let attribute = |name: &str| {
                    let found = element.try_get_attribute(name).unwrap()?;
                    Some(String::from_utf8(found.value.to_vec()).unwrap())
                };
                let at = |name: &str| attribute(name).map_or(0, |text| number(&text));
                match element.name().as_ref() {
                    b"svg" => {
                        let view = attribute("viewBox").unwrap();
                        let view: Vec<i64> = view.split(' ').map(number).collect();
                        bounds = (view[2], view[3]);
                    }
                    b"rect" => {
                        assert!(at("width") >= 0 && at("height") >= 0, "{told}: {svg}");
                        assert!(at("x") >= 0 && at("x") + at("width") <= bounds.0, "{told}: {svg}");
                        assert!(at("y") >= 0 && at("y") + at("height") <= bounds.1, "{told}: {svg}");
                    }
                    b"circle" => assert!(at("cx") <= bounds.0 && (0..=bounds.1).contains(&at("cy")), "{told}: {svg}"),
                    b"text" => placed = Some((at("x"), at("y"), attribute("text-anchor").unwrap())),
                    _ => {}
                }
            }
            Event::Text(text) => {
                if let Some((x, y, anchor)) = placed.take() {
                    let wide = breadth(&text.decode().unwrap());
                    let from = match anchor.as_str() {
                        "middle" => x - wide / 2,
                        "end" => x - wide,
                        _ => x,
                    };
                    assert!(from >= -1 && y <= bounds.1, "{told}: a label leaves the picture\n{svg}");
                    texts.push((y, from, from + wide));
                }
            }
            _ => {}
        }
    }
    texts.sort_unstable();
    for pair in texts.windows(2) {
        assert!(pair[0].0 != pair[1].0 || pair[0].2 <= pair[1].1, "{told}: labels touch\n{svg}");
    }
}

#[test]
fn every_chart_stays_within_its_bounds() {
    for kind in [ChartKind::Lines, ChartKind::Columns, ChartKind::Bars] {
        for room in [Room::Wide, Room::Narrow] {
            for labels in [0, 1, 2, 3, 7, 8, 9, 30, 31, 62, 63, 400] {
                for (at, series) in patterns(labels).into_iter().enumerate() {
                    let drawn = svg(&chart(kind, labels, series), room);
                    check(&drawn, &format!("{kind:?} {room:?} with {labels} labels, pattern {at}"));
                }
            }
        }
    }
}

#[test]
fn a_line_has_a_gap_where_a_figure_is_missing() {
    let money = Value::Money;
    let drawn = svg(
        &chart(ChartKind::Lines, 6, vec![vec![money(1), money(2), Value::Missing, money(3), Value::Missing, money(1)]]),
        Room::Wide,
    );
    assert_eq!(drawn.matches("<polyline").count(), 1, "one run of two figures: {drawn}");
    assert_eq!(drawn.matches("<circle").count(), 4, "and a dot for every figure");
}

#[test]
fn a_chart_without_figures_says_so() {
    for kind in [ChartKind::Lines, ChartKind::Columns, ChartKind::Bars] {
        assert!(
            svg(&chart(kind, 2, vec![vec![Value::Missing, Value::Missing]]), Room::Narrow)
                .contains("There are no figures.")
        );
    }
}

#[test]
fn what_is_not_zero_can_be_seen() {
    let values = vec![Value::Money(1), Value::Money(0), Value::Money(100_000_000), Value::Money(-1)];
    let drawn = svg(&chart(ChartKind::Columns, 4, vec![values]), Room::Wide);
    assert_eq!(drawn.matches("height=\"1\"").count(), 2, "{drawn}");
    assert_eq!(drawn.matches("height=\"0\"").count(), 1, "{drawn}");
}
