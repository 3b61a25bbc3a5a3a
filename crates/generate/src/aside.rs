//! Foreign files: what else people drop where sales files should be.

use crate::chance::{Chance, Use};
use crate::names;
use crate::shop::{Shop, date};

/// Paths and contents of the plan's foreign files.
pub(crate) fn foreign_files(shop: &Shop) -> Vec<(String, Vec<u8>)> {
    let plan = &shop.plan;
    (0..plan.foreign_files)
        .map(|number| {
            let mut chance = Chance::of(shop.sales_seed, Use::Aside, number.into());
            let day = date(plan, number % plan.days());
            let folder = if plan.by_day { format!("{day}/") } else { String::new() };
            let (name, content) = match number % 3 {
                0 => (format!("notes_{day}_{:04}.txt", number + 1), note(&mut chance)),
                1 => (format!("closing_report_{day}_{:04}.pdf", number + 1), pdf(&mut chance)),
                _ => (format!("stock_{day}_{:04}.xml", number + 1), stock(plan.products, &mut chance)),
            };
            (folder + &name, content.into_bytes())
        })
        .collect()
}

fn note(chance: &mut Chance) -> String {
    let (first, last) = names::person(chance);
    let till = 1 + chance.below(9);
    format!("Till {till} was closed at noon, its drawer jams.\nPlease call the workshop.\n\n{first} {last}\n")
}

/// A PDF of one line: small, and one that a reader opens.
fn pdf(chance: &mut Chance) -> String {
    let text = format!("BT /F1 12 Tf 72 720 Td (Closing report of till {}) Tj ET", 1 + chance.below(9));
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{text}\nendstream", text.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut file = "%PDF-1.4\n".to_owned();
    let mut offsets = Vec::new();
    for (number, object) in (1..).zip(&objects) {
        offsets.push(file.len());
        file.push_str(&format!("{number} 0 obj\n{object}\nendobj\n"));
    }
    let start = file.len();
    file.push_str("xref\n0 6\n0000000000 65535 f \n");
    for offset in offsets {
        file.push_str(&format!("{offset:010} 00000 n \n"));
    }
    file.push_str(&format!("trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"));
    file
}

fn stock(products: u32, chance: &mut Chance) -> String {
    let mut file = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<stock>\n".to_owned();
    for index in 0..products.min(20) {
        let name = names::product(index).replace('"', "&quot;");
        file.push_str(&format!("  <item name=\"{name}\" count=\"{}\"/>\n", chance.below(400)));
    }
    file.push_str("</stock>\n");
    file
}
