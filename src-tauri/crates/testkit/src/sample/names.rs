//! Names of people in Brazil, as they stand in a clinic's book and on WhatsApp.

use super::dice::Dice;

#[rustfmt::skip]
pub(crate) const WOMEN: &[&str] = &[
    "Maria", "Ana", "Juliana", "Fernanda", "Patrícia", "Aline", "Camila", "Amanda", "Bruna", "Letícia", "Jéssica",
    "Larissa", "Vanessa", "Mariana", "Gabriela", "Adriana", "Márcia", "Luciana", "Simone", "Sandra", "Rosângela",
    "Cláudia", "Tatiane", "Priscila", "Débora", "Daniela", "Carolina", "Natália", "Raquel", "Sônia", "Vera", "Regina",
    "Tereza", "Conceição", "Francisca", "Antônia", "Marlene", "Ivone", "Neuza", "Cleusa", "Aparecida", "Elisângela",
    "Cristiane", "Andréia", "Rafaela", "Isabela", "Beatriz", "Yasmin", "Sabrina", "Thaís", "Bianca", "Lorena",
    "Renata", "Mônica", "Viviane", "Eliane", "Elaine", "Rosana", "Silvana", "Solange", "Valéria", "Lívia", "Clara",
    "Manuela", "Kelly", "Michele", "Suellen", "Jaqueline", "Edilene", "Ivanilde", "Zilda", "Dalva", "Marta", "Lúcia",
    "Glória", "Noemi", "Ester", "Rute", "Cecília", "Marina", "Luísa", "Emanuelle", "Talita", "Nicole", "Milena",
    "Ana Clara", "Ana Paula", "Maria Eduarda", "Maria Clara", "Ana Beatriz", "Maria José", "Maria das Graças",
    "Ana Carolina", "Maria Helena", "Rita de Cássia", "Ana Lúcia", "Maria Aparecida", "Keiko", "Yumi", "Fátima",
    "Samira",
];

#[rustfmt::skip]
pub(crate) const MEN: &[&str] = &[
    "José", "João", "Antônio", "Francisco", "Carlos", "Paulo", "Pedro", "Lucas", "Luiz", "Marcos", "Gabriel",
    "Rafael", "Daniel", "Marcelo", "Bruno", "Eduardo", "Felipe", "Rodrigo", "Gustavo", "André", "Fernando", "Fábio",
    "Leonardo", "Thiago", "Diego", "Vinícius", "Matheus", "Guilherme", "Anderson", "Márcio", "Roberto", "Ricardo",
    "Sérgio", "Jorge", "Cláudio", "Alexandre", "Leandro", "Wellington", "Washington", "Adriano", "Everton",
    "Jefferson", "Robson", "Edson", "Gilberto", "Geraldo", "Raimundo", "Sebastião", "Benedito", "Osvaldo", "Valdir",
    "Ademir", "Nelson", "Mauro", "Henrique", "Arthur", "Caio", "Igor", "Renan", "Murilo", "Otávio", "Heitor",
    "Samuel", "Davi", "Nicolas", "Enzo", "Miguel", "Bernardo", "Juliano", "Cristiano", "Reginaldo", "Josué", "Elias",
    "Moisés", "Ismael", "Natanael", "Kleber", "Hugo", "Alan", "Wesley", "Douglas", "Jonas", "Tadeu", "Ivan", "Kenji",
    "Hiroshi", "Yuri", "Omar", "João Pedro", "João Vitor", "Luiz Fernando", "Carlos Eduardo", "Pedro Henrique",
    "José Carlos", "Luiz Felipe", "Marcos Antônio", "Paulo César", "João Batista", "Carlos Alberto", "Antônio Carlos",
    "José Roberto",
];

#[rustfmt::skip]
pub(crate) const GIRLS: &[&str] = &[
    "Valentina", "Alice", "Laura", "Sophia", "Manuela", "Heloísa", "Júlia", "Lorena", "Lívia", "Maitê", "Cecília",
    "Eloá", "Maria Luíza", "Isis", "Antonella", "Ayla", "Esther", "Mariah", "Pietra", "Liz",
];

#[rustfmt::skip]
pub(crate) const BOYS: &[&str] = &[
    "Theo", "Gael", "Heitor", "Ravi", "Arthur", "Davi", "Noah", "Samuel", "Benjamin", "Lorenzo", "Enzo Gabriel",
    "Bento", "Isaac", "Anthony", "Levi", "Murilo", "Caleb", "Joaquim", "Davi Lucas", "Otto",
];

