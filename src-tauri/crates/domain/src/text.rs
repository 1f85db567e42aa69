//! Text as people search it.

/// Lower case, without accents, inner white space folded: "  João  DA Silva" becomes "joao da silva". The same folding as
/// `app.fold` does in PostgreSQL for the letters of Portuguese and its neighbours.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        for letter in word.chars().flat_map(char::to_lowercase) {
            match base_letter(letter) {
                Some(base) => folded.push_str(base),
                None => folded.push(letter),
            }
        }
    }
    folded
}

fn base_letter(letter: char) -> Option<&'static str> {
    Some(match letter {
        'á' | 'à' | 'â' | 'ã' | 'ä' | 'å' => "a",
        'é' | 'è' | 'ê' | 'ë' => "e",
        'í' | 'ì' | 'î' | 'ï' => "i",
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => "o",
        'ú' | 'ù' | 'û' | 'ü' => "u",
        'ç' => "c",
        'ñ' => "n",
        'ý' | 'ÿ' => "y",
        'ß' => "ss",
        // Combining marks that decomposed text carries.
        '\u{300}'..='\u{36f}' => "",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn accents_case_and_spaces_do_not_matter_when_searching() {
        assert_eq!(fold("  João  DA Conceição"), "joao da conceicao");
        assert_eq!(fold("Joa\u{303}o"), "joao");
        assert_eq!(fold("MÜLLER ñandu"), "muller nandu");
    }
}
