//! While an agent's own request is under way, nothing of its session is replayed.

use super::{KEY, MINUTE, SESSION, keep, long_turn, play, settings};
use domain::purpose::Purpose;
use simulator::agent::{Agent, Kind};
use simulator::provider::Fault;
use simulator::world::World;

fn warm_ups(world: &World) -> usize {
    world.provider.calls_with(KEY).iter().filter(|call| call.purpose == Purpose::Warm).count()
}

#[test]
fn no_warm_up_leaves_while_the_clients_own_request_is_under_way() {
    play(settings(), async |world| {
        world.provider.accept(KEY);
        keep(&world, &[SESSION]);
        let mut agent = Agent::new(Kind::ClaudeCode, SESSION, KEY);
        long_turn(&world, &mut agent).await;
        world.pass(4 * MINUTE).await;
        world.provider.next(Fault::StallAfter(0));
        let request = agent.again();
        let meanwhile = async {
            world.pass(3 * MINUTE).await;
            warm_ups(&world)
        };
        let (_, during) = futures_util::future::join(world.send(&request), meanwhile).await;
        assert_eq!(during, 0, "the older cache's warm-up fell due meanwhile");
        long_turn(&world, &mut agent).await;
        world.pass(5 * MINUTE).await;
        assert_eq!(warm_ups(&world), 1, "the next turn's cache is held again");
    });
}