#[rustfmt::skip]
const SURNAMES: &[&str] = &[
    "Silva", "Santos", "Oliveira", "Souza", "Rodrigues", "Ferreira", "Alves", "Pereira", "Lima", "Gomes", "Ribeiro",
    "Carvalho", "Almeida", "Lopes", "Soares", "Fernandes", "Vieira", "Barbosa", "Rocha", "Dias", "Nascimento",
    "Andrade", "Moreira", "Nunes", "Marques", "Machado", "Mendes", "Freitas", "Cardoso", "Ramos", "Gonçalves",
    "Santana", "Teixeira", "Araújo", "Costa", "Martins", "Correia", "Moura", "Castro", "Campos", "Cavalcante",
    "Monteiro", "Batista", "Pinto", "Azevedo", "Farias", "Sales", "Cunha", "Duarte", "Melo", "Barros", "Rezende",
    "Siqueira", "Miranda", "Borges", "Coelho", "Antunes", "Pacheco", "Peixoto", "Brito", "Xavier", "Guimarães",
    "Fonseca", "Matos", "Aguiar", "Viana", "Nogueira", "Figueiredo", "Leite", "Assis", "Bezerra", "Amaral", "Prado",
    "Toledo", "Camargo", "Queiroz", "Bastos", "Paiva", "Macedo", "Sampaio", "Bittencourt", "Vasconcelos", "Simões",
    "Esteves", "Rossi", "Bianchi", "Ricci", "Ferrari", "Conti", "Schmidt", "Müller", "Becker", "Weber", "Tanaka",
    "Yamamoto", "Sato", "Nakamura", "Kim", "Haddad", "Khouri", "Abdalla", "Kowalski", "Novaes", "Quintanilha",
    "Lacerda", "Furtado", "Valente", "Mesquita", "Dantas", "Rangel", "Braga", "Torres", "Serra", "Porto", "Godoy",
    "Evangelista", "de Jesus", "da Conceição", "do Carmo", "dos Reis", "da Luz", "do Amaral", "de Paula", "da Mata",
    "dos Anjos", "das Neves", "de Sá",
];

/// These take a particle in many families: `da Silva`, `dos Santos`.
#[rustfmt::skip]
const PARTICLES: &[(&str, &str)] = &[
    ("Silva", "da"), ("Santos", "dos"), ("Oliveira", "de"), ("Souza", "de"), ("Costa", "da"), ("Rocha", "da"),
    ("Nascimento", "do"), ("Almeida", "de"), ("Lima", "de"), ("Andrade", "de"), ("Araújo", "de"), ("Castro", "de"),
    ("Campos", "de"), ("Freitas", "de"), ("Cunha", "da"), ("Moura", "de"), ("Prado", "do"), ("Fonseca", "da"),
];

/// Very long, and real in shape: registry offices know longer ones.
#[rustfmt::skip]
const LONG: &[&str] = &[
    "Maria Aparecida dos Santos Oliveira Cavalcanti de Albuquerque Lins",
    "Pedro Henrique de Alcântara Bragança e Souza Figueiredo Neto",
    "Ana Carolina Vasconcelos Bittencourt de Almeida Prado Guimarães",
    "Francisco das Chagas Evangelista do Nascimento Bezerra Filho",
    "Maria do Perpétuo Socorro Quintanilha da Conceição Ferreira dos Anjos",
];

/// Names that say something else than the name: of women, of men, of anybody.
#[rustfmt::skip]
const NICKNAMES: [&[&str]; 3] = [
    &[
        "Mãe do Theo 💙", "Mãe da Alice 🎀", "Vovó Cida 👵", "Mamãe do Gael", "Tati Makeup", "Corretora de imóveis 🏠", "Studio Bella 💇‍♀️",
        "Doces da Vó", "Marmitas da Neia 🍱", "Nutri 🥗", "Prof. de inglês 📚", "Mãe de 3 👦👧👶", "Noiva 2026 💍", "Dona de casa feliz",
        "Ateliê Flor de Lis", "𝓡𝓪𝓲𝓷𝓱𝓪", "Unhas & Cia 💅", "Tia da perua 🚐",
    ],
    &[
        "Zé do Gás", "Eletricista ⚡", "Marcão", "Motos e peças 🏍️", "Tio do churros", "Japa", "Alemão", "Rei do Açaí", "Personal 💪",
        "Pai da Valentina ❤️", "Kaique 10", "Frete e mudança 🚚", "Corinthiano 🖤", "Pedreiro e pintor", "Vovô babão", "Sgt. Moura",
    ],
    &[
        "Deus é fiel 🙏", "Jesus te ama", "Gratidão 🌿", "🌻🌻🌻", ".", "~", "Só chamada de voz", "🦋", "Família em primeiro lugar", "🐾🐾",
        "☀️", "Não atendo ligação", "ʟᴜᴢ", "👑", "Vida que segue", "Novo número", "iPhone", "♾️",
    ],
];

