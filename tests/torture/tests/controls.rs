//! The checker against journals and logs that are made up: in each one thing is wrong, and it must
//! be found, by its kind and no other. A checker that finds nothing proves nothing.

mod story;

use story::{PRODUCER, Story, place};
use torture::check::Image;
use torture::findings::Violation;
use torture::journal::{Entry, Operation, Outcome, Spot};

/// Topics of the plan, by their indexes.
const KEPT: usize = 0;
const STAMPED: usize = 1;
const TRIMMED: usize = 2;
const CHURNED: usize = 3;
/// A group that reads the topics that last, and one that reads the others.
const GROUP: usize = 0;
/// The producer of `CHURNED`.
const CHURNER: u16 = 5;

#[test]
fn a_good_story_passes() {
    let mut story = Story::new();
    story.produce(PRODUCER, place(KEPT, 0), 3);
    story.produce(PRODUCER, place(STAMPED, 1), 2);
    story.produce(PRODUCER, place(KEPT, 0), 2);
    story.read_all("group-0-0", place(KEPT, 0));
    story.check(&[]);
}

#[test]
fn a_lost_record_is_found() {
    let mut story = Story::new();
    story.produce(PRODUCER, place(KEPT, 0), 3);
    story.log(place(KEPT, 0)).records.pop();
    story.log(place(KEPT, 0)).end = 2;
    story.check(&[(Violation::Lost, 1)]);
}

#[test]
fn a_lost_partition_is_found() {
    let mut story = Story::new();
    story.produce(PRODUCER, place(KEPT, 0), 3);
    story.forget_log(place(KEPT, 0));
    story.check(&[(Violation::Lost, 3)]);
}

#[test]
fn a_record_lost_in_the_middle_is_found() {
    let mut story = Story::new();
    story.produce(PRODUCER, place(KEPT, 0), 3);
    story.log(place(KEPT, 0)).records.remove(1);
    story.check(&[(Violation::Lost, 1), (Violation::Gap, 1)]);
}

#[test]
fn a_doubled_record_is_found() {
    let mut story = Story::new();
    story.produce(PRODUCER, place(KEPT, 0), 2);
    let log = story.log(place(KEPT, 0));
    let mut again = log.records[1];
    again.offset = log.end;
    log.records.push(again);
    log.end += 1;
    story.check(&[(Violation::Doubled, 1)]);
}

#[test]
fn a_record_that_was_not_acknowledged_may_be_there_once() {
    let mut story = Story::new();
    story.produce(CHURNER, place(CHURNED, 0), 1);
    story.take_back_answers(CHURNER);
    story.check(&[]);
    let log = story.log(place(CHURNED, 0));
    let mut again = log.records[0];
    again.offset = log.end;
    log.records.push(again);
    log.end += 1;
    story.check(&[(Violation::Doubled, 1)]);
}

#[test]
fn a_changed_value_is_found() {
    let mut story = Story::new();
    story.produce(PRODUCER, place(KEPT, 0), 2);
    story.log(place(KEPT, 0)).records[1].digest ^= 1;
    story.check(&[(Violation::Changed, 1)]);
}

#[test]
fn a_changed_time_is_found() {
    for topic in [KEPT, STAMPED] {
        let mut story = Story::new();
        story.produce(PRODUCER, place(topic, 0), 2);
        story.log(place(topic, 0)).records[0].timestamp += 1;
        story.check(&[(Violation::Changed, 1)]);
    }
}

#[test]
fn reordered_records_are_found() {
    let mut story = Story::new();
    story.produce(PRODUCER, place(KEPT, 0), 3);
    // Both are where they were acknowledged.
    story.swap_with_answers(place(KEPT, 0), 1, 2);
    story.check(&[(Violation::Reordered, 1)]);
}

#[test]
fn a_record_that_is_not_where_it_was_acknowledged_is_found() {
    let mut story = Story::new();
    story.produce(PRODUCER, place(KEPT, 0), 1);
    story.produce(PRODUCER + 1, place(KEPT, 0), 1);
    let log = story.log(place(KEPT, 0));
    let (first, second) = (log.records[0], log.records[1]);
    log.records[0] = second;
    log.records[0].offset = 0;
    log.records[1] = first;
    log.records[1].offset = 1;
    story.check(&[(Violation::Moved, 2)]);
}

#[test]
fn a_record_that_nobody_sent_is_found() {
    let mut story = Story::new();
    story.produce(PRODUCER, place(KEPT, 0), 1);
    let log = story.log(place(KEPT, 0));
    let mut invented = log.records[0];
    invented.offset = log.end;
    invented.sequence = 77;
    log.records.push(invented);
    log.end += 1;
    story.check(&[(Violation::Invented, 1)]);
}

#[test]
fn a_record_in_another_partition_is_found() {
    let mut story = Story::new();
    story.produce(PRODUCER, place(KEPT, 0), 1);
    story.produce(PRODUCER, place(KEPT, 1), 1);
    let stray = story.log(place(KEPT, 0)).records[0];
    story.log(place(KEPT, 1)).records[0] = stray;
    story.check(&[(Violation::Moved, 1), (Violation::Lost, 1)]);
}

