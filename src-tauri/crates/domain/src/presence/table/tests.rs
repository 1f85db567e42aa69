use super::*;

const ME: Uuid = Uuid::from_u128(1);
const ANA: Uuid = Uuid::from_u128(2);
const BIA: Uuid = Uuid::from_u128(3);
const HERE: Place = [1; 16];
const THERE: Place = [2; 16];

fn at(milliseconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_795_000_000_000 + milliseconds).unwrap()
}

fn desk() -> Table {
    Table::new(Uuid::from_u128(100), ME)
}

fn word(desk: u128, member: Uuid, place: Option<Place>, typing: bool) -> Word {
    Word { desk: Uuid::from_u128(desk), member, place, typing }
}

fn seen(table: &Table, now: DateTime<Utc>) -> Vec<(Uuid, bool)> {
    table.company(now).into_iter().map(|other| (other.member, other.typing)).collect()
}

#[test]
fn others_are_seen_in_the_thread_that_is_open_and_nowhere_else() {
    let mut table = desk();
    table.hear(&word(1, ANA, Some(HERE), false), at(0));
    table.hear(&word(2, BIA, Some(THERE), true), at(0));
    assert_eq!(seen(&table, at(1)), []);
    table.go(Some(HERE));
    assert_eq!(seen(&table, at(1)), [(ANA, false)], "who was there before is known at once");
    table.go(Some(THERE));
    assert_eq!(seen(&table, at(1)), [(BIA, true)]);
}

#[test]
fn who_says_no_more_is_gone_by_itself_and_stops_writing_before() {
    let mut table = desk();
    table.go(Some(HERE));
    table.hear(&word(1, ANA, Some(HERE), true), at(0));
    assert_eq!(seen(&table, at(8_999)), [(ANA, true)]);
    assert_eq!(seen(&table, at(9_001)), [(ANA, false)]);
    assert_eq!(seen(&table, at(45_001)), []);
    table.hear(&word(1, ANA, Some(HERE), false), at(50_000));
    table.hear(&word(1, ANA, None, false), at(51_000));
    assert_eq!(seen(&table, at(51_001)), [], "and at once when they say so");
}

#[test]
fn ones_own_other_desk_is_no_company_and_a_person_at_two_desks_is_one() {
    let mut table = desk();
    table.go(Some(HERE));
    table.hear(&word(100, ANA, Some(HERE), false), at(0));
    table.hear(&word(1, ME, Some(HERE), true), at(0));
    assert_eq!(seen(&table, at(1)), []);
    table.hear(&word(2, ANA, Some(HERE), false), at(0));
    table.hear(&word(3, ANA, Some(HERE), true), at(0));
    assert_eq!(seen(&table, at(1)), [(ANA, true)]);
}

/// What a desk says in a minute during which something happens each tenth of a second.
fn said(mut table: Table, mut happens: impl FnMut(&mut Table, i64)) -> Vec<(i64, Option<Place>, bool)> {
    let mut said = Vec::new();
    for tenth in 0..600 {
        happens(&mut table, tenth);
        let now = at(tenth * 100);
        if let Some(word) = table.say(now) {
            said.push((tenth / 10, word.place, word.typing));
        }
        assert!(table.next(now).is_none_or(|next| next > now), "what is due has been said");
    }
    said
}

#[test]
fn who_is_nowhere_says_nothing_and_who_reads_says_so_now_and_then() {
    assert_eq!(said(desk(), |_, _| ()), []);
    let reading = said(desk(), |table, _| table.go(Some(HERE)));
    assert_eq!(reading, [(0, Some(HERE), false), (20, Some(HERE), false), (40, Some(HERE), false)]);
}

#[test]
fn who_writes_says_one_word_every_few_seconds_and_one_when_it_is_over() {
    let writing = said(desk(), |table, tenth| {
        table.go(Some(HERE));
        if (100..300).contains(&tenth) {
            table.press(at(tenth * 100));
        }
    });
    let typing: Vec<i64> = writing.iter().filter(|(_, _, typing)| *typing).map(|(second, ..)| *second).collect();
    assert_eq!(typing, [10, 15, 20, 25, 30, 35]);
    assert!(writing.contains(&(37, Some(HERE), false)), "{writing:?}");
    assert!(writing.len() <= 9, "{writing:?}");
}

#[test]
fn who_goes_through_many_threads_says_one_word_in_two_seconds() {
    let many = said(desk(), |table, tenth| table.go(Some([u8::try_from(tenth % 200).unwrap(); 16])));
    assert!((29..=31).contains(&many.len()), "{}", many.len());
    let left = said(desk(), |table, tenth| table.go((tenth < 5).then_some(HERE)));
    assert_eq!(left, [(0, Some(HERE), false), (2, None, false)], "and that they are gone");
}

#[test]
fn who_is_there_answers_somebody_who_comes_and_then_both_are_silent() {
    let mut heard = 0;
    let answered = said(desk(), |table, tenth| {
        table.go(Some(HERE));
        if tenth == 50 || tenth == 60 {
            heard += 1;
            table.hear(&word(1, ANA, Some(HERE), false), at(tenth * 100));
        }
    });
    assert_eq!(heard, 2);
    assert_eq!(
        answered,
        [(0, Some(HERE), false), (5, Some(HERE), false), (25, Some(HERE), false), (45, Some(HERE), false)]
    );
}

#[test]
fn after_the_line_was_cut_nobody_is_there_until_they_say_so() {
    let mut table = desk();
    table.go(Some(HERE));
    table.hear(&word(1, ANA, Some(HERE), false), at(0));
    table.say(at(0)).unwrap();
    table.lose();
    assert_eq!(seen(&table, at(1)), []);
    assert!(table.say(at(1)).is_some(), "the others have not heard of this desk either");
}