/// A person as the clinic and WhatsApp know them.
pub(crate) struct Person {
    pub(crate) female: bool,
    /// The name one calls them by.
    pub(crate) first: String,
    /// As the clinic's book has it in full.
    pub(crate) full: String,
}

pub(crate) fn person(dice: &mut Dice) -> Person {
    let female = dice.chance(0.6);
    if dice.chance(0.002) {
        let full = dice.pick(LONG);
        let first = first_of(full);
        return Person { female: !matches!(first.as_str(), "Pedro" | "Francisco"), first, full: full.to_owned() };
    }
    let given = dice.pick(if female { WOMEN } else { MEN });
    let mut full = format!("{given} {}", surname(dice));
    if dice.chance(0.55) {
        full.push(' ');
        full.push_str(&surname(dice));
    }
    if !female && dice.chance(0.05) {
        full.push_str(dice.pick(&[" Filho", " Júnior", " Neto"]));
    }
    Person { female, first: first_of(given), full }
}

/// Somebody's mother, sister or daughter.
pub(crate) fn woman(dice: &mut Dice) -> String {
    format!("{} {}", dice.pick(WOMEN), surname(dice))
}

/// A child of that family.
pub(crate) fn child(family: &str, dice: &mut Dice) -> (String, bool) {
    let female = dice.chance(0.5);
    let given = dice.pick(if female { GIRLS } else { BOYS });
    let surname = family.rsplit(' ').find(|part| !matches!(*part, "Filho" | "Júnior" | "Neto")).unwrap_or("Silva");
    (format!("{given} {surname}"), female)
}

/// What people call themselves on WhatsApp; some hide it.
pub(crate) fn profile_name(person: &Person, dice: &mut Dice) -> Option<String> {
    match dice.below(100) {
        0..=9 => None,
        10..=34 => Some(person.first.clone()),
        35..=62 => Some(person.full.clone()),
        63..=72 => Some(format!(
            "{} {}",
            person.first,
            dice.pick(&["🌷", "💕", "⚽", "🙏", "🐶", "☕", "🎸", "💜", "🌵", "😎"])
        )),
        73..=82 => {
            let initial = person.full.rsplit(' ').next().and_then(|last| last.chars().next()).unwrap_or('S');
            Some(format!("{} {initial}.", person.first))
        }
        83..=88 => Some(person.first.to_lowercase()),
        89..=93 => {
            let short: String = person.first.chars().take(3).collect();
            Some(format!("{short} {}", dice.pick(&["🌸", "✨", "💅", "🌻", "❤️", "🤍", "🎧", "🔥"])))
        }
        94..=96 => Some(dice.pick(NICKNAMES[2]).to_owned()),
        _ => Some(dice.pick(NICKNAMES[usize::from(!person.female)]).to_owned()),
    }
}

/// `Maria das Graças` is called Maria; `Ana Clara` is called by both.
fn first_of(given: &str) -> String {
    let mut parts = given.split(' ');
    let first = parts.next().unwrap_or(given);
    match (first, parts.next()) {
        ("Ana", Some(second)) if matches!(second, "Clara" | "Paula" | "Beatriz" | "Carolina" | "Lúcia") => {
            format!("{first} {second}")
        }
        ("João", Some(second)) if matches!(second, "Pedro" | "Vitor") => format!("{first} {second}"),
        _ => first.to_owned(),
    }
}

fn surname(dice: &mut Dice) -> String {
    // The first of the list are the most frequent ones, as in life.
    let index = if dice.chance(0.45) { dice.below(24) } else { dice.below(SURNAMES.len()) };
    let name = SURNAMES[index];
    match PARTICLES.iter().find(|(with, _)| *with == name) {
        Some((_, particle)) if dice.chance(0.45) => format!("{particle} {name}"),
        _ => name.to_owned(),
    }
}
