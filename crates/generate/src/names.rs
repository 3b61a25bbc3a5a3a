//! Plausible names, made from short lists: nobody real is meant.

use crate::chance::Chance;

const FIRST_NAMES: [&str; 40] = [
    "Aarav", "Ada", "Aisha", "Amelia", "Anders", "Anita", "Bruno", "Carla", "Chen", "Clara", "Daniel", "Deepa",
    "Elena", "Emeka", "Farah", "Felix", "Grace", "Hanna", "Ivan", "Jamal", "Jonas", "Kavya", "Kofi", "Lena", "Luis",
    "Maria", "Mei", "Miriam", "Nikhil", "Noor", "Olga", "Omar", "Priya", "Ravi", "Rosa", "Samuel", "Sofia", "Tariq",
    "Yuki", "Zoë",
];

const LAST_NAMES: [&str; 40] = [
    "Adeyemi",
    "Almeida",
    "Andersen",
    "Baker",
    "Banerjee",
    "Costa",
    "Das",
    "Dubois",
    "Fischer",
    "Fernandes",
    "García",
    "Gupta",
    "Haddad",
    "Hansen",
    "Ito",
    "Iyer",
    "Jensen",
    "Khan",
    "Kim",
    "Kowalski",
    "Kumar",
    "Lopez",
    "Mensah",
    "Meyer",
    "Moreau",
    "Nair",
    "Novak",
    "O'Brien",
    "Okafor",
    "Patel",
    "Petrov",
    "Rossi",
    "Schmidt",
    "Sharma",
    "Silva",
    "Smith",
    "Tanaka",
    "Wang",
    "Williams",
    "Yilmaz",
];

const STREETS: [&str; 16] = [
    "Station Road",
    "High Street",
    "Market Street",
    "Mill Lane",
    "Church Road",
    "Park Avenue",
    "Lake View",
    "Hill Road",
    "Temple Street",
    "River Walk",
    "Old Town Road",
    "Garden Lane",
    "Victoria Road",
    "Ring Road",
    "Orchard Close",
    "Bridge Street",
];

const TOWNS: [&str; 16] = [
    "Delhi", "Leeds", "Mirissa", "Porto", "Pune", "Lyon", "Graz", "Aarhus", "Kochi", "Bergen", "Malmö", "Ghent",
    "Jaipur", "Bristol", "Trento", "Zadar",
];

const GOODS: [&str; 28] = [
    "Basmati Rice",
    "Olive Oil",
    "Café Roast Coffee",
    "Green Tea",
    "Rolled Oats",
    "Brown Sugar",
    "Wheat Flour",
    "Dish Soap",
    "Shampoo",
    "Toothpaste",
    "Peanut Butter",
    "Dark Chocolate",
    "Orange Juice",
    "Red Lentils",
    "Washing Powder",
    "Tomato Paste",
    "Honey",
    "Sea Salt",
    "Black Pepper",
    "Chickpeas",
    "Almonds",
    "Crème Fraîche",
    "Mango Pickle",
    "Ginger Biscuits",
    "Soy Milk",
    "Corn Flakes",
    "Hand Towel",
    "Notebook",
];

const MAKES: [&str; 12] = [
    "Everyday", "Organic", "Premium", "Family", "Sunrise", "Classic", "Golden", "Farm", "Royal", "Fresh", "Harvest",
    "Village",
];

const PACKS: [&str; 10] = ["500 g", "1 kg", "250 g", "2 kg", "100 g", "6 pack", "750 ml", "1 l", "5 kg", "10\" box"];

fn pick(chance: &mut Chance, list: &[&'static str]) -> &'static str {
    list[chance.below(list.len() as u32) as usize]
}

/// First and last name.
pub(crate) fn person(chance: &mut Chance) -> (&'static str, &'static str) {
    (pick(chance, &FIRST_NAMES), pick(chance, &LAST_NAMES))
}

/// Street and town; has a comma, as real addresses do.
pub(crate) fn address(chance: &mut Chance) -> String {
    format!("{} {}, {}", 1 + chance.below(180), pick(chance, &STREETS), pick(chance, &TOWNS))
}

/// A postal code of six digits.
pub(crate) fn pincode(chance: &mut Chance) -> u32 {
    100_000 + chance.below(900_000)
}

/// The name of product `index` (from 0): no two are the same. One in nine has commas, so that CSV must quote it.
pub(crate) fn product(index: u32) -> String {
    let (goods, makes, packs) = (GOODS.len() as u32, MAKES.len() as u32, PACKS.len() as u32);
    let (good, round) = (index % goods, index / goods);
    // Makes move on with the good too, so that a short list already shows several; rounds still differ, because
    // 29 steps of make a round and 12 makes have no common factor.
    let make = (index + round) % makes;
    let (pack, series) = ((round / makes) % packs, round / makes / packs);
    let (good, make) = (GOODS[good as usize], MAKES[make as usize]);
    let pack = PACKS[pack as usize];
    let mut name = if index % 9 == 4 { format!("{good}, {make}, {pack}") } else { format!("{make} {good} {pack}") };
    if series > 0 {
        name.push_str(&format!(" No. {}", series + 1));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_products_share_a_name() {
        let names: HashSet<String> = (0..30_000).map(product).collect();
        assert_eq!(names.len(), 30_000);
    }
}
