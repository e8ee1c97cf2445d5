//! What fits is what the needs say, and one camera more never needs less.

use super::*;
use proptest::prelude::*;

fn ring(slots: u32, backlog: Share) -> Ring {
    Ring { dir: "/dev/shm/nvr".into(), segment: Duration::from_secs(10), slots, backlog }
}

fn demand(cameras: u64, bitrate: u64) -> Demand {
    Demand { cameras, bitrate, ring: ring(10, Share::Fraction(0.25)), share: 0.05 }
}

fn machine() -> impl Strategy<Value = Machine> {
    let some = || prop::option::of(any::<u64>());
    (some(), some(), prop::option::of(0u64..1000), some(), some(), some(), some()).prop_map(
        |(ring, memory, cores, files, tasks, watches, archive)| Machine {
            ring,
            memory,
            cores,
            files,
            tasks,
            watches,
            archive,
        },
    )
}

fn of(plan: &Plan, resource: Resource) -> Need {
    *plan.needs.iter().find(|need| need.of == resource).expect("it is counted")
}

#[test]
fn the_formula_is_the_one_that_is_written_at_the_top() {
    let machine = Machine {
        ring: Some(16_000_000_000),
        memory: Some(32_000_000_000),
        cores: Some(4),
        files: Some(1024),
        tasks: Some(4915),
        watches: Some(8192),
        archive: Some(1_000_000_000_000),
    };
    let plan = Plan::of(&demand(100, 4_000_000), &machine);
    let all = |resource| of(&plan, resource).all;
    assert_eq!(all(Resource::Ring), 100 * 60_000_000 + 4_000_000_000);
    assert_eq!(all(Resource::Memory), 100 * 73_000_000 + 4_032_000_000);
    assert_eq!(all(Resource::Processor), 100 * 14_000);
    assert_eq!((all(Resource::Files), all(Resource::Tasks), all(Resource::Watches)), (956, 464, 100));
    let enough: Vec<_> = plan.needs.iter().map(|need| need.enough_for()).collect();
    assert_eq!(enough, [200, 383, 228, 109, 1212, 8192].map(Some));
    assert_eq!(plan.wall().map(|need| need.of), Some(Resource::Files));
    assert_eq!((plan.store.hour, plan.store.day, plan.store.at_once), (1_800_000_000, 216_000_000_000, 50_000_000));
    assert_eq!(plan.store.holds, Some(Duration::from_secs(400_000)));
    assert!(plan.fits() && !Plan::of(&demand(110, 4_000_000), &machine).fits());
}

#[test]
fn what_is_short_is_said_with_what_to_write() {
    let machine = Machine { files: Some(1024), tasks: Some(100), watches: Some(64), ..Machine::default() };
    let shape = ring(10, Share::Bytes(0));
    let said = shortages(200, &shape, &machine);
    assert_eq!(
        said[0],
        "200 cameras may need 1656 open files, and 1024 are allowed, enough for 109 (LimitNOFILE=2048 in the unit's \
         [Service], or before nvr in a shell: ulimit -n 2048)"
    );
    assert!(said[1].starts_with("200 cameras may need 850 processes, and 100 are allowed, enough for 12 "), "{said:?}");
    assert!(said[2].contains("200 watches, and 64 are allowed") && said[2].contains("sysctl"), "{said:?}");
    assert_eq!(shortages(8, &shape, &machine), Vec::<String>::new());
    let small = Space { total: 64 << 20, free: 0 };
    assert!(small_ring(&shape, 2, small).expect("a warning").contains("enough for 2.2 Mbit/s a camera"));
    assert_eq!(small_ring(&shape, 1, small), None);
}

proptest! {
    #[test]
    fn it_fits_exactly_as_long_as_the_wall_is_not_reached(
        cameras in 0u64..100_000, bitrate in 0u64..100_000_000, machine in machine(),
    ) {
        let plan = Plan::of(&demand(cameras, bitrate), &machine);
        for need in &plan.needs {
            if let Some(enough) = need.enough_for().filter(|_| need.there >= Some(need.beside)) {
                prop_assert_eq!(need.fits(), cameras <= enough, "{:?}", need);
            }
        }
        if let Some(wall) = plan.wall() {
            prop_assert!(plan.needs.iter().all(|need| need.enough_for().is_none_or(|it| Some(it) >= wall.enough_for())));
        }
        let more = Plan::of(&demand(cameras + 1, bitrate), &machine);
        prop_assert!(plan.needs.iter().zip(&more.needs).all(|(one, more)| one.all <= more.all));
        prop_assert!(more.fits() <= plan.fits());
        prop_assert!(more.store.holds.is_none() || plan.store.holds.is_none() || more.store.holds <= plan.store.holds);
    }

    /// Both ways of asking about the ring are one formula.
    #[test]
    fn a_bit_rate_that_there_is_room_for_fits(cameras in 1u64..500, slots in 2u32..100, total in 1u64..1 << 45, part in 0.0f64..0.9) {
        let ring = ring(slots, Share::Fraction(part));
        let bitrate = bitrate_for(&ring, cameras, total);
        let needed = |bitrate| ring_bytes(&ring, bitrate).saturating_mul(cameras).saturating_add(backlog(&ring, total));
        prop_assert!(needed(bitrate) <= total);
        prop_assert!(needed(bitrate + 2 + bitrate / 1000) + 8 * cameras > total - total / 500, "it is not told too small");
    }

    #[test]
    fn cameras_that_are_let_in_leave_what_the_rest_needs(files in any::<u64>(), tasks in any::<u64>()) {
        let machine = Machine { files: Some(files), tasks: Some(tasks), ..Machine::default() };
        let (most, _) = most_cameras(&machine).expect("a limit");
        prop_assert!(u128::from(most) * u128::from(FILES) + u128::from(OWN_FILES.min(files / 2)) <= u128::from(files));
        prop_assert!(most <= tasks);
    }
}