#[test]
fn a_record_without_answer_is_found_when_the_load_is_over() {
    let mut story = Story::new();
    story.produce(PRODUCER, place(KEPT, 0), 2);
    story.take_back_answers(PRODUCER);
    story.check(&[]);
    story.note("run", Entry::LoadOver);
    story.read_all("group-0-0", place(KEPT, 0));
    story.read_all("group-1-0", place(KEPT, 0));
    story.check(&[(Violation::Unanswered, 2)]);
}

#[test]
fn what_retention_removed_is_not_missed() {
    let mut story = Story::new();
    story.produce(PRODUCER, place(TRIMMED, 0), 4);
    let log = story.log(place(TRIMMED, 0));
    log.start = 2;
    log.records.drain(..2);
    story.check(&[]);
    // In another topic it would be.
    let mut story = Story::new();
    story.produce(PRODUCER, place(KEPT, 0), 4);
    let log = story.log(place(KEPT, 0));
    log.start = 2;
    log.records.drain(..2);
    story.check(&[(Violation::Lost, 2), (Violation::Gap, 1)]);
}

#[test]
fn deleted_records_that_come_back_are_found() {
    let mut story = Story::new();
    story.produce(PRODUCER, place(TRIMMED, 0), 4);
    story.note("trimmer", Entry::Trimmed(place(TRIMMED, 0), 3));
    story.note("trimmer", Entry::Trimmed(place(TRIMMED, 0), 2));
    let log = story.log(place(TRIMMED, 0));
    log.start = 3;
    let gone = log.records.drain(..3).collect::<Vec<_>>();
    story.check(&[]);
    let log = story.log(place(TRIMMED, 0));
    log.start = 2;
    log.records.insert(0, gone[2]);
    story.check(&[(Violation::Reborn, 1)]);
}

#[test]
fn a_record_of_a_deleted_topic_that_comes_back_is_found() {
    let mut story = Story::new();
    story.produce(CHURNER, place(CHURNED, 0), 2);
    let old = story.log(place(CHURNED, 0)).clone();
    story.make_again(CHURNED);
    story.produce(CHURNER, place(CHURNED, 0), 1);
    story.check(&[]);
    let log = story.log(place(CHURNED, 0));
    let mut reborn = old.records[1];
    reborn.offset = log.end;
    log.records.push(reborn);
    log.end += 1;
    story.check(&[(Violation::Reborn, 1)]);
}

#[test]
fn a_loss_in_a_topic_that_is_deleted_later_is_found() {
    let mut story = Story::new();
    story.produce(CHURNER, place(CHURNED, 0), 3);
    let Image {
        place,
        incarnation,
        start,
        end,
        mut records,
    } = story.log(place(CHURNED, 0)).clone();
    records.pop();
    let end = end - 1;
    story.note(
        "topic-3",
        Entry::Image {
            place,
            incarnation,
            start,
            end,
            records,
        },
    );
    story.make_again(CHURNED);
    story.check(&[(Violation::Lost, 1)]);
}

#[test]
fn readers_must_have_seen_what_the_log_holds() {
    let mut story = Story::new();
    story.produce(PRODUCER, place(KEPT, 0), 3);
    story.take_back_answers(PRODUCER);
    story.read_all("group-0-0", place(KEPT, 0));
    // What was read at offset 1 is not there any more.
    let log = story.log(place(KEPT, 0));
    log.records.remove(1);
    log.records[1].offset = 1;
    log.end = 2;
    story.check(&[(Violation::Disagreement, 2)]);
}

#[test]
fn a_record_that_a_reader_was_not_given_is_found() {
    let mut story = Story::new();
    story.produce(PRODUCER, place(KEPT, 0), 4);
    let records = story.log(place(KEPT, 0)).records.clone();
    story.note("group-0-0", Entry::Start(place(KEPT, 0), Some(0)));
    for held in [records[0], records[1], records[3]] {
        story.note("group-0-0", Entry::Seen(place(KEPT, 0), held));
    }
    story.check(&[(Violation::Skipped, 1)]);
    story.read_all("group-1-0", place(KEPT, 0));
    story.note("run", Entry::LoadOver);
    story.check(&[(Violation::Skipped, 1), (Violation::NotDelivered, 1)]);
}

#[test]
fn a_reader_goes_back_to_what_it_has_had_once_for_each_start() {
    let mut story = Story::new();
    story.produce(PRODUCER, place(KEPT, 0), 4);
    let records = story.log(place(KEPT, 0)).records.clone();
    story.note("group-0-0", Entry::Start(place(KEPT, 0), Some(0)));
    let see = |story: &mut Story, index: usize| {
        story.note("group-0-0", Entry::Seen(place(KEPT, 0), records[index]));
    };
    for index in [0, 1, 1, 2] {
        see(&mut story, index);
    }
    story.check(&[]);
    // But only once for each start of the broker.
    see(&mut story, 2);
    story.check(&[(Violation::Skipped, 1)]);
    story.note("nemesis", Entry::Answers(1));
    see(&mut story, 2);
    story.check(&[(Violation::Skipped, 1)]);
    // And nothing is left out behind it.
    story.note("nemesis", Entry::Answers(1));
    for index in [0, 3] {
        see(&mut story, index);
    }
    story.check(&[(Violation::Skipped, 2)]);
}

