use super::*;
use crate::samples::many;
use proptest::prelude::*;

fn told(machine: &mut EmbedderMachine, message: EmbedderMessage) -> Vec<EmbedderEffect> {
    let mut effects = Vec::new();
    machine.on(message, Moment::from(Duration::ZERO), &mut effects);
    effects
}

fn embedded(texts: usize, took: u64) -> EmbedderMessage {
    EmbedderMessage::Embedded { texts, took: Duration::from_millis(took) }
}

#[test]
fn it_rests_three_times_as_long_as_the_work_took() {
    let mut machine = EmbedderMachine::default();
    assert_eq!(told(&mut machine, EmbedderMessage::LookDue), [EmbedderEffect::Embed]);
    assert_eq!(told(&mut machine, EmbedderMessage::LookDue), [], "whatever is under way looks again itself");
    let rest = |machine: &mut EmbedderMachine, took| told(machine, embedded(16, took));
    assert_eq!(rest(&mut machine, 100), [EmbedderEffect::ArmLook(Duration::from_millis(300))]);
    assert_eq!(rest(&mut machine, 0), [EmbedderEffect::ArmLook(RESTS[0])]);
    assert_eq!(rest(&mut machine, u64::MAX), [EmbedderEffect::ArmLook(RESTS[1])]);
    assert_eq!(told(&mut machine, embedded(0, 1)), [EmbedderEffect::ArmLook(LOOK)], "nothing is left");
}

#[test]
fn failures_make_it_wait_longer_each_time_until_something_works() {
    let mut machine = EmbedderMachine::default();
    let failed = |machine: &mut EmbedderMachine| match told(machine, EmbedderMessage::Failed)[..] {
        [EmbedderEffect::ArmLook(wait)] => wait.as_secs(),
        ref other => panic!("{other:?}"),
    };
    let waits: Vec<u64> = (0..8).map(|_| failed(&mut machine)).collect();
    assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 300]);
    told(&mut machine, embedded(1, 1));
    assert_eq!(failed(&mut machine), 5);
}

proptest! {
    #![proptest_config(many())]

    /// Whatever comes when: there is never more than one piece of work under way, and one look is always to come.
    #[test]
    fn one_piece_of_work_is_under_way_or_one_look_is_armed(steps in proptest::collection::vec(0..4_usize, 0..60)) {
        let mut machine = EmbedderMachine::default();
        let (mut at_work, mut armed) = (0, 1);
        for step in steps {
            let message = match step {
                0 if armed > 0 => EmbedderMessage::LookDue,
                1 if at_work > 0 => embedded(3, 7),
                2 if at_work > 0 => embedded(0, 0),
                3 if at_work > 0 => EmbedderMessage::Failed,
                _ => continue,
            };
            if step == 0 { armed -= 1 } else { at_work -= 1 }
            for effect in told(&mut machine, message) {
                match effect {
                    EmbedderEffect::Embed => at_work += 1,
                    EmbedderEffect::ArmLook(_) => armed += 1,
                }
            }
            prop_assert_eq!(at_work + armed, 1);
        }
    }
}
