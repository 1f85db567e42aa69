use super::super::{QuietHours, Shows, Whose};
use super::*;

const ME: Uuid = Uuid::from_u128(1);

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000 + second, 0).unwrap()
}

fn moment(second: i64) -> Moment {
    Moment { now: at(second), zone: chrono_tz::UTC, me: ME, seen: None }
}

fn arrival(thread: u128, second: i64) -> Arrival {
    let message = Uuid::from_u128(thread * 1_000 + u128::try_from(second).unwrap());
    Arrival { thread: Uuid::from_u128(thread), message, sent_at: at(second), assignee: None }
}

fn choice() -> Choice {
    Choice { on: true, whose: Whose::MineAndNobodys, shows: Shows::Name, sound: true, quiet: None }
}

fn said(notices: &(Vec<Notice>, bool)) -> Vec<u128> {
    let thread = |notice: &Notice| match notice {
        Notice::Thread { thread, .. } => thread.as_u128(),
        Notice::Many { .. } => 0,
    };
    notices.0.iter().map(thread).collect()
}

#[test]
fn what_was_written_before_is_not_said_and_the_rest_once() {
    let mut teller = Teller::since(at(10));
    let waiting = [arrival(7, 9), arrival(7, 10), arrival(7, 11)];
    assert_eq!(said(&teller.tell(&waiting, &choice(), &moment(12))), [7]);
    assert_eq!(teller.tell(&waiting, &choice(), &moment(13)), (Vec::new(), false));
    let later = [arrival(7, 11), arrival(7, 14)];
    assert_eq!(said(&teller.tell(&later, &choice(), &moment(15))), [7]);
}

#[test]
fn messages_of_one_thread_are_one_notice_of_the_newest() {
    let mut teller = Teller::since(at(0));
    let (notices, _) = teller.tell(&[arrival(7, 3), arrival(7, 1), arrival(7, 2)], &choice(), &moment(4));
    let thread = Uuid::from_u128(7);
    assert_eq!(notices, [Notice::Thread { thread, message: arrival(7, 3).message, sound: true }]);
}

#[test]
fn two_messages_of_the_same_instant_are_both_said() {
    let mut teller = Teller::since(at(0));
    let (one, other) = (arrival(7, 1), Arrival { message: Uuid::from_u128(9_999), ..arrival(7, 1) });
    assert_eq!(said(&teller.tell(&[one], &choice(), &moment(2))), [7]);
    assert_eq!(said(&teller.tell(&[one, other], &choice(), &moment(3))), [7]);
}

#[test]
fn a_rush_is_said_together_and_counted_whole() {
    let mut teller = Teller::since(at(0));
    assert_eq!(said(&teller.tell(&[arrival(1, 1), arrival(2, 1)], &choice(), &moment(1))), [1, 2]);
    let (notices, _) = teller.tell(&[arrival(3, 5), arrival(3, 6), arrival(4, 5)], &choice(), &moment(6));
    assert_eq!(notices, [Notice::Many { threads: 4, messages: 5, sound: true }]);
    let (notices, _) = teller.tell(&[arrival(5, 20)], &choice(), &moment(20));
    assert_eq!(notices, [Notice::Many { threads: 5, messages: 6, sound: true }]);
    assert_eq!(said(&teller.tell(&[arrival(6, 200)], &choice(), &moment(200))), [6], "the rush is over");
}

#[test]
fn the_thread_before_somebodys_eyes_is_not_said() {
    let mut teller = Teller::since(at(0));
    let seen = Moment { seen: Some(Uuid::from_u128(7)), ..moment(2) };
    assert_eq!(said(&teller.tell(&[arrival(7, 1), arrival(8, 1)], &choice(), &seen)), [8]);
    assert_eq!(said(&teller.tell(&[arrival(7, 1)], &choice(), &moment(3))), [0; 0], "nor afterwards");
}

#[test]
fn what_came_in_quiet_hours_or_while_it_was_off_is_not_said_later() {
    let minute = |second| u32::try_from(at(second).timestamp() % 86_400 / 60).unwrap();
    let quiet = Some(QuietHours { from_minute: minute(0), until_minute: minute(300) });
    let mut teller = Teller::since(at(0));
    let (notices, any) = teller.tell(&[arrival(7, 1)], &Choice { quiet, ..choice() }, &moment(2));
    assert!(notices.is_empty() && any, "it counts as said");
    let off = Choice { on: false, ..choice() };
    assert!(teller.tell(&[arrival(8, 400)], &off, &moment(400)).0.is_empty());
    assert!(teller.tell(&[arrival(7, 1), arrival(8, 400)], &choice(), &moment(500)).0.is_empty());
}

#[test]
fn a_thread_that_becomes_mine_is_said_then() {
    let mut teller = Teller::since(at(0));
    let others = Arrival { assignee: Some(Uuid::from_u128(2)), ..arrival(7, 1) };
    assert_eq!(teller.tell(&[others], &choice(), &moment(2)), (Vec::new(), false));
    let mine = Arrival { assignee: Some(ME), ..others };
    assert_eq!(said(&teller.tell(&[mine], &choice(), &moment(3))), [7]);
}

#[test]
fn it_sounds_once_for_what_comes_together() {
    let mut teller = Teller::since(at(0));
    let sounds = |(notices, _): (Vec<Notice>, bool)| -> Vec<bool> {
        let sound = |notice: &Notice| match notice {
            Notice::Thread { sound, .. } | Notice::Many { sound, .. } => *sound,
        };
        notices.iter().map(sound).collect()
    };
    assert_eq!(sounds(teller.tell(&[arrival(1, 1), arrival(2, 2)], &choice(), &moment(2))), [true, false]);
    assert_eq!(sounds(teller.tell(&[arrival(1, 3)], &choice(), &moment(4))), [false], "it has just sounded");
    assert_eq!(sounds(teller.tell(&[arrival(1, 9)], &choice(), &moment(10))), [true]);
    let silent = Choice { sound: false, ..choice() };
    assert_eq!(sounds(teller.tell(&[arrival(1, 90)], &silent, &moment(91))), [false]);
}

#[test]
fn a_phone_whose_clock_is_ahead_is_said_once_also_after_a_restart() {
    let mut teller = Teller::since(at(0));
    let ahead = arrival(7, 900);
    assert_eq!(said(&teller.tell(&[ahead], &choice(), &moment(2))), [7]);
    let mut restarted = Teller::since(teller.told_until(at(2)));
    assert!(restarted.tell(&[ahead], &choice(), &moment(3)).0.is_empty());
}