#[test]
fn a_reader_that_is_sent_back_is_found() {
    let mut story = Story::new();
    story.produce(PRODUCER, place(KEPT, 0), 3);
    let records = story.log(place(KEPT, 0)).records.clone();
    story.note("group-0-0", Entry::Start(place(KEPT, 0), Some(1)));
    for held in [records[1], records[0]] {
        story.note("group-0-0", Entry::Seen(place(KEPT, 0), held));
    }
    story.check(&[(Violation::Skipped, 1)]);
}

#[test]
fn offsets_that_go_back_are_found() {
    let spots = |offset| vec![Spot(place(KEPT, 0), offset)];
    let mut story = Story::new();
    story.note_at(10, "group-0-0", Entry::Commit(GROUP, spots(5)));
    story.note_at(20, "group-0-0", Entry::Committed(GROUP, spots(5)));
    // Asked before the answer: it need not know.
    story.note_at(25, "nemesis", Entry::ReadBack(GROUP, 15, spots(-1)));
    story.note_at(40, "nemesis", Entry::ReadBack(GROUP, 30, spots(5)));
    story.check(&[]);
    story.note_at(60, "nemesis", Entry::ReadBack(GROUP, 50, spots(4)));
    story.check(&[(Violation::OffsetsGoneBack, 1)]);
}

#[test]
fn offsets_that_were_read_once_and_go_back_are_found() {
    let spots = |offset| vec![Spot(place(KEPT, 0), offset)];
    let mut story = Story::new();
    // Never acknowledged, but read.
    story.note_at(10, "group-0-0", Entry::Commit(GROUP, spots(5)));
    story.note_at(40, "group-0-1", Entry::ReadBack(GROUP, 30, spots(5)));
    story.note_at(60, "nemesis", Entry::ReadBack(GROUP, 50, spots(-1)));
    story.check(&[(Violation::OffsetsGoneBack, 1)]);
}

#[test]
fn offsets_that_nobody_committed_are_found() {
    let spots = |offset| vec![Spot(place(KEPT, 0), offset)];
    let mut story = Story::new();
    story.note_at(10, "group-0-0", Entry::Commit(GROUP, spots(5)));
    story.note_at(40, "nemesis", Entry::ReadBack(GROUP, 30, spots(6)));
    story.check(&[(Violation::Invented, 1)]);
}

#[test]
fn topics_that_come_back_or_vanish_are_found() {
    use Operation::{Create, Delete};
    use Outcome::{Already, Done, Unknown};
    let lost = || Unknown("no answer".to_owned());
    let check = |answers: &[(Operation, Outcome)], wanted: &[(Violation, u64)]| {
        let mut story = Story::new();
        for (operation, outcome) in answers {
            story.note("topic-3", Entry::Asked(CHURNED, *operation));
            let answer = Entry::Answered(CHURNED, *operation, outcome.clone());
            story.note("topic-3", answer);
        }
        story.check(wanted);
    };
    // The story has made it once.
    check(&[(Delete, Done), (Create, Done)], &[]);
    check(
        &[(Delete, lost()), (Delete, Already), (Create, lost())],
        &[],
    );
    check(&[(Delete, lost()), (Delete, Done)], &[]);
    check(&[(Delete, Done), (Create, lost()), (Create, Already)], &[]);
    check(
        &[(Delete, Done), (Create, Already)],
        &[(Violation::TopicReborn, 1)],
    );
    check(&[(Delete, Already)], &[(Violation::TopicLost, 1)]);
    check(&[(Create, Done)], &[(Violation::TopicLost, 1)]);
    check(
        &[(Delete, Done), (Delete, Done)],
        &[(Violation::TopicReborn, 1)],
    );
}

#[test]
fn clients_that_give_up_are_found() {
    let failed = |producer| Entry::Failed {
        producer,
        sequence: 0,
        reason: "out of order".to_owned(),
    };
    let fatal = |producer| Entry::Fatal {
        producer,
        reason: "out of order".to_owned(),
    };
    let mut story = Story::new();
    story.intend(CHURNER, place(CHURNED, 0));
    story.note("topic-3", failed(CHURNER));
    story.note("topic-3", fatal(CHURNER));
    // A topic that is deleted fails its producer.
    story.check(&[]);
    story.intend(PRODUCER, place(KEPT, 0));
    story.note("producer-00", failed(PRODUCER));
    story.note("producer-00", fatal(PRODUCER));
    story.check(&[(Violation::Refused, 1), (Violation::Fatal, 1)]);
}

#[test]
fn a_journal_that_contradicts_itself_proves_nothing() {
    let mut story = Story::new();
    story.produce(PRODUCER, place(KEPT, 0), 1);
    story.note(
        "producer-00",
        Entry::Acknowledged {
            producer: PRODUCER,
            sequence: 9,
            partition: 0,
            offset: 9,
            timestamp: 0,
        },
    );
    assert!(story.judge().is_err());
}
